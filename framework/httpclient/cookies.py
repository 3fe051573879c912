"""Cookies kept between requests (RFC 6265, with the prefixes of its successor)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Final

from framework.httpclient.target import Target, parse_target
from framework.httputil.dates import parse_date
from framework.netutil import is_valid_ip

__all__ = ["Cookie", "CookieJar"]

# RFC 6265 section 6.1.
_PER_DOMAIN: Final = 50
_IN_ALL: Final = 3000
_LONGEST: Final = 4096
# No cookie is kept for longer: section 5.5 of the successor.
_LONGEST_AGE: Final = 400 * 86400

_control = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
_is_age = re.compile(r"-?[0-9]+").fullmatch


class Cookie:
    """A cookie as it is kept. ``expires`` counts as `time.time` does; infinite: until the jar is thrown away."""

    __slots__ = ("created", "domain", "expires", "host_only", "http_only", "name", "path", "secure", "value")

    def __init__(self, name: str, value: str, domain: str, path: str) -> None:
        self.name = name
        self.value = value
        self.domain = domain
        self.path = path
        self.host_only = True
        self.secure = False
        self.http_only = False
        self.expires = float("inf")
        self.created = 0

    def __repr__(self) -> str:
        return f"<Cookie {self.name} of {self.domain}{self.path}>"

    def fits(self, host: str, path: str, secure: bool) -> bool:
        """Whether it goes with a request (section 5.4)."""
        if self.secure and not secure:
            return False
        if host != self.domain and (self.host_only or not host.endswith("." + self.domain)):
            return False
        return path == self.path or (
            path.startswith(self.path) and (self.path.endswith("/") or path[len(self.path)] == "/")
        )


class CookieJar:
    """Keeps what servers set, and gives it back to them, and to nobody else.

    A cookie for a domain of a single label ("com", "localhost") is refused, unless it is the host itself. There is no
    list of public suffixes here: hosts below "co.uk" can set cookies for each other.
    """

    __slots__ = ("_cookies", "_count")

    def __init__(self) -> None:
        # By domain, then by name and path.
        self._cookies: dict[str, dict[tuple[str, str], Cookie]] = {}
        self._count = 0

    def __len__(self) -> int:
        return sum(map(len, self._cookies.values()))

    def __iter__(self) -> Iterator[Cookie]:
        return iter([cookie for cookies in self._cookies.values() for cookie in cookies.values()])

    def clear(self) -> None:
        """Forgets all."""
        self._cookies.clear()

    def header(self, url: str) -> str | None:
        """The value of the Cookie field for a request, or None."""
        if not self._cookies:
            return None
        target = parse_target(url)
        scheme, host, _ = target.origin
        path = target.path.partition("?")[0]
        now = time.time()
        found = []
        # The host's own cookies, and those of the domains above it.
        labels = host.split(".")
        for start in range(len(labels)):
            domain = ".".join(labels[start:])
            for cookie in list(self._cookies.get(domain, {}).values()):
                if cookie.expires <= now:
                    self._forget(cookie)
                elif cookie.fits(host, path, scheme == "https"):
                    found.append(cookie)
        if not found:
            return None
        # Section 5.4: longer paths first, then older ones.
        found.sort(key=lambda cookie: (-len(cookie.path), cookie.created))
        return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in found)

    def store(self, url: str, values: Iterable[str]) -> None:
        """Keeps what a response sets.

        :arg url: the request's.
        :arg values: of its Set-Cookie fields. What is not allowed is ignored.
        """
        for value in values:
            cookie = _read(parse_target(url), value)
            if cookie is not None:
                self._keep(cookie)

    def _keep(self, cookie: Cookie) -> None:
        known = self._cookies.setdefault(cookie.domain, {})
        key = (cookie.name, cookie.path)
        old = known.pop(key, None)
        self._count += 1
        cookie.created = self._count if old is None else old.created
        if cookie.expires > time.time():
            known[key] = cookie
        if not known:
            del self._cookies[cookie.domain]
        elif len(known) > _PER_DOMAIN:
            self._forget(_first_to_go(known.values()))
        if old is None and len(self) > _IN_ALL:
            self._forget(_first_to_go(self))

    def _forget(self, cookie: Cookie) -> None:
        known = self._cookies[cookie.domain]
        del known[(cookie.name, cookie.path)]
        if not known:
            del self._cookies[cookie.domain]


def _first_to_go(cookies: Iterable[Cookie]) -> Cookie:
    now = time.time()
    return min(cookies, key=lambda cookie: (cookie.expires > now, cookie.created))


def _read(target: Target, text: str) -> Cookie | None:
    """The cookie that a Set-Cookie field sets (section 5.2), or None if it may not."""
    pair, *attributes = text.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", name
    name, value = name.strip(" \t"), value.strip(" \t")
    if _control(text) or len(name) + len(value) > _LONGEST or not (name or value):
        return None
    scheme, host, _ = target.origin
    cookie = Cookie(name, value, host, _default_path(target.path))
    given_path = False
    age: str | None = None
    for attribute in attributes:
        key, _, setting = attribute.partition("=")
        key, setting = key.strip(" \t").lower(), setting.strip(" \t")
        if key == "expires" and age is None:
            moment = parse_date(setting)
            if moment is not None:
                cookie.expires = min(moment.timestamp(), time.time() + _LONGEST_AGE)
        elif key == "max-age" and _is_age(setting):
            # It counts more than Expires.
            age = setting
            cookie.expires = time.time() + min(int(age[:20]), _LONGEST_AGE)
        elif key == "domain" and setting:
            cookie.domain = setting.lower().removeprefix(".")
            cookie.host_only = False
        elif key == "path" and setting.startswith("/"):
            cookie.path, given_path = setting, True
        elif key == "secure":
            cookie.secure = True
        elif key == "httponly":
            cookie.http_only = True
    return cookie if _allowed(cookie, host, scheme == "https", given_path) else None


def _default_path(path: str) -> str:
    """Section 5.1.4."""
    return path.partition("?")[0].rpartition("/")[0] or "/"


def _allowed(cookie: Cookie, host: str, secure: bool, given_path: bool) -> bool:
    if not cookie.host_only:
        if cookie.domain == host:
            # For an address, or a name without a dot, that is the same as no domain.
            cookie.host_only = "." not in host or is_valid_ip(host)
        elif not host.endswith("." + cookie.domain) or "." not in cookie.domain or is_valid_ip(host):
            return False
    if cookie.secure and not secure:
        return False
    prefix = cookie.name.lower()
    if prefix.startswith("__secure-"):
        return cookie.secure
    if prefix.startswith("__host-"):
        return cookie.secure and cookie.host_only and given_path and cookie.path == "/"
    return True
