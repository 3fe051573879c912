"""One connection of the HTTP server: bytes to requests, and responses in the order of their requests.

The connection is the asyncio protocol and the parser's callback object at once. No code of an
application runs inside the parser: what it finds is put into ``_pending`` and taken from there when the
parser has returned.

    state   what is being read           the deadline meanwhile
    IDLE    nothing, between requests    idle_timeout; header_timeout before the first request
    HEAD    a header                     header_timeout, from its first byte
    BODY    a body                       body_stall_timeout, from its last piece; body_timeout in all
    DRAIN   what is to be thrown away    linger_timeout

While a request is being answered (``_active``) and its body is there, nothing is read: what arrives is held
and the transport paused. Output that a client does not take has write_timeout as its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import httptools

from framework._http1 import writer
from framework._http1.deadlines import NEVER, Clock
from framework._http1.exchange import ServerExchange
from framework._http1.flow import BodyPump, DrainWaiters
from framework._http1.framing import Fields, Refused, check_request
from framework._http1.methods import replace_unknown_method
from framework._http1.request import WireRequest
from framework._http1.settings import ServerSettings
from framework.httputil.messages import HTTPMessageDelegate
from framework.iostream import StreamClosedError
from framework.log import app_log, gen_log

__all__ = ["ServerConnection", "Service"]

IDLE: Final = 0
HEAD: Final = 1
BODY: Final = 2
DRAIN: Final = 3

# A header is read in pieces of this size, so that one read does not turn into thousands of requests.
_SLICE: Final = 16384
# Output is put together up to this size before the transport gets it.
_BATCH: Final = 65536

_PARSER_ERRORS = (httptools.HttpParserError, httptools.HttpParserCallbackError)


class Service(Protocol):
    """What a connection hands its requests to."""

    # Whether `open` wants to see requests before their body is there.
    streaming: bool
    # A future of the loop that is done.
    done: asyncio.Future[None]

    def open(self, request: WireRequest) -> HTTPMessageDelegate | None:
        """What receives the body piece by piece; None if the request is to be served when it is whole."""

    def serve(self, request: WireRequest) -> None:
        """Answers a whole request, now or later."""

    def closed(self, connection: ServerConnection) -> None:
        """The connection is gone."""


class ServerConnection(asyncio.Protocol):
    """One connection. See the module's description."""

    __slots__ = (
        "_active",
        "_body_end",
        "_body_size",
        "_close_callback",
        "_drain",
        "_fed",
        "_feeding",
        "_fields",
        "_held",
        "_host",
        "_idle_limit",
        "_last",
        "_loop",
        "_method",
        "_out",
        "_out_size",
        "_parser",
        "_pending",
        "_pump",
        "_read_paused",
        "_request",
        "_requests",
        "_state",
        "_target",
        "_unsent",
        "_write_paused",
        "clock",
        "connections",
        "deadline",
        "done",
        "peer",
        "scheme",
        "service",
        "settings",
        "ssl_object",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(
        self,
        service: Service,
        settings: ServerSettings,
        clock: Clock,
        connections: set[ServerConnection],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.service = service
        self.settings = settings
        self.clock = clock
        self.connections = connections
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._state = IDLE
        # The Host of the last request, which has been checked.
        self._host: bytes | list[bytes] | None = b"\0"
        self._idle_limit = settings.idle_timeout + clock.interval
        self._fields: Fields = {}
        self._target = b""
        self._method: str | None = None
        self._fed = 0
        self._body_size = 0
        self._body_end = NEVER
        # The request whose body is being read; those read and not begun; the one being answered.
        self._request: WireRequest | None = None
        self._pending: deque[WireRequest] = deque()
        self._active: WireRequest | None = None
        self._requests = 0
        # No request after the last one is read. What to send behind all responses, if anything.
        self._last: bytes | None = None
        self._pump: BodyPump | None = None
        self._close_callback: Callable[[], None] | None = None
        # Input that has to wait.
        self._held: list[bytes] = []
        self._read_paused = False
        # Output that is put together while requests are being taken up.
        self._feeding = False
        self._out: list[bytes] = []
        self._out_size = 0
        self._write_paused = False
        self._unsent = 0
        self._drain: DrainWaiters | None = None
        # For everyone who writes and has nothing to wait for.
        self.done: asyncio.Future[None] = service.done
        self.peer = ""
        self.scheme = settings.protocol or "http"
        self.ssl_object: ssl.SSLObject | None = None
        self.deadline = NEVER

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # what servers get is a full transport
        settings = self.settings
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self.peer = str(peer[0])
        self.ssl_object = transport.get_extra_info("ssl_object")
        if self.ssl_object is not None and settings.protocol is None:
            self.scheme = "https"
        self.transport.set_write_buffer_limits(high=settings.write_high_water)
        self.connections.add(self)
        self.clock.add(self)
        self.deadline = self.clock.after(settings.header_timeout)
        if len(self.connections) > settings.max_connections:
            self._refuse(503, "")

    def data_received(self, data: bytes) -> None:
        if self._state == DRAIN or self._last is not None:
            return
        if self._held or (self._active is not None and self._state != BODY) or self._write_paused:
            self._hold(data)
        elif len(data) <= _SLICE:
            self._parse(data)
        else:
            self._feed(data)

    def eof_received(self) -> None:
        """The client will send nothing more. As everywhere in this API it counts as gone."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)
        self.clock.discard(self)
        self._state = DRAIN
        self._pending.clear()
        self._held.clear()
        self._request = None
        active, self._active = self._active, None
        error = StreamClosedError(exc)
        if self._drain is not None:
            self._drain.fail(error)
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.close()
        callback, self._close_callback = self._close_callback, None
        if active is not None and callback is not None:
            try:
                callback()
            except Exception:
                app_log.error("Uncaught exception in a connection's close callback", exc_info=True)
        self.service.closed(self)

    def pause_writing(self) -> None:
        self._write_paused = True
        self._watch_output()

    def _watch_output(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self.deadline = self.clock.after(self.settings.write_timeout)

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._drain is not None:
            self._drain.release()
        self._set_deadline()
        if self._active is None:
            self._loop.call_soon(self._go_on)

    # -- reading

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._pause_reading()

    def _pause_reading(self) -> None:
        if not self._read_paused and not self.transport.is_closing():
            self._read_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._read_paused and not self._held and not self.transport.is_closing():
            self._read_paused = False
            self.transport.resume_reading()

    def _feed(self, data: bytes) -> None:
        at = 0
        while at < len(data) and self._state != DRAIN and self._last is None:
            if at and ((self._active is not None and self._state != BODY) or self._write_paused):
                self._held.insert(0, data[at:])
                self._pause_reading()
                return
            piece = data[at:] if self._state == BODY else data[at : at + _SLICE]
            at += len(piece)
            self._parse(piece)

    def _parse(self, data: bytes) -> None:
        state = self._state
        if state != BODY:
            self._fed += len(data)
        before = self._requests
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            self._parse_with_other_method(data, at_start=state == IDLE and self._requests == before)
        except _PARSER_ERRORS as error:
            self._parser_failed(error)
        if self._pump is not None:
            self._deliver(self._pump)
        if self._pending:
            self._advance()
        # What is being read now, behind these bytes.
        state = self._state
        if state == IDLE and self._active is None and not self._write_paused:
            self._fed = 0
            self.deadline = self.clock.now + self._idle_limit
            return
        if state == HEAD:
            if self._requests != before:
                self._fed = 0
            elif self._fed > self.settings.max_header_size:
                self._refuse(414 if len(self._target) > self.settings.max_header_size // 2 else 431, "header")
        elif state == IDLE:
            self._fed = 0
        self._set_deadline()

    def _set_deadline(self) -> None:
        state = self._state
        if self._write_paused or state == DRAIN:
            return
        if state == BODY:
            self.deadline = min(self.clock.after(self.settings.body_stall_timeout), self._body_end)
        elif self._active is not None or self._pending:
            self.deadline = NEVER
        elif state == IDLE:
            self.deadline = self.clock.after(self.settings.idle_timeout)

    def _parse_with_other_method(self, data: bytes, at_start: bool) -> None:
        """The parser knows the registered methods only; an application may serve others (RFC 9110 section 16.1)."""
        replaced = replace_unknown_method(data) if at_start and self._method is None else None
        if replaced is None:
            self._refuse(400, "invalid method")
            return
        self._method, data = replaced
        self._parser = httptools.HttpRequestParser(self)
        self._fed -= len(data)
        self._parse(data)

    def _parser_failed(self, error: Exception) -> None:
        cause = error.__context__
        if isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
            if isinstance(cause, Refused):
                self._refuse(cause.status, str(cause))
            else:
                gen_log.error("Uncaught exception in the HTTP server", exc_info=cause)
                self._refuse(500, "")
        elif self._last is None:
            self._refuse(400, str(error))

    def _after_upgrade(self, rest: bytes) -> None:
        """Another protocol was asked for. Unless somebody takes it up, this one goes on behind the response."""
        self._parser = httptools.HttpRequestParser(self)
        if rest:
            self._hold(rest)

    # -- the parser's side

    def on_message_begin(self) -> None:
        self._fields = {}
        self._target = b""
        if self._state == IDLE:
            self._state = HEAD
            self.deadline = self.clock.after(self.settings.header_timeout)

    def on_url(self, piece: bytes) -> None:
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._state != HEAD:
            # A trailer: it must not change what has been decided, and nothing asks for it.
            self._count_body(len(name) + len(value))
            return
        name = name.lower()
        fields = self._fields
        if name not in fields:
            fields[name] = value.rstrip(b" \t") if value[-1:] in b" \t" else value
            return
        present = fields[name]
        if isinstance(present, list):
            present.append(value.strip(b" \t"))
        else:
            fields[name] = [present, value.strip(b" \t")]

    def on_headers_complete(self) -> None:
        settings = self.settings
        fields = self._fields
        parser = self._parser
        version = parser.get_http_version()
        if self._fed > settings.max_header_size or len(fields) > settings.max_header_count // 2:
            self._check_size()
        # Most requests of a connection are for the host of the one before.
        host = fields.get(b"host")
        if host != self._host or version != "1.1" or b"transfer-encoding" in fields:
            check_request(version, fields)
            self._host = host
        if b"#" in self._target:
            raise Refused(400, "a fragment in the request target")
        method = self._method
        if method is None:
            method = parser.get_method().decode("ascii")
        else:
            self._method = None
        self._requests += 1
        request = WireRequest(
            self, method, self._target, "HTTP/1.1" if version == "1.1" else "HTTP/1.0", fields
        )
        request.keep_alive = settings.keep_alive and parser.should_keep_alive()
        self._request = request
        self._body_size = 0
        self._state = BODY
        if b"content-length" in fields or b"transfer-encoding" in fields:
            self._expect_body(request, fields)

    def _check_size(self) -> None:
        settings = self.settings
        size = count = 0
        for name, value in self._fields.items():
            values = value if isinstance(value, list) else [value]
            count += len(values)
            size += sum([len(name) + len(one) + 4 for one in values])
        if len(self._target) > settings.max_header_size:
            raise Refused(414, f"a request target of {len(self._target)} bytes")
        if count > settings.max_header_count:
            raise Refused(431, f"{count} header lines, {settings.max_header_count} at most")
        if size + len(self._target) > settings.max_header_size:
            raise Refused(431, f"a header of {size} bytes, {settings.max_header_size} at most")

    def _expect_body(self, request: WireRequest, fields: Fields) -> None:
        settings = self.settings
        length = fields.get(b"content-length")
        if isinstance(length, bytes):
            if int(length) > settings.max_body_size:
                raise Refused(413, f"a body of {int(length)} bytes, {settings.max_body_size} at most")
            if not int(length):
                return
        request.chunks = []
        if settings.body_timeout is not None:
            self._body_end = self.clock.after(settings.body_timeout)
        expect = fields.get(b"expect")
        if expect is not None and request.version == "HTTP/1.1":
            if isinstance(expect, list) or expect.lower() != b"100-continue":
                raise Refused(417, f"expectation {expect!r}")
            request.expects_continue = True
        if request.expects_continue or self.service.streaming:
            # To be looked at before its body is there.
            self._pending.append(request)

    def on_body(self, piece: bytes) -> None:
        request = self._request
        if request is None or request.chunks is None:
            return
        self._count_body(len(piece))
        request.chunks.append(piece)

    def _count_body(self, size: int) -> None:
        self._body_size += size
        if self._body_size > self.settings.max_body_size:
            raise Refused(413, f"a body of more than {self.settings.max_body_size} bytes")

    def on_message_complete(self) -> None:
        request = self._request
        self._state = IDLE
        self._body_end = NEVER
        if request is None:
            return
        self._request = None
        request.complete = True
        if request is self._active:
            # `_deliver` sees that it is complete.
            return
        chunks = request.chunks
        if chunks is None:
            self._pending.append(request)
            return
        request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        request.chunks = None
        if not self._pending or self._pending[-1] is not request:
            self._pending.append(request)
        if len(self._pending) > self.settings.max_pipelined_requests:
            raise Refused(503, "")

    # -- requests to the application

    def _advance(self) -> None:
        """Takes up the requests that have been read, as far as the ones before are answered."""
        pending = self._pending
        self._feeding = True
        while pending and self._active is None and not self._write_paused:
            request = pending[0]
            if request.complete:
                pending.popleft()
                self._active = request
                try:
                    self.service.serve(request)
                except Exception:
                    app_log.error("Uncaught exception in %s %s", request.method, request.uri, exc_info=True)
                    if self._active is request:
                        self.abort()
            elif not self._begin_unfinished(request):
                break
        self._feeding = False
        if self._out:
            self._send_batch()
        if self._active is None and not pending:
            if self._last is not None:
                self._finish_connection()
            elif self._held:
                self._loop.call_soon(self._go_on)

    def _begin_unfinished(self, request: WireRequest) -> bool:
        """Looks at a request whose body is on its way; whether it was taken up."""
        delegate = None
        if self.service.streaming:
            delegate = self.service.open(request)
        if delegate is None:
            if request.expects_continue:
                request.expects_continue = False
                self._write(writer.CONTINUE)
            # Out of the line until it is whole.
            if self._pending and self._pending[0] is request:
                self._pending.popleft()
            return True
        self._pending.popleft()
        self._active = request
        pump = BodyPump(delegate, self._pause_reading, self._body_wanted, self._body_failed)
        self._pump = pump
        try:
            pump.begin(delegate.headers_received(request.start_line(), request.headers))
            self._deliver(pump)
        except Exception:
            app_log.error("Uncaught exception in %s %s", request.method, request.uri, exc_info=True)
            self.abort()
            return True
        if request.expects_continue and self._active is request:
            self._write(writer.CONTINUE)
        return True

    def _deliver(self, pump: BodyPump) -> None:
        request = self._active
        if request is None:
            return
        chunks = request.chunks
        if chunks:
            request.chunks = []
            for chunk in chunks:
                pump.feed(chunk)
        if request.complete:
            pump.end()

    def _body_wanted(self) -> None:
        if self._active is not None:
            if self._held and self._state == BODY:
                self._loop.call_soon(self._go_on)
            else:
                self._resume_reading()

    def _body_failed(self, error: BaseException) -> None:
        app_log.error("Uncaught exception while a request's body was received", exc_info=error)
        self.abort()

    def _go_on(self) -> None:
        """Something that input had to wait for has happened."""
        if self._state == DRAIN:
            return
        if self._pending:
            self._advance()
        while self._held and not self._write_paused and (self._active is None or self._state == BODY):
            if self._last is not None:
                self._held.clear()
                break
            self._feed(self._held.pop(0))
        self._resume_reading()
        self._set_deadline()

    # -- responses

    def respond(self, request: WireRequest, head: str, body: bytes) -> None:
        """Sends a whole response: ``head`` is the status line and the header lines, the length among them."""
        self.check_answering(request)
        if request.keep_alive and self._last is None and request.version == "HTTP/1.1":
            head += "\r\n"
        else:
            head += self.connection_field(request, "\r\nConnection: " in head) + "\r\n"
        if request.method == "HEAD":
            self._write(head.encode("latin-1"))
        else:
            self._write(head.encode("latin-1") + body)
        self.response_done(request)

    def connection_field(self, request: WireRequest, given: bool) -> str:
        """The Connection line that the response to ``request`` needs, if any (RFC 9112 section 9.3)."""
        # Behind other last words than none there comes another response.
        if self._last == b"":
            request.keep_alive = False
        if given:
            return ""
        if request.version == "HTTP/1.1":
            return "" if request.keep_alive else "Connection: close\r\n"
        return "Connection: Keep-Alive\r\n" if request.keep_alive else ""

    def response_done(self, request: WireRequest) -> None:
        """The response is complete: on to the next request, or to the end of the connection."""
        self._active = None
        self._close_callback = None
        pump = self._pump
        if pump is not None:
            self._pump = None
            pump.close()
        # Without `complete` the rest of the body is unread, and there is no telling how much of it there is.
        if not (request.keep_alive and request.complete):
            self._last = b""
            self._pending.clear()
        if self._feeding:
            return
        if self._last is not None and not self._pending:
            self._finish_connection()
        elif self._pending or self._held:
            self._loop.call_soon(self._go_on)
        else:
            self._resume_reading()
            self._set_deadline()

    def write(self, data: bytes) -> None:
        """Sends bytes of a response that `exchange` has framed."""
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self._feeding:
            self._out.append(data)
            self._out_size += len(data)
            if self._out_size > _BATCH:
                self._send_batch()
        elif self._state != DRAIN:
            self.transport.write(data)

    def _send_batch(self) -> None:
        out = self._out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self._out_size = 0
        if not self.transport.is_closing():
            self.transport.write(data)

    def drained(self) -> asyncio.Future[None] | None:
        """What to wait for before more is written; None: nothing."""
        if self._active is None or self.transport.is_closing():
            future: asyncio.Future[None] = self._loop.create_future()
            future.set_exception(StreamClosedError())
            future.exception()
            return future
        if self._out:
            self._send_batch()
        if not self._write_paused:
            return None
        if self._drain is None:
            self._drain = DrainWaiters(self._loop)
        return self._drain.wait()

    def exchange(self, request: WireRequest) -> ServerExchange:
        """The response to a request, as the public API writes it."""
        return ServerExchange(self, request)

    def check_answering(self, request: WireRequest) -> None:
        """Raises `StreamClosedError` unless the response to this request is what is being written."""
        if request is not self._active:
            raise StreamClosedError()

    def is_answering(self, request: WireRequest) -> bool:
        """Whether the response to this request is what is being written."""
        return request is self._active

    def set_close_callback(self, request: WireRequest, callback: Callable[[], None] | None) -> None:
        """What to call if the client goes away before the response to ``request`` is complete."""
        if request is self._active:
            self._close_callback = callback

    # -- ends

    def _refuse(self, status: int, reason: str) -> None:
        """Answers with an error behind the responses that are still due, and closes."""
        if self._last is not None or self._state == DRAIN:
            return
        if reason:
            gen_log.info("%d for a request from %s: %s", status, self.peer or "a Unix socket", reason)
        incomplete = self._request
        self._request = None
        self._held.clear()
        if incomplete is not None and incomplete is self._active:
            # Its handler is running on a body that will never be whole.
            self._give_up(writer.error_response(status))
            return
        with contextlib.suppress(ValueError):
            self._pending.remove(incomplete)  # type: ignore[arg-type]
        self._last = writer.error_response(status)
        if self._active is None and not self._pending and not self._feeding:
            self._finish_connection()

    def _give_up(self, answer: bytes) -> None:
        active, self._active = self._active, None
        callback, self._close_callback = self._close_callback, None
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.close()
        self._last = b"" if active is None or active._finish_time is not None else answer
        if callback is not None:
            callback()
        self._finish_connection()

    def _finish_connection(self) -> None:
        """Everything is answered: the last words, and then the connection goes."""
        if self._out:
            self._send_batch()
        last, self._last = self._last, b""
        transport = self.transport
        if transport.is_closing():
            return
        if last:
            transport.write(last)
        unread = self._state != IDLE or self._request is not None or bool(last)
        self._state = DRAIN
        self._watch_output()
        if unread and transport.can_write_eof():
            # Closing with input unread would reset the connection, and the answer might be lost with it.
            transport.write_eof()
            self._held.clear()
            self._resume_reading()
            if not self._unsent:
                self.deadline = self.clock.after(self.settings.linger_timeout)
        else:
            transport.close()

    def close_when_idle(self) -> bool:
        """Ends the connection behind what is being answered; whether it is at its end already."""
        if self._active is None and not self._pending:
            self._state = DRAIN
            self.transport.close()
            return True
        if self._last is None:
            self._last = b""
        return False

    def abort(self) -> None:
        """Ends the connection now, without a word."""
        self._state = DRAIN
        self._out.clear()
        self.transport.abort()

    def deadline_passed(self) -> None:
        """What was waited for did not come in time."""
        self.deadline = NEVER
        if self._write_paused or self._state == DRAIN:
            unsent = self.transport.get_write_buffer_size()
            if unsent < self._unsent:
                # Slow, but taking it.
                self._watch_output()
            else:
                self.transport.abort()
        elif self._state == IDLE:
            self._state = DRAIN
            self.transport.close()
        else:
            self._refuse(408, "the rest of it did not come in time")

    def detach(self, request: WireRequest) -> tuple[asyncio.Transport, bytes]:
        """Gives the transport away for another protocol, with what has been read of it."""
        self.check_answering(request)
        if self._out:
            self._send_batch()
        self.connections.discard(self)
        self.clock.discard(self)
        self._state = DRAIN
        self._active = None
        self._close_callback = None
        rest = b"".join(self._held)
        self._held.clear()
        self._resume_reading()
        return self.transport, rest
