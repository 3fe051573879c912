"""Talking to an application without a network: bytes in, parsed responses out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from framework.httpserver import HTTPServer
from framework.httputil import HTTPHeaders
from tests.fakes import FakeTransport

__all__ = ["Reply", "Talk", "get", "request"]

# Turns of the loop that any answer of these tests is there after; only a hanging one needs them all.
TURNS = 500


def request(target: str, method: str = "GET", *fields: str, body: bytes | None = None) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: example.com", *fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def get(target: str = "/", *fields: str) -> bytes:
    """The bytes of a GET."""
    return request(target, "GET", *fields)


class Reply:
    """A response in its parts. ``whole`` tells whether the body came to its end."""

    __slots__ = ("body", "headers", "reason", "status", "whole")

    def __init__(self, status: int, reason: str, headers: HTTPHeaders, body: bytes, whole: bool) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.whole = whole

    def __repr__(self) -> str:
        return f"<{self.status} {self.reason} {dict(self.headers)} {self.body!r}>"

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def parse(data: bytes, head_only: bool = False) -> Iterator[Reply]:
    """The responses in what a server has sent."""
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        if not separator:
            raise AssertionError(f"no whole header: {head!r}")
        line, _, fields = head.decode("latin-1").partition("\r\n")
        _, status, reason = line.split(" ", 2)
        headers = HTTPHeaders.parse(fields)
        code = int(status)
        body, whole = b"", True
        if head_only or code < 200 or code in (204, 304):
            pass
        elif headers.get("Transfer-Encoding") == "chunked":
            body, data, whole = _unchunked(data)
        else:
            length = int(headers.get("Content-Length", len(data)))
            body, data = data[:length], data[length:]
            whole = len(body) == length
        yield Reply(code, reason, headers, body, whole)


def _unchunked(data: bytes) -> tuple[bytes, bytes, bool]:
    body = b""
    while True:
        size, separator, rest = data.partition(b"\r\n")
        if not separator:
            return body, b"", False
        length = int(size, 16)
        body, data = body + rest[:length], rest[length + 2 :]
        if not length:
            return body, data, True


class Talk:
    """One connection to an application."""

    def __init__(self, application: Any, **settings: Any) -> None:
        protocol: Any = HTTPServer(application, **settings).make_protocol()
        self.transport = FakeTransport(protocol)
        self.transport.before_look = protocol.send_output
        self.transport.connect()

    def close(self) -> None:
        """The client goes away."""
        self.transport.deliver_close()

    def now(self, raw: bytes) -> Reply:
        """The answer to a request that is there without a turn of the loop."""
        self.transport.feed(raw)
        return self.reply()

    def reply(self, head_only: bool = False) -> Reply:
        """The one response that was sent so far."""
        replies = list(parse(self.transport.take(), head_only))
        if len(replies) != 1:
            raise AssertionError(f"not one response but {replies}")
        return replies[0]

    async def ask(self, *raw: bytes, head_only: bool = False) -> Reply:
        """The answer to a request, sent piece by piece."""
        for piece in raw:
            await self.until_reading()
            if self.transport.is_reading():
                self.transport.feed(piece)
            await asyncio.sleep(0)
        await self.until_answered()
        return self.reply(head_only)

    async def until_reading(self) -> None:
        """Lets the loop run until more input is wanted, or none any more."""
        for _ in range(TURNS):
            if self.transport.is_reading() or self.transport.is_closing() or self.transport.eof_written:
                return
            await asyncio.sleep(0)

    async def until_answered(self) -> None:
        """Lets the loop run until the connection has nothing to answer any more."""
        protocol: Any = self.transport.get_protocol()
        for _ in range(TURNS):
            if protocol._active is None and not protocol._pending:
                return
            await asyncio.sleep(0)
        raise AssertionError("the request is not being answered")
