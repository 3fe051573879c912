"""Servers that hand each connection on as a stream."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from framework import gen
from framework.iostream import IOStream, SSLIOStream, StreamClosedError
from framework.netutil import bind_unix_socket
from framework.tcpserver import TCPServer
from tests.streams import turns, until

pytestmark = pytest.mark.both_loops

Serve = Callable[..., tuple[TCPServer, tuple[str, int]]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves a function of a stream and an address; says where."""
    servers = []

    def begin(handle: Callable[..., Any] | None, **options: Any) -> tuple[TCPServer, tuple[str, int]]:
        kind = type("Server", (TCPServer,), {} if handle is None else {"handle_stream": staticmethod(handle)})
        server: TCPServer = kind(**options)
        listening = socket.create_server(("127.0.0.1", 0))
        address: tuple[str, int] = listening.getsockname()
        server.add_socket(listening)
        servers.append(server)
        return server, address

    yield begin
    for server in servers:
        server.stop()


async def say(address: tuple[str, int], data: bytes = b"hi\n", **options: Any) -> bytes:
    """Send something, and return what comes until the end."""
    reader, writer = await asyncio.open_connection(*address, **options)
    writer.write(data)
    try:
        answer = await reader.read()
    except ConnectionResetError:
        answer = b""
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    return answer


async def echo(stream: IOStream, address: Any) -> None:
    """Send back lines, in capitals, until the client leaves."""
    try:
        while True:
            await stream.write((await stream.read_until(b"\n")).upper())
    except StreamClosedError:
        pass


async def test_a_coroutine_serves(serve: Serve) -> None:
    _, address = serve(echo)
    clients = [await asyncio.open_connection(*address) for _ in range(3)]
    for reader, writer in clients:
        writer.write(b"one\ntwo\n")
        assert [await reader.readline(), await reader.readline()] == [b"ONE\n", b"TWO\n"]
    for _, writer in clients:
        writer.close()
        await writer.wait_closed()


async def test_a_plain_method_serves(serve: Serve) -> None:
    seen: list[Any] = []

    def handle(stream: IOStream, address: Any) -> None:
        seen.append((type(stream), address, stream.max_buffer_size, stream.read_chunk_size))
        stream.write(b"yo")
        stream.close()

    _, address = serve(handle, max_buffer_size=1000, read_chunk_size=10)
    assert await say(address, b"") == b"yo"
    kind, peer, *sizes = seen[0]
    assert kind is IOStream
    assert peer[0] == "127.0.0.1"
    assert sizes == [1000, 10]


async def test_a_generator_serves(serve: Serve) -> None:
    @gen.coroutine
    def handle(stream: IOStream, address: Any) -> Any:
        line = yield stream.read_until(b"\n")
        yield stream.write(line)
        stream.close()

    _, address = serve(handle)
    assert await say(address) == b"hi\n"


async def test_what_is_raised_is_logged_and_ends_the_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def at_once(stream: IOStream, address: Any) -> None:
        raise ValueError("at once")

    async def later(stream: IOStream, address: Any) -> None:
        await asyncio.sleep(0)
        raise ValueError("later")

    def nonsense(stream: IOStream, address: Any) -> int:
        return 5

    messages = ("Error in connection callback", "Exception in callback", "Error in connection callback")
    for handle, message in zip((at_once, later, nonsense), messages, strict=True):
        _, address = serve(handle)
        assert await say(address) == b""
        assert message in caplog.messages[-1]
        assert caplog.records[-1].exc_info is not None


async def test_nothing_to_serve_with(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    _, address = serve(None)
    assert await say(address) == b""
    assert "does not define handle_stream()" in caplog.text


async def test_a_cancelled_coroutine_ends_the_connection(serve: Serve) -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    async def handle(stream: IOStream, address: Any) -> None:
        tasks.append(asyncio.current_task())
        await stream.read_bytes(1)

    _, address = serve(handle)
    asking = asyncio.ensure_future(say(address, b""))
    await until(lambda: tasks)
    assert tasks[0] is not None
    tasks[0].cancel()
    assert await asking == b""


async def test_stop_leaves_connections_alone(serve: Serve) -> None:
    server, address = serve(echo)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"one\n")
    assert await reader.readline() == b"ONE\n"
    server.stop()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    writer.write(b"two\n")
    assert await reader.readline() == b"TWO\n"
    writer.close()
    await writer.wait_closed()


async def test_tls(serve: Serve, certificate: tuple[str, str], caplog: pytest.LogCaptureFixture) -> None:
    kinds: list[type] = []

    async def handle(stream: IOStream, address: Any) -> None:
        kinds.append(type(stream))
        try:
            await stream.write(await stream.read_until(b"\n"))
            stream.close()
        except StreamClosedError:
            pass

    _, address = serve(handle, ssl_options={"certfile": certificate[0], "keyfile": certificate[1]})
    context = ssl.create_default_context(cafile=certificate[0])
    assert await say(address, b"secret\n", ssl=context, server_hostname="localhost") == b"secret\n"
    assert kinds == [SSLIOStream]
    assert await say(address, b"GET / HTTP/1.1\r\n\r\n") == b""
    await until(lambda: caplog.messages)
    assert "SSL Error" in caplog.messages[0]


async def test_a_client_that_is_gone_before_it_is_served(
    serve: Serve, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError("gone")

    monkeypatch.setattr("framework.tcpserver.ssl_wrap_socket", refuse)
    _, address = serve(
        lambda stream, peer: pytest.fail("there is nobody"),
        ssl_options={"certfile": certificate[0], "keyfile": certificate[1]},
    )
    assert await say(address) == b""


async def test_a_unix_socket(tmp_path: Path) -> None:
    class Server(TCPServer):
        async def handle_stream(self, stream: IOStream, address: Any) -> None:
            assert not address
            await stream.write(b"local")
            stream.close()

    server = Server()
    server.add_socket(bind_unix_socket(str(tmp_path / "socket")))
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "socket"))
    assert await reader.read() == b"local"
    writer.close()
    await writer.wait_closed()
    server.stop()
    await turns()


async def test_the_base_serves_nothing() -> None:
    with pytest.raises(NotImplementedError, match="TCPServer does not define handle_stream"):
        TCPServer().handle_stream(None, ())  # type: ignore[arg-type]
