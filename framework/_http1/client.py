"""The client's side of a connection: requests out, responses in, one after the other (RFC 9112).

States, from `ClientConnection.begin` to the response's end::

    HEAD ── header complete ──▶ BODY ── its end ──▶ DONE
      ▲                           │
      └── of an interim response ─┘   (100 to 199)

Whatever breaks a rule or a limit ends the connection and fails the exchange. A connection is used again only
if the response left it in a state that is known: its end was told, both sides want to go on, nothing came
behind it, and all of the request was sent.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, Protocol

import httptools

from framework._http1.client_framing import framing_error, in_known_words, is_complete, merge_lengths
from framework._http1.flow import DrainWaiters
from framework.httputil.headers import HTTPHeaders, headers_of, printed_name
from framework.log import gen_log

__all__ = [
    "MAX_INTERIM",
    "ClientConnection",
    "Exchange",
    "HeaderTooLarge",
    "ResponseFailed",
    "ResponseHead",
    "ResponseLimits",
]

_HEAD: Final = 0
_BODY: Final = 1
_DONE: Final = 2

# Interim responses before the final one. A server that sends more is mocking us.
MAX_INTERIM = 20

# A header in which lengths are repeated is looked at again and again until it is complete.
_PUT_OFF_LIMIT = 8192

# Names of fields as they are printed, by the bytes on the wire. Bounded, as servers choose the spellings.
_names: dict[bytes, str] = {}
_NAMES_LIMIT = 1000


class ResponseFailed(Exception):
    """There is no response, or not a whole one, or not one to be trusted."""


class HeaderTooLarge(ResponseFailed):
    """The response's header is longer than allowed."""


class ResponseHead(NamedTuple):
    """A response's status line and header."""

    version: str
    code: int
    reason: str
    headers: HTTPHeaders


class ResponseLimits(NamedTuple):
    """In bytes."""

    max_header_size: int = 65536
    max_body_size: int = 104857600


class Exchange(Protocol):
    """A request that is under way, as its connection sees it."""

    # Whether the method is HEAD, whose responses have no body whatever their header says.
    head_only: bool

    def head_received(self, head: ResponseHead) -> None:
        """A header is complete: that of the response, or that of an interim one."""

    def body_received(self, chunk: bytes) -> None:
        """A piece of the body, as it came."""

    def response_ended(self) -> None:
        """The response is complete; the connection has no more to do with the exchange."""

    def failed(self, error: ResponseFailed, untouched: bool) -> None:
        """There will be no (whole) response. ``untouched``: not a byte of one has come."""


class ConnectionOwner(Protocol):
    """What holds connections between their requests."""

    def released(self, connection: ClientConnection) -> None:
        """The connection can be used again."""

    def lost(self, connection: ClientConnection) -> None:
        """The connection is closed."""


