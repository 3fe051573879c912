"""A request and its response on libcurl: options, headers, body, pauses. For `framework.curl_httpclient`."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

import pycurl

from framework._http1.client import (
    MAX_INTERIM,
    HeaderTooLarge,
    ResponseFailed,
    ResponseHead,
    ResponseLimits,
)
from framework._http1.client_framing import framing_error
from framework.httpclient.prepare import Prepared
from framework.httpclient.request import RequestProxy
from framework.httpclient.target import Target, host_and_port
from framework.httputil import HTTPHeaders, HTTPInputError, parse_response_start_line
from framework.log import gen_log

if TYPE_CHECKING:
    from framework.curl_httpclient import CurlAsyncHTTPClient

__all__ = ["AUTH_MODES", "CurlExchange", "CurlTransfer"]

AUTH_MODES: Final = {
    None: pycurl.HTTPAUTH_BASIC,
    "basic": pycurl.HTTPAUTH_BASIC,
    "digest": pycurl.HTTPAUTH_DIGEST,
}

# CURLOPT_SUPPRESS_CONNECT_HEADERS, for which pycurl has no name.
_SUPPRESS_CONNECT_HEADERS: Final = 265
# What a producer may write before it is asked to wait.
_HIGH_WATER: Final = 65536
# What libcurl says itself where there is a body.
_FRAMING: Final = (b"content-length", b"transfer-encoding")
# What it would say unasked.
_UNASKED: Final = (b"accept", b"expect")

_TIMES: Final = {
    "namelookup": pycurl.NAMELOOKUP_TIME,
    "connect": pycurl.CONNECT_TIME,
    "appconnect": pycurl.APPCONNECT_TIME,
    "pretransfer": pycurl.PRETRANSFER_TIME,
    "starttransfer": pycurl.STARTTRANSFER_TIME,
    "total": pycurl.TOTAL_TIME,
}


class CurlExchange(Protocol):
    """The fetch, as its transfer sees it."""

    head_only: bool

    def head_received(self, head: ResponseHead) -> None:
        """A header is complete."""

    def body_received(self, chunk: bytes) -> None:
        """A piece of the body has come."""

    def failed(self, error: ResponseFailed, untouched: bool) -> None:
        """What came breaks a rule or a limit."""

    def broken(self, number: int, message: str, times: dict[str, float]) -> None:
        """libcurl has given up, for the reason ``number``."""

    def whole(self, times: dict[str, float]) -> None:
        """libcurl is done."""


class CurlTransfer:
    """One exchange on a ``pycurl.Curl`` of its own. Connections are kept by the client's ``CurlMulti``."""

    __slots__ = (
        "_body",
        "_client",
        "_dead",
        "_error",
        "_exchange",
        "_head_size",
        "_in_head",
        "_interim",
        "_limits",
        "_lines",
        "_pieces",
        "_received",
        "_room",
        "_sent",
        "_starved",
        "_waiting_bytes",
        "curl",
    )

    def __init__(self, client: CurlAsyncHTTPClient, exchange: CurlExchange, limits: ResponseLimits) -> None:
        self.curl = pycurl.Curl()
        self._client = client
        self._exchange = exchange
        self._limits = limits
        self._lines: list[str] = []
        self._in_head = False
        self._head_size = 0
        self._interim = 0
        self._received = 0
        self._dead = False
        self._error: ResponseFailed | None = None
        self._body: io.BytesIO | None = None
        # What a producer has written and libcurl has not taken yet.
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._starved = False
        self._sent = True
        self._room: asyncio.Future[None] | None = None

    def set_up(self, prepared: Prepared, proxy: RequestProxy) -> None:
        """Sets all options; raises ``pycurl.error`` for one that libcurl does not take."""
        curl = self.curl
        target = prepared.target
        scheme, host, port = target.origin
        curl.setopt(pycurl.URL, f"{scheme}://{host_and_port(host, port)}{target.path}")
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.HEADERFUNCTION, self._header_line)
        curl.setopt(pycurl.WRITEFUNCTION, self._chunk)
        # The deadlines are the client's; libcurl's own would come first.
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, 1 << 30)
        self._set_request(prepared)
        self._set_network(proxy)
        if scheme == "https":
            self._set_tls(proxy)
        if proxy.auth_mode == "digest":
            username, password = target.username, target.password
            if username is None:
                username, password = proxy.auth_username, proxy.auth_password
            if username is not None:
                curl.setopt(pycurl.HTTPAUTH, AUTH_MODES["digest"])
                curl.setopt(pycurl.USERNAME, username.encode())
                curl.setopt(pycurl.PASSWORD, (password or "").encode())
        callback = proxy.prepare_curl_callback
        if callback is not None:
            callback(curl)

    def _set_request(self, prepared: Prepared) -> None:
        curl = self.curl
        has_body = prepared.body is not None or prepared.producer is not None
        lines = []
        names = set()
        for line in prepared.fields.split(b"\r\n")[:-2]:
            name, _, value = line.partition(b": ")
            names.add(name.lower())
            if not has_body or name.lower() not in _FRAMING:
                # An empty value takes a semicolon; with a colon it would remove the field.
                lines.append(line if value else name + b";")
        lines += [name + b":" for name in _UNASKED if name not in names]
        curl.setopt(pycurl.HTTPHEADER, lines)
        if prepared.method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        if has_body:
            curl.setopt(pycurl.UPLOAD, 1)
            if prepared.body is not None:
                self._body = io.BytesIO(prepared.body)
                curl.setopt(pycurl.READFUNCTION, self._body.read)
                curl.setopt(pycurl.SEEKFUNCTION, self._seek)
                curl.setopt(pycurl.INFILESIZE_LARGE, len(prepared.body))
            else:
                self._sent = False
                curl.setopt(pycurl.READFUNCTION, self._next_piece)
                curl.setopt(pycurl.INFILESIZE_LARGE, prepared.promised)
        curl.setopt(pycurl.CUSTOMREQUEST, prepared.method)

    def _set_network(self, proxy: RequestProxy) -> None:
        curl = self.curl
        if proxy.allow_ipv6 is False:
            curl.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V4)
        if proxy.network_interface is not None:
            curl.setopt(pycurl.INTERFACE, proxy.network_interface)
        if proxy.proxy_host is None:
            # Also not what the environment says.
            curl.setopt(pycurl.PROXY, "")
            return
        curl.setopt(pycurl.PROXY, proxy.proxy_host)
        curl.setopt(pycurl.PROXYPORT, proxy.proxy_port)
        curl.setopt(pycurl.NOPROXY, "")
        curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
        if proxy.proxy_username is not None:
            curl.setopt(pycurl.PROXYAUTH, AUTH_MODES[proxy.proxy_auth_mode])
            curl.setopt(pycurl.PROXYUSERNAME, proxy.proxy_username.encode())
            curl.setopt(pycurl.PROXYPASSWORD, (proxy.proxy_password or "").encode())

    def _set_tls(self, proxy: RequestProxy) -> None:
        curl = self.curl
        curl.setopt(pycurl.SSL_VERIFYPEER, 1 if proxy.validate_cert else 0)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2 if proxy.validate_cert else 0)
        if proxy.ca_certs is not None:
            curl.setopt(pycurl.CAINFO, proxy.ca_certs)
        if proxy.client_cert is not None:
            curl.setopt(pycurl.SSLCERT, proxy.client_cert)
        if proxy.client_key is not None:
            curl.setopt(pycurl.SSLKEY, proxy.client_key)

    # What the fetch calls.

    @property
    def request_sent(self) -> bool:
        """Whether all of the request has been written."""
        return self._sent

    @request_sent.setter
    def request_sent(self, sent: bool) -> None:
        self._sent = sent
        if sent:
            self._feed()

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """As `Channel.write`."""
        if self._dead:
            return None
        self._pieces.append(data)
        self._waiting_bytes += len(data)
        self._feed()
        if self._waiting_bytes <= _HIGH_WATER or self._dead:
            return None
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        return self._room

    def _feed(self) -> None:
        if self._starved and not self._dead:
            self._starved = False
            self._client._unpause(self)

    def pause(self) -> None:
        """As `Channel.pause`."""
        if not self._dead:
            self.curl.pause(pycurl.PAUSE_RECV)

    def resume(self) -> None:
        """As `Channel.resume`."""
        if not self._dead:
            self._client._unpause(self)

    def abandon(self) -> None:
        """As `Channel.abandon`."""
        if not self._dead:
            self._die()
            self._client._remove(self)

    def _die(self) -> None:
        self._dead = True
        if self._room is not None and not self._room.done():
            self._room.cancel()

    def doing(self, target: Target) -> str:
        """What the transfer is waiting for."""
        scheme, host, port = target.origin
        where = host_and_port(host, port)
        if not self.curl.getinfo(pycurl.NAMELOOKUP_TIME):
            return f"while resolving {host}"
        # The time of the connection is told when TLS is through as well, the number at once.
        if not self.curl.getinfo(pycurl.CONNECT_TIME) and not self.curl.getinfo(pycurl.NUM_CONNECTS):
            return f"while connecting to {where}"
        if scheme == "https" and not self.curl.getinfo(pycurl.APPCONNECT_TIME):
            return f"during TLS handshake with {where}"
        return "during request"

    # What the client calls.

    def ended(self, number: int, message: str) -> None:
        """libcurl is done; ``number`` is not 0 where it failed."""
        if self._dead:
            return
        times = {name: self.curl.getinfo(info) for name, info in _TIMES.items()}
        self._die()
        self._client._remove(self)
        if self._error is not None:
            self._exchange.failed(self._error, untouched=False)
        elif number:
            self._exchange.broken(number, message, times)
        else:
            self._exchange.whole(times)

    # What libcurl calls. A result that is not what it expects makes it give up.

    def _header_line(self, data: bytes) -> int | None:
        if self._dead:
            return -1
        self._head_size += len(data)
        if self._head_size > self._limits.max_header_size:
            limit = self._limits.max_header_size
            gen_log.info("Unsatisfiable read, closing connection: a header of more than %d bytes", limit)
            self._error = HeaderTooLarge(f"Connection closed: a header of more than {limit} bytes")
            return -1
        if not data.endswith(b"\n"):
            return self._malformed("a header that breaks off")
        line = data.decode("latin-1").rstrip("\r\n")
        if data.startswith(b"HTTP/"):
            self._in_head = True
            self._lines = [line]
        elif not self._in_head:
            # A trailer.
            return None
        elif line:
            self._lines.append(line)
        else:
            self._in_head = False
            return self._head_complete()
        return None

    def _head_complete(self) -> int | None:
        try:
            # The space before an empty reason may be missing.
            first = self._lines[0] if self._lines[0].count(" ") > 1 else self._lines[0] + " "
            start_line = parse_response_start_line(first)
            headers = HTTPHeaders.parse("\n".join(self._lines[1:]))
            bodiless = self._exchange.head_only or start_line.code == 304
            problem = framing_error(
                start_line.version.removeprefix("HTTP/"),
                start_line.code,
                headers,
                None if bodiless else self._limits.max_body_size,
            )
        except (HTTPInputError, ValueError) as error:
            problem = str(error)
        if problem is None and start_line.code < 200:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                problem = "Too many 1xx responses"
        if problem is not None:
            return self._malformed(problem)
        self._client._run(self._exchange.head_received, ResponseHead(*start_line, headers))
        return -1 if self._dead else None

    def _chunk(self, data: bytes) -> int | None:
        if self._dead:
            return -1
        self._received += len(data)
        if self._received > self._limits.max_body_size:
            return self._malformed(f"Body too long: more than {self._limits.max_body_size} bytes")
        self._client._run(self._exchange.body_received, data)
        return -1 if self._dead else None

    def _malformed(self, reason: str) -> int:
        gen_log.info("Malformed HTTP message from None: %s (by libcurl)", reason)
        self._error = ResponseFailed(f"Connection closed: {reason}")
        return -1

    def _next_piece(self, size: int) -> Any:
        if not self._pieces:
            if self._sent:
                return b""
            self._starved = True
            return pycurl.READFUNC_PAUSE
        piece = self._pieces.popleft()
        if len(piece) > size:
            self._pieces.appendleft(piece[size:])
            piece = piece[:size]
        self._waiting_bytes -= len(piece)
        if self._waiting_bytes <= _HIGH_WATER and self._room is not None:
            room, self._room = self._room, None
            if not room.done():
                room.set_result(None)
        return piece

    def _seek(self, offset: int, origin: int) -> int:
        result: int = pycurl.SEEKFUNC_FAIL
        if self._body is not None:
            self._body.seek(offset, origin)
            result = pycurl.SEEKFUNC_OK
        return result
