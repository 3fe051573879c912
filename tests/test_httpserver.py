"""The HTTP server's public face, on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from framework.httpserver import HTTPServer
from framework.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from framework.ioloop import IOLoop
from framework.netutil import bind_sockets, bind_unix_socket
from framework.web import Application, RequestHandler
from tests._http1.wire import WireClient, get, request, until

pytestmark = pytest.mark.both_loops


def respond(to: HTTPServerRequest, body: bytes) -> None:
    """Answer by the public API."""
    assert to.connection is not None
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    to.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, body)
    to.connection.finish()


def tell(to: HTTPServerRequest) -> None:
    """Answer with where the request came from and what it was."""
    respond(to, f"{to.remote_ip} {to.protocol} {to.method} {to.uri} {len(to.body)}".encode())


def start(server: HTTPServer) -> int:
    """Serve a free port."""
    (socket,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([socket])
    port: int = socket.getsockname()[1]
    return port


async def end(server: HTTPServer) -> None:
    """Stop, and wait for the connections."""
    server.stop()
    await server.close_all_connections(timeout=10)
    assert not server.connections


async def ask(port: int, data: bytes) -> Any:
    """Ask on a connection of its own."""
    async with await WireClient.connect(port) as client:
        return await client.ask(data)


# -- what is served


async def test_a_function() -> None:
    server = HTTPServer(tell)
    port = start(server)
    assert (await ask(port, request("POST", "/a", body=b"abc"))).body == b"127.0.0.1 http POST /a 3"
    await end(server)


async def test_a_coroutine_function() -> None:
    async def later(to: HTTPServerRequest) -> None:
        await asyncio.sleep(0)
        tell(to)

    server = HTTPServer(later)
    assert (await ask(start(server), get("/a"))).body == b"127.0.0.1 http GET /a 0"
    await end(server)


async def test_an_application() -> None:
    class Hello(RequestHandler):
        def get(self) -> None:
            """Say it."""
            self.write("hello")

    server = HTTPServer(Application([("/", Hello)]))
    assert (await ask(start(server), get("/"))).body == b"hello"
    await end(server)


async def test_a_delegate() -> None:
    closed: list[object] = []

    class Message(HTTPMessageDelegate):
        def __init__(self, connection: HTTPConnection) -> None:
            self.connection = connection

        def finish(self) -> None:
            headers = HTTPHeaders({"Content-Length": "2"})
            self.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, b"ok")
            self.connection.finish()

    class Delegate(HTTPServerConnectionDelegate):
        def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
            return Message(request_conn)

        def on_close(self, server_conn: object) -> None:
            closed.append(server_conn)

    server = HTTPServer(Delegate())
    assert (await ask(start(server), get("/"))).body == b"ok"
    await end(server)
    assert len(closed) == 1
    # By hand, too.
    connection = HTTPConnection()
    assert isinstance(server.start_request(None, connection), Message)
    server.on_close("by hand")
    assert closed[1] == "by hand"


async def test_a_function_by_hand() -> None:
    seen: list[HTTPServerRequest] = []
    server = HTTPServer(seen.append)
    message = server.start_request(None, HTTPConnection())
    message.headers_received(RequestStartLine("GET", "/a", "HTTP/1.0"), HTTPHeaders())
    message.finish()
    assert seen[0].uri == "/a"
    server.on_close(None)


# -- arguments


def test_arguments_become_settings() -> None:
    settings = HTTPServer(
        tell,
        no_keep_alive=True,
        protocol="https",
        decompress_request=True,
        max_header_size=1,
        max_header_count=2,
        max_body_size=3,
        max_buffer_size=4,
        max_connections=5,
        max_pipelined_requests=6,
        header_timeout=7,
        idle_connection_timeout=8,
        body_timeout=9,
        body_stall_timeout=10,
        write_timeout=11,
        linger_timeout=12,
        chunk_size=13,
    ).settings
    assert not settings.keep_alive
    assert settings.decompress_request
    assert settings.protocol == "https"
    assert (settings.max_header_size, settings.max_header_count, settings.max_body_size) == (1, 2, 3)
    assert (settings.max_connections, settings.max_pipelined_requests) == (5, 6)
    times = (settings.header_timeout, settings.idle_timeout, settings.body_timeout)
    assert times == (7, 8, 9)
    assert (settings.body_stall_timeout, settings.write_timeout, settings.linger_timeout) == (10, 11, 12)


def test_what_is_not_given_has_a_safe_default() -> None:
    settings = HTTPServer(tell).settings
    assert HTTPServer(tell, max_body_size=None, header_timeout=None).settings.header_timeout == 20
    assert settings.keep_alive
    assert not settings.decompress_request
    assert not settings.proxies.enabled
    assert (settings.max_header_size, settings.max_header_count) == (65536, 128)
    assert settings.max_body_size == 104857600
    assert HTTPServer(tell, max_buffer_size=5).settings.max_body_size == 5
    assert settings.body_timeout is None


def test_arguments_that_are_none() -> None:
    with pytest.raises(TypeError, match="request_callback"):
        HTTPServer()
    with pytest.raises(TypeError, match="nonsense"):
        HTTPServer(tell, nonsense=1)
    with pytest.raises(ValueError, match="max_body_size must be more than 0"):
        HTTPServer(tell, max_body_size=0)
    with pytest.raises(ValueError, match="trusted_proxies"):
        HTTPServer(tell, trusted_proxies=["nonsense"])


def test_the_class_may_be_configured() -> None:
    class Other(HTTPServer):
        pass

    try:
        HTTPServer.configure(Other)
        assert type(HTTPServer(tell)) is Other
    finally:
        HTTPServer.configure(None)
    assert type(HTTPServer(tell)) is HTTPServer


async def test_the_clock_is_as_fine_as_the_shortest_deadline_needs() -> None:
    assert HTTPServer(tell)._clock_interval() == 0.5
    assert HTTPServer(tell, linger_timeout=100)._clock_interval() == 1.0
    assert HTTPServer(tell, header_timeout=0.4)._clock_interval() == 0.1
    assert HTTPServer(tell, body_timeout=0.2)._clock_interval() == 0.05
    assert HTTPServer(tell, write_timeout=0.001)._clock_interval() == 0.01


async def test_proxies_and_addresses() -> None:
    line = ("X-Real-Ip: 1.2.3.4", "X-Scheme: https")
    cases: list[tuple[dict[str, Any], bytes]] = [
        ({}, b"127.0.0.1 http GET / 0"),
        ({"xheaders": True}, b"1.2.3.4 https GET / 0"),
        ({"xheaders": True, "trusted_proxies": ["10.0.0.0/8"]}, b"127.0.0.1 http GET / 0"),
        ({"xheaders": True, "trusted_proxies": ["127.0.0.1"]}, b"1.2.3.4 https GET / 0"),
        ({"protocol": "https"}, b"127.0.0.1 https GET / 0"),
    ]
    for arguments, expected in cases:
        server = HTTPServer(tell, **arguments)
        assert (await ask(start(server), get("/", *line))).body == expected
        await end(server)
    server = HTTPServer(tell, xheaders=True, trusted_downstream=["5.5.5.5"])
    response = await ask(start(server), get("/", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 5.5.5.5"))
    assert response.body == b"1.2.3.4 http GET / 0"
    await end(server)


async def test_packed_bodies() -> None:
    server = HTTPServer(tell, decompress_request=True)
    data = request("POST", "/", ["Content-Encoding: gzip"], gzip.compress(bytes(1000)))
    assert (await ask(start(server), data)).body == b"127.0.0.1 http POST / 1000"
    await end(server)


async def test_a_unix_socket(tmp_path: Path) -> None:
    server = HTTPServer(tell, xheaders=True)
    path = str(tmp_path / "socket")
    server.add_socket(bind_unix_socket(path))
    client = WireClient(*await asyncio.open_unix_connection(path))
    assert (await client.ask(get("/"))).body == b"0.0.0.0 http GET / 0"
    assert (await client.ask(get("/", "X-Real-Ip: 1.2.3.4"))).body == b"1.2.3.4 http GET / 0"
    await client.close()
    await end(server)


async def test_tls(certificate: tuple[str, str]) -> None:
    cert, key = certificate
    seen: list[HTTPServerRequest] = []

    def note(to: HTTPServerRequest) -> None:
        seen.append(to)
        tell(to)

    server = HTTPServer(note, ssl_options={"certfile": cert, "keyfile": key}, max_body_size=100)
    port = start(server)
    context = ssl.create_default_context(cafile=cert)
    connection = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    client = WireClient(*connection)
    await client.send(get("/a") + get("/b"))
    assert [(await client.response()).body[-8:] for _ in range(2)] == [b"GET /a 0", b"GET /b 0"]
    assert (await client.ask(get("/"))).body == b"127.0.0.1 https GET / 0"
    assert seen[0].get_ssl_certificate() is None
    # A refusal arrives although there is more to read than anyone does.
    client.writer.write(request("POST", "/", ["Content-Length: 1000000"]) + bytes(1_000_000))
    assert (await client.response()).status == 413
    await client.close()
    await end(server)


# -- the end


async def test_connections_are_closed_when_they_are_idle() -> None:
    release = asyncio.Event()

    async def wait(to: HTTPServerRequest) -> None:
        if to.uri == "/wait":
            await release.wait()
        tell(to)

    server = HTTPServer(wait)
    port = start(server)
    idle, busy = await WireClient.connect(port), await WireClient.connect(port)
    await idle.ask(get("/"))
    await busy.send(get("/wait"))
    await until(lambda: len(server.connections) == 2)
    server.stop()
    closing = asyncio.create_task(server.close_all_connections())
    assert await idle.rest() == b""
    assert not closing.done()
    release.set()
    response = await busy.response()
    assert response["Connection"] == "close"
    assert await busy.rest() == b""
    await closing
    for client in (idle, busy):
        await client.close()


async def test_what_does_not_end_in_time_is_broken_off() -> None:
    seen: list[HTTPServerRequest] = []
    server = HTTPServer(seen.append)
    port = start(server)
    client = await WireClient.connect(port)
    await client.send(get("/"))
    await until(lambda: seen)
    server.stop()
    await server.close_all_connections(timeout=0)
    assert not server.connections
    assert await client.rest() == b""
    await client.close()


async def test_a_server_without_connections_has_none_to_close() -> None:
    server = HTTPServer(tell)
    await server.close_all_connections()
    start(server)
    await end(server)


def test_a_server_may_serve_on_one_loop_after_another() -> None:
    server = HTTPServer(tell)

    async def use() -> bytes:
        body: bytes = (await ask(start(server), get("/"))).body
        await end(server)
        return body

    for _ in range(2):
        assert asyncio.run(use()) == b"127.0.0.1 http GET / 0"


def test_the_answer_of_a_handler_that_stops_the_loop_is_sent() -> None:
    class Last(RequestHandler):
        def get(self) -> None:
            IOLoop.current().stop()
            self.write("the last words")

    loop = IOLoop(make_current=False)
    (listening,) = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/", Last)]))
    loop.add_callback(server.add_sockets, [listening])
    with socket.create_connection(listening.getsockname()) as client:
        client.sendall(get("/"))
        loop.start()
        assert client.recv(65536).endswith(b"the last words")
    server.stop()
    loop.run_sync(server.close_all_connections)
    loop.close()
