"""Start lines of HTTP messages, and the interfaces between a connection and what uses it."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from http import HTTPStatus
from typing import NamedTuple

from framework.httputil.errors import HTTPInputError
from framework.httputil.headers import HTTPHeaders

__all__ = [
    "HTTPConnection",
    "HTTPMessageDelegate",
    "HTTPServerConnectionDelegate",
    "RequestStartLine",
    "ResponseStartLine",
    "parse_request_start_line",
    "parse_response_start_line",
    "responses",
]

responses: dict[int, str] = {status: status.phrase for status in HTTPStatus}
"""The reason phrases of the status codes (RFC 9110 section 15)."""

# RFC 9112 section 3: a token, one space, a target without space or control characters, the version.
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^\x00-\x20\x7f]+) (HTTP/[0-9]\.[0-9])\Z")
# RFC 9112 section 4.
_STATUS_LINE = re.compile(r"(HTTP/[0-9]\.[0-9]) ([0-9]{3}) ([^\x00-\x08\x0a-\x1f\x7f]*)\Z")


class RequestStartLine(NamedTuple):
    """The first line of a request."""

    method: str
    path: str
    version: str


class ResponseStartLine(NamedTuple):
    """The first line of a response."""

    version: str
    code: int
    reason: str


def parse_request_start_line(line: str) -> RequestStartLine:
    """``GET /foo HTTP/1.1`` in its parts (RFC 9112 section 3); raises `HTTPInputError`."""
    match = _REQUEST_LINE.match(line)
    if match is None:
        raise HTTPInputError("Malformed HTTP request line")
    method, path, version = match.groups()
    if not version.startswith("HTTP/1."):
        raise HTTPInputError(f"Unexpected HTTP version {version!r}")
    return RequestStartLine(method, path, version)


def parse_response_start_line(line: str) -> ResponseStartLine:
    """``HTTP/1.1 200 OK`` in its parts (RFC 9112 section 4); raises `HTTPInputError`."""
    match = _STATUS_LINE.match(line)
    if match is None:
        raise HTTPInputError("Error parsing response start line")
    version, code, reason = match.groups()
    if not version.startswith("HTTP/1."):
        raise HTTPInputError(f"Unexpected HTTP version {version!r}")
    return ResponseStartLine(version, int(code), reason)


class HTTPServerConnectionDelegate:
    """What a server hands its requests to, one `HTTPMessageDelegate` each."""

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """A new request has begun: answers with what receives it.

        ``server_conn`` stands for the connection as a whole, ``request_conn`` for this request's
        exchange: the response is written to it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement start_request")

    def on_close(self, server_conn: object) -> None:
        """The connection was closed."""


class HTTPMessageDelegate:
    """What receives one message: its head, the pieces of its body, and its end."""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """The head is there. The body is not read before a returned awaitable is done."""

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """A piece of the body. No more is read before a returned awaitable is done."""

    def finish(self) -> None:
        """The message is complete."""

    def on_connection_close(self) -> None:
        """The connection was closed before the message, or the answer to it, was complete."""


class HTTPConnection:
    """What a response is written to."""

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> Awaitable[None]:
        """Writes the head and, with it, a first piece of the body.

        What is returned is done when the client has taken enough that more may be written.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement write_headers")

    def write(self, chunk: bytes) -> Awaitable[None]:
        """Writes a piece of the body; what is returned is that of `write_headers`."""
        raise NotImplementedError(f"{type(self).__name__} does not implement write")

    def finish(self) -> None:
        """The response is complete."""
        raise NotImplementedError(f"{type(self).__name__} does not implement finish")
