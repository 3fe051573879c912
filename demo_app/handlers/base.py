"""What all handlers have in common: JSON answers, errors, fields of forms and JSON, the visitor."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from demo_app.errors import MESSAGES, AppError, ErrorCode, InvalidFields, TryLater, code_for_status
from demo_app.logs import begin_request
from demo_app.services.events import Visitor
from demo_app.services.origin import is_cross_site
from demo_app.stores.base import StoreUnavailable
from framework.session import SessionBaseHandler, SessionStoreUnavailable
from framework.web import HTTPError, RequestHandler

__all__ = ["Handler", "NotFoundHandler", "json_fields"]

#: Seconds after which a store that is away is worth another try.
RETRY_AFTER = 2

logger = logging.getLogger("demo_app")


class Handler(SessionBaseHandler):
    """The base of all handlers."""

    _request_id: str | None = None

    def set_default_headers(self) -> None:
        """Answers are for one person and one moment, and nothing but what they say they are."""
        # Called first of all, and again where an error page takes an answer's place.
        if self._request_id is None:
            self._request_id = begin_request(self.request.headers.get("X-Request-Id"))
        self.set_header("X-Request-Id", self._request_id)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> Awaitable[None] | None:
        """Refuse what another site's page sends."""
        headers = self.request.headers
        if is_cross_site(
            self.request.method or "",
            headers.get("Host"),
            headers.get("Origin"),
            headers.get("Sec-Fetch-Site"),
        ):
            raise AppError(ErrorCode.CROSS_SITE, "Origin or Sec-Fetch-Site names another site")
        return None

    def get_current_user(self) -> dict[str, Any] | None:
        """Who is logged in: the account's `id` and `username`, when the session `began` (epoch seconds)."""
        if not self.session_autoload:
            # A page without a session must not need its store.
            return None
        user: dict[str, Any] | None = self.session.get("user")
        return user

    @property
    def visitor(self) -> Visitor:
        """Who makes this request."""
        return Visitor(self.request.remote_ip or "", self.request.headers.get("User-Agent", ""))

    def fields(self) -> dict[str, str]:
        """The fields of a form or of a JSON object in the body.

        Raises:
            AppError: `UNSUPPORTED_MEDIA_TYPE`, `BAD_REQUEST` or `INVALID_FIELDS`.
        """
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type == "application/json":
            return json_fields(self.request.body)
        if (
            media_type in ("application/x-www-form-urlencoded", "multipart/form-data")
            or not self.request.body
        ):
            return {name: self.get_body_argument(name, strip=False) for name in self.request.body_arguments}
        raise AppError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type is {media_type!r}: send a form or application/json",
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the error's code, see `demo_app.errors`."""
        error = kwargs["exc_info"][1] if kwargs.get("exc_info") else None
        more: dict[str, Any] = {}
        if isinstance(error, (StoreUnavailable, SessionStoreUnavailable)):
            error = AppError(ErrorCode.UNAVAILABLE, str(error))
            self.set_header("Retry-After", RETRY_AFTER)
        if not isinstance(error, AppError):
            message = error.get_message() or "" if isinstance(error, HTTPError) else repr(error)
            error = AppError(code_for_status(status_code), message)
        else:
            status_code = error.status
        if isinstance(error, InvalidFields):
            more["fields"] = error.fields
        if isinstance(error, TryLater):
            self.set_header("Retry-After", error.retry_after)
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._methods()))
        self.response_json(error, status_code, **more)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """One line for an outage, none for what is the client's affair."""
        if isinstance(value, StoreUnavailable):
            logger.warning("%s", value)
        elif not isinstance(value, AppError):
            super().log_exception(typ, value, tb)

    def response_json(self, error: AppError | None = None, status_code: int = 200, **kwargs: Any) -> None:
        """Answer with `{"code": ..., "message": ...}` and further fields.

        Args:
            error: what went wrong; its own message is shown in DEBUG only, otherwise its code's.
            status_code: of HTTP.
            kwargs: further fields: JSON values.
        """
        data = self._outcome(error) | kwargs
        content = json.dumps(data, ensure_ascii=False, indent=4 if self._debug else None)
        self.response(content, "application/json; charset=utf-8", status_code)

    def response_html(
        self, template: str, error: AppError | None = None, status_code: int = 200, **kwargs: Any
    ) -> None:
        """Answer with a page.

        Args:
            template: its file's name; it sees `code`, `message` and the further fields.
            error, status_code, kwargs: as for `response_json`.
        """
        content = self.render_string(template, **self._outcome(error), **kwargs)
        self.response(content, "text/html; charset=utf-8", status_code)

    def response(self, content: str | bytes, content_type: str, status_code: int = 200) -> None:
        """Answer with this content."""
        self.set_status(status_code)
        self.set_header("Content-Type", content_type)
        self.finish(content)

    @property
    def _debug(self) -> bool:
        return bool(self.settings.get("serve_traceback"))

    def _outcome(self, error: AppError | None) -> dict[str, Any]:
        if error is None:
            return {"code": int(ErrorCode.OK), "message": ""}
        message = error.message if self._debug and error.message else MESSAGES[error.code]
        return {"code": int(error.code), "message": message}

    def _methods(self) -> list[str]:
        missing = RequestHandler._unimplemented_method
        return [
            method for method in self.SUPPORTED_METHODS if getattr(type(self), method.lower()) is not missing
        ]


class NotFoundHandler(Handler):
    """Answers wherever no route leads."""

    session_autoload = False

    def prepare(self) -> None:
        """Whatever the method."""
        raise AppError(ErrorCode.NOT_FOUND, f"nothing at {self.request.path}")


def json_fields(body: str | bytes) -> dict[str, str]:
    """The fields of a JSON object whose values are text.

    Raises:
        AppError: `BAD_REQUEST` or `INVALID_FIELDS`.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AppError(ErrorCode.BAD_REQUEST, f"the body is no JSON: {error}") from error
    if not isinstance(values, dict) or not all(map(_is_text, values)):
        raise AppError(
            ErrorCode.BAD_REQUEST, "the body should be a JSON object with names that are Unicode text"
        )
    wrong = {name: "text" for name, value in values.items() if not _is_text(value)}
    if wrong:
        raise InvalidFields(wrong)
    return values


def _is_text(value: object) -> bool:
    """Whether it can be sent on. Half of a surrogate pair can come in JSON; nothing else takes it."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
