"""The application's error codes: one table of code, HTTP status and message.

    AppError
    ├── InvalidFields      something in the request's fields is wrong
    └── TryLater           not now; says in how many seconds

A store that is away is `stores.base.StoreUnavailable`: the handlers' base class answers it with
`UNAVAILABLE`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum

__all__ = ["MESSAGES", "STATUSES", "AppError", "ErrorCode", "InvalidFields", "TryLater", "code_for_status"]


class ErrorCode(IntEnum):
    """What `code` in an answer says. Numbers are never used again for something else."""

    OK = 0
    INTERNAL = 1000
    BAD_REQUEST = 1001
    NOT_FOUND = 1002
    METHOD_NOT_ALLOWED = 1003
    TOO_LARGE = 1004
    UNSUPPORTED_MEDIA_TYPE = 1005
    CROSS_SITE = 1006
    TOO_MANY_TRIES = 1007
    BUSY = 1008
    UNAVAILABLE = 1009
    INVALID_FIELDS = 2001
    USERNAME_TAKEN = 2002
    EMAIL_TAKEN = 2003
    WRONG_CREDENTIALS = 2004
    NOT_LOGGED_IN = 2005
    WRONG_PASSWORD = 2006
    SIGN_IN_FAILED = 2101
    SIGN_IN_REFUSED = 2102
    PROVIDER_AWAY = 2103
    EMAIL_NOT_VERIFIED = 2104
    CONNECT_FIRST = 2105
    IDENTITY_TAKEN = 2106


_TABLE: dict[ErrorCode, tuple[int, str]] = {
    ErrorCode.OK: (200, ""),
    ErrorCode.INTERNAL: (500, "something went wrong here"),
    ErrorCode.BAD_REQUEST: (400, "the request can't be understood"),
    ErrorCode.NOT_FOUND: (404, "there is nothing at this address"),
    ErrorCode.METHOD_NOT_ALLOWED: (405, "this address doesn't take this method"),
    ErrorCode.TOO_LARGE: (413, "the request is too large"),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: (415, "send a form or JSON"),
    ErrorCode.CROSS_SITE: (403, "requests from other sites are refused"),
    ErrorCode.TOO_MANY_TRIES: (429, "too many tries; wait a little"),
    ErrorCode.BUSY: (503, "too much to do at the moment; try again soon"),
    ErrorCode.UNAVAILABLE: (503, "a part of this service is away; try again soon"),
    ErrorCode.INVALID_FIELDS: (400, "some fields are missing or wrong"),
    ErrorCode.USERNAME_TAKEN: (409, "this user name is taken"),
    ErrorCode.EMAIL_TAKEN: (409, "this e-mail address is taken"),
    ErrorCode.WRONG_CREDENTIALS: (401, "wrong user name or password"),
    ErrorCode.NOT_LOGGED_IN: (401, "log in first"),
    ErrorCode.WRONG_PASSWORD: (403, "the present password is wrong"),
    ErrorCode.SIGN_IN_FAILED: (400, "this sign-in can't be finished; begin again"),
    ErrorCode.SIGN_IN_REFUSED: (403, "the provider has not signed you in"),
    ErrorCode.PROVIDER_AWAY: (503, "the provider is away; try again soon"),
    ErrorCode.EMAIL_NOT_VERIFIED: (403, "the provider has not verified your e-mail address"),
    ErrorCode.CONNECT_FIRST: (409, "an account has this e-mail address: log in to it, then connect it"),
    ErrorCode.IDENTITY_TAKEN: (409, "this sign-in opens another account already"),
}

STATUSES: Mapping[ErrorCode, int] = {code: status for code, (status, _) in _TABLE.items()}
MESSAGES: Mapping[ErrorCode, str] = {code: message for code, (_, message) in _TABLE.items()}

_BY_STATUS = {
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    429: ErrorCode.TOO_MANY_TRIES,
    503: ErrorCode.UNAVAILABLE,
}


def code_for_status(status: int) -> ErrorCode:
    """The code that goes with an HTTP error status of the framework's own."""
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    return ErrorCode.BAD_REQUEST if 400 <= status < 500 else ErrorCode.INTERNAL


class AppError(Exception):
    """An answer that is not the hoped-for one.

    Args:
        code: which.
        message: what exactly, for a developer: shown in DEBUG only.
    """

    def __init__(self, code: ErrorCode, message: str = "") -> None:
        super().__init__(message or MESSAGES[code])
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status to answer with."""
        return STATUSES[self.code]


class InvalidFields(AppError):
    """Fields of the request are missing or wrong.

    Args:
        fields: field name to the rule it breaks, such as `{"password": "at least 8 characters"}`.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(
            ErrorCode.INVALID_FIELDS, "; ".join(f"{name}: {rule}" for name, rule in fields.items())
        )
        self.fields = dict(fields)


class TryLater(AppError):
    """Refused for the moment.

    Args:
        code: `TOO_MANY_TRIES`, `BUSY` or `PROVIDER_AWAY`.
        retry_after: seconds after which a new try makes sense.
    """

    def __init__(self, code: ErrorCode, retry_after: float) -> None:
        super().__init__(code)
        self.retry_after = max(1, math.ceil(retry_after))
