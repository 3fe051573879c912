"""What a connection gives back while it sends nothing: its compressor, which is most of what it takes."""

from __future__ import annotations

from typing import Final

from framework._http1.deadlines import Clock
from framework.websocket.deflate import Deflate
from framework.websocket.shared import LoopShare

__all__ = ["Idler"]

# Seconds from one look to the next. A compressor that was not used between two of them is given back.
_IDLE: Final = 30.0


class Idler:
    """Looks now and then whether a connection's compressor is used, and gives it back if not.

    Whoever sends may begin with an empty window at any time (RFC 7692 section 7.1.1.1), and does with the next
    message. The window of what is received belongs to the peer, who may refer to it, and is kept.
    """

    __slots__ = ("_clock", "_deflate", "deadline")

    def __init__(self, deflate: Deflate, share: LoopShare) -> None:
        self._deflate = deflate
        self._clock: Clock = share.clock(_IDLE)
        self._clock.add(self)
        self.deadline = self._clock.after(_IDLE)

    def stop(self) -> None:
        """Nothing more is sent."""
        self._clock.discard(self)
        self._deflate.release()

    def deadline_passed(self) -> None:
        """It is time to look."""
        self.deadline = self._clock.after(_IDLE)
        if self._deflate.used:
            self._deflate.used = False
        else:
            self._deflate.release()
