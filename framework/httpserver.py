"""The HTTP server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from framework._http1.deadlines import Clock
from framework._http1.outbox import Outbox
from framework._http1.proxies import ProxyTrust
from framework._http1.server import Member, ServerConnection
from framework._http1.services import CallableMessage, CallableService, DelegateService, Service
from framework._http1.settings import ServerSettings
from framework.httputil.messages import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate
from framework.httputil.request import HTTPServerRequest
from framework.ioloop import IOLoop
from framework.tcpserver import TCPServer
from framework.util import Configurable

__all__ = ["HTTPRequest", "HTTPServer"]

#: The name of `HTTPServerRequest` in old applications.
HTTPRequest = HTTPServerRequest


class HTTPServer(TCPServer, Configurable, HTTPServerConnectionDelegate):
    """Serves HTTP/1.1 and 1.0.

    ``request_callback`` is an `Application`, another `HTTPServerConnectionDelegate`, or a function that is
    called with each `HTTPServerRequest`. Sizes are bytes and times seconds; None stands for the default.

    - ``xheaders``: X-Real-Ip or X-Forwarded-For tell the client's address, X-Scheme or X-Forwarded-Proto
      the scheme, if the direct peer is a trusted proxy
    - ``trusted_proxies``: addresses and CIDR ranges of those proxies; loopback and private networks
    - ``trusted_downstream``: further proxies, to be passed over in X-Forwarded-For
    - ``ssl_options``: an `ssl.SSLContext`, or a dict of what `ssl_options_to_context` takes
    - ``protocol``: the scheme to tell when a proxy that sends no headers ends TLS
    - ``no_keep_alive``: closes each connection after its first request
    - ``decompress_request``: bodies with Content-Encoding gzip are unpacked, to ``max_body_size`` at most; the
      field is renamed X-Consumed-Content-Encoding
    - ``max_header_size`` (65,536), ``max_header_count`` (128), ``max_body_size`` (104,857,600 or
      ``max_buffer_size``), ``max_connections`` (65,536), ``max_pipelined_requests`` (1,000)
    - ``header_timeout`` (20), ``idle_connection_timeout`` (75), ``body_timeout`` (none: as long as a piece
      comes every ``body_stall_timeout``, 30), ``write_timeout`` (60 in which the client takes nothing),
      ``linger_timeout`` (2 in which what a refused client still sends is thrown away)

    Requests over a limit are answered with 408, 413, 414 or 431, and 503 over ``max_connections``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # `Configurable` calls `initialize` instead.
        pass

    def initialize(
        self,
        request_callback: HTTPServerConnectionDelegate
        | Callable[[HTTPServerRequest], Awaitable[None] | None],
        no_keep_alive: bool = False,
        xheaders: bool = False,
        ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
        protocol: str | None = None,
        decompress_request: bool = False,
        chunk_size: int | None = None,
        max_header_size: int | None = None,
        idle_connection_timeout: float | None = None,
        body_timeout: float | None = None,
        max_body_size: int | None = None,
        max_buffer_size: int | None = None,
        trusted_downstream: list[str] | None = None,
        trusted_proxies: list[str] | None = None,
        max_header_count: int | None = None,
        max_connections: int | None = None,
        max_pipelined_requests: int | None = None,
        header_timeout: float | None = None,
        body_stall_timeout: float | None = None,
        write_timeout: float | None = None,
        linger_timeout: float | None = None,
    ) -> None:
        given = {
            "max_header_size": max_header_size,
            "max_header_count": max_header_count,
            "max_body_size": max_body_size if max_body_size is not None else max_buffer_size,
            "max_connections": max_connections,
            "max_pipelined_requests": max_pipelined_requests,
            "header_timeout": header_timeout,
            "idle_timeout": idle_connection_timeout,
            "body_timeout": body_timeout,
            "body_stall_timeout": body_stall_timeout,
            "write_timeout": write_timeout,
            "linger_timeout": linger_timeout,
        }
        self.settings = ServerSettings(
            keep_alive=not no_keep_alive,
            protocol=protocol,
            proxies=ProxyTrust(xheaders, trusted_proxies, trusted_downstream),
            decompress_request=decompress_request,
            **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
        )
        self.request_callback = request_callback
        self.xheaders = xheaders
        self.connections: set[Member] = set()
        self._service: Service | None = None
        self._clock: Clock | None = None
        self._outbox: Outbox | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        TCPServer.__init__(self, ssl_options, max_buffer_size=max_buffer_size, read_chunk_size=chunk_size)

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        return HTTPServer

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        return HTTPServer

    def make_protocol(self) -> asyncio.Protocol:
        """The protocol for a new connection."""
        loop = asyncio.get_running_loop()
        service, clock, outbox = self._service, self._clock, self._outbox
        if service is None or clock is None or outbox is None or loop is not self._loop:
            self._loop = loop
            outbox = self._outbox = Outbox(loop)
            # A handler may stop the loop, and its answer is still to leave.
            IOLoop.current().at_stop.append(outbox.flush)
            clock = self._clock = Clock(loop, self._clock_interval())
            service = self._service = self._make_service(loop)
        return ServerConnection(service, self.settings, clock, self.connections, loop, outbox)

    def _clock_interval(self) -> float:
        settings = self.settings
        shortest = min(
            settings.header_timeout,
            settings.idle_timeout,
            settings.body_stall_timeout,
            settings.body_timeout or settings.body_stall_timeout,
            settings.write_timeout,
            settings.linger_timeout,
        )
        return max(0.01, min(1.0, shortest / 4))

    def _make_service(self, loop: asyncio.AbstractEventLoop) -> Service:
        callback = self.request_callback
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        # An application may know a shorter way than that of delegates.
        direct = getattr(callback, "direct_service", None)
        if direct is not None:
            service: Service | None = direct(done)
            if service is not None:
                return service
        if isinstance(callback, HTTPServerConnectionDelegate):
            return DelegateService(callback, done)
        return CallableService(callback, done)

    async def close_all_connections(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Closes the connections once what they are at is answered; call `stop` first.

        After ``timeout`` seconds, if given, what is still there is broken off.
        """
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        told: set[Member] = set()
        while self.connections:
            # Where a request is answered by a change of protocol, a new one takes the connection's place.
            for connection in self.connections - told:
                told.add(connection)
                connection.close_when_idle()
            if deadline is not None and asyncio.get_running_loop().time() >= deadline:
                for connection in list(self.connections):
                    connection.abort()
                deadline = None
            await asyncio.sleep(0.01)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """What receives a request; for those who drive the server by hand."""
        callback = self.request_callback
        if isinstance(callback, HTTPServerConnectionDelegate):
            return callback.start_request(server_conn, request_conn)
        return CallableMessage(callback, request_conn)

    def on_close(self, server_conn: object) -> None:
        if isinstance(self.request_callback, HTTPServerConnectionDelegate):
            self.request_callback.on_close(server_conn)
