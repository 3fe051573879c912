"""A response as the public API writes it: head, pieces, end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from framework._http1 import writer
from framework._http1.request import WireRequest
from framework._http1.stream import RequestStream
from framework.httputil.errors import HTTPOutputError
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import HTTPConnection, RequestStartLine, ResponseStartLine
from framework.iostream import IOStream
from framework.iostream.transport import TransportStream

if TYPE_CHECKING:
    from framework._http1.server import Member, ServerConnection

__all__ = ["RequestContext", "ServerExchange"]


class RequestContext:
    """Where a request came from: ``remote_ip`` and ``protocol`` as told by a trusted proxy, ``address`` of the peer."""

    def __init__(self, request: WireRequest) -> None:
        wire = request._wire
        self.address = wire.transport.get_extra_info("peername")
        self.remote_ip = request.remote_ip
        self.protocol = request.protocol
        self._orig_remote_ip = wire.peer or "0.0.0.0"  # noqa: S104  # a Unix socket has no address
        self._orig_protocol = wire.scheme
        self.trusted_downstream = set(wire.settings.proxies.downstream)
        sock = wire.transport.get_extra_info("socket")
        self.address_family = None if sock is None else sock.family

    def __str__(self) -> str:
        return str(self.remote_ip)


class ServerExchange(HTTPConnection):
    """The answer to one request on a connection of the server.

    Once the response is complete, or the client has gone, writing raises `StreamClosedError`.
    """

    def __init__(self, wire: ServerConnection, request: WireRequest) -> None:
        self._wire = wire
        self._request = request
        self._context: RequestContext | None = None
        # What is left of an announced length, or how the end is told; None before the head is written.
        self._left: int | None = None
        self._silent = request.method == "HEAD"

    @property
    def context(self) -> RequestContext:
        """Where the request came from."""
        if self._context is None:
            self._context = RequestContext(self._request)
        return self._context

    @property
    def stream(self) -> RequestStream:
        """The connection's state and socket."""
        return RequestStream(self._wire, self._request)

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS state of the connection, if it has any."""
        return self._wire.ssl_object

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Calls back if the client goes away before the response is complete."""
        self._wire.set_close_callback(self._request, callback)

    def set_max_body_size(self, max_body_size: int) -> None:
        """How many bytes of body are taken, in place of the server's limit, by one who receives it in pieces.

        To be called before the body is there: while its header is being dealt with.
        """
        self._wire.set_max_body_size(self._request, max_body_size)

    def set_body_timeout(self, timeout: float) -> None:
        """How many seconds the body may take from now on, in place of the server's limit."""
        self._wire.set_body_timeout(self._request, timeout)

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Writes status line, header and, if given, a first piece of the body."""
        if not isinstance(start_line, ResponseStartLine):
            raise TypeError(f"a response begins with a ResponseStartLine, not with {start_line!r}")
        if self._left is not None:
            raise HTTPOutputError("the header of this response has been written already")
        request = self._request
        self._check_open()
        head = writer.status_line(start_line.code, start_line.reason) + writer.header_block(headers)
        left = writer.body_framing(request.version, start_line.code, headers)
        if left == writer.CHUNKED and not self._silent:
            head += "Transfer-Encoding: chunked\r\n"
        if left == writer.UNTIL_CLOSE or "close" in headers.get("Connection", "").lower():
            request.keep_alive = False
        head += writer.connection_field(request.version, request.keep_alive, "Connection" in headers)
        self._left = left
        try:
            body = self._framed(chunk) if chunk else b""
        except HTTPOutputError:
            # Nothing has been written: there may still be another response.
            self._left = None
            raise
        request.head_written = True
        self._wire.write(head.encode("latin-1") + b"\r\n" + body)
        return self._drained()

    def _framed(self, chunk: bytes) -> bytes:
        left = self._left
        if left is None:
            raise HTTPOutputError("a body was written before its header")
        if left == writer.CHUNKED:
            return b"" if self._silent else b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if left >= 0:
            if len(chunk) > left:
                raise HTTPOutputError("Tried to write more data than Content-Length")
            self._left = left - len(chunk)
        return b"" if self._silent else chunk

    def _check_open(self) -> None:
        self._wire.check_answering(self._request)

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Writes a piece of the body."""
        self._check_open()
        data = self._framed(chunk) if chunk else b""
        if data:
            self._wire.write(data)
        return self._drained()

    def _drained(self) -> asyncio.Future[None]:
        waiting = self._wire.drained()
        if waiting is not None:
            return waiting
        return self._wire.done

    def finish(self) -> None:
        """Ends the response; one that is shorter than it announced breaks the connection off."""
        self._check_open()
        if self._left is None:
            raise HTTPOutputError("a response was finished before its header was written")
        if self._left > 0 and not self._silent:
            self._wire.abort()
            raise HTTPOutputError(f"Tried to write {self._left} bytes less than Content-Length")
        if self._left == writer.CHUNKED and not self._silent:
            self._wire.write(writer.LAST_CHUNK)
        self._wire.response_done(self._request)

    def abort(self) -> None:
        """Breaks the connection off, so that nobody takes what was sent for the whole."""
        if self._wire.is_answering(self._request):
            self._wire.abort()

    def detach(self) -> IOStream:
        """Gives the connection away as a stream; nothing is answered here any more."""
        return TransportStream(*self.detach_transport())

    def detach_transport(self, successor: Member | None = None) -> tuple[asyncio.Transport, bytes]:
        """Gives the connection away for another asyncio protocol: its transport, and what has been read from it.

        ``successor`` is what the server counts among its connections instead, and closes when it ends.
        """
        return self._wire.detach(self._request, successor)
