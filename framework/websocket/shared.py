"""What all WebSockets of a loop share: the turn's output, clocks, and a future that is done."""

from __future__ import annotations

import asyncio
import math

from framework._http1.deadlines import Clock
from framework._http1.outbox import Outbox
from framework.ioloop import IOLoop

__all__ = ["LoopShare", "share_of"]

# The coarsest clock, and the finest, in seconds.
_COARSEST = 1.0
_FINEST = 1 / 256

_shares: dict[asyncio.AbstractEventLoop, LoopShare] = {}


class LoopShare:
    """One for each loop; see `share_of`."""

    __slots__ = ("_clocks", "done", "loop", "outbox")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.outbox = Outbox(loop)
        self.done: asyncio.Future[None] = loop.create_future()
        self.done.set_result(None)
        self._clocks: dict[float, Clock] = {}

    def clock(self, seconds: float) -> Clock:
        """A clock fine enough for times such as this one: late by an eighth of it, or by a second, at most.

        There are nine at most, each for any number of connections.
        """
        interval = _COARSEST
        if seconds < 8 * _COARSEST:
            interval = max(_FINEST, 2.0 ** math.floor(math.log2(seconds / 8))) if seconds > 0 else _FINEST
        clock = self._clocks.get(interval)
        if clock is None:
            clock = self._clocks[interval] = Clock(self.loop, interval)
        return clock


def share_of(loop: asyncio.AbstractEventLoop) -> LoopShare:
    """What the loop's connections share."""
    share = _shares.get(loop)
    if share is None:
        for other in [other for other in _shares if other.is_closed()]:
            del _shares[other]
        share = _shares[loop] = LoopShare(loop)
        if asyncio._get_running_loop() is loop:
            # Whoever stops the loop has perhaps just written something.
            IOLoop.current().at_stop.append(share.outbox.flush)
    return share
