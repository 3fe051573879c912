"""ID tokens: whether to believe them (OpenID Connect Core 1.0 section 3.1.3.7)."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.auth.errors import AuthError

try:
    import jwt
    from jwt.algorithms import has_crypto
except ImportError:
    has_crypto = False

__all__ = [
    "ALGORITHMS",
    "ExpectedToken",
    "check_algorithms",
    "find_key",
    "require_library",
    "token_header",
    "verify_id_token",
]

#: What a provider may sign with: algorithm to key type and, where it decides, curve (RFC 7518, RFC 8037). All are
#: asymmetric. `none` signs nothing, and with HS256 whoever knows a public key or the client's secret could sign.
ALGORITHMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", ())),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519",)),
}

#: Bytes of a token, and keys of a provider: far more than any has.
TOKEN_SIZE = 65536
KEYS = 100

_SUBJECT_LENGTH = 255
_RSA_BITS = 2048
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class ExpectedToken:
    """What an ID token has to say to be believed.

    Args:
        issuer: who must have made it.
        client_id: for whom.
        nonce: what ties it to the request; None where there was none (a refresh).
        access_token: the one that came with it, compared with `at_hash` where the token has that.
        subject: whom it has to be about; None for anybody.
        max_age: seconds that the login at the provider may be old; None if that does not matter.
        leeway: seconds that two clocks may differ.
    """

    issuer: str
    client_id: str
    nonce: str | None = None
    access_token: str | None = None
    subject: str | None = None
    max_age: int | None = None
    leeway: float = 30.0


def require_library() -> None:
    """Check that what verifies tokens is installed.

    Raises:
        RuntimeError: it isn't; the message says what to install.
    """
    if not has_crypto:
        raise RuntimeError("OpenID Connect needs PyJWT with cryptography: pip install 'framework[auth]'")


def check_algorithms(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names of algorithms that tokens may be signed with.

    Raises:
        ValueError: one is unknown, signs nothing, or has one key for making and checking.
    """
    wrong = [name for name in names if name not in ALGORITHMS]
    if wrong or not names:
        raise ValueError(
            f"algorithms should be some of {', '.join(ALGORITHMS)}, not {wrong or 'none at all'}"
        )
    return tuple(names)


def token_header(token: str, algorithms: Sequence[str]) -> tuple[str, str | None]:
    """The algorithm and the key's id that a token names, before anything of it is believed.

    Raises:
        AuthError: it is no signed token, or signed in a way that is not accepted.
    """
    if len(token) > TOKEN_SIZE:
        raise AuthError(f"the ID token is longer than {TOKEN_SIZE} bytes")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise AuthError("the ID token is no signed JSON Web Token") from error
    if (algorithm := header.get("alg")) not in algorithms:
        raise AuthError("the ID token is signed with an algorithm that is not accepted")
    kind = header.get("typ")
    if kind is not None and (not isinstance(kind, str) or kind.lower() != "jwt"):
        # A token of another kind (an access token: at+jwt) by the same signer says something else (RFC 8725).
        raise AuthError("the ID token is a token of another kind")
    if "crit" in header:
        raise AuthError("the ID token has critical header fields that are not known here")
    kid = header.get("kid")
    return str(algorithm), kid if isinstance(kid, str) else None


def find_key(keys: Sequence[object], algorithm: str, kid: str | None) -> Mapping[str, Any] | None:
    """The key of a set (RFC 7517) that a token is signed with, if it is there.

    Args:
        keys: the set's members.
        algorithm: the token's; keys of other types, curves, uses or algorithms don't count.
        kid: the id of the key; None takes the only key there is for this algorithm.
    """
    kind, curves = ALGORITHMS[algorithm]
    fitting = [
        key
        for key in keys[:KEYS]
        if isinstance(key, Mapping)
        and key.get("kty") == kind
        and (not curves or key.get("crv") in curves)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    return fitting[0] if len(fitting) == 1 else None


def verify_id_token(
    token: str, key: Mapping[str, Any], algorithm: str, expected: ExpectedToken
) -> dict[str, Any]:
    """Verify a token and return its claims.

    Args:
        token: as it came.
        key: the provider's public key, a JWK.
        algorithm: that of `token_header`: the key is used with no other.
        expected: what it has to say.

    Raises:
        AuthError: the signature or a claim is wrong.
    """
    try:
        public = jwt.PyJWK(dict(key), algorithm)
        if getattr(public.key, "key_size", _RSA_BITS) < _RSA_BITS and ALGORITHMS[algorithm][0] == "RSA":
            raise AuthError(f"the provider's key is weaker than {_RSA_BITS} bits")
        claims: dict[str, Any] = jwt.decode(
            token,
            key=public,
            algorithms=[algorithm],
            audience=expected.client_id,
            issuer=expected.issuer,
            leeway=expected.leeway,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise AuthError("the ID token has expired") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # The library's messages name claims, not their content.
        raise AuthError(f"the ID token can't be believed ({type(error).__name__})") from error
    _check_claims(claims, algorithm, expected)
    return claims


def _check_claims(claims: Mapping[str, Any], algorithm: str, expected: ExpectedToken) -> None:
    subject, audience, party = claims["sub"], claims["aud"], claims.get("azp")
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_LENGTH:
        raise AuthError(f"the ID token's subject should be 1 to {_SUBJECT_LENGTH} characters")
    if expected.subject is not None and subject != expected.subject:
        raise AuthError("the ID token is about somebody else")
    if party is not None and party != expected.client_id:
        raise AuthError("the ID token was made for another application")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise AuthError("the ID token is for several applications and does not say which asked for it")
    if expected.nonce is not None and not _same(claims.get("nonce"), expected.nonce):
        raise AuthError("the ID token does not answer this sign-in (nonce)")
    if "at_hash" in claims and (
        expected.access_token is None
        or not _same(claims["at_hash"], _half_hash(expected.access_token, algorithm))
    ):
        raise AuthError("the access token is not the one that the ID token came with (at_hash)")
    if expected.max_age is not None:
        since = claims.get("auth_time")
        if not isinstance(since, int | float) or time.time() - since > expected.max_age + expected.leeway:
            raise AuthError("the login at the provider is too old, or of an unknown age (auth_time)")


def _same(value: object, wanted: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode("utf-8", "replace"), wanted.encode())


def _half_hash(access_token: str, algorithm: str) -> str:
    # Section 3.1.3.6. Ed25519 goes with SHA-512 (RFC 8032).
    digest = _HASHES.get(algorithm[-3:], hashlib.sha512)(access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
