"""ID tokens that are to be believed, and all the others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from framework.auth import AuthError
from framework.auth.oidc import OpenIDProvider
from framework.auth.oidc.tokens import ALGORITHMS, ExpectedToken, find_key, token_header, verify_id_token
from tests.auth.browser import Browser
from tests.auth.conftest import Serve
from tests.auth.oidc_provider import CLIENT, SECRET, Provider, half_hash, other_key, rsa_key, site


class After:
    """A moment so many seconds after the test's beginning."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


def dated(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims with their moments filled in."""
    now = int(time.time())
    return {
        name: now + value.seconds if isinstance(value, After) else value for name, value in claims.items()
    }


def part(value: Any) -> str:
    """A part of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def unsigned(token: str) -> str:
    """The same without a signature."""
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


def hmac_signed(secret: bytes) -> Callable[[str], str]:
    """The same, signed with a secret."""

    def sign(token: str) -> str:
        head = part({"alg": "HS256", "typ": "JWT", "kid": "rsa"})
        signed = f"{head}.{token.split('.')[1]}"
        return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256'))}"

    return sign


def public_pem() -> bytes:
    pem: bytes = rsa_key().private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def signed_by_own_key(token: str) -> str:
    """Signed by a key that the token brings along."""
    mine = rsa_key("mine")
    return jwt.encode(claims_of(token), mine.private, "RS256", {"kid": "rsa", "jwk": mine.jwk})


BAD_TOKENS: dict[str, tuple[Callable[[str], str | None], str]] = {
    "missing": (lambda token: None, "no ID token"),
    "no token": (lambda token: "x", "no signed JSON Web Token"),
    "empty": (lambda token: "", "no signed JSON Web Token"),
    "two parts": (lambda token: token.rpartition(".")[0], "no signed JSON Web Token"),
    "an encrypted one": (lambda token: f"{token}.x.y", "no signed JSON Web Token"),
    "not base64": (lambda token: "!.!.!", "no signed JSON Web Token"),
    "a header that is a list": (lambda token: f"{part([])}.e30.x", "no signed JSON Web Token"),
    "too long": (lambda token: token + "A" * 65536, "longer than"),
    "unsigned": (unsigned, "algorithm that is not accepted"),
    "unsigned, NONE": (lambda token: f"{part({'alg': 'NONE'})}.{token.split('.')[1]}.", "not accepted"),
    "HS256 with the client's secret": (hmac_signed(SECRET.encode()), "not accepted"),
    "HS256 with the public key": (hmac_signed(public_pem()), "not accepted"),
    "no algorithm": (lambda token: f"{part({})}.{token.split('.')[1]}.AAAA", "not accepted"),
    "signature cut": (lambda token: token.rpartition(".")[0] + ".AAAA", "can't be believed"),
    "signature removed": (lambda token: token.rpartition(".")[0] + ".", "can't be believed"),
    "claims exchanged": (
        lambda token: ".".join(
            [token.split(".")[0], part(claims_of(token) | {"sub": "bob"}), token.split(".")[2]]
        ),
        "can't be believed",
    ),
    "a key of its own": (signed_by_own_key, "can't be believed"),
}


@pytest.fixture
def provider(serve: Serve) -> Provider:
    return Provider(serve)


@pytest.mark.parametrize("what", BAD_TOKENS)
async def test_a_token_that_the_provider_has_not_signed(
    serve: Serve, provider: Provider, browser: Browser, what: str
) -> None:
    here, _ = site(serve, provider, browser)
    provider.id_token, message = BAD_TOKENS[what]
    answer = await here.sign_in()
    assert message in answer["message"]
    assert answer["error"] == "AuthError"


BAD_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "InvalidIssuer"),
    "the issuer with a slash": ({"iss": "{issuer}/"}, "InvalidIssuer"),
    "no issuer": ({"iss": None}, "MissingRequiredClaim"),
    "issuers": ({"iss": ["{issuer}"]}, "can't be believed"),
    "another audience": ({"aud": "another client"}, "InvalidAudience"),
    "no audience": ({"aud": None}, "MissingRequiredClaim"),
    "an empty audience": ({"aud": []}, "can't be believed"),
    "several audiences and no azp": ({"aud": [CLIENT, "other"]}, "several applications"),
    "another party": ({"azp": "other"}, "another application"),
    "another party among several": ({"aud": [CLIENT, "other"], "azp": "other"}, "another application"),
    "no subject": ({"sub": None}, "MissingRequiredClaim"),
    "an empty subject": ({"sub": ""}, "subject"),
    "a long subject": ({"sub": "a" * 256}, "subject"),
    "a number as subject": ({"sub": 7}, "can't be believed"),
    "expired": ({"exp": After(-3600)}, "has expired"),
    "no end": ({"exp": None}, "MissingRequiredClaim"),
    "an end that is no number": ({"exp": "tomorrow"}, "can't be believed"),
    "an endless end": ({"exp": float("inf")}, "can't be believed"),
    "made in the future": ({"iat": After(3600)}, "ImmatureSignature"),
    "not made at any time": ({"iat": None}, "MissingRequiredClaim"),
    "not yet good": ({"nbf": After(3600)}, "ImmatureSignature"),
    "no nonce": ({"nonce": None}, "nonce"),
    "another nonce": ({"nonce": "x" * 43}, "nonce"),
    "a nonce that is no text": ({"nonce": 5}, "nonce"),
    "another access token": ({"at_hash": half_hash("another access token")}, "at_hash"),
    "a hash that is no text": ({"at_hash": 0}, "at_hash"),
}


