"""A transport on a stream: what a protocol sees of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

from framework._http1.stream_transport import StreamTransport
from framework.iostream import SSLIOStream
from framework.netutil import ssl_wrap_socket
from tests.streams import Ends, ends, reset, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops

LARGE = 3_000_000


class Notes(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.received = b""
        self.events: list[Any] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note it."""
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        """Note it."""
        self.received += data

    def pause_writing(self) -> None:
        """Note it."""
        self.events.append("pause")

    def resume_writing(self) -> None:
        """Note it."""
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.events.append(exc)


def made(ends: Ends) -> tuple[StreamTransport, Notes, socket.socket]:
    """A transport, its protocol, and the socket at the other end."""
    stream, far = ends.stream()
    notes = Notes()
    return StreamTransport(stream, notes), notes, far


async def drain(far: socket.socket, size: int) -> None:
    """Receive so much."""
    while size:
        try:
            size -= len(far.recv(size))
        except BlockingIOError:
            await asyncio.sleep(0)


def ended(far: socket.socket) -> bool:
    """Whether the other side sends no more."""
    try:
        return far.recv(1) == b""
    except BlockingIOError:
        return False


async def test_reading_begins_when_it_is_wanted(ends: Ends) -> None:
    transport, notes, far = made(ends)
    far.send(b"a")
    await turns()
    assert notes.received == b""
    assert not transport.is_reading()
    transport.resume_reading()
    transport.resume_reading()
    await until(lambda: notes.received == b"a")
    transport.pause_reading()
    far.send(b"b")
    await turns()
    assert notes.received == b"a"
    transport.resume_reading()
    await until(lambda: notes.received == b"ab")
    assert transport.is_reading()


async def test_what_came_in_the_moment_of_a_pause_is_kept(ends: Ends) -> None:
    transport, notes, far = made(ends)
    far.send(b"data")
    transport.resume_reading()
    # It has been read, and the protocol has not been told yet.
    transport.pause_reading()
    await turns()
    assert notes.received == b""
    transport.resume_reading()
    far.send(b" more")
    await until(lambda: notes.received == b"data more")


async def test_release_gives_back_what_nobody_had(ends: Ends) -> None:
    transport, notes, far = made(ends)
    far.send(b"data")
    transport.resume_reading()
    stream = transport.release(b"first ")
    assert await stream.read_bytes(10) == b"first data"
    transport.resume_reading()
    stream.close()
    await turns()
    assert notes.events == ["made"]


async def test_writing_pauses_and_resumes(ends: Ends) -> None:
    transport, notes, far = made(ends)
    transport.set_write_buffer_limits(high=1000)
    transport.write(b"")
    transport.write(b"x")
    assert transport.get_write_buffer_size() == 0
    transport.write(bytes(LARGE))
    assert transport.get_write_buffer_size() == LARGE
    assert notes.events == ["made", "pause"]
    await drain(far, LARGE + 1)
    await until(lambda: "resume" in notes.events)
    assert transport.get_write_buffer_size() == 0
    transport.set_write_buffer_limits()
    transport.write(bytes(LARGE))
    transport.abort()
    await until(lambda: None in notes.events)


async def test_close_sends_the_rest(ends: Ends) -> None:
    transport, notes, far = made(ends)
    transport.write(bytes(LARGE))
    transport.close()
    transport.close()
    transport.write(b"not this")
    assert transport.is_closing()
    await drain(far, LARGE)
    await until(lambda: ended(far))
    await until(lambda: notes.events[-1] is None)
    assert not transport.peer_gone


async def test_half_of_it_may_be_closed(ends: Ends) -> None:
    transport, notes, far = made(ends)
    assert transport.can_write_eof()
    transport.write(bytes(LARGE))
    transport.write_eof()
    await drain(far, LARGE)
    await until(lambda: ended(far))
    far.send(b"still heard")
    transport.resume_reading()
    await until(lambda: notes.received == b"still heard")
    second, _, far = made(ends)
    second.write_eof()
    assert ended(far)
    second.close()
    second.write_eof()


async def test_the_other_side_ends_it(ends: Ends) -> None:
    transport, notes, far = made(ends)
    far.send(b"data")
    transport.resume_reading()
    await until(lambda: notes.received)
    far.close()
    await until(lambda: None in notes.events)
    assert transport.peer_gone
    transport.write(b"x")
    transport.close()
    transport.resume_reading()


async def test_a_reset_is_told(ends: Ends) -> None:
    stream, far = await ends.connection()
    notes = Notes()
    transport = StreamTransport(stream, notes)
    assert transport.get_extra_info("peername") == far.getsockname()
    assert transport.get_extra_info("sockname") == far.getpeername()
    reset(far)
    await until(lambda: len(notes.events) == 2)
    assert isinstance(notes.events[-1], ConnectionResetError)
    assert transport.get_extra_info("peername") is None


async def test_a_stream_that_is_closed_without_a_word(ends: Ends) -> None:
    transport, notes, _ = made(ends)
    transport.stream.close()
    transport.write(b"x")
    transport.resume_reading()
    await turns()
    assert notes.events == ["made", None]


async def test_what_transports_are_asked(ends: Ends) -> None:
    transport, notes, _ = made(ends)
    assert transport.get_protocol() is notes
    other = Notes()
    transport.set_protocol(other)
    assert transport.get_protocol() is other
    assert transport.get_extra_info("socket") is transport.stream.socket
    assert transport.get_extra_info("ssl_object") is None
    assert transport.get_extra_info("cipher", "unknown") == "unknown"
    unconnected = StreamTransport(ends.keep(type(transport.stream)(socket.socket())), notes)
    assert unconnected.get_extra_info("peername", "nobody") == "nobody"


async def test_tls(ends: Ends, certificate: tuple[str, str]) -> None:
    near, _ = ends.sockets()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    wrapped = ssl_wrap_socket(near, context, server_side=True, do_handshake_on_connect=False)
    stream = ends.keep(SSLIOStream(wrapped))
    transport = StreamTransport(stream, Notes())
    assert transport.get_extra_info("ssl_object") is wrapped
    assert not transport.can_write_eof()
