"""Errors of the session subsystem.

::

    SessionError
    ├── SessionConfigError       the `session=` setting, or the secret for its cookie, is missing or wrong
    ├── SessionNotLoaded         read or changed before `await session.load()`
    ├── SessionHeadersSent       a new id is needed, but the response that would carry it has left
    └── SessionStoreUnavailable  the store does not answer; a response of 503 where it escapes
"""

from __future__ import annotations

__all__ = [
    "SessionConfigError",
    "SessionError",
    "SessionHeadersSent",
    "SessionNotLoaded",
    "SessionStoreUnavailable",
]


class SessionError(Exception):
    """The root of every error that sessions raise."""


class SessionConfigError(SessionError):
    """The `session=` setting, or the secret its cookie is signed with, is missing or wrong."""


class SessionNotLoaded(SessionError):
    """The session was read or changed before it was loaded from its store."""


class SessionHeadersSent(SessionError):
    """The session needs a new id, but the headers that would carry its cookie have been sent."""


class SessionStoreUnavailable(SessionError):
    """The store of the sessions does not answer, or not in time.

    Where it escapes a `SessionBaseHandler`, the client gets a 503 with `Retry-After`.

    Args:
        store: the store's kind, e.g. `"redis"`.
        reason: what went wrong, for the log.
        retry_after: seconds after which the client may try again.
    """

    def __init__(self, store: str, reason: str = "", retry_after: int = 2) -> None:
        super().__init__(f"session store {store} is unavailable" + (f": {reason}" if reason else ""))
        self.store = store
        self.retry_after = retry_after


# What tracebacks show and applications import them by.
for _name in __all__:
    globals()[_name].__module__ = "framework.session"
