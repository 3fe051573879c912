"""Through a proxy to a server: the method CONNECT (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import asyncio

from framework._http1.answer_head import AnswerHead
from framework.httputil.errors import HTTPInputError
from framework.httputil.messages import ResponseStartLine

__all__ = ["Tunnel", "TunnelRefused"]

# What a proxy may say before the way is open.
_MAX_ANSWER = 65536


class TunnelRefused(Exception):
    """The proxy did not open the way; ``status`` is what it answered, or None."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Tunnel(asyncio.Protocol):
    """Asks a proxy to connect, and waits for its answer. `opened` is done when the way is free.

    Reading is paused then.
    """

    def __init__(self, authority: str, authorization: str | None, loop: asyncio.AbstractEventLoop) -> None:
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if authorization is not None:
            lines.append(f"Proxy-Authorization: {authorization}")
        self._request = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._head = AnswerHead(_MAX_ANSWER)
        self._transport: asyncio.Transport
        self.opened: asyncio.Future[asyncio.Transport] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # create_connection makes one that writes
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        try:
            answer = self._head.receive(data)
        except HTTPInputError as error:
            self._refuse(f"the proxy answered with {error}")
            return
        if answer is not None:
            self._answered(*answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._refuse("the proxy closed the connection")

    def _answered(self, start_line: ResponseStartLine, end: int) -> None:
        _, code, reason = start_line
        if not 200 <= code < 300:
            self._refuse(f"the proxy answered {code} {reason}".rstrip(), code)
        elif len(self._head.data) > end + 4:
            # The server can't have spoken yet: the client speaks first in TLS.
            self._refuse("the proxy sent something behind its answer")
        elif not self.opened.done():
            # What comes from now on is for whoever takes the transport over.
            self._transport.pause_reading()
            self.opened.set_result(self._transport)

    def _refuse(self, reason: str, status: int | None = None) -> None:
        if not self.opened.done():
            self.opened.set_exception(TunnelRefused(reason, status))
