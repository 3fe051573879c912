"""From an `HTTPRequest` to the bytes of a request's head, checked (RFC 9110, 9112). No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from framework import __version__
from framework._http1.client_unpack import ACCEPT_ENCODING
from framework._http1.writer import header_block
from framework.httpclient.request import RequestProxy
from framework.httpclient.target import Target, basic_credentials, parse_target
from framework.httputil import HTTPHeaders

__all__ = ["SUPPORTED_METHODS", "Prepared", "prepare"]

SUPPORTED_METHODS: Final = frozenset(("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS"))
# RFC 9110 section 9.2.2: what may be done twice.
_IDEMPOTENT: Final = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"))
_WITH_BODY: Final = ("POST", "PATCH", "PUT")

_USER_AGENT: Final = f"User-Agent: framework/{__version__}\r\n"
_ACCEPT: Final = f"Accept-Encoding: {ACCEPT_ENCODING}\r\n"

_is_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch


class Prepared(NamedTuple):
    """A request ready to be sent."""

    method: str
    target: Target
    # The head without its first line, up to and with the empty line.
    fields: bytes
    body: bytes | None
    # What writes the body instead, and the length it has promised; -1 if it writes chunks.
    producer: Callable[[Callable[[bytes], Any]], Any] | None
    promised: int
    # Whether it may be sent a second time without harm.
    repeatable: bool

    def head(self, absolute: bool) -> bytes:
        """The head; ``absolute`` is the form that proxies take (RFC 9112 section 3.2.2)."""
        target = self.target
        path = f"http://{target.authority}{target.path}" if absolute else target.path
        return f"{self.method} {path} HTTP/1.1\r\n".encode("latin-1") + self.fields


def prepare(
    proxy: RequestProxy,
    cookies: str | None = None,
    proxy_credentials: str | None = None,
    authorize: bool = True,
) -> Prepared:
    """Checks a request and makes its head.

    :arg cookies: a Cookie field from a jar; what the request has itself goes first.
    :arg proxy_credentials: a Proxy-Authorization field.
    :arg authorize: whether credentials go into an Authorization field.
    :raises ValueError: a URL, method, header or body that can't be sent, or must not be.
    :raises KeyError: an unknown method without ``allow_nonstandard_methods``.
    """
    request = proxy.request
    target = parse_target(request.url)
    method = request.method
    body = request._body
    producer = request.body_producer if body is None else None
    _check_method(proxy, method, body is not None or producer is not None)
    headers = request._headers
    if not isinstance(headers, HTTPHeaders):
        headers = HTTPHeaders(headers)
    own = [] if "Host" in headers else [f"Host: {target.authority}\r\n"]
    credentials = _credentials(proxy, target) if authorize else None
    promised = -1
    if headers:
        headers = _checked(headers)
        if producer is not None and "Content-Length" in headers:
            promised = _length(headers["Content-Length"])
        own.append(header_block(_without_ours(headers, credentials is not None, cookies)))
    if credentials is not None:
        own.append(_line("Authorization", credentials))
    if cookies and "Cookie" not in headers:
        own.append(_line("Cookie", cookies))
    if proxy_credentials is not None and "Proxy-Authorization" not in headers:
        own.append(_line("Proxy-Authorization", proxy_credentials))
    if "User-Agent" not in headers:
        agent = proxy.user_agent
        own.append(_line("User-Agent", agent) if agent else _USER_AGENT)
    if producer is not None:
        own.append("Transfer-Encoding: chunked\r\n" if promised < 0 else f"Content-Length: {promised}\r\n")
    elif body is not None:
        own.append(f"Content-Length: {len(body)}\r\n")
    elif method in _WITH_BODY:
        own.append("Content-Length: 0\r\n")
    if request.expect_100_continue and (body or producer is not None):
        own.append("Expect: 100-continue\r\n")
    if method == "POST" and "Content-Type" not in headers:
        own.append("Content-Type: application/x-www-form-urlencoded\r\n")
    # A range is one of bytes as they are sent: of a packed body it could not be unpacked.
    if proxy.decompress_response and "Accept-Encoding" not in headers and "Range" not in headers:
        own.append(_ACCEPT)
    own.append("\r\n")
    return Prepared(
        method,
        target,
        "".join(own).encode("latin-1"),
        body,
        producer,
        promised,
        method in _IDEMPOTENT and producer is None,
    )


def _check_method(proxy: RequestProxy, method: str, has_body: bool) -> None:
    if not proxy.allow_nonstandard_methods:
        if method not in SUPPORTED_METHODS:
            raise KeyError(f"unknown method {method}")
        if has_body != (method in _WITH_BODY):
            must = "must be None" if has_body else "must not be None"
            raise ValueError(f"Body {must} for method {method} (unless allow_nonstandard_methods is true)")
    elif not _is_token(method):
        raise ValueError(f"Illegal characters in method: {method!r}")


def _checked(headers: HTTPHeaders) -> HTTPHeaders:
    """The headers with values that are text, and names that are names."""
    fields = headers._fields
    for name, value in fields.items():
        if not _is_token(name):
            raise ValueError(f"Illegal header name {name!r}")
        if not isinstance(value, (str, list)):
            if not isinstance(value, bytes):
                raise TypeError(f"The value of header {name} must be str, not {type(value).__name__}")
            headers = headers.copy()
            headers[name] = value.decode("latin-1")
    return headers


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"Content-Length must be a number of bytes, not {text!r}")
    return int(text)


def _without_ours(headers: HTTPHeaders, authorized: bool, cookies: str | None) -> HTTPHeaders:
    """The headers without what is said here: two statements about a body's end are an attack on its readers."""
    fields = headers._fields
    ours: list[str] = [name for name in ("Content-Length", "Transfer-Encoding") if name in fields]
    if authorized and "Authorization" in fields:
        ours.append("Authorization")
    more_cookies = cookies and "Cookie" in fields
    if ours or more_cookies:
        headers = headers.copy()
        for name in ours:
            del headers[name]
        if more_cookies:
            headers["Cookie"] = f"{headers['Cookie']}; {cookies}"
    return headers


def _credentials(proxy: RequestProxy, target: Target) -> str | None:
    username, password = target.username, target.password
    if username is None:
        username, password = proxy.auth_username, proxy.auth_password
        if username is None:
            return None
    mode = proxy.auth_mode
    if mode not in (None, "basic"):
        raise ValueError(f"unsupported auth_mode {mode}")
    return basic_credentials(username, password)


def _line(name: str, value: str) -> str:
    if "\r" in value or "\n" in value or "\0" in value:
        raise ValueError(f"Illegal characters (CR, LF or NUL) in {name}: {value!r}")
    return f"{name}: {value}\r\n"
