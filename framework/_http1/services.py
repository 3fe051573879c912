"""What a connection hands its requests to: delegates, and functions of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from inspect import isawaitable
from typing import Any, Protocol

from framework._background import run_in_background
from framework._http1.flow import BodyPump
from framework._http1.request import WireRequest
from framework._http1.server import ServerConnection
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from framework.httputil.request import HTTPServerRequest

__all__ = ["CallableMessage", "CallableService", "DelegateService", "Service", "feed"]


class Service(Protocol):
    """What a connection hands its requests to."""

    # Whether `open` wants to see requests before their body is there.
    streaming: bool
    # A future of the loop that is done.
    done: asyncio.Future[None]

    def open(self, request: WireRequest) -> HTTPMessageDelegate | None:
        """What receives the body piece by piece; None if the request is to be served when it is whole."""

    def serve(self, request: WireRequest) -> None:
        """Answers a whole request, now or later."""

    def closed(self, connection: ServerConnection) -> None:
        """The connection is gone."""


def feed(delegate: HTTPMessageDelegate, request: WireRequest) -> None:
    """Hands a whole request to a delegate, piece by piece as far as it makes us wait."""

    def nothing() -> None:
        pass

    def failed(error: BaseException) -> None:
        request._wire.failed(request, error)

    def closed() -> None:
        pump.close()
        delegate.on_connection_close()

    def accepted() -> None:
        # The delegate decides what becomes of the body. Until here it may have said how large one may be.
        request.body = b""

    body = request.body
    pump = BodyPump(delegate, copy_context(), nothing, nothing, failed, accepted)
    request._wire.set_close_callback(request, closed)
    pump.begin(request.start_line(), request.headers)
    if body:
        pump.feed(body)
    pump.end()


class DelegateService:
    """Serves a delegate, which sees each request from its header on."""

    streaming = True

    def __init__(self, delegate: HTTPServerConnectionDelegate, done: asyncio.Future[None]) -> None:
        self._delegate = delegate
        self.done = done

    def open(self, request: WireRequest) -> HTTPMessageDelegate:
        """The delegate's own delegate for a request."""
        connection: Any = request.connection
        message = self._delegate.start_request(request.server_connection, connection)
        request._wire.set_close_callback(request, message.on_connection_close)
        return message

    def serve(self, request: WireRequest) -> None:
        """Hands a whole request over."""
        feed(self.open(request), request)

    def closed(self, connection: ServerConnection) -> None:
        """Tells the delegate."""
        self._delegate.on_close(connection)


class CallableService:
    """Serves a function that is called with each whole request."""

    streaming = False

    def __init__(self, function: Callable[[Any], Awaitable[None] | None], done: asyncio.Future[None]) -> None:
        self._function = function
        self.done = done
        # The loop itself holds tasks by weak references only.
        self._running: set[asyncio.Future[None]] = set()

    def open(self, request: WireRequest) -> None:
        """Nothing is served before it is whole."""

    def serve(self, request: WireRequest) -> None:
        """Calls the function."""
        result = self._function(request)
        if isawaitable(result):
            future: asyncio.Future[None] = asyncio.ensure_future(result)
            self._running.add(future)
            future.add_done_callback(lambda future: self._ended(request, future))

    def _ended(self, request: WireRequest, future: asyncio.Future[None]) -> None:
        self._running.discard(future)
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            request._wire.failed(request, error)

    def closed(self, connection: ServerConnection) -> None:
        """Functions are not told."""


class CallableMessage(HTTPMessageDelegate):
    """Collects a whole request and calls a function with it."""

    def __init__(
        self, function: Callable[[HTTPServerRequest], Awaitable[None] | None], connection: HTTPConnection
    ) -> None:
        self._function = function
        self._connection = connection
        self._request: HTTPServerRequest | None = None
        self._chunks: list[bytes] = []

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if isinstance(start_line, RequestStartLine):
            self._request = HTTPServerRequest(
                connection=self._connection, start_line=start_line, headers=headers
            )
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._chunks.append(chunk)
        return None

    def finish(self) -> None:
        request = self._request
        if request is None:
            raise RuntimeError("a request was finished before its header was received")
        request.body = b"".join(self._chunks)
        result = self._function(request)
        if isawaitable(result):
            run_in_background(result)