class ClientConnection(asyncio.Protocol):
    """A connection to a server, or through a proxy to one.

    - ``owner`` is told when it is free again, and when it is gone
    - ``route`` and ``idle_since`` are the owner's notes, ``served`` counts the responses
    """

    __slots__ = (
        "_code",
        "_drain",
        "_error",
        "_excess",
        "_exchange",
        "_fields",
        "_has_end",
        "_head_size",
        "_interim",
        "_keep_alive",
        "_limits",
        "_loop",
        "_merged",
        "_owner",
        "_parser",
        "_partial",
        "_paused",
        "_put_off",
        "_reason",
        "_received",
        "_repeated",
        "_state",
        "_touched",
        "_transport",
        "_write_paused",
        "closed",
        "idle_since",
        "request_sent",
        "route",
        "served",
    )

    def __init__(
        self,
        owner: ConnectionOwner,
        route: object,
        limits: ResponseLimits,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._owner = owner
        self._limits = limits
        self._loop = loop
        self.route = route
        self.idle_since = 0.0
        # Responses that have come.
        self.served = 0
        self.closed = False
        # False while the request's body is still to be sent.
        self.request_sent = True
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self._drain = DrainWaiters(loop)
        self._paused = False
        self._write_paused = False
        self._excess = False
        self._reset()

    def _reset(self) -> None:
        self._state = _HEAD
        self._code = 0
        self._reason = b""
        self._fields: dict[str, str | list[str]] = {}
        self._repeated = False
        self._head_size = 0
        self._interim = 0
        self._received = 0
        self._keep_alive = False
        self._has_end = True
        self._touched = False
        self._merged = False
        self._partial: bytearray | None = None
        # What the parser had against a header whose end has not come yet.
        self._put_off: str | None = None
        self._error: ResponseFailed | None = None

    # What the one who has a request calls.

    def begin(self, exchange: Exchange, data: bytes) -> None:
        """Sends a request, or its beginning: then ``request_sent`` is set to False, until all is written."""
        self._reset()
        self.request_sent = True
        self._exchange = exchange
        if self._transport is not None:
            self._transport.write(data)

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Sends more of the request. What is returned, if anything, is done when more may be written."""
        if self._transport is not None and not self.closed:
            self._transport.write(data)
            if self._write_paused:
                return self._drain.wait()
        return None

    def pause(self) -> None:
        """Reads no more for now."""
        if not self._paused and self._transport is not None and not self.closed:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        if self._paused and self._transport is not None and not self.closed:
            self._paused = False
            self._transport.resume_reading()

    def abandon(self) -> None:
        """Closes the connection; an exchange that is under way hears nothing any more."""
        self._exchange = None
        if not self.closed:
            self.closed = True
            self._owner.lost(self)
            if self._transport is not None:
                # There is nothing left to be sent that anyone waits for.
                self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # create_connection makes one of these

    def eof_received(self) -> None:
        if self._exchange is None:
            # Nobody may take it for a new request before the transport has closed.
            self.abandon()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed:
            self.closed = True
            self._owner.lost(self)
        self._drain.fail(error or ConnectionResetError("the connection was closed"))
        if self._exchange is not None:
            if self._state == _BODY and not self._has_end and error is None and self._code >= 200:
                self._end()
            else:
                self._fail(self._broken_off())

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._drain.release()

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:
            # Nothing was asked for. Closing says so.
            self.abandon()
            return
        self._touched = True
        if self._put_off is not None:
            data = bytes(self._partial or b"") + data
            self._partial = None
            self._refused(self._put_off, data)
        else:
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                self._refused(str(error), data)
        if self._error is not None:
            self._fail(self._error)
        elif self._exchange is None:
            # It was abandoned by what it was told.
            return
        elif self._state == _DONE:
            self._end()
        elif self._state == _HEAD:
            self._keep_partial(data)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._state == _DONE:
            self._excess = True

    def on_status(self, status: bytes) -> None:
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._limits.max_header_size:
            self._header_too_large()
        if self._state != _HEAD or self._error is not None:
            # A trailer, which nobody asks for, or the rest of what was refused.
            return
        text = value.decode("latin-1").rstrip(" \t")
        printed = _names.get(name)
        if printed is None:
            printed = printed_name(name.decode("latin-1"))
            if len(_names) < _NAMES_LIMIT:
                _names[name] = printed
        fields = self._fields
        present = fields.get(printed)
        if present is None:
            fields[printed] = text
        elif isinstance(present, list):
            present.append(text)
        else:
            fields[printed] = [present, text]
            self._repeated = True

    def on_headers_complete(self) -> None:
        exchange = self._exchange
        if exchange is None or self._error is not None or self._state == _DONE:
            return
        parser = self._parser
        code = self._code = parser.get_status_code()
        version = parser.get_http_version()
        headers = headers_of(self._fields, self._repeated)
        bodiless = exchange.head_only or code == 204 or code == 304
        problem = framing_error(version, code, headers, None if bodiless else self._limits.max_body_size)
        if code == 101:
            problem = "Response with code 101, and no other protocol was asked for"
        if problem is not None:
            self._malformed(problem)
            return
        self._partial = None
        chunked = "Transfer-Encoding" in self._fields
        self._has_end = bodiless or chunked or "Content-Length" in self._fields
        # RFC 9112 section 6.1: what is chunked in HTTP/1.0 was passed on by someone who did not understand it.
        self._keep_alive = parser.should_keep_alive() and not (chunked and version == "1.0")
        if exchange.head_only and code >= 200:
            # The parser can't be told that no body comes.
            self._keep_alive = self._wants_to_go_on(version)
            self._state = _DONE
        else:
            self._state = _BODY
        exchange.head_received(ResponseHead("HTTP/" + version, code, self._reason.decode("latin-1"), headers))

    def on_body(self, chunk: bytes) -> None:
        exchange = self._exchange
        if exchange is None or self._error is not None or self._state != _BODY:
            self._excess = True
            return
        self._received += len(chunk)
        if self._received > self._limits.max_body_size:
            what = "chunked body too large" if "Transfer-Encoding" in self._fields else "Body too long"
            self._malformed(f"{what}: more than {self._limits.max_body_size} bytes")
            return
        exchange.body_received(chunk)

    def on_message_complete(self) -> None:
        if self._state != _BODY or self._error is not None:
            return
        if self._code >= 200:
            self._state = _DONE
            return
        self._interim += 1
        if self._interim > MAX_INTERIM:
            self._malformed("Too many 1xx responses")
        self._state = _HEAD
        self._reason = b""
        self._fields = {}
        self._repeated = False
        self._head_size = 0

    # The rest.

    def _wants_to_go_on(self, version: str) -> bool:
        value = self._fields.get("Connection", "")
        options = ",".join(value) if isinstance(value, list) else value
        words = {word.strip().lower() for word in options.split(",")}
        return "close" not in words and (version == "1.1" or "keep-alive" in words)

    def _keep_partial(self, data: bytes) -> None:
        # For `_refused`, and so that a name or a value without an end is noticed.
        if self._partial is None:
            self._partial = bytearray()
        self._partial += data
        if len(self._partial) > self._limits.max_header_size:
            self._header_too_large()
            if self._error is not None:
                self._fail(self._error)

    def _refused(self, problem: str, data: bytes) -> None:
        """The parser has refused what is in ``data``."""
        self._put_off = None
        if self._state == _DONE or self._error is not None:
            # It lies behind the response, which is complete, or in the rest of what was refused.
            self._excess = True
            return
        head = bytes(self._partial or b"") + data
        if self._state == _HEAD and not self._merged and not self._interim and "Content-Length" in problem:
            merged = merge_lengths(head)
            if merged is not None:
                self._feed_merged(merged)
                return
            if not is_complete(head) and len(head) <= _PUT_OFF_LIMIT:
                # Whether the lengths agree is to be seen when all of them are there.
                self._put_off = problem
                return
        self._malformed(in_known_words(problem, head))

    def _feed_merged(self, data: bytes) -> None:
        self._reset()
        self._touched = self._merged = True
        self._new_parser()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._refused(str(error), data)

    def _new_parser(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)

    def _malformed(self, reason: str) -> None:
        if self._error is None:
            peer = self._transport.get_extra_info("peername") if self._transport is not None else None
            # The beginning as programs that look for it know it.
            gen_log.info("Malformed HTTP message from None: %s (from %s)", reason, peer)
            self._error = ResponseFailed(f"Connection closed: {reason}")

    def _header_too_large(self) -> None:
        if self._error is None:
            limit = self._limits.max_header_size
            gen_log.info("Unsatisfiable read, closing connection: a header of more than %d bytes", limit)
            self._error = HeaderTooLarge(f"Connection closed: a header of more than {limit} bytes")

    def _all_sent(self) -> bool:
        # A response may come before the server has read the request.
        transport = self._transport
        return self.request_sent and transport is not None and transport.get_write_buffer_size() == 0

    def _broken_off(self) -> ResponseFailed:
        if self._state == _HEAD:
            return ResponseFailed("Stream closed" + (" in the middle of a header" if self._touched else ""))
        length = self._fields.get("Content-Length")
        if length is None:
            return ResponseFailed("Connection closed in the middle of the body")
        return ResponseFailed(f"Connection closed after {self._received} of {length} bytes of the body")

    def _fail(self, error: ResponseFailed) -> None:
        exchange = self._exchange
        self.abandon()
        if exchange is not None:
            exchange.failed(error, not self._touched)

    def _end(self) -> None:
        exchange, self._exchange = self._exchange, None
        self.served += 1
        if not self._keep_alive or self._excess or self.closed or not self._all_sent():
            self.abandon()
        else:
            if exchange is not None and exchange.head_only:
                self._new_parser()
            self.resume()
            self._owner.released(self)
        if exchange is not None:
            exchange.response_ended()
