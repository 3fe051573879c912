"""`WebSocketHandler`: what applications derive their WebSocket handlers from."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, Coroutine
from functools import lru_cache, wraps
from typing import Any, ClassVar, Literal, TypeVar, cast
from urllib.parse import urlsplit

from framework.httputil.headers import HTTPHeaders
from framework.httputil.request import HTTPServerRequest
from framework.iostream.errors import StreamClosedError
from framework.log import gen_log
from framework.web import Application, RequestHandler, output
from framework.websocket.accept import accept
from framework.websocket.base import DEFAULT_MAX_MESSAGE_SIZE, POLICIES, WAIT, Params, WebSocketProtocol
from framework.websocket.connection import WebSocketProtocol13
from framework.websocket.errors import WebSocketClosedError
from framework.websocket.handshake import refusal
from framework.websocket.shared import share_of

__all__ = ["WebSocketHandler"]

Method = TypeVar("Method", bound=Callable[..., Any])


# The connections of an application have few different ones.
_params = lru_cache(maxsize=64)(Params)


def _of_http(method: Method) -> Method:
    """A method that speaks HTTP, and raises where that is over."""

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._is_upgraded:
            raise RuntimeError("Method not supported for Web Sockets")
        return method(self, *args, **kwargs)

    return cast(Method, wrapper)


class WebSocketHandler(RequestHandler):
    """Talks to one client over a WebSocket (RFC 6455).

    A subclass defines `on_message`, and `open` and `on_close` as it needs them::

        class Echo(WebSocketHandler):
            def on_message(self, message):
                self.write_message("You said: " + message)

    Until the handshake is answered it is a `RequestHandler` like others: `prepare` may refuse the client, and
    headers and cookies that are set there go out with the answer. Behind it nothing of HTTP can be written any more,
    but the request and its cookies and arguments can still be looked at.

    The next message is taken when `on_message` is done with the one before, and so with what it returned.

    Settings of the application, each also an attribute here (without ``websocket_``), in seconds and bytes:

    - ``websocket_ping_interval`` (none): how often to send a ping
    - ``websocket_ping_timeout`` (the interval): in what time it must be answered; 0: it need not be
    - ``websocket_max_message_size`` (10 MiB), of a message that comes, as it is when decompressed
    - ``websocket_slow_reader`` ("wait"): what becomes of messages for a client that takes them more slowly than they
      are written: with "wait", `write_message` returns a future to wait for, and whoever doesn't wait has the
      messages kept; with "drop" they are not sent; with "close" the connection is closed (1013)
    - ``websocket_write_high_water`` (64 KiB): what such a client has not taken, from where on that counts
    - ``websocket_max_write_buffer_size`` (16 MiB): with more than this unread the connection is closed in any case
    - ``websocket_close_timeout`` (5): how long the client has to answer a close frame, or to end the connection
    """

    ws_connection: WebSocketProtocol | None = None
    close_code: int | None = None
    close_reason: str | None = None
    open_args: tuple[Any, ...] = ()
    open_kwargs: dict[str, Any]

    _is_upgraded = False
    _subprotocol: str | None = None
    _plain_get: ClassVar[Callable[..., Any]]

    def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
        super().__init__(application, request, **kwargs)

    # -- what subclasses override

    def _open(self, *args: str, **kwargs: str) -> Awaitable[None] | None:
        """Called when the connection is open, with the groups of the route's pattern. May be a coroutine."""
        return None

    # A subclass declares the arguments that its route has.
    open: Callable[..., Awaitable[None] | None] = _open

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Takes a message: ``str`` if the client sent text, ``bytes`` if binary. May be a coroutine."""
        raise NotImplementedError(f"{type(self).__name__} must define on_message")

    def on_close(self) -> None:
        """Called when the connection is over.

        ``close_code`` and ``close_reason`` are what the client said with its close frame, None if it said nothing.
        """

    def on_ping(self, data: bytes) -> None:
        """Called with each ping, which has been answered."""

    def on_pong(self, data: bytes) -> None:
        """Called with each answer to a ping."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Chooses one of those the client offers, in its order; None for none."""
        return None

    def get_compression_options(self) -> dict[str, Any] | None:
        """None: no compression. A dict turns it on (RFC 7692), with zlib's ``compression_level`` and ``mem_level``."""
        return None

    def check_origin(self, origin: str) -> bool:
        """Whether pages of this origin may connect: those of the request's own host.

        Without this check every page that a user visits could connect, with the user's cookies. Called only if there
        is an Origin header, which all browsers send.
        """
        try:
            host = urlsplit(origin).netloc
        except ValueError:
            return False
        return host.lower() == (self.request.headers.get("Host") or "").lower()

    @property
    def ping_interval(self) -> float | None:
        """The setting ``websocket_ping_interval``."""
        return cast("float | None", self.settings.get("websocket_ping_interval"))

    @property
    def ping_timeout(self) -> float | None:
        """The setting ``websocket_ping_timeout``."""
        return cast("float | None", self.settings.get("websocket_ping_timeout"))

    @property
    def max_message_size(self) -> int:
        """The setting ``websocket_max_message_size``."""
        return int(self.settings.get("websocket_max_message_size", DEFAULT_MAX_MESSAGE_SIZE))

    @property
    def slow_reader(self) -> Literal["wait", "drop", "close"]:
        """The setting ``websocket_slow_reader``."""
        return cast('Literal["wait", "drop", "close"]', self.settings.get("websocket_slow_reader", WAIT))

    @property
    def write_high_water(self) -> int:
        """The setting ``websocket_write_high_water``."""
        return int(self.settings.get("websocket_write_high_water", Params().write_high_water))

    @property
    def max_write_buffer_size(self) -> int:
        """The setting ``websocket_max_write_buffer_size``."""
        return int(self.settings.get("websocket_max_write_buffer_size", Params().max_write_buffer_size))

    @property
    def close_timeout(self) -> float:
        """The setting ``websocket_close_timeout``."""
        return float(self.settings.get("websocket_close_timeout", Params().close_timeout))

    # -- what they call

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that `select_subprotocol` chose."""
        return self._subprotocol

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> Future[None]:
        """Sends a message: text, unless ``binary``; a dict is sent as JSON.

        Awaiting it waits for a slow client.

        :raises WebSocketClosedError: the connection is closed, or closing.
        """
        connection = self.ws_connection
        if connection is None:
            raise WebSocketClosedError
        return connection.write_message(message, binary)

    def ping(self, data: str | bytes = b"") -> None:
        """Sends a ping, with at most 125 bytes of ``data``; `on_pong` is called with the answer."""
        connection = self.ws_connection
        if connection is None or connection.is_closing():
            raise WebSocketClosedError
        connection.write_ping(cast(bytes, data))

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Closes the connection.

        :arg code: RFC 6455 section 7.4; those of applications are 4000 to 4999.
        :arg reason: at most 123 bytes of UTF-8.
        """
        connection = self.ws_connection
        if connection is not None:
            connection.close(code, reason)
            self.ws_connection = None

    def set_nodelay(self, value: bool) -> None:
        """Whether small messages are sent at once (they are) or collected by the system for a while."""
        connection = self.ws_connection
        if connection is None:
            raise WebSocketClosedError
        connection.set_nodelay(value)

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """The connection for the version the client speaks; None for one that is not known."""
        if self.request.headers.get("Sec-WebSocket-Version") != "13":
            return None
        policy = self.slow_reader
        if policy not in POLICIES:
            raise ValueError(f"slow_reader is one of {', '.join(POLICIES)}, not {policy!r}")
        return WebSocketProtocol13(
            self,
            False,
            _params(
                self.ping_interval,
                self.ping_timeout,
                self.max_message_size,
                policy,
                self.write_high_water,
                self.max_write_buffer_size,
                self.close_timeout,
            ),
        )

    # -- the handshake

    def get(self, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Answers the handshake. Awaiting what this returns waits for the connection's end."""
        self.open_args = args
        self.open_kwargs = kwargs
        done: Future[None] = share_of(get_running_loop()).done
        if not self._is_welcome():
            return done
        connection = self.get_websocket_protocol()
        if connection is None:
            self.set_status(426)
            self.set_header("Sec-WebSocket-Version", "13")
            self.finish()
            return done
        plain = type(connection).accept_connection is WebSocketProtocol13.accept_connection
        if not (plain and isinstance(connection, WebSocketProtocol13)):
            return connection.accept_connection(self)
        try:
            rest = accept(connection, self)
        except StreamClosedError:
            output.over(self)
            return done
        if rest is None and type(self).get is self._plain_get:
            # Nobody waits, so that a connection has no task that does nothing else.
            return done
        return _until_closed(connection, rest)

    def _is_welcome(self) -> bool:
        request = self.request
        refused = refusal(request.headers)
        if refused is not None:
            for name, value in refused.headers.items():
                self.set_header(name, value)
            return self._refuse(refused.status, refused.body)
        if request.version == "HTTP/1.0":
            return self._refuse(400, "WebSocket needs HTTP/1.1")
        # What browsers sent before version 13.
        origin = request.headers.get("Origin", request.headers.get("Sec-WebSocket-Origin"))
        if origin is not None and not self.check_origin(origin):
            return self._refuse(403, "Cross origin websockets not allowed")
        return True

    def _refuse(self, status: int, reason: str) -> bool:
        gen_log.debug("%d for a WebSocket: %s", status, reason)
        self.set_status(status)
        self.finish(reason or None)
        return False

    def _upgraded(self, connection: WebSocketProtocol13, subprotocol: str | None) -> None:
        output.over(self)
        # There is one handler for each connection, for as long as that lasts. The answer is not needed any more.
        self._headers = HTTPHeaders()
        self._new_cookies = None
        self._is_upgraded = True
        self._subprotocol = subprotocol
        self.ws_connection = connection

    def _call_open(self) -> Awaitable[None] | None:
        return self.open(*self.open_args, **self.open_kwargs)

    write = _of_http(RequestHandler.write)
    flush = _of_http(RequestHandler.flush)
    finish = _of_http(RequestHandler.finish)
    redirect = _of_http(RequestHandler.redirect)
    set_status = _of_http(RequestHandler.set_status)
    set_header = _of_http(RequestHandler.set_header)
    set_cookie = _of_http(RequestHandler.set_cookie)

    # -- the end

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """The connection is over; code and reason are what the client said."""
        self.close_code = close_code
        self.close_reason = close_reason
        self.on_connection_close()

    def on_connection_close(self) -> None:
        """The connection is over. A subclass that overrides this calls it, as it calls `on_close`."""
        if self._is_upgraded:
            self.ws_connection = None
            self.on_close()


WebSocketHandler._plain_get = staticmethod(WebSocketHandler.get)


async def _until_closed(connection: WebSocketProtocol13, rest: Coroutine[Any, Any, None] | None) -> None:
    if rest is not None:
        try:
            await rest
        except StreamClosedError:
            output.over(connection.handler)
            return
    await connection.wait_closed()
