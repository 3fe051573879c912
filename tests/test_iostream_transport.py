"""Streams on a connection that a transport has."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any, cast

import pytest

from framework.iostream import IOStream, StreamBufferFullError, StreamClosedError, UnsatisfiableReadError
from framework.iostream.transport import TransportStream
from tests.streams import Ends, ends, real_error, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops


class Before(asyncio.Protocol):
    """What had the transport before: it keeps what came."""

    def __init__(self) -> None:
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.received += data


async def on_transport(
    ends: Ends, first: bytes = b"", context: ssl.SSLContext | None = None, **options: Any
) -> tuple[TransportStream, socket.socket]:
    """A stream on a transport that has received something already, and the socket at its other end."""
    near, far = ends.sockets()
    transport, protocol = await asyncio.get_running_loop().create_connection(Before, sock=near)
    if first:
        far.send(first)
        await until(lambda: protocol.received)
    stream = TransportStream(transport, protocol.received, **options)
    ends.keep(stream)
    return stream, far


async def gone(*streams: TransportStream) -> None:
    """Close them, until the transports have let go of their sockets."""
    for stream in streams:
        stream.close()
    await turns()


async def test_reading(ends: Ends) -> None:
    stream, other = await on_transport(ends, b"begun ")
    assert isinstance(stream, IOStream)
    assert stream.fileno() >= 0
    future = stream.read_until(b"\n")
    other.send(b"line\nmore")
    assert await future == b"begun line\n"
    assert await stream.read_bytes(4) == b"more"
    target = bytearray(6)
    into = stream.read_into(target)
    other.send(b"abc")
    await turns()
    other.send(b"defgh")
    assert await into == 6
    assert target == b"abcdef"
    rest = stream.read_until_close()
    other.close()
    assert await rest == b"gh"
    await gone(stream)
    assert stream.fileno() == -1


async def test_a_cancelled_read_takes_nothing(ends: Ends) -> None:
    stream, other = await on_transport(ends)
    cancelled = asyncio.ensure_future(stream.read_bytes(10))
    other.send(b"ab")
    await turns()
    cancelled.cancel()
    other.send(b"cd")
    await turns()
    assert await stream.read_bytes(4) == b"abcd"
    await gone(stream)


async def test_limits(ends: Ends) -> None:
    stream, other = await on_transport(ends, max_buffer_size=100)
    future = stream.read_bytes(300)
    other.send(bytes(200))
    assert isinstance(await real_error(future), StreamBufferFullError)
    second, other = await on_transport(ends)
    future = second.read_until(b"\n", max_bytes=5)
    other.send(b"123456")
    assert isinstance(await real_error(future), UnsatisfiableReadError)
    await gone(stream, second)


async def test_nothing_more_is_read_when_nobody_asks(ends: Ends) -> None:
    stream, other = await on_transport(ends)
    sent = 0
    other.send(b"\n")
    await stream.read_until(b"\n")
    for _ in range(1000):
        try:
            sent += other.send(bytes(100_000))
        except BlockingIOError:
            break
        await turns(2)
    else:
        pytest.fail("it took everything")
    assert stream._buffer.size <= 300_000
    assert len(await stream.read_bytes(sent)) == sent
    await gone(stream)


async def test_writing(ends: Ends) -> None:
    stream, other = await on_transport(ends)
    await stream.write(b"hello")
    await until(lambda: not stream.writing())
    assert other.recv(10) == b"hello"
    futures = [stream.write(bytes(1_000_000)) for _ in range(3)]
    assert stream.writing()
    futures[1].cancel()
    assert not futures[0].done()
    left = 3_000_000
    while left:
        try:
            left -= len(other.recv(1_000_000))
        except BlockingIOError:
            await asyncio.sleep(0)
    await futures[0]
    await futures[2]
    await gone(stream)


async def test_what_was_written_is_sent_when_the_stream_is_closed(ends: Ends) -> None:
    stream, other = await on_transport(ends)
    future = stream.write(bytes(2_000_000))
    stream.close()
    assert await real_error(future) is None
    left = 2_000_000
    while left:
        try:
            left -= len(other.recv(1_000_000))
        except BlockingIOError:
            await asyncio.sleep(0)
    with pytest.raises(StreamClosedError):
        stream.write(b"x")
    assert not stream.writing()
    await until(lambda: _ended(other))


def _ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False


async def test_more_than_may_wait_is_refused(ends: Ends) -> None:
    stream, _ = await on_transport(ends, max_write_buffer_size=1000)
    with pytest.raises(StreamBufferFullError, match="write buffer"):
        stream.write(bytes(1001))
    await gone(stream)


async def test_ends(ends: Ends) -> None:
    stream, other = await on_transport(ends)
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    other.close()
    await until(lambda: called)
    assert stream.closed()
    second, other = await on_transport(ends)
    second.set_close_callback(lambda: called.append(2))
    other.send(b"data")
    other.close()
    await turns()
    assert not second.closed()
    assert await second.read_bytes(4) == b"data"
    await until(lambda: called == [1, 2])
    third, other = await on_transport(ends, b"begun")
    other.close()
    await turns()
    assert await real_error(third.read_bytes(10)) is None
    assert await third.read_bytes(5) == b"begun"
    await gone(stream, second, third)


async def test_a_lost_connection(ends: Ends) -> None:
    stream, other = await on_transport(ends)
    stream.write(bytes(3_000_000))
    await turns()
    other.close()
    await until(stream.closed)
    assert isinstance(stream.error, OSError)


async def test_a_connection_that_is_gone_already(ends: Ends) -> None:
    near, _ = ends.sockets()
    transport, _protocol = await asyncio.get_running_loop().create_connection(Before, sock=near)
    transport.abort()
    stream = TransportStream(transport)
    assert stream.closed()
    await turns()


async def test_what_is_for_sockets(ends: Ends) -> None:
    stream, _ = await on_transport(ends)
    with pytest.raises(ValueError, match="connected already"):
        stream.connect(("127.0.0.1", 1))
    with pytest.raises(ValueError, match="cannot change to TLS"):
        stream.start_tls(True)
    await gone(stream)


async def test_on_tls(ends: Ends, certificate: tuple[str, str]) -> None:
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(*certificate)
    streams: list[TransportStream] = []

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            streams.append(TransportStream(cast(asyncio.Transport, transport)))

    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, ssl=server_context)
    reader, writer = await asyncio.open_connection(
        *server.sockets[0].getsockname(),
        ssl=ssl.create_default_context(cafile=certificate[0]),
        server_hostname="localhost",
    )
    await until(lambda: streams)
    stream = streams[0]
    writer.write(b"hello\n")
    assert await stream.read_until(b"\n") == b"hello\n"
    await stream.write(b"x" * 100_000)
    stream.close()
    assert await reader.read() == b"x" * 100_000
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
