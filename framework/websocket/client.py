"""The client: `websocket_connect`, and the connection it gives."""

from __future__ import annotations

import asyncio
import warnings
from collections import deque
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from io import BytesIO
from types import TracebackType
from typing import Any, Final, Self

from framework._background import run_in_background, start
from framework.httpclient import HTTPRequest, HTTPResponse
from framework.httpclient.connect import connect
from framework.httpclient.errors import HTTPStreamClosedError, HTTPTimeoutError
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import RequestStartLine, ResponseStartLine
from framework.ioloop import IOLoop
from framework.iostream.errors import fail
from framework.log import app_log
from framework.netutil import Resolver
from framework.websocket.asking import Question
from framework.websocket.base import DEFAULT_MAX_MESSAGE_SIZE, Params, WebSocketProtocol, make_codec
from framework.websocket.connection import WebSocketProtocol13
from framework.websocket.errors import WebSocketClosedError, WebSocketError
from framework.websocket.handshake import check_answer, new_key
from framework.websocket.opening import Opening

__all__ = ["WebSocketClientConnection", "websocket_connect"]

# Messages that nobody has read yet. Behind so many, or so many bytes or characters, no more is taken from the
# connection.
_UNREAD: Final = 16
_UNREAD_SIZE: Final = 65536

Message = str | bytes | None


