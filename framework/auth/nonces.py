"""Which answers of OpenID providers have been used, so that none is used twice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

from framework.auth.errors import AuthError
from framework.auth.once import UsedOnce

__all__ = ["NonceMemory"]

# Seconds that the clocks of the provider and of this host may differ, and an answer may take.
_WINDOW = 600.0

# OpenID Authentication 2.0 section 10.1: a time in UTC, and what makes it unique; at most 255 characters.
_is_nonce = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})Z[!-~]{0,235}").fullmatch


class NonceMemory:
    """The nonces of the last minutes.

    :arg clock: returns the time in seconds since 1970.
    """

    __slots__ = ("_clock", "_used")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # The provider itself says "valid" only once, so that forgetting one is no harm.
        self._used = UsedOnce()

    def use(self, provider: str, nonce: str) -> None:
        """Notes a nonce of a provider. Raises `AuthError` if it is none, too old, of the future or used."""
        made = _time_of(nonce)
        if made is None:
            raise AuthError("Invalid OpenID response: openid.response_nonce does not begin with a time")
        now = self._clock()
        if abs(now - made) > _WINDOW:
            raise AuthError("Invalid OpenID response: it is too old, or the clocks differ")
        if not self._used.use((provider, nonce), now, now + 2 * _WINDOW):
            raise AuthError("Invalid OpenID response: it was used before")


def _time_of(nonce: str) -> float | None:
    match = _is_nonce(nonce)
    try:
        return datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp() if match else None
    except (ValueError, OverflowError):
        return None
