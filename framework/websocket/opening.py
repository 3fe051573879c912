"""The client's side of the opening handshake, on the way from a request to an answer."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from framework._http1.answer_head import AnswerHead
from framework._http1.client import (
    ClientConnection,
    ResponseFailed,
    ResponseHead,
    ResponseLimits,
)
from framework.httpclient.errors import HTTPStreamClosedError
from framework.httputil.errors import HTTPInputError
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import ResponseStartLine

__all__ = ["Asker", "Opening"]

# Of the answer. A page that says why there is no WebSocket may be somewhat longer than the header.
_LIMITS: Final = ResponseLimits(65536, 1048576)


class Asker(Protocol):
    """Who wants to know the answer. A call to `failed`, or to `upgraded`, is the last."""

    def upgraded(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, transport: asyncio.Transport, rest: bytes
    ) -> None:
        """The server switches protocols; ``rest`` is what has come behind its answer."""

    def answered(self, start_line: ResponseStartLine, headers: HTTPHeaders, body: bytes) -> None:
        """The server does not, and says so."""

    def failed(self, error: BaseException) -> None:
        """There is no answer."""


class Opening(asyncio.Protocol):
    """Sends a request, and reads the answer up to where the WebSocket begins.

    An answer that is no 101 is read to its end, as any other client of HTTP does it.
    """

    __slots__ = ("_asker", "_head", "_loop", "_request", "_transport")

    def __init__(self, request: bytes, asker: Asker, loop: asyncio.AbstractEventLoop) -> None:
        self._request = request
        self._asker: Asker | None = asker
        self._loop = loop
        self._head = AnswerHead(_LIMITS.max_header_size)
        self._transport: asyncio.Transport | None = None

    def abort(self) -> None:
        """Nobody wants the answer any more."""
        self._asker = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # create_connection makes one of these
        if self._asker is None:
            transport.close()
        else:
            transport.write(self._request)  # type: ignore[attr-defined]  # the same

    def data_received(self, data: bytes) -> None:
        asker, transport = self._asker, self._transport
        if asker is None or transport is None:
            return
        try:
            answer = self._head.receive(data)
            if answer is None:
                return
            start_line, end = answer
            seen = bytes(self._head.data)
            headers = HTTPHeaders.parse(seen[seen.find(b"\r\n") + 2 : end + 2].decode("latin-1"))
        except HTTPInputError as error:
            self._fail(HTTPStreamClosedError(f"the server answered with {error}"))
            return
        self._asker = None
        if start_line.code == 101:
            asker.upgraded(start_line, headers, transport, seen[end + 4 :])
        else:
            Page(asker, self._loop).receive(transport, seen)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(HTTPStreamClosedError("Stream closed"))

    def _fail(self, error: BaseException) -> None:
        asker, self._asker = self._asker, None
        if asker is not None:
            if self._transport is not None:
                self._transport.abort()
            asker.failed(error)


class Page:
    """An answer that is no WebSocket: read whole, and handed over."""

    head_only = False

    def __init__(self, asker: Asker, loop: asyncio.AbstractEventLoop) -> None:
        self._asker = asker
        self._connection = ClientConnection(self, None, _LIMITS, loop)
        self._head: ResponseHead | None = None
        self._body: list[bytes] = []

    def receive(self, transport: asyncio.Transport, data: bytes) -> None:
        """Goes on with what has come so far."""
        connection = self._connection
        transport.set_protocol(connection)
        connection.connection_made(transport)
        connection.begin(self, b"")
        connection.data_received(data)

    # As an `Exchange`.

    def head_received(self, head: ResponseHead) -> None:
        self._head = head

    def body_received(self, chunk: bytes) -> None:
        self._body.append(chunk)

    def response_ended(self) -> None:
        head = self._head
        if head is not None:
            start_line = ResponseStartLine(head.version, head.code, head.reason)
            self._asker.answered(start_line, head.headers, b"".join(self._body))

    def failed(self, error: ResponseFailed, untouched: bool) -> None:
        self._asker.failed(HTTPStreamClosedError(str(error)))

    # As a `ConnectionOwner`.

    def released(self, connection: ClientConnection) -> None:
        connection.abandon()

    def lost(self, connection: ClientConnection) -> None:
        pass
