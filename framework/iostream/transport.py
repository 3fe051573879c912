"""Streams on a connection that a transport of asyncio has: what an HTTP connection becomes when it is detached."""

from __future__ import annotations

import asyncio
from typing import Any

from framework.iostream._watch import Watch, Watched
from framework.iostream.base import BaseIOStream
from framework.iostream.errors import StreamBufferFullError, StreamClosedError, UnsatisfiableReadError, fail
from framework.iostream.sockets import IOStream, SSLIOStream, SSLOptions

__all__ = ["TransportStream"]

# How long a closed connection may take to send what was written before.
FLUSH_SECONDS = 30.0


class TransportStream(IOStream):
    """An `IOStream` on a transport. TLS, if there is any, is the transport's.

    A write is done as soon as the transport has few enough bytes waiting; those are still sent when the stream is
    closed.

    :arg transport: belongs to the stream from now on.
    :arg received: what was read from it already.
    :arg args: as `BaseIOStream` takes.
    """

    def __init__(
        self, transport: asyncio.Transport, received: bytes = b"", *args: Any, **kwargs: Any
    ) -> None:
        self.transport = transport
        self.socket = transport.get_extra_info("socket")
        # The other side sends no more; nobody has been told, since data came before that.
        self._at_end = False
        self._drained: asyncio.Future[None] | None = None
        BaseIOStream.__init__(self, *args, **kwargs)
        self._connect_future = None
        if received:
            self._buffer.append(received)
        transport.set_protocol(_Feed(self))
        if transport.is_closing():
            self.close()

    def _make_watch(self) -> Watch:
        return _TransportWatch(self.transport)

    def fileno(self) -> int:
        found: int = self.socket.fileno() if self.socket is not None else -1
        return found

    def close_fd(self) -> None:
        if self.transport.get_write_buffer_size():
            self.io_loop.asyncio_loop.call_later(FLUSH_SECONDS, self.transport.abort)
        self.transport.close()
        self._drop_socket()

    # Reading

    def _read_now(self) -> None:
        if self._at_end:
            self.close()
        else:
            self._watch.read(self)

    def _watch_idle(self) -> None:
        if self._at_end and self._read is None and not self._buffer.size:
            self.close()
        else:
            super()._watch_idle()

    def received(self, data: bytes) -> None:
        """Data has come."""
        if self._closed:
            return
        buffer = self._buffer
        buffer.append(data)
        self._forget_cancelled()
        request = self._read
        if request is None:
            self._watch.stop_reading()
            return
        try:
            size = request.find(buffer)
        except UnsatisfiableReadError as error:
            self._unsatisfiable(error)
            return
        if size >= 0:
            self._answer(request, size)
        elif buffer.size > self.max_buffer_size:
            self._read_failed(StreamBufferFullError("Reached maximum read buffer size"))

    def ended(self) -> None:
        """The other side sends no more."""
        self._forget_cancelled()
        self._at_end = True
        if self._read is not None or (self._close_callback is not None and not self._buffer.size):
            self.close()

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> asyncio.Future[None]:
        if self._closed:
            raise StreamClosedError(self.error)
        transport = self.transport
        limit = self.max_write_buffer_size
        if limit is not None and transport.get_write_buffer_size() + len(data) > limit:
            raise StreamBufferFullError("Reached maximum write buffer size")
        transport.write(data)
        if self._drained is not None:
            # One each, since any of them may be cancelled.
            return asyncio.ensure_future(asyncio.shield(self._drained))
        if self._written is None:
            self._written = self._done(None)
        return self._written

    def writing(self) -> bool:
        return not self._closed and self.transport.get_write_buffer_size() > 0

    def paused(self) -> None:
        """The other side is slow: writes have to wait."""
        if self._drained is None:
            self._drained = self._new_future()

    def resumed(self) -> None:
        """They need not wait any more."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def _fail_pending(self, error: StreamClosedError) -> None:
        super()._fail_pending(error)
        drained, self._drained = self._drained, None
        fail(drained, error)

    # What is for sockets

    def connect(self, address: Any, server_hostname: str | None = None) -> Any:
        """:raises ValueError: the stream is connected."""
        raise ValueError("the stream is connected already")

    def start_tls(
        self,
        server_side: bool,
        ssl_options: SSLOptions | None = None,
        server_hostname: str | None = None,
    ) -> asyncio.Future[SSLIOStream]:
        """:raises ValueError: transports change to TLS by `asyncio.loop.start_tls`, before a stream has them."""
        raise ValueError("a stream on a transport cannot change to TLS")


class _TransportWatch:
    """Reads by letting the transport go on."""

    __slots__ = ("_transport", "reading", "writing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.reading = False
        # Transports write by themselves.
        self.writing = False
        self._pause()

    def _pause(self) -> None:
        if not self._transport.is_closing() and self._transport.is_reading():
            self._transport.pause_reading()

    def read(self, stream: Watched) -> None:
        if not self.reading and not self._transport.is_closing():
            self.reading = True
            self._transport.resume_reading()

    def stop_reading(self) -> None:
        if self.reading:
            self.reading = False
            self._pause()

    def write(self, stream: Watched) -> None:
        """Nothing to do."""

    def stop_writing(self) -> None:
        """Nothing to do."""


class _Feed(asyncio.Protocol):
    """What the transport tells, to the stream."""

    def __init__(self, stream: TransportStream) -> None:
        self._stream = stream

    def data_received(self, data: bytes) -> None:
        self._stream.received(data)

    def eof_received(self) -> bool:
        self._stream.ended()
        # The stream closes the transport when it has been read to its end. (TLS has no half that stays open.)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stream.close(exc_info=exc)

    def pause_writing(self) -> None:
        self._stream.paused()

    def resume_writing(self) -> None:
        self._stream.resumed()
