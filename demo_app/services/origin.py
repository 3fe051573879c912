"""Whether a browser sends a request on behalf of another site."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["is_cross_site"]

#: Methods that change nothing (RFC 9110 section 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_cross_site(
    method: str, host: str | None, origin: str | None = None, sec_fetch_site: str | None = None
) -> bool:
    """Whether to refuse a request as forged by another site.

    Browsers say where a request comes from in `Sec-Fetch-Site` (Fetch Metadata) or, older ones, in `Origin`
    (RFC 6454); a page can't change either. Programs such as curl send neither, and have no cookies that
    somebody else's page could use.

    Args:
        method: of the request; one that changes nothing is never refused.
        host, origin, sec_fetch_site: the headers of these names, None where there is none.
    """
    if method in SAFE_METHODS:
        return False
    if sec_fetch_site:
        return sec_fetch_site not in ("same-origin", "none")
    if origin is None:
        return False
    return not _same_host(origin, host or "")


def _same_host(origin: str, host: str) -> bool:
    # The scheme is left out: a proxy that ends TLS need not tell this side of it.
    try:
        parts = urlsplit(origin)
        default = _DEFAULT_PORTS.get(parts.scheme)
        if default is None or not parts.hostname or parts.username is not None:
            return False
        asked = urlsplit(f"//{host}")
        return (parts.hostname, parts.port or default) == (asked.hostname, asked.port or default)
    except ValueError:
        return False
