"""A response whose body is read while it comes: ``async with client.stream(url) as response``."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from framework.concurrent import Future
from framework.httpclient.errors import HTTPClientError
from framework.httpclient.request import HTTPRequest
from framework.httpclient.response import HTTPResponse
from framework.httputil import HTTPHeaders, parse_response_start_line

__all__ = ["StreamedFetch", "StreamedResponse"]


class StreamedResponse:
    """A response with its body still to come: iterate over it, once, for the pieces.

    - ``request``: the `HTTPRequest`
    - ``code``, ``reason``, ``headers``: as those of `HTTPResponse`

    The iteration raises what `AsyncHTTPClient.fetch` would: a body that breaks off is an error.
    """

    __slots__ = ("_future", "_pieces", "_room", "_wake", "code", "headers", "reason", "request")

    def __init__(self, request: HTTPRequest) -> None:
        self.request = request
        self.code = 0
        self.reason = ""
        self.headers = HTTPHeaders()
        self._future: Future[HTTPResponse] | None = None
        self._pieces: deque[bytes] = deque()
        # Done when a piece has come, or the end.
        self._wake: asyncio.Future[None] | None = None
        # Done when there is room for the next piece.
        self._room: asyncio.Future[None] | None = None

    def __aiter__(self) -> StreamedResponse:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._future is None:
                raise StopAsyncIteration
            if self._future.done():
                future, self._future = self._future, None
                future.result()
                raise StopAsyncIteration
            await self._wait()
        piece = self._pieces.popleft()
        if not self._pieces and self._room is not None:
            room, self._room = self._room, None
            if not room.done():
                room.set_result(None)
        return piece

    async def read(self) -> bytes:
        """The rest of the body as a whole."""
        return b"".join([piece async for piece in self])

    async def _wait(self) -> None:
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _notify(self, _: object = None) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _received(self, piece: bytes) -> asyncio.Future[None]:
        self._pieces.append(piece)
        self._notify()
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        return self._room


class StreamedFetch:
    """What `AsyncHTTPClient.stream` returns, for ``async with``."""

    __slots__ = ("_fetch", "_future", "_lines", "_raise_error", "_request", "_response")

    def __init__(
        self,
        fetch: Callable[..., Future[HTTPResponse]],
        request: str | HTTPRequest,
        raise_error: bool,
        arguments: dict[str, Any],
    ) -> None:
        if not isinstance(request, HTTPRequest):
            request = HTTPRequest(request, **arguments)
        elif arguments:
            raise ValueError("kwargs can't be used if request is an HTTPRequest object")
        if request.streaming_callback is not None or request.header_callback is not None:
            raise ValueError("stream() takes the place of streaming_callback and header_callback")
        self._fetch = fetch
        self._raise_error = raise_error
        self._request = copy.copy(request)
        self._response = StreamedResponse(request)
        self._future: Future[HTTPResponse] | None = None
        self._lines: list[str] = []
        self._request.streaming_callback = self._response._received
        self._request.header_callback = self._header_line

    async def __aenter__(self) -> StreamedResponse:
        response = self._response
        self._future = response._future = self._fetch(self._request, raise_error=False)
        self._future.add_done_callback(response._notify)
        try:
            while not response.code:
                if self._future.done():
                    self._take_head(self._future.result())
                else:
                    await response._wait()
            if self._raise_error and not 200 <= response.code < 300:
                whole = HTTPResponse(
                    self._request, response.code, headers=response.headers, reason=response.reason
                )
                raise HTTPClientError(response.code, response.reason, whole)
        except BaseException:
            self._end()
            raise
        return response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        future, self._future = self._future, None
        self._response._future = None
        self._response._pieces.clear()
        if future is not None and not future.cancel() and not future.cancelled():
            # Whoever left the block early does not want to hear of it.
            future.exception()

    def _header_line(self, line: str) -> None:
        if line == "\r\n":
            start_line = parse_response_start_line(self._lines[0].rstrip("\r\n"))
            if start_line.code >= 200:
                self._response.headers = HTTPHeaders.parse("".join(self._lines[1:]))
                self._response.reason = start_line.reason
                self._response.code = start_line.code
                self._response._notify()
            self._lines = []
        else:
            self._lines.append(line)

    def _take_head(self, response: HTTPResponse) -> None:
        # An implementation may have no header to tell of, and yet a response.
        self._response.code = response.code
        self._response.reason = response.reason
        self._response.headers = response.headers
