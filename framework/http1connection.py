"""HTTP/1.1 on streams, for those who connect by themselves. The server and the client of this package do without.

The parser, the framing and the limits are theirs: `framework._http1`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from framework._http1.request import WireRequest
from framework._http1.stream_client import ClientSide
from framework._http1.stream_parameters import HTTP1ConnectionParameters
from framework._http1.stream_server import ServerSide, Wire
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from framework.iostream import IOStream

__all__ = ["HTTP1Connection", "HTTP1ConnectionParameters", "HTTP1ServerConnection"]


class HTTP1Connection(HTTPConnection):
    """One exchange on a stream: a client's, or a server's.

    A client writes a request and reads the response. A server's delegate is given one of these with each request
    (see `HTTP1ServerConnection`); it can also be made by hand, for `read_response` to read a request.

    :arg stream: connected, with its handshake done if it has TLS.
    :arg is_client: which side this is.
    :arg context: an object that the requests of a server take address and scheme from.
    """

    def __init__(
        self,
        stream: IOStream,
        is_client: bool,
        params: HTTP1ConnectionParameters | None = None,
        context: object | None = None,
    ) -> None:
        self.stream = stream
        self.is_client = is_client
        self.params = params or HTTP1ConnectionParameters()
        self.no_keep_alive = self.params.no_keep_alive
        self.context = context
        self._side: ClientSide | ServerSide = (ClientSide if is_client else ServerSide)(stream, self.params)

    def _serve(
        self,
        wire: Wire,
        request: WireRequest,
        start: Callable[[HTTP1Connection], HTTPMessageDelegate],
    ) -> HTTPMessageDelegate:
        """Makes this the connection of a request that somebody else reads."""
        side = ServerSide(self.stream, self.params)
        self._side = side
        side.begin(wire, request)
        return side.take(wire, request, start(self))

    def read_response(self, delegate: HTTPMessageDelegate) -> Awaitable[bool]:
        """Reads one response, or as a server one request, into a delegate.

        A server's is done when its response is finished as well.

        :returns: whether there was a message in order; a malformed one is logged, and closes the stream.
        :raises StreamClosedError: the stream was closed in the middle of a response.
        """
        return self._side.read(delegate)

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Writes the start line, the header and, if given, a first piece of the body.

        :raises ValueError: something in it would break out of its line.
        """
        return self._side.write_headers(start_line, headers, chunk)

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Writes a piece of the body.

        :raises HTTPOutputError: it is more than ``Content-Length`` announced; that closes the stream.
        """
        return self._side.write(chunk)

    def finish(self) -> None:
        """The message is complete.

        :raises HTTPOutputError: it is less than ``Content-Length`` announced; that closes the stream.
        """
        self._side.finish()

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Has a function called if the stream is closed before the exchange is over."""
        self._side.set_close_callback(callback)

    def set_max_body_size(self, max_body_size: int) -> None:
        """How large the body of this one message may be; for its ``headers_received``."""
        self._side.set_max_body_size(max_body_size)

    def set_body_timeout(self, timeout: float) -> None:
        """How many seconds the body of this one message may take from now on."""
        self._side.set_body_timeout(timeout)

    def detach(self) -> IOStream:
        """Gives the stream away for another protocol. Here, nothing is read or written any more."""
        return self._side.detach()

    def close(self) -> None:
        """Closes the stream."""
        self.stream.close()


class HTTP1ServerConnection:
    """Serves the requests that come over a stream, one after the other.

    :arg stream: connected, with its handshake done if it has TLS.
    :arg context: what the `HTTP1Connection` of each request has as its ``context``.
    """

    def __init__(
        self,
        stream: IOStream,
        params: HTTP1ConnectionParameters | None = None,
        context: object | None = None,
    ) -> None:
        self.stream = stream
        self.params = params or HTTP1ConnectionParameters()
        self.context = context
        self._delegate: HTTPServerConnectionDelegate | None = None
        self._ended: asyncio.Future[None] | None = None

    def start_serving(self, delegate: HTTPServerConnectionDelegate) -> None:
        """Serves from now on.

        :arg delegate: its ``start_request`` is called with this object and an `HTTP1Connection` for each request, its
            ``on_close`` with this object at the end.
        """
        if self._delegate is not None:
            raise RuntimeError("start_serving() was called twice")
        self._delegate = delegate
        self._ended = asyncio.get_running_loop().create_future()
        if self.stream.closed():
            self._on_close()
        else:
            Wire(self.stream, self.params, self._open, self._on_close)

    def _open(self, wire: Wire, request: WireRequest) -> HTTPMessageDelegate:
        connection = HTTP1Connection(self.stream, False, self.params, self.context)
        return connection._serve(wire, request, self._start_request)

    def _start_request(self, connection: HTTP1Connection) -> HTTPMessageDelegate:
        if self._delegate is None:
            raise RuntimeError("nothing is served before start_serving()")
        return self._delegate.start_request(self, connection)

    def _on_close(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
            if self._delegate is not None:
                self._delegate.on_close(self)

    async def close(self) -> None:
        """Closes the stream, and waits until everyone has been told."""
        self.stream.close()
        if self._ended is not None:
            await self._ended
