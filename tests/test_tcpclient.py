"""Connecting to whichever address answers first."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from framework import tcpclient
from framework.iostream import IOStream, SSLIOStream, StreamClosedError
from framework.netutil import Resolver
from framework.tcpclient import TCPClient, _in_turns
from tests.streams import Ends, closed_port, ends, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops

V4, V6 = socket.AF_INET, socket.AF_INET6


class Table(Resolver):
    """Says what it was told to say."""

    def initialize(self, answer: Any) -> None:
        """Addresses, or an error."""
        self.answer = answer
        self.closed = False

    async def resolve(self, host: str, port: int, family: int = 0) -> Any:
        """That."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self) -> None:
        """Note it."""
        self.closed = True


def client_for(answer: Any) -> TCPClient:
    """A client for whom every host has these addresses."""
    return TCPClient(resolver=Table(answer))


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def refusing() -> Iterator[tuple[str, int]]:
    """An address that refuses."""
    taken, address = closed_port()
    yield address
    taken.close()


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """An address that doesn't answer: its queue is full."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(sock.getsockname())
        yield sock.getsockname()
        for one in waiting:
            one.close()


async def test_connect(listening: socket.socket, ends: Ends) -> None:
    client = TCPClient()
    port = listening.getsockname()[1]
    stream = ends.keep(await client.connect("127.0.0.1", port))
    assert type(stream) is IOStream
    assert stream.socket.getpeername() == listening.getsockname()
    stream = ends.keep(await client.connect("localhost", port, af=V4, max_buffer_size=999, timeout=5))
    assert stream.max_buffer_size == 999
    client.close()


async def test_whose_the_resolver_is(listening: socket.socket) -> None:
    client = client_for([])
    resolver: Any = client.resolver
    client.close()
    assert not resolver.closed
    own = TCPClient()
    own.resolver = resolver
    own.close()
    assert resolver.closed


async def test_errors(refusing: tuple[str, int], ends: Ends) -> None:
    client = TCPClient()
    with pytest.raises(StreamClosedError) as caught:
        await client.connect(*refusing)
    assert isinstance(caught.value.real_error, ConnectionRefusedError)
    with pytest.raises(socket.gaierror):
        await client.connect("bad..name", 1)
    with pytest.raises(ValueError, match="lost"):
        await client_for(ValueError("lost")).connect("x", 1)
    with pytest.raises(StreamClosedError) as caught:
        await client_for([]).connect("x", 1)
    assert "no addresses" in str(caught.value.real_error)
    client.close()


async def test_the_next_address_is_tried_at_once(
    listening: socket.socket, refusing: tuple[str, int], ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcpclient, "ATTEMPT_DELAY_SECONDS", 1000)
    good = (V4, listening.getsockname())
    for addresses in ([(V4, refusing), good], [(V6, ("::1", refusing[1])), (V4, refusing), good]):
        stream = ends.keep(await client_for(addresses).connect("x", 1))
        assert stream.socket.getpeername() == listening.getsockname()
    with pytest.raises(StreamClosedError):
        await client_for([(V4, refusing), (V6, ("::1", refusing[1]))]).connect("x", 1)


async def test_one_that_does_not_answer_is_not_waited_for(
    listening: socket.socket, silent: tuple[str, int], ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcpclient, "ATTEMPT_DELAY_SECONDS", 0.001)
    made: list[IOStream] = []

    class Noted(IOStream):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(tcpclient, "IOStream", Noted)
    stream = await client_for([(V4, silent), (V4, silent), (V4, listening.getsockname())]).connect("x", 1)
    ends.keep(stream)
    assert stream.socket.getpeername() == listening.getsockname()
    assert [one.closed() for one in made] == [True, True, False]


async def test_families_take_turns() -> None:
    names = [(6, "a"), (6, "b"), (4, "c"), (6, "d"), (4, "e"), (4, "f"), (4, "g")]
    assert "".join(name for _, name in _in_turns(names)) == "acbedfg"
    assert list(_in_turns([])) == []


async def test_timeout(silent: tuple[str, int], ends: Ends) -> None:
    client = TCPClient()
    for timeout in (0.02, datetime.timedelta(milliseconds=20)):
        with pytest.raises(TimeoutError, match=f"Timeout while connecting to 127.0.0.1:{silent[1]}"):
            await client.connect(*silent, timeout=timeout)
    with pytest.raises(TimeoutError, match=r"Timeout while (resolving|connecting to) 127\.0\.0\.1"):
        await client.connect(*silent, timeout=0)
    with pytest.raises(TypeError, match="Unsupported timeout 'x'"):
        await client.connect(*silent, timeout="x")  # type: ignore[arg-type]
    with pytest.raises(TimeoutError, match="of its own"):
        await client_for(TimeoutError(110, "of its own")).connect("x", 1, timeout=1)
    client.close()


async def test_cancelling_leaves_nothing_open(silent: tuple[str, int]) -> None:
    client = client_for([(V4, silent)])
    task = asyncio.ensure_future(client.connect("x", 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_source(listening: socket.socket, ends: Ends, refusing: tuple[str, int]) -> None:
    client = TCPClient()
    host, port = listening.getsockname()
    stream = ends.keep(await client.connect(host, port, source_ip="127.0.0.2"))
    assert stream.socket.getsockname()[0] == "127.0.0.2"
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    stream = ends.keep(await client.connect(host, port, source_port=free))
    assert stream.socket.getsockname() == ("127.0.0.1", free)
    with pytest.raises(OSError, match="Cannot assign"):
        await client.connect(host, port, source_ip="192.0.2.1")
    with pytest.raises(OSError, match=r"family|resolve|host"):
        await client.connect(host, port, source_ip="::1")
    with pytest.raises(socket.gaierror, match="'a name' is not an IP address"):
        await client.connect(host, port, source_ip="a name")
    client.close()


async def test_tls(ends: Ends, certificate: tuple[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    address = server.sockets[0].getsockname()
    client = client_for([(V4, address)])
    trusting = ssl.create_default_context(cafile=certificate[0])
    stream = ends.keep(await client.connect("localhost", address[1], ssl_options=trusting, timeout=10))
    assert isinstance(stream, SSLIOStream)
    await stream.write(b"secret\n")
    assert await stream.read_until_close() == b"secret\n"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await client.connect("other.example", address[1], ssl_options=trusting)
    with pytest.raises(ssl.SSLCertVerificationError):
        await client.connect("localhost", address[1], ssl_options={})
    with pytest.raises(ValueError, match="bogus"):
        await client.connect("localhost", address[1], ssl_options={"bogus": 1})
    server.close()
    await server.wait_closed()


async def test_a_handshake_that_takes_too_long(listening: socket.socket) -> None:
    client = TCPClient()
    host, port = listening.getsockname()
    with pytest.raises(TimeoutError, match="Timeout during TLS handshake with"):
        await client.connect(host, port, ssl_options={}, timeout=0.02)
    accepted = listening.accept()[0]
    accepted.setblocking(False)
    await until(lambda: _ended(accepted))
    accepted.close()
    client.close()


def _ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(10_000) == b""
    except BlockingIOError:
        return False
