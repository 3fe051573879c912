"""A client's exchange on a stream of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any

from framework._http1 import writer
from framework._http1.client import ClientConnection, ResponseFailed, ResponseHead, ResponseLimits
from framework._http1.flow import BodyPump
from framework._http1.framing import Refused
from framework._http1.stream_parameters import HTTP1ConnectionParameters, body_limit
from framework._http1.stream_transport import StreamTransport
from framework._http1.unpack import UnpackingDelegate
from framework.httputil.errors import HTTPInputError, HTTPOutputError
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from framework.iostream import IOStream, StreamClosedError
from framework.log import gen_log

__all__ = ["ClientSide", "Reading"]

# Methods whose requests have a body unless they say otherwise.
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class Reading(HTTPMessageDelegate):
    """Tells when the delegate that it stands for has had the whole of a message."""

    def __init__(self, delegate: HTTPMessageDelegate, finished: Callable[[], None]) -> None:
        self._delegate = delegate
        self._finished = finished
        self.over = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self.over = True
        self._delegate.finish()
        self._finished()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()


class ClientSide:
    """A request that is written, and the response that is read: what `ClientConnection` takes for an exchange."""

    def __init__(self, stream: IOStream, params: HTTP1ConnectionParameters) -> None:
        self._stream = stream
        self._params = params
        self._loop = asyncio.get_running_loop()
        self._limit = body_limit(stream, params)
        self._wire: ClientConnection | None = None
        self._transport: StreamTransport | None = None
        self._left: int | None = None
        self._delegate: HTTPMessageDelegate | None = None
        self._pump: BodyPump | None = None
        self._done: asyncio.Future[bool] = self._loop.create_future()
        self._close_callback: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._received = 0
        self.head_only = False

    # What the connection's methods come to

    def write_headers(
        self, start_line: Any, headers: HTTPHeaders, chunk: bytes | None
    ) -> asyncio.Future[None]:
        if not isinstance(start_line, RequestStartLine):
            raise TypeError(f"a request begins with a RequestStartLine, not with {start_line!r}")
        line = f"{start_line.method} {start_line.path} HTTP/1.1\r\n"
        if line.count("\r") != 1 or line.count("\n") != 1 or line.count(" ") != 2:
            raise ValueError(f"Illegal characters (CR, LF or space) in the request line {line!r}")
        self.head_only = start_line.method == "HEAD"
        block = writer.header_block(headers)
        left = writer.body_framing("HTTP/1.1", 200, headers)
        if left == writer.CHUNKED:
            if start_line.method in _WITH_BODY:
                block += "Transfer-Encoding: chunked\r\n"
            else:
                left = 0
        self._left = left
        return self._send((line + block + "\r\n").encode("latin-1") + (self._framed(chunk) if chunk else b""))

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        return self._send(self._framed(chunk) if chunk else b"")

    def _framed(self, chunk: bytes) -> bytes:
        left = self._left
        if left is None:
            raise HTTPOutputError("a body was written before its header")
        if left == writer.CHUNKED:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if left >= 0:
            if len(chunk) > left:
                self._stream.close()
                raise HTTPOutputError("Tried to write more data than Content-Length")
            self._left = left - len(chunk)
        return chunk

    def finish(self) -> None:
        left, self._left = self._left, 0
        if left is None:
            raise HTTPOutputError("a request was finished before its header was written")
        if left > 0:
            self._stream.close()
            raise HTTPOutputError(f"Tried to write {left} bytes less than Content-Length")
        if left == writer.CHUNKED:
            self._send(writer.LAST_CHUNK)
        if self._wire is not None:
            self._wire.request_sent = True

    def _send(self, data: bytes) -> asyncio.Future[None]:
        if self._stream.closed():
            raise StreamClosedError(self._stream.error)
        wire = self._begin()
        waiting = wire.write(data)
        if waiting is None:
            waiting = self._loop.create_future()
            waiting.set_result(None)
        return waiting

    def _begin(self) -> ClientConnection:
        if self._wire is None:
            limits = ResponseLimits(self._params.max_header_size, self._limit)
            self._wire = ClientConnection(self, None, limits, self._loop)
            self._transport = StreamTransport(self._stream, self._wire)
            self._wire.begin(self, b"")
            self._wire.request_sent = False
        return self._wire

    def read(self, delegate: HTTPMessageDelegate) -> Awaitable[bool]:
        if self._delegate is not None:
            raise RuntimeError("there is one response, and it is being read")
        self._delegate = delegate
        if self._stream.closed():
            self._end(StreamClosedError(self._stream.error))
            return self._done
        wire = self._begin()
        if self._left is None:
            # Somebody else has written the request.
            wire.request_sent = True
        if self._transport is not None:
            self._transport.resume_reading()
        return self._done

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        self._close_callback = callback

    def set_max_body_size(self, size: int) -> None:
        self._limit = size
        if self._wire is not None:
            self._wire._limits = self._wire._limits._replace(max_body_size=size)

    def set_body_timeout(self, timeout: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(timeout, self._out_of_time)

    def _out_of_time(self) -> None:
        gen_log.info("Timeout reading body from %s", self.peer())
        self._give_up()

    def peer(self) -> object:
        return None if self._transport is None else self._transport.get_extra_info("peername")

    def detach(self) -> IOStream:
        self._forget()
        if self._transport is not None and not self._stream.closed():
            self._transport.release()
        return self._stream

    # What the wire calls

    def head_received(self, head: ResponseHead) -> None:
        delegate = self._delegate
        if delegate is None:
            return
        start_line = ResponseStartLine(head.version, head.code, head.reason)
        if head.code < 200:
            delegate.headers_received(start_line, head.headers)
            return
        if self._params.decompress and head.headers.get("Content-Encoding", "").lower() == "gzip":
            head.headers["X-Consumed-Content-Encoding"] = head.headers.pop("Content-Encoding")
            delegate = UnpackingDelegate(delegate, lambda: self._limit)
        wire = self._begin()
        # The response may be over for the wire while the delegate is still at it.
        self._pump = BodyPump(
            Reading(delegate, self._finished), copy_context(), wire.pause, wire.resume, self._refused
        )
        if self._params.body_timeout is not None and not self.head_only:
            self.set_body_timeout(self._params.body_timeout)
        self._pump.begin(start_line, head.headers)  # type: ignore[arg-type]  # it only hands it on

    def body_received(self, chunk: bytes) -> None:
        if self._pump is not None:
            self._pump.feed(chunk)

    def response_ended(self) -> None:
        if self._pump is not None:
            self._pump.end()

    def failed(self, error: ResponseFailed, untouched: bool) -> None:
        gone = self._transport is not None and self._transport.peer_gone
        self._end(StreamClosedError(self._stream.error) if gone else None)

    def released(self, connection: ClientConnection) -> None:
        """The stream may be used for another exchange."""
        if self._transport is not None:
            self._transport.release()

    def lost(self, connection: ClientConnection) -> None:
        """The stream is closed: `failed` says so if that was too early."""

    def _finished(self) -> None:
        self._forget()
        if not self._done.done():
            self._done.set_result(True)

    def _refused(self, error: BaseException) -> None:
        """The delegate has failed."""
        if isinstance(error, (HTTPInputError, Refused)):
            gen_log.info("Malformed HTTP message from %s: %s", self.peer(), error)
            self._give_up()
            return
        self._stream.close()
        self._forget()
        if not self._done.done():
            self._done.set_exception(error)

    def _give_up(self) -> None:
        if self._wire is not None:
            self._wire.abandon()
        self._end(None)

    def _end(self, error: StreamClosedError | None) -> None:
        """There will be no whole response."""
        callback = self._close_callback
        self._forget()
        if self._delegate is not None:
            self._delegate.on_connection_close()
        if callback is not None:
            callback()
        if self._done.done():
            return
        if error is None:
            self._done.set_result(False)
        elif self._delegate is not None:
            self._done.set_exception(error)

    def _forget(self) -> None:
        self._close_callback = None
        if self._pump is not None:
            self._pump.close()
        if self._timer is not None:
            self._timer.cancel()
