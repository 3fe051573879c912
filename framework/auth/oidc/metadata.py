"""What a provider says of itself (OpenID Connect Discovery 1.0 section 3, RFC 8414)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from framework.auth.oidc.errors import ProviderUnavailable

__all__ = ["ProviderMetadata", "check_address", "is_loopback", "parse_metadata"]

_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The parts of a provider's metadata that are used here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    token_endpoint_auth_methods: tuple[str, ...]
    signing_algorithms: tuple[str, ...]
    #: Whether each authorization response names the issuer (RFC 9207 section 3).
    names_issuer: bool


def check_address(url: object, what: str, http: bool = False) -> str:
    """Check that a URL is one to send secrets to.

    Args:
        url: whatever came.
        what: what it is, for the error.
        http: whether plain HTTP will do.

    Raises:
        ValueError: it isn't.
    """
    if isinstance(url, str) and len(url) <= _LENGTH and url.isascii() and url.isprintable():
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = None, None
        if (
            parts is not None
            and port != 0
            and parts.hostname
            and " " not in url
            and not parts.fragment
            and parts.username is None
            and (parts.scheme == "https" or (parts.scheme == "http" and http))
        ):
            return url
    kind = "an http:// or https:// URL" if http else "an https:// URL"
    raise ValueError(f"{what} should be {kind} without user, fragment and spaces")


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine, where nobody listens on the way."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_metadata(document: Mapping[str, Any], issuer: str) -> ProviderMetadata:
    """Read a discovery document.

    Args:
        document: what came from `/.well-known/openid-configuration`.
        issuer: whom it has to be of, character by character.

    Raises:
        ProviderUnavailable: it is of another issuer, lacks something, or has an address that won't do.
    """
    if document.get("issuer") != issuer:
        # Otherwise one provider could speak for another (section 4.3).
        raise ProviderUnavailable(f"the discovery document of {issuer} names another issuer")
    # A provider reached by HTTPS is not left for HTTP; one on this machine may have neither.
    http = issuer.startswith("http:")

    def address(name: str) -> str:
        try:
            return check_address(document.get(name), name, http)
        except ValueError as error:
            raise ProviderUnavailable(f"the discovery document of {issuer}: {error}") from None

    def optional(name: str) -> str | None:
        return None if document.get(name) is None else address(name)

    def names(name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = document.get(name)
        if value is None:
            return default
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ProviderUnavailable(f"the discovery document of {issuer}: {name} should be a list of names")

    if "S256" not in names("code_challenge_methods_supported", ("S256",)):
        raise ProviderUnavailable(f"{issuer} knows PKCE, but not its method S256")
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=address("authorization_endpoint"),
        token_endpoint=address("token_endpoint"),
        jwks_uri=address("jwks_uri"),
        userinfo_endpoint=optional("userinfo_endpoint"),
        end_session_endpoint=optional("end_session_endpoint"),
        token_endpoint_auth_methods=names("token_endpoint_auth_methods_supported", ("client_secret_basic",)),
        signing_algorithms=names("id_token_signing_alg_values_supported", ("RS256",)),
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )
