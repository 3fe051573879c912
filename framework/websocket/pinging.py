"""Pings at intervals, and what follows from their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework._http1.deadlines import NEVER
from framework.log import gen_log
from framework.websocket.base import Params

if TYPE_CHECKING:
    from framework.websocket.connection import WebSocketProtocol13

__all__ = ["Pinger", "ping_times"]


def ping_times(params: Params) -> tuple[float, float]:
    """Seconds from one ping to the next (0: there are none), and for the answer (0: it need not come)."""
    interval = params.ping_interval or 0
    timeout = params.ping_timeout
    return interval, interval if timeout is None else min(timeout, interval)


class Pinger:
    """Pings the peer of a connection, and closes that if there is no sign of life.

        state              deadline         when it passes
        waiting            the interval     a ping is sent
        a ping was sent    the timeout      closed, unless a pong has come, or can't be known not to have

    Whoever is so slow in reading that the ping itself is not through yet is alive while he reads. And what has come
    and waits for the handler may be the pong, unless the handler waits for him to read.
    """

    __slots__ = (
        "_at",
        "_clock",
        "_connection",
        "_interval",
        "_pinged",
        "_timeout",
        "_unsent",
        "deadline",
        "ponged",
        "relieved",
    )

    def __init__(self, connection: WebSocketProtocol13) -> None:
        interval, timeout = ping_times(connection.params)
        asked = connection.params.ping_timeout
        if asked is not None and asked > interval:
            gen_log.warning(
                "The websocket_ping_timeout (%s) cannot be longer than the websocket_ping_interval (%s).\n"
                "Setting websocket_ping_timeout=%s",
                asked,
                interval,
                interval,
            )
        self._connection = connection
        self._interval = interval
        self._timeout = timeout
        self._pinged = False
        self._unsent = 0
        self.ponged = False
        # Whether the peer has read nearly all there was, since the ping.
        self.relieved = False
        self.deadline = NEVER
        self._clock = connection.share.clock(min(interval, timeout or interval))
        self._clock.add(self)
        self._at = connection.share.loop.time()
        self._wait(interval)

    def stop(self) -> None:
        """The connection is closing, or gone."""
        self._clock.discard(self)

    def _wait(self, seconds: float) -> None:
        # From when the last deadline was, not from when it was seen to have passed: pings keep their interval.
        self._at = max(self._at + seconds, self._clock.now)
        self.deadline = self._at

    def deadline_passed(self) -> None:
        """It is time for a ping, or for its answer to have come."""
        connection = self._connection
        left = self._interval - (self._timeout or self._interval)
        if not self._pinged:
            self._ping()
        elif self._timeout and not (self.ponged or self._may_have_answered() or self._is_reading()):
            self.deadline = NEVER
            connection.close(reason="ping timed out")
        elif left > 0:
            self._pinged = False
            self._wait(left)
        else:
            self._ping()

    def _may_have_answered(self) -> bool:
        return self._connection.blocked and not self._connection.is_full()

    def _is_reading(self) -> bool:
        return self.relieved or self._connection.unsent() < self._unsent

    def _ping(self) -> None:
        self._pinged = True
        self.ponged = self.relieved = False
        self._unsent = self._connection.unsent()
        self._connection.write_ping(b"")
        self._wait(self._timeout or self._interval)
