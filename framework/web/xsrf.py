"""Protection against cross-site requests: by token (``xsrf_cookies``) and by origin (``cross_origin_protection``).

A token is random and lives in a cookie; a page repeats it in its forms. In version 2 each copy is masked
with fresh random bytes, so that the text of a compressed page gives nothing away (BREACH).

    version 1   hex(token)
    version 2   2|hex(mask)|hex(token xor mask)|time of its making
"""

from __future__ import annotations

import binascii
import hmac
import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from framework.escape import utf8
from framework.web.errors import HTTPError

if TYPE_CHECKING:
    from framework.web.handler import RequestHandler

__all__ = ["SAFE_METHODS", "check_origin", "check_token", "decode_token", "make_token", "raw_token"]

# They change nothing (RFC 9110 section 9.2.1), so there is nothing to protect.
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))

RawToken = tuple[int | None, bytes, float]


def _masked(mask: bytes, data: bytes) -> bytes:
    """``data`` with ``mask`` over it, again and again; the same once more takes it off."""
    return bytes([byte ^ mask[at % len(mask)] for at, byte in enumerate(data)])


def decode_token(text: str | bytes) -> tuple[int | None, bytes | None, float | None]:
    """Version, token and time of a cookie or argument; three times None if it isn't one."""
    raw = utf8(text)
    try:
        if not raw.startswith(b"2|"):
            if len(raw) > 1 and raw[:1].isdigit() and raw[1:2] == b"|":
                return None, None, None
            # Version 1 is plain hex; anything else counts as a token nobody has.
            try:
                token = binascii.a2b_hex(raw)
            except binascii.Error:
                token = raw
            return 1, token, time.time()
        _, mask, masked, timestamp = raw.split(b"|")
        key = binascii.a2b_hex(mask)
        if len(key) != 4:
            return None, None, None
        return 2, _masked(key, binascii.a2b_hex(masked)), int(timestamp)
    except (ValueError, binascii.Error):
        return None, None, None


def raw_token(handler: RequestHandler) -> RawToken:
    """The token of this client: from its cookie, or a new one."""
    known: RawToken | None = handler.__dict__.get("_raw_xsrf_token")
    if known is None:
        name = handler.settings.get("xsrf_cookie_name", "_xsrf")
        cookie = handler.get_cookie(name)
        version, token, timestamp = decode_token(cookie) if cookie else (None, None, None)
        if token is None or timestamp is None:
            version, token, timestamp = None, os.urandom(16), time.time()
        known = handler._raw_xsrf_token = (version, token, timestamp)
    return known


def make_token(handler: RequestHandler) -> bytes:
    """The token for forms and scripts of a page; sets the cookie where the client has none."""
    version, token, timestamp = raw_token(handler)
    output = handler.settings.get("xsrf_cookie_version", 2)
    if output == 1:
        made = binascii.b2a_hex(token)
    elif output == 2:
        mask = os.urandom(4)
        made = b"|".join(
            [b"2", binascii.b2a_hex(mask), binascii.b2a_hex(_masked(mask, token)), b"%d" % int(timestamp)]
        )
    else:
        raise ValueError(f"the setting xsrf_cookie_version must be 1 or 2, not {output!r}")
    if version is None:
        options: dict[str, Any] = dict(handler.settings.get("xsrf_cookie_kwargs", {}))
        if handler.current_user and "expires_days" not in options:
            options["expires_days"] = 30
        handler.set_cookie(handler.settings.get("xsrf_cookie_name", "_xsrf"), made, **options)
    return made


def check_token(handler: RequestHandler) -> None:
    """Raises 403 unless the request repeats the token of its cookie, as argument or header."""
    headers = handler.request.headers
    # The argument keeps its name, whatever the cookie is called: scripts and forms rely on it.
    given = handler.get_argument("_xsrf", None) or headers.get("X-Xsrftoken") or headers.get("X-Csrftoken")
    if not given:
        raise HTTPError(403, f"'_xsrf' argument missing from {handler.request.method}")
    _, token, _ = decode_token(given)
    if not token:
        raise HTTPError(403, "'_xsrf' argument has invalid format")
    _, expected, _ = raw_token(handler)
    if not hmac.compare_digest(utf8(token), utf8(expected)):
        raise HTTPError(403, f"XSRF cookie does not match {handler.request.method} argument")


def check_origin(handler: RequestHandler) -> None:
    """Raises 403 for a request that a browser says comes from another site's page.

    By the headers that browsers send and scripts can't forge: Sec-Fetch-Site, and Origin where that is
    missing. A client that sends neither is no browser, and carries nobody's cookies against their will.
    """
    headers = handler.request.headers
    origin = headers.get("Origin")
    site = headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return
    if site is None and (origin is None or is_same_origin(origin, handler.request.host)):
        return
    if origin is not None and handler.check_trusted_origin(origin):
        return
    if site is None:
        raise HTTPError(403, "Origin %r not allowed", origin)
    raise HTTPError(403, "Sec-Fetch-Site %s & origin %r not allowed", site, origin)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether an Origin names the host that a request went to (ports count; the scheme is the proxy's affair)."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return bool(parts.netloc) and parts.netloc.lower() == host.lower()
