"""Limits on tries to log in and to register, per account and per address."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

from demo_app.errors import ErrorCode, TryLater
from demo_app.stores.base import Limiter

__all__ = ["Tries", "TryLimits"]


@dataclass(frozen=True, slots=True)
class TryLimits:
    """How many tries in one window of `window` seconds."""

    login_per_account: int
    login_per_address: int
    register_per_address: int
    window: int


class Tries:
    """Counts tries and refuses those beyond the limits.

    Every try is counted before its password is looked at, so that many at the same moment are no way around.

    Args:
        limiter: counts for all processes.
        limits: how many.
    """

    def __init__(self, limiter: Limiter, limits: TryLimits) -> None:
        self._limiter = limiter
        self._limits = limits

    async def register(self, address: str) -> None:
        """Count a try to register.

        Raises:
            TryLater: too many from this address.
        """
        await self._count(f"register:address:{_network(address)}", self._limits.register_per_address)

    async def sign_in(self, address: str) -> None:
        """Count a try to sign in with a provider.

        Raises:
            TryLater: too many from this address.
        """
        await self._count(f"sign-in:address:{_network(address)}", self._limits.login_per_address)

    async def login(self, address: str, username_key: str) -> None:
        """Count a try to log in.

        Raises:
            TryLater: too many from this address, or for this account.
        """
        await self._count(f"login:address:{_network(address)}", self._limits.login_per_address)
        await self.password(username_key)

    async def password(self, username_key: str) -> None:
        """Count a try to guess an account's password, whether or not there is such an account.

        Raises:
            TryLater: too many for this account.
        """
        await self._count(_account(username_key), self._limits.login_per_account)

    async def right_password(self, username_key: str) -> None:
        """Forget the account's tries: whoever made the last one knows the password."""
        await self._limiter.reset(_account(username_key))

    async def _count(self, key: str, limit: int) -> None:
        wait = await self._limiter.hit(key, limit, self._limits.window)
        if wait:
            raise TryLater(ErrorCode.TOO_MANY_TRIES, wait)


def _account(username_key: str) -> str:
    # People type their password here by mistake: the store gets to see a digest.
    return f"login:account:{hashlib.sha256(username_key.encode()).hexdigest()[:32]}"


def _network(address: str) -> str:
    """What is counted for an address: itself or, in IPv6, the network of 64 bits that one customer has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
