"""The request handler with `self.session`."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from framework.log import app_log
from framework.session.errors import SessionConfigError, SessionStoreUnavailable
from framework.session.session import Session
from framework.session.settings import ApplicationSessions
from framework.web import OutputTransform, RequestHandler

__all__ = ["SessionBaseHandler"]


class SessionBaseHandler(RequestHandler):
    """A request handler with a session; see the `session=` setting in `SessionSettings`.

    The session is there in `prepare()` and the method, and its changes are stored before the response's
    headers leave. A response with a status of 500 or above drops the changes, except that an ended session
    stays ended. With a handler of another kind, name this class first: `class Chat(SessionBaseHandler,
    WebSocketHandler)`.
    """

    #: Whether the session is loaded before `prepare()`, if the request has one. If False, a session in a
    #: store outside of this process needs `await self.session.load()` before it is used.
    session_autoload = True

    _session: Session | None = None
    _session_cookie_stale = False
    _session_outage: SessionStoreUnavailable | None = None

    @property
    def session(self) -> Session:
        """The visitor's session.

        Raises:
            SessionConfigError: the application has no `session=` setting, or no secret for its cookie.
        """
        session = self._session
        if session is None:
            sessions = ApplicationSessions.of(self.application)
            client_id = None
            if (value := self.get_cookie(sessions.cookie.name)) is not None:
                client_id, self._session_cookie_stale = sessions.cookie.read(value)
            session = self._session = Session(sessions.store, sessions.lifetime, client_id)
        return session

    async def _execute(self, transforms: list[OutputTransform], *args: bytes, **kwargs: bytes) -> None:
        if self.session_autoload and "Cookie" in self.request.headers:
            try:
                session = self.session
                if not session.loaded:
                    await session.load()
            except (SessionConfigError, SessionStoreUnavailable):
                # Raised again when the handler uses the session; one that doesn't works without.
                pass
        await super()._execute(transforms, *args, **kwargs)

    def _before_headers(self) -> Awaitable[None] | None:
        session = self._session
        if session is None or self._session_outage is not None:
            return None
        if session.used:
            self.add_header("Vary", "Cookie")
        failed = self.get_status() >= 500
        cookie_changes = session.cookie_is_new or session.cookie_is_void or self._session_cookie_stale
        if failed or cookie_changes or session.modified:
            return self._settle_session(session, failed)
        session.seal()
        return None

    async def _settle_session(self, session: Session, failed: bool) -> None:
        await (session.revert() if failed else session.save())
        session.seal()
        cookie = ApplicationSessions.of(self.application).cookie
        https = self.request.protocol == "https"
        if session.cookie_is_new or (
            # Asked once more, because another request may have ended or renewed the session since it was
            # loaded, and its cookie must not come back.
            self._session_cookie_stale and not failed and session.alive and await session.touch()
        ):
            self.set_cookie(cookie.name, cookie.sign(session.id or ""), **cookie.attributes(https))
        elif session.cookie_is_void:
            self.clear_cookie(cookie.name, **cookie.place(https))

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer 503 with `Retry-After` where the store of the sessions is not available."""
        error = kwargs["exc_info"][1] if kwargs.get("exc_info") else None
        if isinstance(error, SessionStoreUnavailable):
            self._session_outage = error
            status_code = 503
        super().send_error(status_code, **kwargs)

    def clear(self) -> None:
        """Reset headers and content of the response."""
        super().clear()
        if self._session_outage is not None:
            self.set_header("Retry-After", str(self._session_outage.retry_after))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an outage of the store in one line, and everything else as usual."""
        if isinstance(value, SessionStoreUnavailable):
            app_log.warning("503 %s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)
