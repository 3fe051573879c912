"""The request as the server makes it from the parser's output: raw, and parsed where it is looked at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from framework._http1.framing import Fields
from framework.httputil.headers import HTTPHeaders, printed_name
from framework.httputil.messages import HTTPConnection, RequestStartLine
from framework.httputil.request import HTTPServerRequest, lazy

if TYPE_CHECKING:
    from framework._http1.server import ServerConnection

__all__ = ["WireRequest"]

_names: dict[bytes, str] = {}


def _name_of(raw: bytes) -> str:
    known = _names.get(raw)
    if known is None:
        known = printed_name(raw.decode("ascii"))
        if len(_names) < 1000:
            _names[raw] = known
    return known


class WireRequest(HTTPServerRequest):
    """A request that came over one of the server's connections."""

    def __init__(
        self, wire: ServerConnection, method: str, target: bytes, version: str, fields: Fields
    ) -> None:
        self._wire = wire
        self._fields = fields
        self.method = method
        self.version = version
        self.uri = uri = target.decode("latin-1")
        if uri[0] != "/":
            uri = self._origin_form(uri)
        self.path, _, self.query = uri.partition("?")
        self._start_time = time.time()

    # The body, whole or the pieces that are there so far.
    body = b""
    chunks: list[bytes] | None = None
    complete = False
    keep_alive = True
    expects_continue = False

    def _origin_form(self, uri: str) -> str:
        """``http://host/path`` is served as ``/path`` of that host (RFC 9112 section 3.2.2)."""
        scheme, separator, rest = uri.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            return uri
        authority, slash, path = rest.partition("/")
        if "?" in authority:
            authority, _, query = authority.partition("?")
            slash, path = "/", "?" + query
        self.host = authority
        self.uri = (slash or "/") + path
        return self.uri

    @lazy
    def headers(self) -> HTTPHeaders:
        fields: dict[str, str | list[str]] = {}
        repeated = False
        for name, value in self._fields.items():
            if isinstance(value, list):
                repeated = True
                fields[_name_of(name)] = [one.decode("latin-1") for one in value]
            else:
                fields[_name_of(name)] = value.decode("latin-1")
        return HTTPHeaders.of_fields(fields, repeated)

    def _field(self, name: str) -> str | None:
        made = self.__dict__.get("headers")
        if made is not None:
            return made.get(name)  # type: ignore[no-any-return]
        value = self._fields.get(name.lower().encode("ascii"))
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

    def start_line(self) -> RequestStartLine:
        """The request line in its parts."""
        return RequestStartLine(self.method or "", self.uri or "", self.version)
