"""A handler's delegate, driven by hand as a router or a server of one's own would."""

from __future__ import annotations

import asyncio
from typing import Any

from framework.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPServerRequest,
    RequestStartLine,
)
from framework.web import Application, RequestHandler, stream_request_body
from framework.web.execute import HandlerDelegate


class Connection(HTTPConnection):
    """A connection that keeps what is written."""

    context = None

    def __init__(self) -> None:
        self.sent = b""
        self.status = 0
        self.ended = False
        self.closed: Any = None

    def set_close_callback(self, callback: Any) -> None:
        self.closed = callback

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> Any:
        self.status = start_line.code
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> Any:
        self.sent += chunk
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def finish(self) -> None:
        self.ended = True


def delegate(handler: type[RequestHandler]) -> tuple[Any, Connection]:
    """What receives a request for a handler."""
    connection = Connection()
    request_line = RequestStartLine("POST", "/x", "HTTP/1.1")
    made = HTTPServerRequest(
        start_line=request_line, headers=HTTPHeaders({"Host": "a"}), connection=connection
    )
    return Application([(r"/(.*)", handler)]).find_handler(made), connection


async def test_delegate_collects_the_body() -> None:
    class Body(RequestHandler):
        def post(self, path: str) -> None:
            self.write(self.request.body)

    one, connection = delegate(Body)
    assert isinstance(one, HandlerDelegate)
    assert one.headers_received(RequestStartLine("POST", "/x", "HTTP/1.1"), HTTPHeaders()) is None
    assert one.data_received(b"ab") is None
    one.data_received(b"cd")
    one.finish()
    assert (connection.sent, connection.ended) == (b"abcd", True)


async def test_delegate_forgets_a_body_whose_sender_has_gone() -> None:
    one, connection = delegate(RequestHandler)
    one.data_received(b"ab")
    one.on_connection_close()
    assert one.chunks == []
    assert not connection.sent


async def test_delegate_of_a_streaming_handler() -> None:
    pieces: list[bytes] = []

    @stream_request_body
    class Streaming(RequestHandler):
        def data_received(self, chunk: bytes) -> None:
            pieces.append(chunk)

        def post(self, path: str) -> None:
            self.write("whole")

    one, connection = delegate(Streaming)
    head = (RequestStartLine("POST", "/x", "HTTP/1.1"), HTTPHeaders())
    waiting = one.headers_received(*head)
    if waiting is not None:
        await waiting
    one.data_received(b"ab")
    one.finish()
    for _ in range(3):
        await asyncio.sleep(0)
    assert (pieces, connection.sent, connection.ended) == ([b"ab"], b"whole", True)
    one.data_received(b"too late")
    one.on_connection_close()
    assert pieces == [b"ab"]


async def test_handler_that_is_not_done_hears_of_the_connections_end() -> None:
    heard = []

    class Waiting(RequestHandler):
        def post(self, path: str) -> None:
            self._auto_finish = False

        def on_connection_close(self) -> None:
            heard.append(1)

    one, connection = delegate(Waiting)
    one.finish()
    connection.closed()
    assert heard == [1]
