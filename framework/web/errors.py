"""Exceptions by which a handler ends a request.

Exception
├── HTTPError                   the request is answered with an error page
│   └── MissingArgumentError    400: an argument without a default is missing
└── Finish                      the request is over; what was written is sent
"""

from __future__ import annotations

import copyreg
from typing import Any

from framework.httputil.messages import responses

__all__ = ["Finish", "HTTPError", "MissingArgumentError"]


class HTTPError(Exception):
    """Ends a request with an error status.

    ``status_code`` is the HTTP status. ``log_message``, formatted with ``args``, goes to the log and, in
    debug mode, to the client; ``reason`` takes the place of the standard phrase in the status line and on
    the error page.
    """

    def __init__(
        self,
        status_code: int = 500,
        log_message: str | None = None,
        *args: Any,
        reason: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args)
        self.status_code = status_code
        self._log_message = log_message
        self.reason = reason if reason is not None else kwargs.get("reason")

    @property
    def log_message(self) -> str | None:
        """The message for the log, before its arguments are put in."""
        if self._log_message and not self.args:
            return self._log_message.replace("%", "%%")
        return self._log_message

    def get_message(self) -> str | None:
        """The message for the log with its arguments."""
        if self._log_message and self.args:
            return self._log_message % self.args
        return self._log_message

    def __reduce__(self) -> tuple[Any, ...]:
        # Without `__init__`, whose arguments are not those that `Exception` keeps.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def __str__(self) -> str:
        message = f"HTTP {self.status_code}: {self.reason or responses.get(self.status_code, 'Unknown')}"
        details = self.get_message()
        return f"{message} ({details})" if details else message


class Finish(Exception):
    """Ends a request without calling it an error.

    What has been written so far is sent; an argument is written behind it.
    """


class MissingArgumentError(HTTPError):
    """An argument that has no default is missing: 400. ``arg_name`` is its name."""

    def __init__(self, arg_name: str) -> None:
        super().__init__(400, f"Missing argument {arg_name}")
        self.arg_name = arg_name


# What tracebacks show and applications import them by.
for _name in __all__:
    globals()[_name].__module__ = "framework.web"
