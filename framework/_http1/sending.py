"""The writing half of a connection: output put together, sent, and waited for.

The other halves of the connection are in `framework._http1.reader` and `framework._http1.server`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from framework._http1.deadlines import NEVER, Clock
from framework._http1.flow import DrainWaiters
from framework._http1.outbox import Outbox
from framework._http1.reader import RequestReader
from framework._http1.settings import ServerSettings
from framework.iostream.errors import StreamClosedError, fail

__all__ = ["ResponseSender"]

# Output is put together up to this many bytes each, or so many pieces, before the transport gets it.
_BATCH_BYTES: Final = 65536
_BATCH_COUNT: Final = 32


class ResponseSender(RequestReader):
    """A connection that can send."""

    __slots__ = (
        "_drain",
        "_loop",
        "_out",
        "_outbox",
        "_unsent",
        "_write_paused",
        "deadline",
        "ssl_object",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(
        self,
        settings: ServerSettings,
        clock: Clock,
        streaming: bool,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
    ) -> None:
        super().__init__(settings, clock, streaming)
        self._loop = loop
        # Output that is put together until the end of this turn of the loop.
        self._out: list[bytes] = []
        self._outbox = outbox
        self._write_paused = False
        self._unsent = 0
        self._drain: DrainWaiters | None = None
        self.ssl_object: ssl.SSLObject | None = None
        self.deadline = NEVER

    def write(self, data: bytes) -> None:
        """Sends bytes that are framed already, at the end of this turn of the loop unless there are many of them."""
        out = self._out
        out.append(data)
        if len(data) > _BATCH_BYTES or len(out) > _BATCH_COUNT:
            self.send_output()
        elif len(out) == 1:
            self._outbox.add(self)

    def send_output(self) -> None:
        """Sends what was written so far."""
        out = self._out
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            if not self.transport.is_closing():
                self.transport.write(data)

    def drained(self) -> asyncio.Future[None] | None:
        """What to wait for before more is written; None: nothing."""
        if self.transport.is_closing():
            future: asyncio.Future[None] = self._loop.create_future()
            fail(future, StreamClosedError())
            return future
        self.send_output()
        if not self._write_paused:
            return None
        if self._drain is None:
            self._drain = DrainWaiters(self._loop)
        return self._drain.wait()

    def pause_writing(self) -> None:
        self._write_paused = True
        self._watch_output()

    def _watch_output(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self.deadline = self.clock.after(self.settings.write_timeout)
