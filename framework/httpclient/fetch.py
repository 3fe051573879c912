"""One fetch: from the queue to a response, and on where a redirect leads.

::

    Line ──▶ begin ──▶ _go ──▶ head_received, body_received ──▶ response_ended ──▶ _finish
                        ▲                                             │
                        └────────────── a redirect ◀──────────────────┘

How a request gets to the server and the response back is the business of a subclass: `_go` begins it. Whatever
happens ends in `_finish`, once: with a response that holds what came, or an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from io import BytesIO
from typing import TYPE_CHECKING

from framework._background import start
from framework._http1.client import HeaderTooLarge, ResponseFailed, ResponseHead
from framework._http1.client_unpack import Unpacker, UnpackError
from framework._http1.deadlines import NEVER
from framework.httpclient.body import StreamedBody, take_coding_off, unpack
from framework.httpclient.errors import (
    HTTPClientClosedError,
    HTTPHeaderError,
    HTTPStreamClosedError,
    HTTPTimeoutError,
)
from framework.httpclient.prepare import Prepared
from framework.httpclient.produce import Channel, produce
from framework.httpclient.redirects import REDIRECTS, redirected
from framework.httpclient.request import RequestProxy
from framework.httpclient.response import HTTPResponse
from framework.log import app_log, gen_log

if TYPE_CHECKING:
    from framework.httpclient.engine import FetchingClient

__all__ = ["Fetch"]


class Fetch:
    """A request under way in a client."""

    __slots__ = (
        "_channel",
        "_chunks",
        "_client",
        "_context",
        "_deliver",
        "_doing",
        "_done",
        "_head",
        "_location",
        "_loop",
        "_prepared",
        "_producing",
        "_proxy",
        "_request",
        "_request_deadline",
        "_start",
        "_start_time",
        "_stream",
        "_times",
        "_unpacker",
        "deadline",
        "head_only",
    )

    # Whether a body in chunks has to be framed before it is written.
    frames_chunks = True

    _prepared: Prepared

    def __init__(
        self,
        client: FetchingClient,
        proxy: RequestProxy,
        deliver: Callable[[HTTPResponse], None],
    ) -> None:
        self._client = client
        self._request = proxy.request
        self._proxy = proxy
        self._deliver = deliver
        self._loop = loop = client._loop
        self._start = loop.time()
        self._start_time = time.time()
        self._times: dict[str, float] = {}
        self._doing = "in request queue"
        self._done = False
        self._channel: Channel | None = None
        self._producing: asyncio.Task[None] | None = None
        self._stream: StreamedBody | None = None
        self._unpacker: Unpacker | None = None
        self._head: ResponseHead | None = None
        self._location: str | None = None
        self._chunks: list[bytes] = []
        self.deadline = NEVER
        request = proxy.request
        # Callbacks run in the context of whoever called fetch, not in that of the connection.
        self._context: Context | None = None
        if request.header_callback or request.streaming_callback or request.body_producer:
            self._context = copy_context()

    def start(self) -> None:
        """Checks the request and goes into the line."""
        try:
            self._prepare()
            timeout = self._proxy.request_timeout
            self._request_deadline = self._start + timeout if timeout else NEVER
            self._set_deadline(self._connect_deadline())
        except Exception as error:
            self._done = True
            self._client._timeouts.discard(self)
            self._deliver(self._failure(error))
            return
        self._client._fetches[self] = None
        self._client._line.enter(self)

    def cancel(self) -> None:
        """Nobody wants the response any more; what the fetch holds is free again."""
        self._leave()

    def client_closed(self) -> None:
        """The client is closed."""
        self._fail(HTTPClientClosedError("Connection closed: the client was closed"))

    # Before the response.

    def _connect_deadline(self) -> float:
        timeout: float | None = self._proxy.connect_timeout
        if not timeout:
            return self._request_deadline
        return min(self._request_deadline, self._loop.time() + timeout)

    def _set_deadline(self, deadline: float) -> None:
        self.deadline = deadline
        if deadline < NEVER:
            self._client._timeouts.add(self)

    def deadline_passed(self) -> None:
        """Too late."""
        self._fail(HTTPTimeoutError(f"Timeout {self._doing}"))

    def _prepare(self) -> None:
        """Checks the request, sets ``_prepared`` and ``head_only``."""
        raise NotImplementedError(f"{type(self).__name__} does not define _prepare()")

    def _go(self) -> None:
        """Sends what is prepared, or begins to."""
        raise NotImplementedError(f"{type(self).__name__} does not define _go()")

    def begin(self) -> None:
        """It is this one's turn."""
        self._times["queue"] = self._loop.time() - self._start
        self._go()

    # The request's body, where it is produced.

    def _start_producer(self, channel: Channel) -> None:
        context = (self._context or Context()).copy()
        self._producing = context.run(start, self._produce(channel), self._loop)

    async def _produce(self, channel: Channel) -> None:
        prepared = self._prepared
        try:
            await produce(
                prepared.producer,
                prepared.promised,
                channel,
                self.frames_chunks,
                lambda: self._channel is channel,
                self._loop,
            )
        except Exception as error:
            self._producing = None
            self._fail(error)
        else:
            self._producing = None

    # The response.

    def head_received(self, head: ResponseHead) -> None:
        """A header has come."""
        code = head.code
        if code < 200:
            self._call_header_callback(head)
            if code == 100:
                self._asked_for_body()
            return
        self._times["starttransfer"] = self._loop.time() - self._start
        self._head = head
        headers = head.headers
        client, proxy = self._client, self._proxy
        if client.cookie_jar is not None:
            client.cookie_jar.store(self._prepared.target.url, headers.get_list("Set-Cookie"))
        if (
            code in REDIRECTS
            and "Location" in headers
            and proxy.follow_redirects
            and proxy.max_redirects != 0
        ):
            self._location = headers.get_list("Location")[0]
            return
        if proxy.decompress_response:
            self._unpacker = take_coding_off(headers)
        self._call_header_callback(head)
        callback = proxy.request.streaming_callback
        if callback is not None and not self._done:
            self._stream = StreamedBody(
                callback,
                self._unpacker,
                client._limits.max_body_size,
                self._context or Context(),
                self._pause,
                self._resume,
                self._streamed,
                self._stream_failed,
            )

    def _asked_for_body(self) -> None:
        """The server has said "100 Continue"."""

    def _call_header_callback(self, head: ResponseHead) -> None:
        callback = self._proxy.request.header_callback
        if callback is None:
            return
        run = (self._context or Context()).run
        try:
            run(callback, f"{head.version} {head.code} {head.reason}\r\n")
            for name, value in head.headers.get_all():
                run(callback, f"{name}: {value}\r\n")
            run(callback, "\r\n")
        except Exception as error:
            self._callback_failed(error)

    def body_received(self, chunk: bytes) -> None:
        """A piece of the body has come."""
        if self._location is not None:
            return
        if self._stream is not None:
            self._stream.feed(chunk)
        else:
            self._chunks.append(chunk)

    def response_ended(self) -> None:
        """The response is complete."""
        self._channel = None
        if self._done:
            return
        if self._location is not None:
            self._follow(self._location)
        elif self._stream is not None:
            self._stream.end()
        else:
            body = b"".join(self._chunks)
            if self._unpacker is not None:
                try:
                    body = unpack(self._unpacker, body, self._client._limits.max_body_size)
                except UnpackError as error:
                    self._damaged(error)
                    return
            self._complete(body)

    def failed(self, error: ResponseFailed, untouched: bool) -> None:
        """There will be no whole response; ``untouched``: not a byte of one has come."""
        self._channel = None
        kind = HTTPHeaderError if isinstance(error, HeaderTooLarge) else HTTPStreamClosedError
        self._fail(kind(str(error)))

    # The streaming callback.

    def _pause(self) -> None:
        if self._channel is not None:
            self._channel.pause()

    def _resume(self) -> None:
        if self._channel is not None:
            self._channel.resume()

    def _streamed(self) -> None:
        self._complete(b"")

    def _stream_failed(self, error: BaseException) -> None:
        if isinstance(error, UnpackError):
            self._damaged(error)
        else:
            self._callback_failed(error)

    def _callback_failed(self, error: BaseException) -> None:
        app_log.error("Uncaught exception in a callback of %s", self._proxy.request.url, exc_info=error)
        failure = HTTPStreamClosedError(f"Connection closed: a callback raised {type(error).__name__}")
        failure.__cause__ = error
        self._fail(failure)

    def _damaged(self, error: BaseException) -> None:
        gen_log.info("Malformed HTTP message from None: %s (from %s)", error, self._prepared.target.authority)
        failure = HTTPStreamClosedError(f"Connection closed: {error}")
        failure.__cause__ = error
        self._fail(failure)

    # On, or the end.

    def _follow(self, location: str) -> None:
        head, proxy = self._head, self._proxy
        left = proxy.max_redirects
        try:
            if head is None:
                raise HTTPStreamClosedError("Connection closed without a header")
            request = redirected(
                proxy.request,
                self._prepared.method,
                self._prepared.target.url,
                head.code,
                location,
                # None stands for the default, which is no number to count down then.
                -1 if left is None else left - 1,
            )
            self._proxy = RequestProxy(request, proxy.defaults)
            self._location = None
            self._another_request()
            self._chunks.clear()
            self._cancel_producer()
            self._prepare()
            self._set_deadline(self._connect_deadline())
        except Exception as error:
            self._fail(error)
            return
        self._go()

    def _another_request(self) -> None:
        """What comes now is not a repetition."""

    def _complete(self, body: bytes) -> None:
        head = self._head
        if head is None or self._done:
            return
        total = self._loop.time() - self._start
        times = self._times
        times["total"] = total
        self._finish(
            HTTPResponse(
                self._request,
                head.code,
                headers=head.headers,
                buffer=BytesIO(body),
                effective_url=self._proxy.request.url,
                request_time=total,
                time_info=times,
                reason=head.reason,
                start_time=self._start_time,
            )
        )

    def _failure(self, error: BaseException) -> HTTPResponse:
        return HTTPResponse(
            self._request,
            599,
            error=error,
            request_time=self._loop.time() - self._start,
            time_info=self._times,
            start_time=self._start_time,
        )

    def _fail(self, error: BaseException) -> None:
        if not self._done:
            self._finish(self._failure(error))

    def _finish(self, response: HTTPResponse) -> None:
        self._leave()
        self._deliver(response)

    def _cancel_producer(self) -> None:
        producing, self._producing = self._producing, None
        if producing is not None:
            producing.cancel()

    def _leave(self) -> None:
        if self._done:
            return
        self._done = True
        client = self._client
        client._timeouts.discard(self)
        client._fetches.pop(self, None)
        if self._producing is not None:
            self._cancel_producer()
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.abandon()
        if self._stream is not None:
            self._stream.close()
        client._line.leave(self)
