"""The request as an application sees it. What it does not ask for is not parsed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any, Generic, Self, TypeVar, overload

from framework.escape import parse_qs_bytes
from framework.httputil.cookies import parse_cookie
from framework.httputil.errors import HTTPInputError
from framework.httputil.forms import HTTPFile, parse_form
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import HTTPConnection, RequestStartLine
from framework.httputil.pieces import Pieces
from framework.httputil.urls import split_host_and_port

__all__ = ["HTTPServerRequest", "check_host", "lazy"]

T = TypeVar("T")

# RFC 3986 section 3.2.2 without user information: nothing that could end the host in a URL.
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+;=%:\[\]-]*\Z").match


def check_host(host: str) -> str:
    """The value of a Host field, if it is one; raises `HTTPInputError` (RFC 9112 section 3.2)."""
    if not _HOST(host):
        if "," in host:
            raise HTTPInputError(f"Multiple host headers not allowed: {host!r}")
        raise HTTPInputError(f"Invalid Host header: {host!r}")
    return host


class lazy(Generic[T]):
    """An attribute that is computed when it is first read, and may be assigned.

    Unlike `functools.cached_property` it takes no lock in Python 3.11.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | Self:
        if instance is None:
            return self
        value = self.compute(instance)
        instance.__dict__[self.name] = value
        return value


class HTTPServerRequest:
    """One request.

    - ``method``, ``uri``, ``path``, ``query``, ``version``: of the request line, as text
    - ``headers``: `HTTPHeaders`; ``body``: bytes
    - ``remote_ip``: the client's address; behind a proxy that is trusted, the one the proxy names
    - ``protocol``: ``http`` or ``https``; ``host``: the Host field; ``host_name``: without the port, lower case
    - ``arguments``: every argument of query and body, name to list of bytes; ``query_arguments`` and
      ``body_arguments`` apart; ``files``: uploads, name to list of `HTTPFile`
    - ``cookies``: an `http.cookies.SimpleCookie`
    - ``connection``: the `HTTPConnection` that the response is written to

    Reading arguments of a body that can't be parsed raises `HTTPInputError`, which a handler answers
    with 400.
    """

    # The connection of our own server that this request came by; responses take a shorter way there.
    _wire: Any
    _start_time: float
    _finish_time: float | None

    def __init__(
        self,
        method: str | None = None,
        uri: str | None = None,
        version: str = "HTTP/1.0",
        headers: HTTPHeaders | None = None,
        body: bytes | None = None,
        host: str | None = None,
        files: dict[str, list[HTTPFile]] | None = None,
        connection: HTTPConnection | None = None,
        start_line: RequestStartLine | None = None,
        server_connection: object | None = None,
    ) -> None:
        if start_line is not None:
            method, uri, version = start_line
        self.method = "GET" if method is None else method
        self.uri = uri = "/" if uri is None else uri
        self.path, _, self.query = uri.partition("?")
        self.version = version
        self.headers = headers if headers is not None else HTTPHeaders()
        self.body = body or b""
        self.connection = connection
        self.server_connection = server_connection
        context = getattr(connection, "context", None)
        self.remote_ip = getattr(context, "remote_ip", None)
        self.protocol = getattr(context, "protocol", "http")
        if host is None:
            host = self.headers.get("Host")
        if host is None:
            if version == "HTTP/1.1":
                raise HTTPInputError("Missing Host header")
            # HTTP/1.0 knows no Host: any name of this machine will do.
            host = "127.0.0.1"
        self.host = check_host(host)
        if files is not None:
            self.files = files
        self._wire = None
        self._start_time = time.time()
        self._finish_time = None

    method: str
    uri: str
    path: str
    query: str
    version: str
    headers: HTTPHeaders
    body: bytes
    remote_ip: str | None
    protocol: str
    host: str
    connection: HTTPConnection | None
    server_connection: object | None

    @lazy
    def host_name(self) -> str:
        return split_host_and_port(self.host.lower())[0]

    @lazy
    def query_arguments(self) -> dict[str, list[bytes]]:
        query = self.query
        return parse_qs_bytes(query, keep_blank_values=True) if query else {}

    @lazy
    def arguments(self) -> dict[str, list[bytes]]:
        merged = {name: values.copy() for name, values in self.query_arguments.items()}
        if self._body_as_is():
            for name, values in self.body_arguments.items():
                merged.setdefault(name, []).extend(values)
        return merged

    @lazy
    def body_arguments(self) -> dict[str, list[bytes]]:
        return self._parse_body()["body_arguments"]  # type: ignore[no-any-return]

    @lazy
    def files(self) -> dict[str, list[HTTPFile]]:
        return self._parse_body()["files"]  # type: ignore[no-any-return]

    def _parse_body(self) -> dict[str, Any]:
        """All that is known of the request, with the arguments and the files of its body."""
        known = self.__dict__
        if "body_arguments" in known:
            known.setdefault("files", {})
            return known
        files: dict[str, list[HTTPFile]] = known.get("files", {})
        body = self._body_as_is()
        content_type = self._field("Content-Type") if body else None
        arguments: dict[str, list[bytes]] = {}
        if content_type is not None:
            arguments = parse_form(content_type, self._field("Content-Encoding"), body, files)
        known["body_arguments"] = arguments
        known["files"] = files
        return known

    def _body_as_is(self) -> bytes | Pieces:
        """The body without putting it together."""
        return self.body

    def _field(self, name: str) -> str | None:
        """One header field, without making `headers` of the others."""
        value: str | None = self.headers.get(name)
        return value

    @lazy
    def _cookie_values(self) -> dict[str, str]:
        header = self._field("Cookie")
        return parse_cookie(header) if header else {}

    @lazy
    def cookies(self) -> SimpleCookie:
        """The cookies that came with the request."""
        cookies: SimpleCookie = SimpleCookie()
        for name, value in self._cookie_values.items():
            try:
                cookies[name] = value
            except Exception:  # noqa: S112
                # A name that http.cookies can't represent; the others are still there.
                continue
        return cookies

    def full_url(self) -> str:
        """The URL that was asked for, as far as the server can know it."""
        return f"{self.protocol}://{self.host}{self.uri}"

    def request_time(self) -> float:
        """How long the request took, or has taken so far: seconds."""
        finish = self._finish_time
        return (time.time() if finish is None else finish) - self._start_time

    def get_ssl_certificate(self, binary_form: bool = False) -> dict[str, Any] | bytes | None:
        """The client's certificate, as `ssl.SSLSocket.getpeercert` gives it; None without TLS or certificate."""
        ssl_object = getattr(self.connection, "ssl_object", None)
        if ssl_object is None:
            return None
        certificate: dict[str, Any] | bytes | None = ssl_object.getpeercert(binary_form)
        return certificate

    def __repr__(self) -> str:
        names = ("protocol", "host", "method", "uri", "version", "remote_ip")
        return f"HTTPServerRequest({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"
