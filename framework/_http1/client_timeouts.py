"""Deadlines of requests, with one timer for all of them.

Most requests of a client have the same span, so a new deadline is nearly never the earliest: the timer stands where
it stood, and a request costs an entry in a set. When the timer fires, everything is looked at; that is never more
often than once in `GRAIN` seconds.
"""

from __future__ import annotations

import asyncio

from framework._http1.deadlines import NEVER, Timed

__all__ = ["GRAIN", "Timeouts"]

# How late a deadline may be noticed.
GRAIN = 0.01
# The timer itself may be this late before it is taken for the loop's fault.
_LATE = 1.0


class Timeouts:
    """Tells members when their deadline, a time of the loop, has passed."""

    __slots__ = ("_loop", "_members", "_patient", "_timer", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._members: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._when = NEVER
        self._patient = False

    def add(self, member: Timed) -> None:
        """Looks after a member from now on; again where its deadline has come nearer."""
        self._members.add(member)
        if member.deadline < self._when:
            self._arm(member.deadline)

    def discard(self, member: Timed) -> None:
        """Forgets a member."""
        self._members.discard(member)

    def close(self) -> None:
        """Forgets all."""
        self._members.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._when = NEVER

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._when = when
        if when < NEVER:
            self._timer = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        now = self._loop.time()
        self._timer = None
        if now - self._when > _LATE and not self._patient:
            # Something has kept the loop busy. What was waited for may have come meanwhile, and be read now.
            self._patient = True
            self._arm(now + GRAIN)
            return
        self._patient = False
        self._when = NEVER
        for member in [member for member in self._members if member.deadline <= now]:
            if member in self._members:
                member.deadline_passed()
        earliest = min((member.deadline for member in self._members), default=NEVER)
        if earliest < self._when:
            self._arm(max(earliest, now + GRAIN) if earliest < NEVER else NEVER)
