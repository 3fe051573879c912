"""Through a proxy to a server: the method CONNECT (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import asyncio

from framework._http1.client import MAX_INTERIM
from framework.httputil.errors import HTTPInputError
from framework.httputil.messages import parse_response_start_line

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
        self._answer = bytearray()
        self._interim = 0
        self._transport: asyncio.Transport
        self.opened: asyncio.Future[asyncio.Transport] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # create_connection makes one that writes
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        # The end may lie across two pieces.
        start = max(0, len(self._answer) - 3)
        self._answer += data
        self._look(start)

    def _look(self, start: int) -> None:
        end = self._answer.find(b"\r\n\r\n", start)
        if end >= 0:
            self._answered(end)
        elif len(self._answer) > _MAX_ANSWER:
            self._refuse(f"the proxy's answer has a header of more than {_MAX_ANSWER} bytes")

    def connection_lost(self, error: Exception | None) -> None:
        self._refuse("the proxy closed the connection")

    def _answered(self, end: int) -> None:
        line = bytes(self._answer[: self._answer.find(b"\r\n")]).decode("latin-1")
        try:
            _, code, reason = parse_response_start_line(line)
        except HTTPInputError:
            self._refuse(f"the proxy answered with {line[:100]!r}, which is no HTTP")
            return
        if 100 <= code < 200:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._refuse("Too many 1xx responses of the proxy")
                return
            del self._answer[: end + 4]
            self._look(0)
        elif not 200 <= code < 300:
            self._refuse(f"the proxy answered {code} {reason}".rstrip(), code)
        elif len(self._answer) > end + 4:
            # The server can't have spoken yet: the client speaks first in TLS.
            self._refuse("the proxy sent something behind its answer")
        elif not self.opened.done():
            # What comes from now on is for whoever takes the transport over.
            self._transport.pause_reading()
            self.opened.set_result(self._transport)

    def _refuse(self, reason: str, status: int | None = None) -> None:
        if not self.opened.done():
            self.opened.set_exception(TunnelRefused(reason, status))
