"""Where a request goes: a URL taken apart, checked, and made safe to stand in a request line (RFC 3986, 9110 4.2)."""

from __future__ import annotations

import base64
import functools
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from framework.escape import to_unicode, utf8

__all__ = ["Target", "basic_credentials", "host_and_port", "parse_target"]

_PORTS = {"http": 80, "https": 443}

_control = re.compile(r"[\x00-\x1f\x7f]").search
_plain = re.compile(r"[!-~]*\Z").match
# What may stand in a request's target, and "%" because it begins what is encoded already.
_SAFE = "!#$%&'()*+,/:;=?@[]~-._\"<>\\^`{|}"
# A name or an IPv4 address; an IPv6 address, without its brackets.
_is_name = re.compile(r"[A-Za-z0-9!$&'()*+,;=._~%-]+").fullmatch
_is_ipv6 = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?").fullmatch


class Target(NamedTuple):
    """A URL in its parts."""

    # Scheme, host in lower case without brackets, port: what may share connections, credentials and cookies.
    origin: tuple[str, str, int]
    # For the Host field: with brackets, and the port unless it is the scheme's own.
    authority: str
    # For the request line: path and query.
    path: str
    username: str | None
    password: str | None
    # As it was given.
    url: str


@functools.lru_cache(maxsize=1024)
def parse_target(url: str) -> Target:
    """The parts of a URL; raises `ValueError` for one that can't be fetched.

    Spaces and what is not ASCII are percent-encoded (as UTF-8), and a host's name by IDNA.
    """
    text = to_unicode(url)
    if text is None:
        raise ValueError(f"Unsupported url scheme: {url}")
    return _parse(text)


def _parse(url: str) -> Target:
    if _control(url):
        raise ValueError(f"URL with control characters: {url!r}")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"Unsupported url scheme: {url}")
    if "\\" in parts.netloc:
        # Browsers take it for a slash, and so would see another host.
        raise ValueError(f"URL with a backslash before the path: {url!r}")
    host = _host(parts.hostname, url)
    port = parts.port
    if port is None:
        port = _PORTS[parts.scheme]
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if not _plain(path):
        path = quote(path, safe=_SAFE)
    authority = host_and_port(host, None if port == _PORTS[parts.scheme] else port)
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return Target((parts.scheme, host, port), authority, path, username, password, url)


def _host(host: str | None, url: str) -> str:
    if not host:
        raise ValueError(f"URL without a host: {url!r}")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise ValueError(f"URL with a host that is no name: {url!r}") from error
    # A label may not be empty, which some decodings of IDNA let through.
    named = _is_name(host) is not None and host[0] != "." and ".." not in host
    if not (_is_ipv6(host) if ":" in host else named):
        raise ValueError(f"URL with a host that is no name and no address: {url!r}")
    return host


def host_and_port(host: str, port: int | None) -> str:
    """``host:port`` with brackets around an IPv6 address; without the port where it is None."""
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def basic_credentials(username: str, password: str | None) -> str:
    """The value of Authorization or Proxy-Authorization by the scheme Basic (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(utf8(username) + b":" + utf8(password or "")).decode("ascii")