@pytest.mark.parametrize("what", BAD_CLAIMS)
async def test_a_token_that_says_something_else(
    serve: Serve, provider: Provider, browser: Browser, what: str
) -> None:
    here, _ = site(serve, provider, browser)
    claims, message = BAD_CLAIMS[what]
    provider.claims = json.loads(json.dumps(dated(claims)).replace("{issuer}", provider.issuer))
    answer = await here.sign_in()
    assert message in answer["message"], answer
    assert answer["error"] == "AuthError"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "other"], "azp": CLIENT},
        {"azp": CLIENT},
        {"at_hash": half_hash("an access token")},
        # Clocks differ.
        {"exp": After(-5)},
        {"iat": After(10)},
        {"nbf": After(10)},
        {"sub": "a" * 255},
    ],
)
async def test_a_token_that_is_fine(
    serve: Serve, provider: Provider, browser: Browser, claims: dict[str, Any]
) -> None:
    here, _ = site(serve, provider, browser)
    provider.claims = dated(claims)
    assert "result" in await here.sign_in()


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"typ": "at+jwt"}, "another kind"),
        ({"kid": "unknown"}, "key that the provider does not have"),
    ],
)
async def test_a_token_with_a_header_that_forbids_it(
    serve: Serve, provider: Provider, browser: Browser, headers: dict[str, Any], message: str
) -> None:
    here, _ = site(serve, provider, browser)
    provider.token_headers = headers
    assert message in (await here.sign_in())["message"]


@pytest.mark.parametrize("more", [{"crit": ["b64"], "b64": False}, {"crit": ["exp"], "exp": 5}, {"crit": []}])
def test_a_token_with_a_header_that_has_to_be_understood(more: dict[str, Any]) -> None:
    head = part({"alg": "RS256"} | more)
    with pytest.raises(AuthError, match=r"critical header fields|no signed JSON Web Token"):
        token_header(f"{head}.e30.AAAA", ["RS256"])


@pytest.mark.parametrize(("max_age", "claims", "good"), [
    (60, {"auth_time": After(-10)}, True),
    (60, {"auth_time": After(-3600)}, False),
    (60, {}, False),
    (60, {"auth_time": "now"}, False),
])  # fmt: skip
async def test_the_age_of_the_login(
    serve: Serve, provider: Provider, browser: Browser, max_age: int, claims: dict[str, Any], good: bool
) -> None:
    here, _ = site(serve, provider, browser)
    provider.claims = dated(claims)
    answer = await here.finish(await here.begin(query=f"?max_age={max_age}"))
    assert ("result" in answer) is good
    assert good or "auth_time" in answer["message"]


# --- Algorithms and keys ---


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
async def test_each_algorithm(serve: Serve, provider: Provider, browser: Browser, algorithm: str) -> None:
    here, _ = site(serve, provider, browser)
    provider.info["id_token_signing_alg_values_supported"] = [algorithm]
    provider.signer = other_key(algorithm)
    provider.keys = [rsa_key(), provider.signer]
    digest = {"256": hashlib.sha256, "384": hashlib.sha384}.get(algorithm[-3:], hashlib.sha512)
    provider.claims = {"at_hash": half_hash("an access token", digest)}
    answer = await here.sign_in()
    assert "result" in answer, answer


