"""A transport and a clock without a network or waiting: what the tests of the protocols run on.

`FakeTransport` takes the place of a socket's transport: bytes that the protocol writes are collected, and the
test says when the peer stops reading (`choke`), reads again (`relieve`) and when the connection's end is
delivered (`deliver_close`). Nothing happens by itself, so a test sees each step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["FakeClock", "FakeTransport"]


class FakeClock:
    """A clock that moves only when told.

    Calling it gives the time, as calling `time.monotonic` would, so it can stand where a clock function is
    expected.
    """

    __slots__ = ("_now",)

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now

    @property
    def now(self) -> float:
        """The time in seconds."""
        return self._now

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> float:
        """Move forward by `seconds` (never back) and return the new time."""
        if seconds < 0:
            raise ValueError("this clock does not go back")
        self._now += seconds
        return self._now


class FakeTransport(asyncio.Transport):
    """An `asyncio.Transport` that keeps what is written.

    The write side refuses what a real transport would warn about or drop: data after `close` is an error,
    because a protocol that writes on a closed transport has a mistake.
    """

    def __init__(
        self,
        protocol: asyncio.BaseProtocol | None = None,
        *,
        peername: object = ("127.0.0.1", 40000),
        sockname: object = ("127.0.0.1", 8000),
        ssl_object: object | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        info: dict[str, Any] = {"peername": peername, "sockname": sockname, "ssl_object": ssl_object}
        info.update(extra or {})
        super().__init__(info)
        self._protocol = protocol
        self._chunks: list[bytes] = []
        self._closing = False
        self._delivered = False
        self._reading = True
        self._choked = False
        self._buffered = 0
        self._low, self._high = 16 * 1024, 64 * 1024
        self.aborted = False
        self.eof_written = False
        self.writes = 0
        # Called before a test looks at what was written: the end of a turn of the loop, for those that wait for it.
        self.before_look: Callable[[], None] | None = None

    # What the protocol calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a copy of `data`."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be a bytes-like object, not {type(data).__name__}")
        if self._closing:
            raise AssertionError(f"write after close: {bytes(data)[:80]!r}")
        if self.eof_written:
            raise RuntimeError("Cannot call write() after write_eof()")
        self.writes += 1
        self._chunks.append(bytes(data))
        if self._choked:
            self._buffered += len(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Keep copies of all, as one write."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Close the sending half."""
        self.eof_written = True

    def can_write_eof(self) -> bool:
        """Say that half-closing is possible, as on TCP."""
        return True

    def pause_reading(self) -> None:
        """Note that the protocol wants no data now."""
        self._reading = False

    def resume_reading(self) -> None:
        """Note that the protocol takes data again."""
        self._reading = True

    def is_reading(self) -> bool:
        """Say whether the protocol would get data."""
        return self._reading and not self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Remember the limits; see `get_write_buffer_limits`."""
        if high is None:
            high = 64 * 1024 if low is None else 4 * low
        if low is None:
            low = high // 4
        if not 0 <= low <= high:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._low, self._high = low, high

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return (low, high) in bytes."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the choked peer has not taken; 0 when it reads."""
        return self._buffered

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to another protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol of now."""
        if self._protocol is None:
            raise RuntimeError("this transport was given no protocol")
        return self._protocol

    def is_closing(self) -> bool:
        """Say whether `close` or `abort` was called."""
        return self._closing

    def close(self) -> None:
        """Begin to close; `connection_lost` comes with `deliver_close`, as it comes later on a loop."""
        self._closing = True

    def abort(self) -> None:
        """Begin to close and forget what the peer has not taken."""
        self._closing = True
        self.aborted = True
        self._buffered = 0

    # What the test calls.

    @property
    def written(self) -> bytes:
        """Every byte since the start or the last `take`."""
        if self.before_look is not None:
            self.before_look()
        return b"".join(self._chunks)

    def take(self) -> bytes:
        """Return what was written and forget it."""
        data = self.written
        self._chunks.clear()
        return data

    @property
    def reading(self) -> bool:
        """False while the protocol has paused reading (`is_reading` is also false on a closing one)."""
        return self._reading

    def connect(self) -> None:
        """Give the protocol its `connection_made`."""
        self.get_protocol().connection_made(self)

    def feed(self, data: bytes) -> None:
        """Give the protocol `data`, as though the peer had sent it.

        Raises AssertionError when the protocol has paused reading or closed: a socket would not deliver.
        """
        if not self.is_reading():
            raise AssertionError("the protocol has paused reading or closed, nothing would be delivered")
        protocol = self.get_protocol()
        if isinstance(protocol, asyncio.BufferedProtocol):
            view = memoryview(data)
            while view:
                buffer = memoryview(protocol.get_buffer(len(view)))
                size = min(len(buffer), len(view))
                buffer[:size] = view[:size]
                protocol.buffer_updated(size)
                view = view[size:]
            return
        if not isinstance(protocol, asyncio.Protocol):
            raise AssertionError(f"{type(protocol).__name__} is no protocol of a stream")
        protocol.data_received(data)

    def feed_eof(self) -> bool:
        """Give the protocol the end of the peer's data; close unless it asks to stay open."""
        protocol = self.get_protocol()
        if not isinstance(protocol, asyncio.Protocol | asyncio.BufferedProtocol):
            raise AssertionError(f"{type(protocol).__name__} is no protocol of a stream")
        keep_open = bool(protocol.eof_received())
        if not keep_open:
            self.close()
        return keep_open

    def choke(self) -> None:
        """The peer stops reading: the buffer is full and the protocol is told to pause writing."""
        self._choked = True
        self.get_protocol().pause_writing()

    def relieve(self) -> None:
        """The peer has read everything: the protocol may write again."""
        self._choked = False
        self._buffered = 0
        self.get_protocol().resume_writing()

    def deliver_close(self, error: Exception | None = None) -> None:
        """Deliver `connection_lost`, once: after `close`, or as a loss (of `error`) that came by itself."""
        if self._delivered:
            return
        self._closing = True
        self._delivered = True
        self.get_protocol().connection_lost(error)
