"""Primes over WebSocket: a whole number is answered with whether it is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demo_app.handlers.sockets import SocketHandler
from demo_app.services.accounts import Accounts
from demo_app.services.primes import Primes
from demo_app.services.slots import Slots

__all__ = ["PrimesHandler"]


class PrimesHandler(SocketHandler):
    """`/primes`"""

    def initialize(  # type: ignore[override]  # the route's
        self, accounts: Accounts, slots: Slots, stopping: Callable[[], bool], primes: Primes
    ) -> None:
        """Take what the route table gives."""
        super().initialize(accounts, slots, stopping)
        self.primes = primes

    @property
    def max_message_size(self) -> int:
        """Bytes of a message: no number that is looked at is longer."""
        return 1024

    async def answer(self, message: str) -> dict[str, Any]:
        """Say whether the number is a prime. It is sent back as text: JavaScript's numbers end at 2⁵³."""
        number, prime = await self.primes.check(self.owner, message)
        return {"number": str(number), "prime": prime}
