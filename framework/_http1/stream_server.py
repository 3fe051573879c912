"""A server's exchanges on a stream of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import ClassVar
from weakref import WeakKeyDictionary

from framework._http1.deadlines import Clock
from framework._http1.exchange import ServerExchange
from framework._http1.flow import BodyPump
from framework._http1.outbox import Outbox
from framework._http1.request import WireRequest
from framework._http1.server import ServerConnection
from framework._http1.stream_client import Reading
from framework._http1.stream_parameters import HTTP1ConnectionParameters, server_settings
from framework._http1.stream_transport import StreamTransport
from framework.httputil.errors import HTTPOutputError
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from framework.iostream import IOStream, StreamClosedError

__all__ = ["ServerSide", "Wire"]


class Wire:
    """A server's connection on a stream, and the service that it hands its requests to."""

    streaming = True

    def __init__(
        self,
        stream: IOStream,
        params: HTTP1ConnectionParameters,
        open_request: Callable[[Wire, WireRequest], HTTPMessageDelegate],
        closed: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = loop.create_future()
        self.done.set_result(None)
        self._open = open_request
        self._closed = closed
        self.connection = ServerConnection(
            self, server_settings(stream, params), Clock(loop), set(), loop, Outbox(loop)
        )
        self.transport = StreamTransport(stream, self.connection)
        self.transport.resume_reading()

    def open(self, request: WireRequest) -> HTTPMessageDelegate:
        """A delegate for a request."""
        delegate = self._open(self, request)
        self.connection.set_close_callback(request, delegate.on_connection_close)
        return delegate

    def serve(self, request: WireRequest) -> None:
        """Hands a whole request over."""

        def failed(error: BaseException) -> None:
            self.connection.failed(request, error)

        pump = BodyPump(self.open(request), copy_context(), _nothing, _nothing, failed)
        pump.begin(request.start_line(), request.headers)
        body, request.body = request.body, b""
        if body:
            pump.feed(body)
        pump.end()

    def closed(self, connection: ServerConnection) -> None:
        """The connection is gone."""
        self._closed()

    def detach(self, request: WireRequest) -> IOStream:
        """Gives the stream back, with what was read of what follows the request."""
        _, rest = self.connection.detach(request)
        stream = self.transport.release(rest)
        asyncio.get_running_loop().call_soon(self._closed)
        return stream


def _nothing() -> None:
    pass


class ServerSide:
    """One request that is read and its response that is written."""

    def __init__(self, stream: IOStream, params: HTTP1ConnectionParameters) -> None:
        self._stream = stream
        self._params = params
        self._wire: Wire | None = None
        self._request: WireRequest | None = None
        self._exchange: ServerExchange | None = None
        self._done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        # The request has been handed over; the response has been written.
        self._read = self._written = False
        self._close_callback: Callable[[], None] | None = None
        self._delegate: HTTPMessageDelegate | None = None

    def take(self, wire: Wire, request: WireRequest, delegate: HTTPMessageDelegate) -> HTTPMessageDelegate:
        """Makes this the exchange of a request; what receives it."""
        self._wire, self._request = wire, request
        self._exchange = wire.connection.exchange(request)
        self._delegate = delegate
        return _Told(delegate, self._finished, self.closed)

    def begin(self, wire: Wire, request: WireRequest) -> None:
        """Makes this the exchange of a request, before there is something to receive it."""
        self._wire, self._request = wire, request
        self._exchange = wire.connection.exchange(request)

    def read(self, delegate: HTTPMessageDelegate) -> Awaitable[bool]:
        if self._delegate is not None:
            raise RuntimeError("there is one request, and it is being read")
        self._delegate = delegate
        _Queue.of(self._stream, self._params).next_for(self, delegate)
        return self._done

    def _open(self) -> ServerExchange:
        if self._exchange is None:
            if self._stream.closed():
                raise StreamClosedError(self._stream.error)
            raise HTTPOutputError("a response was written before there was a request")
        return self._exchange

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        return self._open().write_headers(start_line, headers, chunk)

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        return self._open().write(chunk)

    def finish(self) -> None:
        exchange = self._open()
        self._close_callback = None
        self._written = True
        exchange.finish()
        self._look()

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        self._close_callback = callback

    def set_max_body_size(self, size: int) -> None:
        self._open().set_max_body_size(size)

    def set_body_timeout(self, timeout: float) -> None:
        self._open().set_body_timeout(timeout)

    def detach(self) -> IOStream:
        self._close_callback = None
        if self._wire is None or self._request is None:
            return self._stream
        stream = self._wire.detach(self._request)
        if not self._done.done():
            self._done.set_result(False)
        return stream

    def _finished(self) -> None:
        self._read = True
        self._look()

    def _look(self) -> None:
        if self._read and self._written and not self._done.done():
            self._done.set_result(True)

    def closed(self) -> None:
        """The stream was closed: too early for whoever is told."""
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            callback()
        if not self._done.done():
            self._done.set_result(self._read)


class _Told(Reading):
    """Tells of a connection that was closed as well, the delegate only if it hasn't had all of the request."""

    def __init__(
        self, delegate: HTTPMessageDelegate, finished: Callable[[], None], closed: Callable[[], None]
    ) -> None:
        super().__init__(delegate, finished)
        self._closed = closed

    def on_connection_close(self) -> None:
        if not self.over:
            super().on_connection_close()
        self._closed()


class _Waiting(HTTPMessageDelegate):
    """Receives a request that nobody has asked for yet, when somebody does."""

    def __init__(self, wire: Wire, request: WireRequest) -> None:
        self._wire = wire
        self._request = request
        self._delegate: asyncio.Future[HTTPMessageDelegate] = asyncio.get_running_loop().create_future()

    def give(self, side: ServerSide, delegate: HTTPMessageDelegate) -> None:
        """Somebody asks for it."""
        self._delegate.set_result(side.take(self._wire, self._request, delegate))

    async def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        waiting = (await self._delegate).headers_received(start_line, headers)
        if waiting is not None:
            await waiting

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.result().data_received(chunk)

    def finish(self) -> None:
        self._delegate.result().finish()

    def on_connection_close(self) -> None:
        if self._delegate.done() and not self._delegate.cancelled():
            self._delegate.result().on_connection_close()
        self._delegate.cancel()


class _Queue:
    """The requests of a stream and those who ask for them, in the order of either."""

    _of_stream: ClassVar[WeakKeyDictionary[IOStream, _Queue]] = WeakKeyDictionary()

    def __init__(self, stream: IOStream, params: HTTP1ConnectionParameters) -> None:
        self._asking: deque[tuple[ServerSide, HTTPMessageDelegate]] = deque()
        self._come: deque[_Waiting] = deque()
        self._closed = stream.closed()
        if not self._closed:
            Wire(stream, params, self._open, self._on_close)

    @classmethod
    def of(cls, stream: IOStream, params: HTTP1ConnectionParameters) -> _Queue:
        """That of a stream; it is served from now on, if it wasn't."""
        found = cls._of_stream.get(stream)
        if found is None:
            found = cls._of_stream[stream] = _Queue(stream, params)
        return found

    def next_for(self, side: ServerSide, delegate: HTTPMessageDelegate) -> None:
        """Somebody asks for the next request."""
        if self._come:
            self._come.popleft().give(side, delegate)
        elif self._closed:
            side.closed()
        else:
            self._asking.append((side, delegate))

    def _open(self, wire: Wire, request: WireRequest) -> HTTPMessageDelegate:
        if self._asking:
            side, delegate = self._asking.popleft()
            return side.take(wire, request, delegate)
        waiting = _Waiting(wire, request)
        self._come.append(waiting)
        return waiting

    def _on_close(self) -> None:
        self._closed = True
        self._come.clear()
        asking, self._asking = self._asking, deque()
        for side, _ in asking:
            side.closed()
