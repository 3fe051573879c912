"""The signatures of OAuth 1.0: RFC 5849 section 3.4, HMAC-SHA1. Pure functions.

They say who sends a request and that it was not changed on its way: a base string is made of the method,
the URL and all parameters, and its HMAC under the secrets of the application and the token goes along.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

__all__ = ["base_string", "base_string_uri", "hmac_sha1", "normalized_parameters", "percent_encode"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def percent_encode(value: Any) -> str:
    """A name or a value in the encoding of signatures (section 3.6): of UTF-8, capital letters, no ``+``.

    What is neither text nor bytes is taken as the text it is printed as.
    """
    return quote(value if isinstance(value, bytes) else str(value), safe="~")


def base_string_uri(url: str) -> str:
    """The part of a URL that is signed (section 3.4.1.2): no query, no fragment, no port that goes without saying.

    Raises ``ValueError`` for a URL without a host.
    """
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname
    if not host:
        raise ValueError("OAuth signs requests to absolute URLs, with a scheme and a host")
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != _DEFAULT_PORTS.get(scheme):
        host = f"{host}:{parts.port}"
    return f"{scheme}://{host}{parts.path or '/'}"


def normalized_parameters(parameters: Iterable[tuple[Any, Any]]) -> str:
    """All parameters of a request as they are signed (section 3.4.1.3.2): encoded, in order, joined."""
    encoded = sorted((percent_encode(name), percent_encode(value)) for name, value in parameters)
    return "&".join(f"{name}={value}" for name, value in encoded)


def base_string(method: str, url: str, parameters: Iterable[tuple[Any, Any]]) -> str:
    """What is signed (section 3.4.1.1).

    :arg url: of the request; the parameters in its query are signed, too.
    :arg parameters: all others: those for the query, of a form, and OAuth's own but for the signature.
    """
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    signed = normalized_parameters([*query, *parameters])
    return "&".join((method.upper(), percent_encode(base_string_uri(url)), percent_encode(signed)))


def hmac_sha1(text: str, consumer_secret: str | bytes, token_secret: str | bytes = b"") -> str:
    """The signature of a base string, in base64 (section 3.4.2)."""
    key = f"{percent_encode(consumer_secret)}&{percent_encode(token_secret)}"
    # SHA-1 is what the RFC says. As an HMAC it is not broken.
    made = hmac.new(key.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(made.digest()).decode()
