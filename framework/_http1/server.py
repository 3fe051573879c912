"""One connection of the HTTP server: requests to the application, and responses in the order of their requests.

The connection is the asyncio protocol and the parser's callback object at once; its reading half is in
`framework._http1.reader`, its writing half in `framework._http1.sending`.

    state   what is being read           the deadline meanwhile
    IDLE    nothing, between requests    idle_timeout; header_timeout before the first request
    HEAD    a header                     header_timeout, from its first byte
    BODY    a body                       body_stall_timeout, from its last piece; body_timeout in all
    DRAIN   what is to be thrown away    linger_timeout

- Requests wait in ``_pending`` until it is their turn; ``_active`` is the one being answered. Input that comes
  meanwhile is held, and the transport paused, unless it is the body of the active one. There is no deadline
  then: the client isn't who is waited for.
- ``_ending``: no request after those that are there is looked at, and what comes is thrown away. The connection
  ends when they are answered, with ``_last`` for its last words if there are any. DRAIN is always ending.
- Output that a client doesn't take has write_timeout as its deadline, whatever the state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Protocol

from framework._http1 import writer
from framework._http1.deadlines import NEVER, Clock
from framework._http1.exchange import ServerExchange
from framework._http1.flow import half_close
from framework._http1.framing import Refused
from framework._http1.left import Left
from framework._http1.outbox import Outbox
from framework._http1.reader import BODY, DRAIN, HEAD, IDLE, PARSER_ERRORS, SLICE
from framework._http1.request import WireRequest
from framework._http1.sending import ResponseSender
from framework._http1.settings import ServerSettings
from framework._http1.stream import RequestStream
from framework._http1.upload import Upload
from framework.iostream.errors import StreamClosedError
from framework.log import app_log, gen_log

if TYPE_CHECKING:
    from framework._http1.services import Service

__all__ = ["Member", "ServerConnection"]


class Member(Protocol):
    """One of a server's connections: one for HTTP, or what has taken it over."""

    # Those of the server; it is its own business to leave them in the end.
    connections: set[Member]

    def close_when_idle(self) -> None:
        """Ends the connection as soon as that is orderly."""

    def abort(self) -> None:
        """Ends it now."""