class ConnectFuture(asyncio.Future["WebSocketClientConnection"]):
    """The connection to come. Cancelling it gives up; ``async with`` waits for it, and closes it in the end."""

    _opening: asyncio.Future[None] | None = None

    def cancel(self, msg: Any | None = None) -> bool:
        """Gives up."""
        if not super().cancel(msg):
            return False
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
        return True

    async def __aenter__(self) -> WebSocketClientConnection:
        return await self

    async def __aexit__(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.result().__aexit__(typ, value, tb)


class WebSocketClientConnection:
    """A client's WebSocket; `websocket_connect` makes them.

    Messages are read by `read_message`, by ``async for``, or by the ``on_message_callback``. As a context manager it
    is closed at the end of the block::

        async with websocket_connect("ws://localhost:8888/chat") as connection:
            await connection.write_message("hello")
            async for message in connection:
                print(message)

    ``close_code`` and ``close_reason`` are what the server said with its close frame, None if it said nothing;
    ``headers`` are those of its answer to the handshake.
    """

    protocol: WebSocketProtocol | None = None

    def __init__(
        self,
        request: HTTPRequest,
        on_message_callback: Callable[[Message], Any] | None = None,
        compression_options: dict[str, Any] | None = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        subprotocols: list[str] | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self.io_loop = IOLoop.current()
        self._loop = loop = self.io_loop.asyncio_loop
        self.connect_future = ConnectFuture(loop=loop)
        self.request = request
        self.key = new_key()
        self.headers: HTTPHeaders | None = None
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._compression_options = compression_options
        self._params = Params(ping_interval, ping_timeout, max_message_size)
        self._subprotocols = subprotocols or []
        self._resolver = resolver
        self._on_message_callback = on_message_callback
        self._connection: WebSocketProtocol13 | None = None
        self._opened: asyncio.Future[None] = loop.create_future()
        # Done when whoever waited for the connection has it: before that nobody could answer a message.
        self._taken: asyncio.Future[None] = loop.create_future()
        # An answer that is no handshake.
        self._page: ResponseStartLine | None = None
        self._body: list[bytes] = []
        # Messages nobody has read yet, and those who wait for one: one of the two is empty.
        self._unread: deque[str | bytes] = deque()
        self._unread_size = 0
        self._readers: deque[asyncio.Future[Message]] = deque()
        self._room: asyncio.Future[None] | None = None
        self._over = False
        opening = start(self.run(), loop)
        if not opening.done():
            self.connect_future._opening = opening

    def __del__(self) -> None:
        if self.protocol is not None and not self.protocol.is_closing():
            warnings.warn("Unclosed WebSocketClientConnection", ResourceWarning, stacklevel=2)

    # -- the handshake

    async def run(self) -> None:
        """Connects, and carries the handshake out; the outcome is ``connect_future``'s."""
        future = self.connect_future
        try:
            await self._connect()
        except asyncio.CancelledError:
            self._abort()
            future.cancel()
            raise
        except Exception as error:
            self._abort()
            if not future.done():
                future.set_exception(error)
        else:
            if future.done():
                # It was given up in this moment.
                self._abort()
            else:
                future.set_result(self)
                self._loop.call_soon(self._taken.set_result, None)
        finally:
            future._opening = None

    async def _connect(self) -> None:
        question = Question(self.request, self.key, self._subprotocols, self._compression_options is not None)
        opening = Opening(question.head, self, self._loop)
        doing = ["while connecting"]
        try:
            async with asyncio.timeout(question.seconds) as timer:
                await connect(question.route, opening, self._resolver or Resolver(), doing.append, self._loop)
                doing.append("during request")
                await self._opened
        except TimeoutError as error:
            opening.abort()
            if not timer.expired():
                raise
            raise HTTPTimeoutError(f"Timeout {doing[-1]}") from error
        except BaseException:
            opening.abort()
            raise

    def _abort(self) -> None:
        self._over = True
        self.protocol = None
        if self._connection is not None:
            self._connection.abort()

    def upgraded(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, transport: asyncio.Transport, rest: bytes
    ) -> None:
        """The server switches protocols; ``rest`` is what has come behind its answer."""
        if self._opened.done():
            # It was given up in this turn of the loop.
            transport.abort()
            return
        options = self._compression_options
        try:
            agreed = check_answer(
                start_line.code,
                headers,
                key=self.key,
                subprotocols=self._subprotocols,
                compression=options is not None,
            )
            codec = None
            if agreed.deflate is not None and options is not None:
                codec = make_codec(agreed.deflate, True, options)
        except Exception as error:
            transport.abort()
            self.failed(error)
            return
        self.headers = headers
        connection = self.get_websocket_protocol()
        self.protocol = self._connection = connection
        self._opened.set_result(None)
        connection.begin(transport, rest, lambda: self._taken, agreed.subprotocol, codec)

    def answered(self, start_line: ResponseStartLine, headers: HTTPHeaders, body: bytes) -> None:
        """The server does not switch, and says so."""
        self._page = start_line
        self.headers = headers
        self.data_received(body)
        self.finish()

    def get_websocket_protocol(self) -> WebSocketProtocol13:
        """The connection that is used when the handshake is through."""
        return WebSocketProtocol13(self, True, self._params)

    async def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """The head of an answer that is no handshake."""
        if isinstance(start_line, ResponseStartLine):
            self._page = start_line
            self.headers = headers

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """A piece of the body of an answer that is no handshake."""
        self._body.append(chunk)
        return None

    def finish(self) -> None:
        """An answer that is no handshake is complete."""
        page = self._page
        if page is None:
            self.on_connection_close()
            return
        response = HTTPResponse(
            self.request,
            page.code,
            headers=self.headers,
            buffer=BytesIO(b"".join(self._body)),
            reason=page.reason,
        )
        self.failed(response.error or WebSocketError("Non-websocket response"))

    def on_connection_close(self) -> None:
        """The connection has ended before there was an answer."""
        self.failed(HTTPStreamClosedError("Stream closed"))

    def failed(self, error: BaseException) -> None:
        """There will be no WebSocket."""
        fail(self._opened, error)

    # -- messages

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return None if self._connection is None else self._connection.selected_subprotocol

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Sends a message: text, unless ``binary``; a dict is sent as JSON. Awaiting it waits for a slow server.

        :raises WebSocketClosedError: the connection is closed, or closing.
        """
        if self.protocol is None:
            raise WebSocketClosedError("Client connection has been closed")
        return self.protocol.write_message(message, binary=binary)

    def ping(self, data: bytes = b"") -> None:
        """Sends a ping with at most 125 bytes of ``data``; `on_pong` is called with the answer."""
        if self.protocol is None:
            raise WebSocketClosedError("Client connection has been closed")
        self.protocol.write_ping(data)

    def read_message(
        self, callback: Callable[[asyncio.Future[Message]], None] | None = None
    ) -> asyncio.Future[Message]:
        """The next message, or None when the connection is over.

        :arg callback: is called with the future when it is done. Better await it.
        """
        future: asyncio.Future[Message] = self._loop.create_future()
        if self._unread:
            message = self._unread.popleft()
            self._unread_size -= len(message)
            future.set_result(message)
            if not self._unread:
                self._make_room()
        elif self._over:
            future.set_result(None)
        else:
            self._readers.append(future)
        if callback is not None:
            self.io_loop.add_future(future, callback)
        return future

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        message = await self.read_message()
        if message is None:
            raise StopAsyncIteration
        return message

    # -- what the connection calls

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Hands a message to the callback, or to whoever reads."""
        if self._on_message_callback is not None:
            waiting: Awaitable[None] | None = self._on_message_callback(message)
            return waiting
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(message)
                return None
        if self.protocol is None and self._is_full():
            # It is being closed, and nobody reads.
            return None
        self._unread.append(message)
        self._unread_size += len(message)
        if self.protocol is None or not self._is_full():
            return None
        self._room = self._loop.create_future()
        return self._room

    def on_ping(self, data: bytes) -> None:
        """Called with each ping, which has been answered."""

    def on_pong(self, data: bytes) -> None:
        """Called with each answer to a ping."""

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """The connection is over; code and reason are what the server said."""
        self.close_code = close_code
        self.close_reason = close_reason
        self._over = True
        for reader in self._readers:
            if not reader.done():
                reader.set_result(None)
        self._readers.clear()
        if self._on_message_callback is not None:
            waiting = self._on_message_callback(None)
            if isawaitable(waiting):
                run_in_background(waiting)

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Logs what the callback raised."""
        app_log.error("Uncaught exception %s", value, exc_info=value)

    # -- the end

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Closes the connection; see `WebSocketHandler.close`. What has come can still be read."""
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.close(code, reason)
            self._make_room()

    def _is_full(self) -> bool:
        return len(self._unread) >= _UNREAD or self._unread_size >= _UNREAD_SIZE

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    async def wait_closed(self) -> None:
        """Waits until the connection is over and gone."""
        if self._connection is not None:
            await self._connection.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
        await self.wait_closed()


def websocket_connect(
    url: str | HTTPRequest,
    callback: Callable[[asyncio.Future[WebSocketClientConnection]], None] | None = None,
    connect_timeout: float | None = None,
    on_message_callback: Callable[[Message], Any] | None = None,
    compression_options: dict[str, Any] | None = None,
    ping_interval: float | None = None,
    ping_timeout: float | None = None,
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    subprotocols: list[str] | None = None,
    resolver: Resolver | None = None,
) -> ConnectFuture:
    """Opens a WebSocket; the future's result is a `WebSocketClientConnection`.

    :arg url: ``ws://`` or ``wss://``, or an `HTTPRequest` with headers, timeouts, a proxy, or options for TLS.
    :arg callback: is called with the future when it is done. Better await it.
    :arg connect_timeout: seconds until the handshake is through, 20 unless given.
    :arg on_message_callback: is called with each message, and with None at the end; what it returns is awaited before
        the next message. There is nothing for `read_message` then.
    :arg compression_options: None: no compression. A dict asks for it (RFC 7692), with zlib's ``compression_level``
        and ``mem_level``.
    :arg ping_interval: as the setting of `WebSocketHandler`, like ``ping_timeout`` and ``max_message_size``.
    :arg subprotocols: those to offer, the best first.
    :arg resolver: looks the name up; `Resolver` unless given.
    :raises HTTPClientError: by the future: the server answered with that status; 599 if it did not answer.
    :raises WebSocketError: by the future: its answer breaks the rules of the handshake.
    :raises OSError: by the future: it can't be reached.
    """
    if isinstance(url, HTTPRequest):
        if connect_timeout is not None:
            raise ValueError("connect_timeout goes into the HTTPRequest, if there is one")
        request = url
    else:
        request = HTTPRequest(url, connect_timeout=connect_timeout)
    future = WebSocketClientConnection(
        request,
        on_message_callback=on_message_callback,
        compression_options=compression_options,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        max_message_size=max_message_size,
        subprotocols=subprotocols,
        resolver=resolver,
    ).connect_future
    if callback is not None:
        IOLoop.current().add_future(future, callback)
    return future