async def test_an_algorithm_that_the_provider_does_not_offer(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    provider.info["id_token_signing_alg_values_supported"] = None
    provider.signer = other_key("ES256")
    provider.keys = [provider.signer]
    here, _ = site(serve, provider, browser)
    # Without a list it is RS256.
    assert "not accepted" in (await here.sign_in())["message"]


async def test_an_algorithm_that_the_application_does_not_take(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    here, _ = site(serve, provider, browser, algorithms=["ES256"])
    assert "not accepted" in (await here.sign_in())["message"]


@pytest.mark.parametrize("names", [["none"], ["HS256"], ["RS256", "HS512"], []])
def test_algorithms_that_nobody_may_ask_for(names: list[str]) -> None:
    with pytest.raises(ValueError, match="algorithms should be some of RS256"):
        OpenIDProvider("https://a.example", CLIENT, algorithms=names)


def jwk(**changes: Any) -> dict[str, Any]:
    found = rsa_key().jwk | changes
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([jwk()], True),
        ([jwk(use=None, alg=None)], True),
        ([None, 5, "x", [], {}, jwk()], True),
        ([jwk(kid="other"), jwk()], True),
        ([jwk(use="enc")], False),
        ([jwk(alg="RS512")], False),
        ([jwk(kty="oct")], False),
        ([jwk(kid="other")], False),
        ([jwk(kid=None)], False),
        # One id, two keys: neither can be meant.
        ([jwk(), jwk()], False),
        ([{"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}], False),
        ([jwk(kid="other")] * 100 + [jwk()], False),
    ],
)
def test_which_key_of_a_set(keys: list[object], found: bool) -> None:
    assert (find_key(keys, "RS256", "rsa") is not None) is found


def test_a_key_without_an_id_has_to_be_the_only_one() -> None:
    assert find_key([jwk(), other_key("ES256").jwk], "RS256", None) == jwk()
    assert find_key([jwk(), jwk(kid="other")], "RS256", None) is None


def test_a_curve_belongs_to_its_algorithm() -> None:
    key = other_key("ES384").jwk | {"alg": "ES256"}
    assert find_key([key], "ES256", "ES384") is None


EXPECTED = ExpectedToken("https://a.example", CLIENT)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (rsa_key("weak", 1024).jwk, "weaker than 2048 bits"),
        (jwk(n="AQAB"), "can't be believed|weaker"),
        (jwk(n="!!!"), "can't be believed"),
        (jwk(n=None), "can't be believed"),
        (jwk(e=5), "can't be believed"),
        (jwk(n=["x"]), "can't be believed"),
    ],
)
def test_a_key_that_can_not_be_used(key: dict[str, Any], message: str) -> None:
    token = jwt.encode({"sub": "a"}, rsa_key().private, "RS256")
    with pytest.raises(AuthError, match=message):
        verify_id_token(token, key, "RS256", EXPECTED)


@given(st.text() | st.builds(lambda h, c: f"{part(h)}.{part(c)}.AAAA", st.binary(), st.binary()))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    try:
        token_header(text, ["RS256"])
    except AuthError:
        pass


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "azp", "auth_time"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2),
    )
)
def test_any_signed_claims_are_believed_or_refused(claims: dict[str, Any]) -> None:
    good = {"iss": "https://a.example", "sub": "alice", "aud": CLIENT, "exp": After(3600), "iat": After(0)}
    key = other_key("ES256")
    try:
        token = jwt.encode(dated(good) | claims, key.private, "ES256")
    except (TypeError, ValueError):
        return
    expected = ExpectedToken("https://a.example", CLIENT, None, "an access token", None, 60)
    try:
        found = verify_id_token(token, key.jwk, "ES256", expected)
    except AuthError:
        return
    assert found["iss"] == "https://a.example"
    assert found["aud"] == CLIENT or CLIENT in found["aud"]
    assert found["exp"] > time.time() - 60


# --- Refresh ---


async def test_a_refresh_gives_new_tokens(serve: Serve, provider: Provider, browser: Browser) -> None:
    here, _ = site(serve, provider, browser)
    provider.answer = {"access_token": "a second one", "refresh_token": None, "scope": "openid"}
    response = await browser.get(f"{here.url}/refresh?token=old&subject=alice")
    # The old one is good for longer, where no other comes.
    assert json.loads(response.body) == {"result": ["a second one", "old", "openid"]}
    assert provider.forms == [{"grant_type": "refresh_token", "refresh_token": "old"}]
    provider.answer = {"id_token": None, "refresh_token": "new"}
    response = await browser.get(f"{here.url}/refresh?token=old&subject=alice")
    assert json.loads(response.body) == {"result": ["an access token", "new", None]}


async def test_a_refresh_is_about_the_same_person(serve: Serve, provider: Provider, browser: Browser) -> None:
    here, _ = site(serve, provider, browser)
    response = await browser.get(f"{here.url}/refresh?token=old&subject=bob")
    assert "about somebody else" in json.loads(response.body)["message"]


async def test_a_refresh_that_is_refused(serve: Serve, provider: Provider, browser: Browser) -> None:
    here, _ = site(serve, provider, browser)
    provider.instead["/token"] = 400, {"error": "invalid_grant", "error_description": "<b>"}
    response = await browser.get(f"{here.url}/refresh?token=old&subject=alice")
    assert json.loads(response.body)["error"] == "SignInRefused"
    assert "invalid_grant" in json.loads(response.body)["message"]
