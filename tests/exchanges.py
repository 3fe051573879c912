"""What the tests of `framework.http1connection` share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from framework.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

__all__ = ["OK", "Message"]

OK = ResponseStartLine("", 200, "OK")


class Message(HTTPMessageDelegate):
    """Notes what it is told."""

    def __init__(
        self, wait: Callable[[], Awaitable[None]] | None = None, error: Exception | None = None
    ) -> None:
        self.events: list[Any] = []
        self.headers = HTTPHeaders()
        self._wait = wait
        self._error = error

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Note it."""
        self.events.append(tuple(start_line)[:2])
        self.headers = headers
        return self._wait() if self._wait else None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Note it."""
        if self._error is not None:
            raise self._error
        self.events.append(chunk)
        return self._wait() if self._wait else None

    def finish(self) -> None:
        """Note it."""
        self.events.append("finish")

    def on_connection_close(self) -> None:
        """Note it."""
        self.events.append("close")
