"""From bytes to requests: the parser's callbacks, the framing they see to, and the limits on what is read.

No code of an application runs inside the parser: the requests it finds are put into ``_pending``, and taken from
there when the parser has returned.
"""

from __future__ import annotations

import asyncio
from typing import Final

import httptools

from framework._http1 import framing
from framework._http1.deadlines import NEVER, Clock
from framework._http1.framing import Fields, Refused
from framework._http1.methods import KNOWN_METHODS, replace_unknown_method
from framework._http1.request import WireRequest
from framework._http1.settings import ServerSettings
from framework._http1.unpack import is_packed
from framework.log import gen_log

__all__ = ["BODY", "DRAIN", "HEAD", "IDLE", "PARSER_ERRORS", "SLICE", "RequestReader"]

# See `framework._http1.server`.
IDLE: Final = 0
HEAD: Final = 1
BODY: Final = 2
DRAIN: Final = 3

# Headers are read in pieces of this size, so that one read does not turn into thousands of requests.
SLICE: Final = 16384
# Pieces of a body below this size are put together as they come: a list of them would take many times their size.
_SMALL: Final = 1024

# What a header that has not ended may be above its limit: the rest of its first line, white space, line ends.
_SLACK: Final = 1024

_HTTP_1_1: Final = "HTTP/1.1"
# As a number: looking for bytes in bytes begins with an exception inside the interpreter (a third of a microsecond).
_HASH: Final = ord("#")

PARSER_ERRORS: Final = (httptools.HttpParserError, httptools.HttpParserUpgrade, Refused)


