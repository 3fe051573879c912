"""What all WebSockets here have in common: who is logged in, how many they may open, JSON answers, their end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from demo_app.errors import AppError, ErrorCode, InvalidFields, TryLater
from demo_app.handlers.account import AccountHandler
from demo_app.services.accounts import Accounts
from demo_app.services.origin import is_cross_site
from demo_app.services.slots import Slots
from demo_app.stores.base import StoreUnavailable
from framework.session import SessionStoreUnavailable
from framework.websocket import WebSocketClosedError, WebSocketHandler

__all__ = ["GOING_AWAY", "TRY_AGAIN_LATER", "SocketHandler"]

# RFC 6455 section 7.4.1, and what was registered since.
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013

#: Seconds after which a store that is away is worth another try.
RETRY_AFTER = 2

_FAILURES = (AppError, StoreUnavailable, SessionStoreUnavailable)


class SocketHandler(AccountHandler, WebSocketHandler):
    """The base of these handlers. What a client sends is answered in the order in which it was sent."""

    #: Who opens it: the account's id.
    owner = ""
    #: Fields of the present message that its answer repeats, so that the client knows which one is meant.
    repeated: Mapping[str, str] = {}

    _counted = False

    def initialize(self, accounts: Accounts, slots: Slots, stopping: Callable[[], bool]) -> None:  # type: ignore[override]  # the route's
        """Take what the route table gives."""
        super().initialize(accounts)
        self.slots = slots
        self.stopping = stopping

    async def prepare(self) -> None:
        """Refuse, before there is a socket, other sites' pages and whoever is not logged in."""
        headers = self.request.headers
        origin = headers.get("Origin") or headers.get("Sec-WebSocket-Origin")
        # A page of another site may open a socket here, and the browser sends the cookies: as bad as a form.
        if is_cross_site("POST", headers.get("Host"), origin, headers.get("Sec-Fetch-Site")):
            raise AppError(ErrorCode.CROSS_SITE, "Origin or Sec-Fetch-Site names another site")
        await super().prepare()
        self.owner = self.user()["id"]

    def check_origin(self, origin: str) -> bool:
        """Let in whom `prepare` has let in: it has looked at the origin, and at more than that."""
        return True

    async def begin(self) -> None:
        """Do what there is to do when the socket is open."""

    async def answer(self, message: str) -> dict[str, Any]:
        """Answer a message.

        Returns:
            The fields of the answer.
        """
        raise AppError(ErrorCode.BAD_REQUEST, "nothing is expected here")

    async def open(self, *args: str, **kwargs: str) -> None:
        """Count the socket, and begin."""
        try:
            if self.stopping():
                raise TryLater(ErrorCode.BUSY, RETRY_AFTER)
            self.slots.take(self.owner)
            self._counted = True
            await self.begin()
        except _FAILURES as error:
            self.send_outcome(error)
            self.close(TRY_AGAIN_LATER, "try again later")
        except WebSocketClosedError:
            # The client is gone already.
            pass
        except BaseException:
            # The end of a socket that was never really open is told to nobody.
            self.on_close()
            raise

    async def on_message(self, message: str | bytes) -> None:
        """Answer a message, or say what is wrong with it."""
        self.repeated = {}
        try:
            if isinstance(message, bytes):
                raise AppError(ErrorCode.BAD_REQUEST, "send text")
            if not await self._still_logged_in():
                return
            fields = await self.answer(message)
        except _FAILURES as error:
            self.send_outcome(error, **self.repeated)
        else:
            self.send_outcome(None, **fields)

    async def on_pong(self, data: bytes) -> None:  # type: ignore[override]  # it is waited for
        """Look whether the session is still there: a logout ends the socket, too."""
        try:
            await self._still_logged_in()
        except (StoreUnavailable, SessionStoreUnavailable):
            # Nobody knows at the moment.
            pass

    def on_close(self) -> None:
        """Count the socket no more."""
        if self._counted:
            self._counted = False
            self.slots.give_back(self.owner)

    def send_outcome(self, error: Exception | None, **fields: Any) -> None:
        """Send an answer in the shape of all answers: `{"code": ..., "message": ...}` and further fields.

        Args:
            error: what went wrong.
            fields: JSON values.
        """
        if isinstance(error, (StoreUnavailable, SessionStoreUnavailable)):
            fields["retry_after"] = RETRY_AFTER
            error = AppError(ErrorCode.UNAVAILABLE, str(error))
        if isinstance(error, InvalidFields):
            fields["fields"] = error.fields
        if isinstance(error, TryLater):
            fields["retry_after"] = error.retry_after
        known = error if isinstance(error, AppError) else None
        self.send(json.dumps(self._outcome(known) | fields, ensure_ascii=False))

    def send(self, text: str) -> bool:
        """Send some text.

        Returns:
            Whether there is still somebody to send it to.
        """
        try:
            self.write_message(text)
        except WebSocketClosedError:
            return False
        return True

    async def _still_logged_in(self) -> bool:
        user = self.user()
        if await self.session.touch() and not await self.accounts.session_ended(user["id"], user["began"]):
            return True
        self.close(POLICY_VIOLATION, "logged out")
        return False