class ServerConnection(ResponseSender):
    """One connection. See the module's description."""

    __slots__ = (
        "_close_callback",
        "_context",
        "_feeding",
        "_held",
        "_idle_limit",
        "_last",
        "_read_paused",
        "_unread",
        "_upload",
        "connections",
        "done",
        "peer",
        "scheme",
        "service",
    )

    def __init__(
        self,
        service: Service,
        settings: ServerSettings,
        clock: Clock,
        connections: set[Member],
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
    ) -> None:
        super().__init__(settings, clock, service.streaming, loop, outbox)
        self.service = service
        self.connections = connections
        # Each request gets a copy, so that none sees what another one left behind.
        self._context = copy_context()
        self._idle_limit = settings.idle_timeout + clock.interval
        self._last = b""
        self._upload: Upload | None = None
        self._close_callback: Callable[[], None] | None = None
        # Input that has to wait; whether any was thrown away.
        self._held = b""
        self._read_paused = False
        self._unread = False
        # Whether requests are being taken up.
        self._feeding = False
        # For everyone who writes and has nothing to wait for.
        self.done: asyncio.Future[None] = service.done
        self.peer = ""
        self.scheme = settings.protocol or "http"

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
            self._refuse(503, f"more than {settings.max_connections} connections")

    def data_received(self, data: bytes) -> None:
        if self._active is not None or self._ending or self._write_paused or self._held or len(data) > SLICE:
            self._receive_more(data)
        else:
            self._parse(data)

    def _receive_more(self, data: bytes) -> None:
        if self._ending:
            self._unread = True
        elif self._held or self._must_wait():
            self._hold(data)
        else:
            self._feed(data)

    def eof_received(self) -> None:
        """The client will send nothing more. As everywhere in this API it counts as gone: the transport closes."""
        self.send_output()
        self._state = DRAIN
        self._ending = True
        self._watch_output()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)
        self.clock.discard(self)
        self._state = DRAIN
        self._ending = True
        self._pending.clear()
        self._out.clear()
        self._held = b""
        self._request = None
        if self._drain is not None:
            self._drain.fail(StreamClosedError(exc))
        self._drop_active()
        try:
            self.service.closed(self)
        except Exception:
            app_log.error("Uncaught exception at the end of a connection", exc_info=True)

    def _drop_active(self) -> None:
        """Whoever answers a request is told, once, that there is nobody to answer any more."""
        active, self._active = self._active, None
        upload, self._upload = self._upload, None
        callback, self._close_callback = self._close_callback, None
        if upload is not None:
            upload.close()
        if active is not None and callback is not None:
            try:
                callback()
            except Exception:
                app_log.error("Uncaught exception in a connection's close callback", exc_info=True)

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._drain is not None:
            self._drain.release()
        self._set_deadline()
        if self._active is None:
            self._loop.call_soon(self._go_on)

    # -- reading

    def _must_wait(self) -> bool:
        """Whether what has been read is for later: there is a request to be answered first, or a slow reader."""
        active = self._active
        if active is None:
            return self._write_paused
        upload = self._upload
        return active is not self._request or (upload is not None and upload.busy)

    def _hold(self, data: bytes) -> None:
        self._held += data
        self._stop_reading()

    def _stop_reading(self) -> None:
        if not self._read_paused and not self.transport.is_closing():
            self._read_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._read_paused and not self._held and not self.transport.is_closing():
            self._read_paused = False
            self.transport.resume_reading()

    def _feed(self, data: bytes) -> None:
        """Parses as much of the input as may be, and holds the rest."""
        while data:
            size = max(SLICE, self._body_left) if self._state == BODY else SLICE
            piece, data = data[:size], data[size:]
            self._parse(piece)
            if self._ending:
                self._unread = self._unread or bool(data)
                return
            if data and (self._state != BODY or self._must_wait()):
                # The next requests in another turn of the loop, to let other connections have theirs.
                self._hold(data)
                if not self._must_wait():
                    self._loop.call_soon(self._go_on)
                return

    def _parse(self, data: bytes) -> None:
        started = self._state
        before = self._requests
        failure: Exception | None = None
        try:
            if self._direct:
                data = self._take(data)
            if data:
                self._parser.feed_data(data)
        except PARSER_ERRORS as error:
            failure = error
        # Not in the `except`: what the parser is fed there has this error as its context, and not what it raised.
        if failure is not None:
            alone = self._requests == before and (started == IDLE or (started == HEAD and self._start != b""))
            self._not_parsed(failure, data, (self._start if started == HEAD else b"") if alone else None)
        if self._upload is not None:
            self._upload.deliver()
        if self._pending:
            self._advance()
        if self._state == IDLE and self._active is None and not self._write_paused:
            self.deadline = self.clock.now + self._idle_limit
        else:
            self._parsed_in_part(data, started, self._requests != before)

    def _parsed_in_part(self, data: bytes, started: int, others: bool) -> None:
        """What is being read now, behind these bytes, has a deadline, and limits."""
        if self._state == HEAD:
            began = others or started != HEAD
            self._header_continues(data, began, started == IDLE and not others)
            if not began:
                # It has one from its first byte.
                return
        elif self._state == BODY:
            if not others:
                self._check_excess(len(data))
            if self._body_left > 0 and not self._direct:
                self._begin_direct()
        self._set_deadline()

    def _set_deadline(self) -> None:
        state = self._state
        if self._write_paused or state == DRAIN:
            return
        active = self._active
        if self._read_paused or (active is not None and active is not self._request) or self._pending:
            self.deadline = NEVER
        elif state == BODY:
            self.deadline = min(self.clock.after(self.settings.body_stall_timeout), self._body_end)
        elif state == HEAD:
            self.deadline = self.clock.after(self.settings.header_timeout)
        else:
            self.deadline = self.clock.after(self.settings.idle_timeout)

    # -- requests to the application

    def _advance(self) -> None:
        """Takes up the requests that have been read, as far as the ones before are answered."""
        pending = self._pending
        self._feeding = True
        while pending and self._active is None and not self._write_paused:
            request = self._active = pending.pop(0)
            try:
                if request.chunks is None:
                    self._context.copy().run(self.service.serve, request)
                else:
                    self._begin_unfinished(request)
            except Exception as error:
                self.failed(request, error)
        self._feeding = False
        if self._active is None and not pending:
            if self._ending:
                self._finish_connection()
            elif self._held:
                self._loop.call_soon(self._go_on)

    def _begin_unfinished(self, request: WireRequest) -> None:
        """Looks at a request whose body is on its way, or larger than it may be unless somebody allows for it."""
        context = self._context.copy()
        delegate = context.run(self.service.open, request) if self._streaming else None
        limit = self.max_body = self.settings.max_body_size
        if delegate is not None:
            self._upload = Upload(self, request, delegate, context)
            self._upload.begin()
            return
        self._active = None
        if request.announced_size() > limit:
            self._pending.clear()
            self._refuse(413, f"a body of more than {limit} bytes")
        elif request.expects_continue:
            self.write(writer.CONTINUE)
        # It comes again when it is whole.

    def set_max_body_size(self, request: WireRequest, size: int) -> None:
        """How large the body of ``request`` may be, whatever the server's limit says."""
        if request is not self._active:
            return
        if request.chunks is not None:
            self.max_body = size
        elif request.body_size() > size:
            self.give_up(413, f"a body of {request.body_size()} bytes, {size} at most")

    def set_body_timeout(self, request: WireRequest, seconds: float) -> None:
        """How long the body that is being received may take from now on."""
        if request is self._active and request is self._request:
            self._body_end = self.clock.after(seconds)
            self._set_deadline()

    def pause_reading(self) -> None:
        """Whoever receives a body is busy."""
        self._stop_reading()
        self._set_deadline()

    def read_on(self) -> None:
        """Whoever receives a body is ready for more."""
        if self._held:
            self._loop.call_soon(self._go_on)
        else:
            self._resume_reading()
            self._set_deadline()

    def _go_on(self) -> None:
        """Something that input had to wait for has happened."""
        if self._state == DRAIN or self.transport.is_closing():
            return
        if self._pending:
            self._advance()
        if self._held and not self._ending and not self._must_wait():
            data, self._held = self._held, b""
            self._feed(data)
        if not self._must_wait():
            self._resume_reading()
        self._set_deadline()

    # -- responses

    def respond(self, request: WireRequest, head: str, body: bytes) -> None:
        """Sends a whole response: ``head`` is the status line and the header lines, the length among them."""
        if request is not self._active:
            raise StreamClosedError()
        if request.keep_alive and request.complete and request.version == "HTTP/1.1":
            data = (head + "\r\n").encode("latin-1")
        else:
            # Of the rest of a body that nobody waited for there is no telling how much it is.
            request.keep_alive = request.keep_alive and request.complete
            given = "\r\nConnection: " in head
            head += writer.connection_field(request.version, request.keep_alive, given)
            data = (head + "\r\n").encode("latin-1")
        if request.method != "HEAD":
            data += body
        if self._feeding and not self._pending and self._upload is None and request.keep_alive:
            # What `write` and `response_done` come to for most requests, without the calls: a percent of each.
            if self._out:
                self.write(data)
            else:
                self._out.append(data)
                self._outbox.add(self)
            self._active = None
            self._close_callback = None
            return
        self.write(data)
        self.response_done(request)

    def response_done(self, request: WireRequest) -> None:
        """The response is complete: on to the next request, or to the end of the connection."""
        self._active = None
        self._close_callback = None
        if self._upload is not None:
            self._upload.close()
            self._upload = None
        if not (request.keep_alive and request.complete):
            self._ending = True
            self._last = b""
            self._pending.clear()
        if self._feeding:
            return
        if self._ending and not self._pending:
            self._finish_connection()
        elif self._pending or self._held:
            self._loop.call_soon(self._go_on)
        else:
            self._resume_reading()
            self._set_deadline()

    def exchange(self, request: WireRequest) -> ServerExchange:
        """The response to a request, as the public API writes it."""
        return ServerExchange(self, request)

    def check_answering(self, request: WireRequest) -> None:
        """Raises `StreamClosedError` unless the response to this request is what is being written."""
        if request is not self._active or self.transport.is_closing():
            raise StreamClosedError()

    def is_answering(self, request: WireRequest) -> bool:
        """Whether the response to this request is what is being written."""
        return request is self._active

    @property
    def stream(self) -> RequestStream:
        """The connection's state and socket, as applications look at them."""
        return RequestStream(self, self._active)

    def set_close_callback(self, request: WireRequest, callback: Callable[[], None] | None) -> None:
        """What to call if the client goes away before the response to ``request`` is complete."""
        if request is self._active:
            self._close_callback = callback

    # -- ends

    def _refuse(self, status: int, reason: str) -> None:
        """Answers what is being read with an error, behind the responses that are still due, and closes."""
        if self._ending:
            return
        incomplete = self._request
        if incomplete is not None and incomplete is self._active:
            # Its handler is running on a body that will never be whole.
            self.give_up(status, reason)
            return
        self._log_refusal(status, reason)
        self._last = writer.error_response(status, self._reads_head())
        self._request = None
        self._held = b""
        if self._pending and self._pending[-1] is incomplete:
            self._pending.pop()
        self._ending = True
        if self._active is None and not self._pending and not self._feeding:
            self._finish_connection()

    def _log_refusal(self, status: int, reason: str) -> None:
        if reason:
            gen_log.info("%d for a request from %s: %s", status, self.peer or "a Unix socket", reason)

    def failed(self, request: WireRequest, error: BaseException) -> None:
        """Whoever was to answer a request has failed with an error, and answers no more."""
        status, reason = (error.status, str(error)) if isinstance(error, Refused) else (500, "")
        if not isinstance(error, (Refused, asyncio.CancelledError)):
            app_log.error("Uncaught exception in %s %s", request.method, request.uri, exc_info=error)
        if request is self._active:
            self.give_up(status, reason)

    def give_up(self, status: int, reason: str) -> None:
        """Answers the active request with an error, whatever its handler is at, and closes."""
        self._log_refusal(status, reason)
        active = self._active
        self._drop_active()
        self._ending = True
        self._pending.clear()
        if active is not None and active.head_written:
            # What the client has of a response must not look like the whole of it.
            self.abort()
            return
        self._last = writer.error_response(status, active is not None and active.method == "HEAD")
        if not self._feeding:
            self._finish_connection()

    def _finish_connection(self) -> None:
        """Everything is answered: the last words, and then the connection goes."""
        if self._state == DRAIN or self.transport.is_closing():
            return
        if self._last:
            self._out.append(self._last)
        self.send_output()
        unread = self._unread or self._state != IDLE or self._read_paused or bool(self._last)
        self._state = DRAIN
        self._ending = True
        self._held = b""
        self._request = None
        self._watch_output()
        if not unread:
            self.transport.close()
            return
        if self.transport.can_write_eof():
            half_close(self.transport)
        self._resume_reading()
        if not self._unsent:
            self.deadline = self.clock.after(self.settings.linger_timeout)

    def close_when_idle(self) -> None:
        """Ends the connection behind the request that is being read or answered, or now if there is none."""
        if self._state == DRAIN:
            return
        self._keep_alive = False
        for request in (self._active, *self._pending, self._request):
            if request is not None:
                request.keep_alive = False
        if self._state == IDLE and self._active is None and not self._pending and not self._held:
            self._finish_connection()

    def abort(self) -> None:
        """Ends the connection now, without a word."""
        self._state = DRAIN
        self._ending = True
        self._out.clear()
        self.transport.abort()

    def deadline_passed(self) -> None:
        """What was waited for did not come in time."""
        self.deadline = NEVER
        if self._state == DRAIN or self._write_paused:
            self._check_output()
        elif self._state == IDLE:
            self._finish_connection()
        else:
            self._refuse(408, "the rest of it did not come in time")

    def _check_output(self) -> None:
        transport = self.transport
        before = self._unsent
        self._watch_output()
        if 0 < self._unsent < before:
            # Slow, but taking it.
            return
        if self._state != DRAIN or transport.is_closing() or self._unsent:
            self.abort()
        elif before:
            # All of it is sent now, and the client may be slow to close.
            self.deadline = self.clock.after(self.settings.linger_timeout)
        else:
            transport.close()

    def detach(
        self, request: WireRequest, successor: Member | None = None
    ) -> tuple[asyncio.Transport, bytes]:
        """Gives the transport away for another protocol, with what has been read of it."""
        self.check_answering(request)
        self.send_output()
        self.connections.discard(self)
        if successor is not None:
            self.connections.add(successor)
            successor.connections = self.connections
        self.clock.discard(self)
        self._state = DRAIN
        self._ending = True
        self._close_callback = None
        self._drop_active()
        self._pending.clear()
        rest, self._held = self._held, b""
        self._resume_reading()
        request.leave(Left(self))
        return self.transport, rest