class RequestReader(asyncio.Protocol):
    """The reading half of a connection, and the callback object of its parser."""

    __slots__ = (
        "_active",
        "_again",
        "_body_end",
        "_body_left",
        "_body_size",
        "_direct",
        "_ending",
        "_excess",
        "_fed",
        "_fields",
        "_host",
        "_keep_alive",
        "_max_count",
        "_method",
        "_parser",
        "_pending",
        "_repeats",
        "_request",
        "_requests",
        "_start",
        "_state",
        "_streaming",
        "_suspect",
        "_target",
        "clock",
        "max_body",
        "settings",
    )

    def __init__(self, settings: ServerSettings, clock: Clock, streaming: bool) -> None:
        self.settings = settings
        self.clock = clock
        # Whether somebody wants to see requests before their body is there.
        self._streaming = streaming
        self._parser = httptools.HttpRequestParser(self)
        self._state = IDLE
        self._requests = 0
        # No further request is kept alive for; nothing that comes now is looked at.
        self._keep_alive = settings.keep_alive
        self._ending = False

        # The header that is being read.
        self._fields: Fields = {}
        self._target = b""
        # What stands for the parser's word, where it doesn't know the method; and the bytes it may still be in.
        self._method: str | None = None
        self._start = b""
        # The Host of the last request, which has been checked.
        self._host: bytes | None = None
        # How many bytes of the header came with reads before this one; fields that came again; and whether these,
        # or a limit below what one read may hold, make it necessary to count.
        self._fed = 0
        self._repeats = 0
        self._suspect = settings.max_header_size < 3 * SLICE
        self._max_count = settings.max_header_count

        # The body that is being read, of this request: bytes so far, bytes to come if that is known, whether these go
        # round the parser, bytes of framing beyond the ordinary.
        self._request: WireRequest | None = None
        self._direct = False
        self._body_size = 0
        self._body_left = 0
        self._body_end = NEVER
        self._excess = 0
        self.max_body = settings.max_body_size
        # A request with a body that asked for another protocol, and is to be read again as if it had not.
        self._again: WireRequest | None = None

        # The requests that are there and not begun; the one being answered.
        # Not a deque: one would take as much memory as all the rest of an idle connection.
        self._pending: list[WireRequest] = []
        self._active: WireRequest | None = None

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        self._fields = {}
        self._target = b""
        self._state = HEAD

    def on_url(self, piece: bytes) -> None:
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._state != HEAD:
            # A trailer: it must not change what has been decided, and nothing asks for it. `_excess` bounds it.
            return
        name = name.lower()
        # The parser leaves white space behind values, but none before them.
        value = value.rstrip(b" \t")
        fields = self._fields
        if name not in fields:
            fields[name] = value
            return
        self._repeats += 1
        if self._repeats > self._max_count:
            raise Refused(431, f"more than {self._max_count} header lines")
        self._suspect = True
        present = fields[name]
        if isinstance(present, list):
            present.append(value)
        else:
            fields[name] = [present, value]

    def on_headers_complete(self) -> None:
        fields = self._fields
        target = self._target
        parser = self._parser
        if self._suspect or len(fields) > self._max_count:
            self._check_size()
        keep_alive = parser.should_keep_alive()
        # Only HTTP/1.1 is kept alive without a word. Asking the parser for the version takes as long as all the
        # rest of this method.
        version = _HTTP_1_1 if keep_alive and b"connection" not in fields else self._version()
        # Most requests of a connection are for the host of the one before.
        host = fields.get(b"host")
        if host != self._host or host is None:
            framing.check_host_line(version, host)
            self._host = host  # type: ignore[assignment]  # a list was refused
        if _HASH in target:
            raise Refused(400, "a fragment in the request target")
        method = self._method
        if method is None:
            name = parser.get_method()
            method = KNOWN_METHODS[name] if name in KNOWN_METHODS else name.decode("ascii")
        else:
            self._method = None
        self._requests += 1
        keep_alive = keep_alive and self._keep_alive
        request = self._request = WireRequest(self, method, target, version, fields, keep_alive)
        self._state = BODY
        if b"content-length" in fields or b"transfer-encoding" in fields:
            self._expect_body(request, fields)

    def on_body(self, piece: bytes) -> None:
        request = self._request
        if request is None or request.chunks is None:
            return
        size = len(piece)
        self._body_size += size
        if self._body_size > self.max_body:
            raise Refused(413, f"a body of more than {self.max_body} bytes")
        if self._body_left > 0:
            self._body_left -= size
        else:
            # What the framing of a chunk may take, and then some.
            self._excess = max(0, self._excess - 2 * size - 16)
        chunks = request.chunks
        if size < _SMALL and chunks:
            last = chunks[-1]
            if isinstance(last, bytearray):
                last += piece
                return
            chunks.append(bytearray(piece))
            return
        chunks.append(piece)

    def on_message_complete(self) -> None:
        request = self._request
        if request is None:
            return
        if request.chunks is not None and not self._body_complete(request):
            return
        self._state = IDLE
        self._request = None
        request.complete = True
        if request is self._active:
            return
        pending = self._pending
        if not pending or pending[-1] is not request:
            pending.append(request)
        if not request.keep_alive:
            self._ending = True
        elif len(pending) > self.settings.max_pipelined_requests:
            raise Refused(503, f"more than {self.settings.max_pipelined_requests} requests in a pipeline")

    # -- headers

    def _version(self) -> str:
        number = self._parser.get_http_version()
        if number == "1.1":
            return _HTTP_1_1
        if number != "1.0":
            raise Refused(505, f"HTTP/{number} is not served here, HTTP/1.1 and HTTP/1.0 are")
        return "HTTP/1.0"

    def _reads_head(self) -> bool:
        """Whether what is being read is a HEAD request, as far as that can be told."""
        if self._request is not None:
            return self._request.method == "HEAD"
        # The parser knows the method when the target has begun.
        return self._state == HEAD and bool(self._target) and self._parser.get_method() == b"HEAD"

    def _check_size(self) -> None:
        """Counts what is otherwise only known to be below the limits by far."""
        settings = self.settings
        self._repeats = 0
        self._suspect = settings.max_header_size < 3 * SLICE
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

    def _header_continues(self, data: bytes, began: bool, alone: bool) -> None:
        """A read has ended in the middle of a header; whether that began in it, and if so, with it."""
        settings = self.settings
        size = len(data)
        if began:
            self._fed = size if alone else 0
            self._start = data if alone and not self._target and size <= 80 else b""
        else:
            self._fed += size
            if self._start:
                self._start = self._start + data if not self._target and self._fed <= 80 else b""
        if self._fed > settings.max_header_size - 2 * SLICE:
            self._suspect = True
        if self._fed > settings.max_header_size + _SLACK:
            status = 414 if len(self._target) > settings.max_header_size // 2 else 431
            self._refuse(status, f"a header of more than {settings.max_header_size} bytes")

    # -- bodies

    def _expect_body(self, request: WireRequest, fields: Fields) -> None:
        settings = self.settings
        length = 0
        coding = fields.get(b"transfer-encoding")
        if coding is not None:
            framing.check_transfer_encoding(request.version, coding)
        else:
            # The parser has refused anything but one number.
            length = int(fields[b"content-length"])  # type: ignore[arg-type]
        if settings.decompress_request and is_packed(fields):
            request.packed = True
        if not length and coding is None:
            return
        request.chunks = []
        self._body_size = 0
        self._body_left = length
        self._excess = 0
        limit = self.max_body = settings.max_body_size
        if self._streaming:
            # Whoever receives the body piece by piece may allow for more. What comes before they were asked is no
            # more than one read.
            self.max_body = max(length, limit, SLICE)
        elif length > limit:
            raise Refused(413, f"a body of {length} bytes, {limit} at most")
        if settings.body_timeout is not None:
            self._body_end = self.clock.after(settings.body_timeout)
        if self._parser.should_upgrade():
            if request.method == "CONNECT":
                raise Refused(400, "CONNECT with a body")
            self._again = request
            return
        expect = fields.get(b"expect")
        if expect is not None and request.version == _HTTP_1_1:
            if isinstance(expect, list) or expect.lower() != b"100-continue":
                raise Refused(417, f"expectation {expect!r}")
            request.expects_continue = True
        if request.expects_continue or self._streaming:
            # To be looked at before its body is there.
            self._pending.append(request)

    def _body_complete(self, request: WireRequest) -> bool:
        """Puts the body together, unless somebody receives it piece by piece; whether it really is complete."""
        if self._again is not None:
            return False
        self._body_end = NEVER
        if request is self._active:
            return True
        if self._body_size > self.settings.max_body_size:
            # It came in one read, so nobody has been asked yet.
            return True
        request.complete_body(self.settings.max_body_size)
        return True

    def _begin_direct(self) -> None:
        """What is to come of a body of known length goes round the parser, which would copy it."""
        request = self._request
        # Unless all of it is to be parsed again.
        if request is not None and self._again is None:
            self._direct = True
            if request is not self._active:
                request.look_for_parts()

    def _take(self, data: bytes) -> bytes:
        """More of a body that goes round the parser; returns what is behind it."""
        left = self._body_left
        piece = data[:left]
        self.on_body(piece)
        if self._request is not None:
            self._request.came(piece)
        if self._body_left > 0:
            return b""
        # The parser was left in the middle of this body.
        self._direct = False
        self._parser = httptools.HttpRequestParser(self)
        self.on_message_complete()
        return data[left:]

    def _check_excess(self, size: int) -> None:
        """Bounds what chunks may bring beside their data, extensions and trailers, by what a read has brought."""
        if self._body_left > 0:
            # Not chunks.
            return
        self._excess += size
        limit = self.settings.max_header_size + SLICE
        if self._excess > limit:
            self._refuse(431, f"chunk extensions and trailers of more than {limit} bytes")

    # -- what the parser can't do

    def _not_parsed(self, error: Exception, data: bytes, start: bytes | None) -> None:
        """The parser has stopped.

        ``start`` is what came of the request before ``data``; None if ``data`` or what came before holds more than
        the beginning of one request.
        """
        if isinstance(error, Refused):
            self._refuse(error.status, str(error))
        elif isinstance(error, httptools.HttpParserUpgrade):
            self._after_upgrade(data[error.args[0] :])
        elif isinstance(error, httptools.HttpParserInvalidMethodError):
            self._parse_with_other_method(None if start is None else start + data)
        elif isinstance(error, httptools.HttpParserCallbackError):
            cause = error.__context__
            if isinstance(cause, Refused):
                self._refuse(cause.status, str(cause))
            else:
                gen_log.error("Uncaught exception in the HTTP server", exc_info=cause or error)
                self._refuse(500, "")
        elif not self._ending:
            self._refuse(400, str(error))

    def _parse_again(self, data: bytes) -> None:
        self._parser = httptools.HttpRequestParser(self)
        failure: Exception | None = None
        try:
            self._parser.feed_data(data)
        except PARSER_ERRORS as error:
            failure = error
        if failure is not None:
            self._not_parsed(failure, data, None)

    def _after_upgrade(self, rest: bytes) -> None:
        """Another protocol was asked for. Unless somebody takes it up, this one goes on behind the response."""
        request, self._again = self._again, None
        if request is None:
            self._parser = httptools.HttpRequestParser(self)
            if rest:
                self._hold(rest)
            return
        # The parser takes a body for the first bytes of the other protocol. Nobody changes protocols in the middle of
        # a message, so the wish may go unheard (RFC 9110 section 7.8): the same header without it.
        self._fields.pop(b"upgrade", None)
        self._method = request.method
        self._parse_again(framing.header_bytes(b"GET", self._target, request.version, self._fields) + rest)

    def _parse_with_other_method(self, data: bytes | None) -> None:
        """The parser knows the registered methods only; an application may serve others (RFC 9110 section 16.1)."""
        replaced = None if data is None or self._method is not None else replace_unknown_method(data)
        if replaced is None:
            self._refuse(400, "invalid method")
            return
        method, data = replaced
        # Without one it may become one: `_header_continues` keeps what is there of it.
        if method:
            self._method = method
            self._parse_again(data)

    # -- the other half

    def _refuse(self, status: int, reason: str) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not implement _refuse")

    def _hold(self, data: bytes) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not implement _hold")
