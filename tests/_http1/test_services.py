"""Servers of delegates and of functions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framework._http1.request import WireRequest
from framework._http1.services import CallableMessage, CallableService, DelegateService
from framework.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tests._http1.peer import Peer, answer, get, post


def done() -> asyncio.Future[None]:
    """A future that is done."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def respond(connection: Any, body: bytes) -> None:
    """Answer by the public API."""
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, body)
    connection.finish()


# -- delegates


class Message(HTTPMessageDelegate):
    """Notes a message and answers it."""

    def __init__(self, events: list[str], connection: HTTPConnection) -> None:
        self.events = events
        self.connection = connection
        self.body = b""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """Note it."""
        assert isinstance(start_line, RequestStartLine)
        self.events.append(f"{start_line.method} {start_line.path} {headers['Host']}")

    def data_received(self, chunk: bytes) -> asyncio.Future[None] | None:
        """Note it."""
        self.events.append(chunk.decode())
        self.body += chunk
        return None

    def finish(self) -> None:
        """Answer."""
        self.events.append("end")
        respond(self.connection, self.body)

    def on_connection_close(self) -> None:
        """Note it."""
        self.events.append("gone")


class Delegate(HTTPServerConnectionDelegate):
    """Makes messages."""

    message: type[Message] = Message

    def __init__(self) -> None:
        self.events: list[str] = []
        self.connections: list[object] = []
        self.closed: list[object] = []

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Note it."""
        self.connections.append(server_conn)
        return self.message(self.events, request_conn)

    def on_close(self, server_conn: object) -> None:
        """Note it."""
        self.closed.append(server_conn)


async def test_a_delegate_sees_whole_requests_and_parts_of_them() -> None:
    delegate = Delegate()
    peer = Peer(DelegateService(delegate, done()))
    assert peer.send(get(b"/a")) == answer(b"")
    assert peer.send(post(b"body", path=b"/b")) == answer(b"body")
    data = post(b"body", path=b"/c")
    assert peer.send(data[:-2], data[-2:]) == answer(b"body")
    assert delegate.events == [
        *("GET /a x", "end"),
        *("POST /b x", "body", "end"),
        *("POST /c x", "bo", "dy", "end"),
    ]
    # The same connection each time, and told of once.
    assert delegate.connections == [peer.connection] * 3
    peer.transport.deliver_close()
    assert delegate.closed == [peer.connection]
    assert "gone" not in delegate.events


async def test_a_delegate_hears_that_the_client_has_gone() -> None:
    for data in (post(b"body")[:-2], get()):
        delegate = Delegate()

        class Never(Message):
            def finish(self) -> None:
                """Answer never."""

        delegate.message = Never
        peer = Peer(DelegateService(delegate, done()))
        peer.send(data)
        peer.transport.deliver_close()
        assert delegate.events[-1] == "gone"


async def test_a_delegate_may_take_its_time_with_a_whole_request() -> None:
    waiting = asyncio.get_running_loop().create_future()

    class Slow(Message):
        def data_received(self, chunk: bytes) -> asyncio.Future[None]:
            super().data_received(chunk)
            return waiting

    delegate = Delegate()
    delegate.message = Slow
    peer = Peer(DelegateService(delegate, done()))
    assert peer.send(post(b"body") + get(b"/b")) == b""
    waiting.set_result(None)
    assert await peer.settle() == answer(b"body") + answer(b"")


async def test_a_delegate_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Message):
        def finish(self) -> None:
            raise RuntimeError("broken")

    delegate = Delegate()
    delegate.message = Failing
    peer = Peer(DelegateService(delegate, done()))
    peer.transport.feed(post(b"body"))
    assert peer.refused == 500
    assert delegate.events[-1] == "gone"
    assert "broken" in caplog.text


# -- functions


async def test_a_function_is_called_with_each_request() -> None:
    def function(request: WireRequest) -> None:
        respond(request.connection, request.path.encode() + request.body)

    service = CallableService(function, done())
    assert service.open(None) is None  # type: ignore[arg-type, func-returns-value]
    peer = Peer(service)
    data = post(b"body", path=b"/b")
    assert peer.send(get(b"/a"), data[:-2], data[-2:]) == answer(b"/a") + answer(b"/bbody")
    peer.transport.deliver_close()


async def test_a_function_may_be_a_coroutine() -> None:
    async def function(request: WireRequest) -> None:
        await asyncio.sleep(0)
        respond(request.connection, request.path.encode())

    peer = Peer(CallableService(function, done()))
    peer.send(get(b"/a") + get(b"/b"))
    assert await peer.settle() == answer(b"/a") + answer(b"/b")


async def test_a_function_may_answer_when_it_likes() -> None:
    requests: list[WireRequest] = []
    peer = Peer(CallableService(requests.append, done()))
    assert peer.send(get(b"/a")) == b""
    respond(requests[0].connection, b"later")
    assert peer.transport.take() == answer(b"later")


async def test_a_function_that_raises_is_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    def function(request: WireRequest) -> None:
        raise RuntimeError("broken")

    async def coroutine(request: WireRequest) -> None:
        raise RuntimeError("broken")

    for failing in (function, coroutine):
        caplog.clear()
        peer = Peer(CallableService(failing, done()))
        peer.transport.feed(get())
        for _ in range(5):
            await asyncio.sleep(0)
        assert peer.refused == 500
        assert "broken" in caplog.text


async def test_a_coroutine_that_is_cancelled_is_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    async def coroutine(request: WireRequest) -> None:
        raise asyncio.CancelledError

    peer = Peer(CallableService(coroutine, done()))
    peer.transport.feed(get())
    for _ in range(5):
        await asyncio.sleep(0)
    assert peer.refused == 500
    assert not caplog.records


# -- requests put together by hand


class Connection(HTTPConnection):
    """Nothing is written to it."""


async def test_a_message_collects_a_request() -> None:
    requests: list[HTTPServerRequest] = []
    message = CallableMessage(requests.append, Connection())
    assert message.headers_received(RequestStartLine("POST", "/a", "HTTP/1.1"), HTTPHeaders(host="x")) is None
    assert message.data_received(b"bo") is None
    assert message.data_received(b"dy") is None
    message.finish()
    (request,) = requests
    assert (request.method, request.uri, request.body, request.host) == ("POST", "/a", b"body", "x")


async def test_a_message_without_a_header_is_none() -> None:
    message = CallableMessage(lambda request: None, Connection())
    message.headers_received(ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders())
    with pytest.raises(RuntimeError, match="before its header"):
        message.finish()


async def test_a_message_for_a_coroutine() -> None:
    seen: list[str] = []

    async def coroutine(request: HTTPServerRequest) -> None:
        seen.append(request.path)

    message = CallableMessage(coroutine, Connection())
    message.headers_received(RequestStartLine("GET", "/a", "HTTP/1.0"), HTTPHeaders())
    message.finish()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert seen == ["/a"]
