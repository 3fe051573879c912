"""A transport on a stream, so that the connections of this package run on what somebody else has connected."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial
from typing import Any

from framework.iostream import IOStream, SSLIOStream, StreamClosedError

__all__ = ["StreamTransport"]


class StreamTransport(asyncio.Transport):
    """Reads from a stream and writes to it for an asyncio protocol.

    It takes no more from the stream than the protocol wants: while it is paused nothing is read.
    """

    def __init__(self, stream: IOStream, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self.stream = stream
        # Whether the other side, or the stream's owner, has ended the connection.
        self.peer_gone = False
        self._protocol: Any = protocol
        self._loop = asyncio.get_running_loop()
        self._read: asyncio.Future[bytes] | None = None
        self._reading = False
        # What came when it was no longer wanted.
        self._held = b""
        self._unsent = 0
        self._low, self._high = 16384, 65536
        self._write_paused = False
        self._closing = False
        self._released = False
        self._eof_wanted = False
        stream.set_close_callback(self._stream_closed)
        self._protocol.connection_made(self)

    # Reading

    def is_reading(self) -> bool:
        return self._reading

    def resume_reading(self) -> None:
        self._reading = True
        self._read_on()

    def pause_reading(self) -> None:
        self._reading = False
        read, self._read = self._read, None
        if read is not None and not read.done():
            read.cancel()
        elif read is not None and not read.cancelled() and read.exception() is None:
            self._held += read.result()

    def _read_on(self) -> None:
        if self._read is not None or not self._reading or self._released:
            return
        if self._held:
            data, self._held = self._held, b""
            read: asyncio.Future[bytes] = self._loop.create_future()
            read.set_result(data)
        else:
            try:
                read = asyncio.ensure_future(
                    self.stream.read_bytes(self.stream.read_chunk_size, partial=True)
                )
            except (StreamClosedError, OSError):
                # The close callback tells.
                return
        self._read = read
        read.add_done_callback(self._received)

    def _received(self, read: asyncio.Future[bytes]) -> None:
        if read is not self._read:
            return
        self._read = None
        if read.cancelled() or read.exception() is not None:
            return
        self._protocol.data_received(read.result())
        self._read_on()

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        try:
            written = self.stream.write(data)
        except StreamClosedError:
            return
        if not written.done():
            self._unsent += len(data)
            written.add_done_callback(partial(self._sent, len(data)))
            if self._unsent > self._high and not self._write_paused:
                self._write_paused = True
                self._protocol.pause_writing()

    def _sent(self, size: int, written: asyncio.Future[None]) -> None:
        self._unsent -= size
        if written.cancelled() or written.exception() is not None or self._released:
            return
        if self._write_paused and self._unsent <= self._low:
            self._write_paused = False
            self._protocol.resume_writing()
        if not self._unsent:
            self._all_sent()

    def _all_sent(self) -> None:
        if self._closing:
            self.stream.close()
        elif self._eof_wanted:
            self.stream.socket.shutdown(socket.SHUT_WR)

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 65536 if high is None else high
        self._low = self._high // 4 if low is None else low

    def can_write_eof(self) -> bool:
        return not isinstance(self.stream, SSLIOStream) and isinstance(self.stream.socket, socket.socket)

    def write_eof(self) -> None:
        self._eof_wanted = True
        if not self._unsent and not self.stream.closed():
            self._all_sent()

    # The end

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Closes the stream when what was written is sent."""
        if not self._closing:
            self._closing = True
            self.pause_reading()
            if not self._unsent:
                self.stream.close()

    def abort(self) -> None:
        """Closes the stream now."""
        self._closing = True
        self.stream.close()

    def _stream_closed(self) -> None:
        if self._released:
            return
        if not self._closing:
            self._closing = self.peer_gone = True
        error = self.stream.error
        self._protocol.connection_lost(error if isinstance(error, OSError) else None)

    def release(self, received: bytes = b"") -> IOStream:
        """Gives the stream back, with what the protocol got of it and had no use for."""
        self.pause_reading()
        self._released = self._closing = True
        stream = self.stream
        stream.set_close_callback(None)
        stream._unread(received + self._held)
        return stream

    # What is asked of transports

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        sock = self.stream.socket
        if name == "socket":
            return sock
        if name == "ssl_object":
            return sock if isinstance(sock, ssl.SSLSocket) else default
        if name in ("peername", "sockname") and sock is not None:
            try:
                return sock.getpeername() if name == "peername" else sock.getsockname()
            except OSError:
                return default
        return default
