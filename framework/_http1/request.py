"""The request as the server makes it from the parser's output: raw, and parsed where it is looked at."""

from __future__ import annotations

from time import time
from typing import Any

from framework._http1.framing import Fields, Refused
from framework._http1.unpack import unpack
from framework.httputil.errors import HTTPInputError
from framework.httputil.forms import delimiter_of
from framework.httputil.headers import HTTPHeaders, headers_of, printed_name
from framework.httputil.messages import HTTPConnection, RequestStartLine
from framework.httputil.pieces import Occurrences, Pieces
from framework.httputil.request import HTTPServerRequest, check_host, lazy

__all__ = ["WireRequest"]

# Both bounded: the names on the wire are the clients' choice, and an application may ask for what it was told to.
_names: dict[bytes, str] = {}
_raw_names: dict[str, bytes] = {}


def _name_of(raw: bytes) -> str:
    known = _names.get(raw)
    if known is None:
        known = printed_name(raw.decode("ascii"))
        if len(_names) < 1000:
            _names[raw] = known
    return known


def _raw_name_of(name: str) -> bytes:
    raw = name.lower().encode("utf-8")
    if len(_raw_names) < 1000:
        _raw_names[name] = raw
    return raw


class WireRequest(HTTPServerRequest):
    """A request that came over one of the server's connections.

    ``wire`` is that connection; ``fields`` is the header, whose Host has been checked.
    """

    # Named again: in the compiled build this class has a C structure, and its fields are what is declared here.
    _wire: Any
    _fields: Fields
    method: str
    version: str
    uri: str
    path: str
    _start_time: float
    _finish_time: float | None
    _headers: HTTPHeaders | None
    keep_alive: bool
    complete: bool
    chunks: list[bytes | bytearray] | None

    def __init__(
        self, wire: Any, method: str, target: bytes, version: str, fields: Fields, keep_alive: bool
    ) -> None:
        self._wire = wire
        self._fields = fields
        self.method = method
        self.version = version
        # Whether another request may follow on the connection.
        self.keep_alive = keep_alive
        self.complete = False
        # The pieces of the body that are there so far; None: there is nothing to come.
        self.chunks = None
        self._headers = None
        self.uri = uri = target.decode("latin-1")
        if uri[0] != "/":
            uri = self._origin_form(uri)
        if "?" in uri:
            self.path, _, self.query = uri.partition("?")
        else:
            self.path = uri
        self._start_time = time()
        self._finish_time = None

    # Until it is known better.
    query: str = ""

    # The body when it is whole; a large one stays in its pieces until somebody asks for it in one.
    _body: Any = b""
    _pieces: Pieces | None = None
    # Where its parts begin, as far as it is there, if it is a form in parts.
    _delimiters: Occurrences | None = None
    # What the application found for it when it looked before the body was there; False: it has not looked.
    route: Any = False
    # Whether its client waits to be told that the body is wanted; whether the body is to be unpacked.
    expects_continue = False
    packed = False
    # Whether the response has begun.
    head_written = False

    def _origin_form(self, uri: str) -> str:
        """``http://host/path`` is served as ``/path`` of that host (RFC 9112 section 3.2.2)."""
        scheme, separator, rest = uri.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            return uri
        authority, slash, path = rest.partition("/")
        if "?" in authority:
            authority, _, query = authority.partition("?")
            slash, path = "/", "?" + query
        try:
            self.host = check_host(authority)
        except HTTPInputError as error:
            raise Refused(400, str(error)) from error
        self.uri = (slash or "/") + path
        return self.uri

    # Not `lazy`: `_field` must know whether anybody has it, and a look into the instance's dict takes four calls' time.
    @property
    def headers(self) -> HTTPHeaders:
        headers = self._headers
        if headers is None:
            fields: dict[str, str | list[str]] = {}
            repeated = False
            for name, value in self._fields.items():
                if isinstance(value, list):
                    repeated = True
                    fields[_name_of(name)] = [one.decode("latin-1") for one in value]
                else:
                    fields[_name_of(name)] = value.decode("latin-1")
            self._headers = headers = headers_of(fields, repeated)
        return headers

    @headers.setter
    def headers(self, value: HTTPHeaders) -> None:
        self._headers = value

    def _field(self, name: str) -> str | None:
        headers = self._headers
        if headers is not None:
            # They may have been changed.
            return headers.get(name)  # type: ignore[no-any-return]
        value = self._fields.get(_raw_names.get(name) or _raw_name_of(name))
        if value is None:
            return None
        return (b",".join(value) if isinstance(value, list) else value).decode("latin-1")

    @lazy
    def host(self) -> str:
        host = self._fields.get(b"host")
        return host.decode("latin-1") if isinstance(host, bytes) else "127.0.0.1"

    @lazy
    def remote_ip(self) -> str:
        wire = self._wire
        peer: str = wire.peer
        proxies = wire.settings.proxies
        if not proxies.believes(peer):
            return peer or "0.0.0.0"  # noqa: S104  # what the API answers for a Unix socket
        address: str = proxies.client_address(peer, self._field("X-Real-Ip"), self._field("X-Forwarded-For"))
        return address or "0.0.0.0"  # noqa: S104

    @lazy
    def protocol(self) -> str:
        wire = self._wire
        direct: str = wire.scheme
        proxies = wire.settings.proxies
        if not proxies.believes(wire.peer):
            return direct
        scheme: str = proxies.scheme(direct, self._field("X-Scheme"), self._field("X-Forwarded-Proto"))
        return scheme

    @lazy
    def connection(self) -> HTTPConnection:
        exchange: HTTPConnection = self._wire.exchange(self)
        return exchange

    @lazy
    def server_connection(self) -> Any:
        """What stands for the connection as a whole, the same for each of its requests."""
        return self._wire

    @property
    def body(self) -> Any:
        pieces = self._pieces
        if pieces is not None:
            self._body = bytes(pieces)
            self._pieces = None
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._body = value
        self._pieces = None

    def look_for_parts(self) -> None:
        """Looks through what is there of the body, and through what `came` from now on, for the parts of a form."""
        delimiter = None if self.packed else delimiter_of(self._field("Content-Type") or "")
        if delimiter is not None:
            self._delimiters = Occurrences(delimiter)
            for chunk in self.chunks or ():
                self._delimiters.look(chunk)

    def came(self, piece: bytes) -> None:
        """A piece of the body has come."""
        if self._delimiters is not None:
            self._delimiters.look(piece)

    def complete_body(self, packed_limit: int) -> None:
        """All of it has come. Raises `Refused` for a packed body of more than so many bytes, or a damaged one."""
        chunks, self.chunks = self.chunks, None
        if chunks is None:
            return
        if self.packed:
            self._body = unpack(b"".join(chunks), packed_limit)
        elif len(chunks) == 1:
            body = chunks[0]
            self._body = body if isinstance(body, bytes) else bytes(body)
        else:
            self._pieces = Pieces(chunks, self._delimiters)

    def _body_as_is(self) -> Any:
        return self._body if self._pieces is None else self._pieces

    def body_size(self) -> int:
        """How many bytes the body has that is there."""
        return len(self._body_as_is())

    def leave(self, left: Any) -> None:
        """The connection is another protocol's: keeps what there is to know of the request, and ``left`` of that."""
        known = self.__dict__
        known["host"] = self.host
        self._headers = self.headers
        known.pop("connection", None)
        known.pop("server_connection", None)
        self._fields = {}
        self._wire = left

    def announced_size(self) -> int:
        """How large a body that is on its way will be at least."""
        length = self._fields.get(b"content-length")
        return int(length) if isinstance(length, bytes) else sum(map(len, self.chunks or ()))

    def start_line(self) -> RequestStartLine:
        """The request line in its parts."""
        return RequestStartLine(self.method, self.uri, self.version)
