"""Cookies: reading the ``Cookie`` header and making ``Set-Cookie`` values (RFC 6265)."""

from __future__ import annotations

import datetime
import re
import time
from http.cookies import CookieError
from typing import Any

from framework.httputil.dates import format_timestamp

__all__ = ["CookieError", "make_set_cookie", "parse_cookie"]

# What may stand without quotes, as a name or a value: the token of RFC 9110 section 5.6.2 and the colon.
_is_legal = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~:-]+").fullmatch
_control_or_space = re.compile(r"[\x00-\x20]").search
_breaks_attribute = re.compile(r"[\x00-\x20\x3b\x7f]").search
_escape = re.compile(r"\\([0-3][0-7][0-7]|.)", re.DOTALL)

_UNESCAPED = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+.^_`|~:- ()/<=>?@[]{}"
)
_QUOTED: dict[int, str] = {code: f"\\{code:03o}" for code in range(256) if chr(code) not in _UNESCAPED}
_QUOTED[ord('"')] = '\\"'
_QUOTED[ord("\\")] = "\\\\"

# The attributes in the order they are written, with the way each is written.
_ATTRIBUTES = {
    "comment": "Comment",
    "domain": "Domain",
    "expires": "expires",
    "httponly": "HttpOnly",
    "max-age": "Max-Age",
    "partitioned": "Partitioned",
    "path": "Path",
    "samesite": "SameSite",
    "secure": "Secure",
    "version": "Version",
}
_FLAGS = frozenset(("httponly", "partitioned", "secure"))
# Names that old readers take for an attribute. "partitioned" came too late to be among them.
_RESERVED = frozenset(_ATTRIBUTES) - {"partitioned"}


def _unescape(match: re.Match[str]) -> str:
    escaped = match[1]
    return chr(int(escaped, 8)) if len(escaped) == 3 else escaped


def parse_cookie(cookie: str) -> dict[str, str]:
    """The names and values of a ``Cookie`` header, read as browsers write it.

    ``cookie`` is the header's value. A pair without ``=`` is a value with an empty name, the last of
    several pairs with one name counts, quoted values lose their quotes and backslash escapes. Nothing
    is an error: browsers and other software on the same domain set what they like (RFC 6265 section 5).
    """
    cookies: dict[str, str] = {}
    for pair in cookie.split(";"):
        name, equals, value = pair.partition("=")
        if not equals:
            name, value = "", name
        name = name.strip()
        value = value.strip()
        if name or value:
            if value[:1] == '"' and value[-1] == '"' and len(value) > 1:
                value = value[1:-1]
                if "\\" in value:
                    value = _escape.sub(_unescape, value)
            cookies[name] = value
    return cookies


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"Expected bytes or str for a cookie's name and value; got {type(value)!r}")


def _check_attribute(cookie: str, attribute: str, value: str | None) -> None:
    if value is not None and _breaks_attribute(value):
        raise CookieError(f"Invalid cookie attribute {attribute}={value!r} for cookie {cookie!r}")


def make_set_cookie(
    name: str | bytes,
    value: str | bytes,
    # As an application gave them: compiled code would insist on narrower types, such as True and not 1.
    domain: Any = None,
    expires: Any = None,
    path: Any = "/",
    expires_days: Any = None,
    max_age: Any = None,
    httponly: Any = False,
    secure: Any = False,
    samesite: Any = None,
    **others: Any,
) -> str:
    """The value of a ``Set-Cookie`` header (RFC 6265 section 4.1).

    ``expires`` is a time as `format_timestamp` takes it, ``expires_days`` counts days from now and is
    used where ``expires`` is missing, ``max_age`` is in seconds. Attributes that are empty, zero or
    false are left out. ``others`` are attributes under any other spelling (``Max-Age``, ``HttpOnly``,
    ``partitioned``, ``version``, ``comment``); they replace the named ones.

    Raises ``ValueError`` for a value with spaces, control characters or characters outside of latin-1,
    and ``CookieError`` for a name that is no token, an unknown attribute and an attribute that holds
    ``;``, spaces or control characters.
    """
    name = _text(name)
    value = _text(value)
    # A plain token needs no quotes and can hold none of the characters that are refused.
    if not _is_legal(value):
        if _control_or_space(value):
            raise ValueError(f"Invalid cookie {name!r}: {value!r}")
        value = f'"{value.translate(_QUOTED)}"'
    good_name = _is_legal(name) and name.lower() not in _RESERVED
    if good_name and path == "/" and not (domain or expires or max_age or samesite or others):
        expiry = "" if expires_days is None else f"; expires={_date_in(expires_days)}"
        return _checked(
            name,
            f"{name}={value}{expiry}{'; HttpOnly' if httponly else ''}; Path=/{'; Secure' if secure else ''}",
        )
    _check_attribute(name, "name", name)
    _check_attribute(name, "domain", domain)
    _check_attribute(name, "path", path)
    _check_attribute(name, "samesite", samesite)
    for key, other in others.items():
        _check_attribute(name, key, str(other))
    if not good_name:
        reserved = name.lower() in _RESERVED
        raise CookieError(f"Attempt to set a reserved key {name!r}" if reserved else f"Illegal key {name!r}")
    until = format_timestamp(expires) if expires else None
    if expires_days is not None and not expires:
        until = _date_in(expires_days)
    attributes: dict[str, Any] = {
        "domain": domain,
        "expires": until,
        "httponly": httponly,
        "max-age": int(max_age) if max_age else None,
        "path": path,
        "samesite": samesite,
        "secure": secure,
    }
    for key, other in others.items():
        attribute = key.lower()
        if attribute not in _ATTRIBUTES:
            raise CookieError(f"Invalid attribute {attribute!r}")
        attributes[attribute] = _other_value(attribute, other)
    parts = [f"{name}={value}"]
    for attribute, written in _ATTRIBUTES.items():
        setting = attributes.get(attribute)
        if attribute in _FLAGS:
            if setting:
                parts.append(written)
        elif setting is not None and setting != "":
            parts.append(f"{written}={setting}")
    return _checked(name, "; ".join(parts))


# The last date that was made: most cookies of a second expire in the same second.
_date = 0, ""


def _date_in(days: Any) -> str:
    """The date that lies so many days ahead."""
    global _date
    if type(days) is int and 0 <= days < 100_000:
        second = int(time.time()) + days * 86400
        known, text = _date
        if known != second:
            text = format_timestamp(second)
            _date = second, text
        return text
    return format_timestamp(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days))


def _other_value(attribute: str, value: Any) -> Any:
    if attribute == "expires" and isinstance(value, int):
        # As in http.cookies, from where these spellings come: seconds from now.
        return format_timestamp(time.time() + value)
    if attribute == "comment" and isinstance(value, str) and value and not _is_legal(value):
        return f'"{value.translate(_QUOTED)}"'
    return value


def _checked(name: str, made: str) -> str:
    if made.isascii():
        return made
    try:
        made.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(
            f"Cookie {name!r} holds characters that no header can carry (only latin-1): "
            "encode it first, for example with url_escape"
        ) from None
    return made
