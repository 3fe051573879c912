"""HTTP/1.1 on streams of one's own: serving, by a delegate and by hand."""

from __future__ import annotations

import asyncio
import gzip
import logging
from functools import partial
from typing import Any

import pytest

from framework.http1connection import HTTP1Connection, HTTP1ConnectionParameters, HTTP1ServerConnection
from framework.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    ResponseStartLine,
)
from framework.httputil.errors import HTTPOutputError
from framework.iostream import IOStream, StreamClosedError
from tests.exchanges import OK, Message
from tests.streams import Ends, ends, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops


def finished(message: Message) -> bool:
    """Whether it has had all of it."""
    return "finish" in message.events


class Server(HTTPServerConnectionDelegate):
    """Answers each request with its body."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.connections: list[HTTP1Connection] = []
        self.seen: list[object] = []

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        """A request."""
        self.seen.append(server_conn)
        self.connections.append(request_conn)

        class Answering(Message):
            def finish(self) -> None:
                super().finish()
                body = b"".join(event for event in self.events if isinstance(event, bytes))
                request_conn.write_headers(OK, HTTPHeaders({"Content-Length": str(len(body))}), body)
                request_conn.finish()

        self.messages.append(Answering())
        return self.messages[-1]

    def on_close(self, server_conn: object) -> None:
        """The end."""
        self.seen.append("closed")


def serving(ends: Ends, **params: Any) -> tuple[HTTP1ServerConnection, Server, IOStream]:
    """A served stream, what answers, and the other end."""
    near, far = ends.streams()
    connection = HTTP1ServerConnection(near, HTTP1ConnectionParameters(**params), context="context")
    server = Server()
    connection.start_serving(server)
    return connection, server, far


async def test_serving(ends: Ends) -> None:
    connection, server, far = serving(ends)
    await far.write(
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert await far.read_until(b"abc") == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert [message.events[0] for message in server.messages] == [("GET", "/a"), ("POST", "/b")]
    assert server.seen == [connection, connection]
    one = server.connections[0]
    assert isinstance(one, HTTP1Connection)
    assert (one.stream, one.context, one.is_client) == (connection.stream, "context", False)
    with pytest.raises(StreamClosedError):
        one.write(b"late")
    far.close()
    await until(lambda: server.seen[-1] == "closed")
    assert connection.stream.closed()
    await connection.close()


async def test_a_large_body_in_pieces(ends: Ends) -> None:
    connection, server, far = serving(ends)
    writing = far.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000))
    assert await far.read_until(b"\r\n\r\n") == b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"
    await writing
    assert await far.read_bytes(3_000_000) == bytes(3_000_000)
    assert len(server.messages[0].events) > 10
    await connection.close()


async def test_close_tells(ends: Ends) -> None:
    connection, server, far = serving(ends)
    await far.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
    await until(lambda: server.messages and len(server.messages[0].events) == 2)
    await connection.close()
    assert server.messages[0].events[-1] == "close"
    assert server.seen[-1] == "closed"
    closed = HTTP1ServerConnection(connection.stream)
    other = Server()
    closed.start_serving(other)
    assert other.seen == ["closed"]
    with pytest.raises(RuntimeError, match="twice"):
        closed.start_serving(other)
    await closed.close()
    await HTTP1ServerConnection(connection.stream).close()


async def test_what_is_no_request(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    connection, server, far = serving(ends)
    await far.write(b"nonsense\r\n\r\n")
    assert (await far.read_until(b"\r\n")) == b"HTTP/1.1 400 Bad Request\r\n"
    # Its half is closed: the rest is read until the client closes.
    await far.read_until_close()
    await until(lambda: server.seen == ["closed"])
    assert connection.stream.closed()


async def test_parameters_are_limits(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    _, server, far = serving(ends, max_body_size=2, header_timeout=50, body_timeout=60)
    await far.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    assert (await far.read_until(b"\r\n")).startswith(b"HTTP/1.1 413 ")
    far.close()
    await until(lambda: server.seen[-1] == "closed")
    _, server, far = serving(ends, no_keep_alive=True, decompress=True)
    packed = gzip.compress(b"abc")
    await far.write(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
        + packed
    )
    assert (
        await far.read_until_close()
        == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    )
    await until(lambda: server.seen[-1] == "closed")


async def test_a_server_may_detach(ends: Ends) -> None:
    near, far = ends.streams()
    taken: list[IOStream] = []

    class Detaching(Server):
        def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
            class Taking(Message):
                def finish(self) -> None:
                    taken.append(request_conn.detach())

            return Taking()

    server = Detaching()
    HTTP1ServerConnection(near).start_serving(server)
    await far.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nfirst ")
    await until(lambda: taken)
    assert taken == [near]
    await far.write(b"line\n")
    assert await near.read_until(b"\n") == b"first line\n"
    await near.write(b"answer\n")
    assert await far.read_until(b"\n") == b"answer\n"
    assert server.seen == ["closed"]


# -- a server's connection by hand


async def test_one_request_after_the_other_by_hand(ends: Ends) -> None:
    near, far = ends.streams()
    # All of them come before anybody asks for the second.
    await far.write(
        b"GET /0 HTTP/1.1\r\nHost: x\r\n\r\nPOST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
    )
    for number in range(3):
        connection = HTTP1Connection(near, False)
        message = Message()
        reading = asyncio.ensure_future(connection.read_response(message))
        await until(partial(finished, message))
        assert message.events[0][1] == f"/{number}"
        assert not reading.done()
        await connection.write_headers(OK, HTTPHeaders())
        await connection.write(b"abc")
        connection.finish()
        assert await reading is True
        assert (await far.read_until(b"0\r\n\r\n")).endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        if number == 1:
            await far.write(b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(RuntimeError, match="one request"):
        connection.read_response(Message())
    waiting = HTTP1Connection(near, False).read_response(Message())
    far.close()
    assert await waiting is False
    assert await HTTP1Connection(near, False).read_response(Message()) is False


async def test_nobody_asks_for_what_has_come(ends: Ends) -> None:
    near, far = ends.streams()
    first = HTTP1Connection(near, False)
    reading = first.read_response(Message())
    await far.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    await turns(10)
    first.write_headers(ResponseStartLine("", 204, "No Content"), HTTPHeaders())
    first.finish()
    assert await reading is True
    await turns(10)
    far.close()
    await until(near.closed)
    await turns()


async def test_a_client_that_goes_while_it_is_answered(ends: Ends) -> None:
    near, far = ends.streams()
    connection = HTTP1Connection(near, False)
    called: list[int] = []
    connection.set_close_callback(lambda: called.append(1))
    message = Message()
    reading = connection.read_response(message)
    await far.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: "finish" in message.events)
    far.close()
    assert await reading is True
    assert called == [1]
    assert message.events == [("GET", "/"), "finish"]


async def test_responses_that_make_no_sense(ends: Ends) -> None:
    near, far = ends.streams()
    connection = HTTP1Connection(near, False)
    with pytest.raises(HTTPOutputError, match="before there was a request"):
        connection.write(b"x")
    assert connection.detach() is near
    message = Message()
    connection.set_close_callback(None)
    reading = asyncio.ensure_future(connection.read_response(message))
    await far.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
    await until(lambda: len(message.events) == 2)
    connection.set_max_body_size(100)
    connection.set_body_timeout(100)
    assert connection.detach() is near
    assert await reading is False
    near.close()
    with pytest.raises(StreamClosedError):
        HTTP1Connection(near, False).finish()


def test_parameters() -> None:
    defaults = HTTP1ConnectionParameters()
    assert vars(defaults) == {
        "no_keep_alive": False,
        "chunk_size": 65536,
        "max_header_size": 65536,
        "header_timeout": None,
        "max_body_size": None,
        "body_timeout": None,
        "decompress": False,
    }
    given = HTTP1ConnectionParameters(True, 1, 2, 3.0, 4, 5.0, True)
    assert list(vars(given).values()) == [True, 1, 2, 3.0, 4, 5.0, True]


async def test_a_slow_delegate_by_hand(ends: Ends) -> None:
    async def wait() -> None:
        await asyncio.sleep(0)

    near, far = ends.streams()
    first = HTTP1Connection(near, False)
    reading = first.read_response(Message(wait))
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    await far.write(request + b"ab" + request + b"c")
    await turns(20)
    first.write_headers(ResponseStartLine("", 204, "No Content"), HTTPHeaders())
    first.finish()
    assert await reading is True
    await turns(20)
    message = Message(wait)
    second = HTTP1Connection(near, False).read_response(message)
    await until(lambda: b"c" in message.events)
    far.close()
    assert await second is False
    assert message.events == [("POST", "/"), b"c", "close"]
