"""One coarse clock for all connections of a process, in place of a timer for each request."""

from __future__ import annotations

import asyncio
from typing import Protocol

from framework._compiled import mypyc_attr

__all__ = ["NEVER", "Clock", "Timed"]

NEVER = float("inf")


class Timed(Protocol):
    """Something with a deadline: a time of the clock, or `NEVER`."""

    deadline: float

    def deadline_passed(self) -> None:
        """The deadline lies behind. What it means depends on what the object was waiting for."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Clock:
    """Looks at everything added to it once an interval.

    ``now`` is the loop's time at the last look, in seconds. It may lie ``interval`` seconds back, so a
    deadline is made with `after`, which never lets one pass early. The clock stands still while it has nothing to
    look at.
    """

    __slots__ = ("_handle", "_late", "_loop", "_members", "interval", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop, interval: float = 1.0) -> None:
        self._loop = loop
        self._members: set[Timed] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._late = False
        self.interval = interval
        self.now = loop.time()

    def add(self, member: Timed) -> None:
        """Looks at a member from now on."""
        self._members.add(member)
        if self._handle is None:
            self.now = self._loop.time()
            self._handle = self._loop.call_later(self.interval, self._tick)

    def discard(self, member: Timed) -> None:
        """Forgets a member."""
        self._members.discard(member)
        if not self._members and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def after(self, seconds: float) -> float:
        """The deadline that lies at least so many seconds ahead."""
        return self.now + seconds + self.interval

    def _tick(self) -> None:
        now = self._loop.time()
        late = now - self.now > 2 * self.interval
        self.now = now
        self._handle = self._loop.call_later(self.interval, self._tick)
        if late and not self._late:
            # Something has kept the loop busy. What was waited for may have come meanwhile, and be read now.
            self._late = True
            return
        self._late = False
        for member in [member for member in self._members if member.deadline <= now]:
            member.deadline_passed()
