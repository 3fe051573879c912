"""What a provider says of itself, its keys, and how it is reached: whatever it answers, and however slowly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from framework.auth import AuthError
from framework.auth.oidc import OpenIDProvider, ProviderUnavailable
from framework.auth.oidc import provider as provider_module
from framework.auth.oidc.metadata import parse_metadata
from framework.httpclient import AsyncHTTPClient
from framework.web import RequestHandler
from tests.auth.browser import Browser, query_of
from tests.auth.conftest import Serve
from tests.auth.oidc_provider import CLIENT, SECRET, Provider, other_key, rsa_key, site

ISSUER = "https://a.example"
METADATA = "/.well-known/openid-configuration"


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider(serve: Serve) -> Provider:
    return Provider(serve)


async def turns_until(done: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    for _ in range(100_000):
        if done():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


# --- Discovery ---


def redirect(handler: RequestHandler) -> None:
    handler.redirect("https://evil.example/")


def huge(handler: RequestHandler) -> None:
    handler.finish(b'{"issuer": "' + b"a" * 300_000 + b'"}')


BAD_ANSWERS: dict[str, tuple[tuple[int, Any], str]] = {
    "nothing there": ((404, {}), "status 404"),
    "an error": ((500, {}), "status 500"),
    "a redirect": ((200, redirect), "status 302"),
    "a page": ((200, "<html>"), "no JSON object"),
    "a list": ((200, "[]"), "no JSON object"),
    "no text": ((200, b"\xff\xfe\xff"), "no JSON object"),
    "a deep one": ((200, "[" * 200_000), "no JSON object"),
    "a huge one": ((200, huge), "can't be had"),
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
@pytest.mark.parametrize("path", [METADATA, "/keys"])
async def test_an_answer_that_can_not_be_used(
    serve: Serve, provider: Provider, browser: Browser, path: str, what: str
) -> None:
    here, _ = site(serve, provider, browser)
    fields = None if path == METADATA else await here.begin()
    provider.instead[path], message = BAD_ANSWERS[what]
    if fields is None:
        answer = json.loads((await browser.get(f"{here.url}/sign-in")).body)
    else:
        answer = await here.finish(fields)
    assert answer["error"] == "ProviderUnavailable"
    assert message in answer["message"]
    # It is not kept: the provider may be better by now.
    provider.instead.clear()
    assert "result" in await here.sign_in()


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({"issuer": "https://evil.example"}, "names another issuer"),
        ({"issuer": None}, "names another issuer"),
        ({"issuer": "{issuer}/"}, "names another issuer"),
        ({"authorization_endpoint": None}, "authorization_endpoint should be"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint should be"),
        ({"token_endpoint": "/token"}, "token_endpoint should be"),
        ({"token_endpoint": "ftp://a.example/"}, "token_endpoint should be"),
        ({"token_endpoint": "https://user@a.example/"}, "token_endpoint should be"),
        ({"token_endpoint": "https://a.example:0/"}, "token_endpoint should be"),
        ({"token_endpoint": "https://a.example:x/"}, "token_endpoint should be"),
        ({"token_endpoint": "https://[::/"}, "token_endpoint should be"),
        ({"token_endpoint": "https://a.example/" + "a" * 3000}, "token_endpoint should be"),
        ({"jwks_uri": 5}, "jwks_uri should be"),
        ({"userinfo_endpoint": ["x"]}, "userinfo_endpoint should be"),
        ({"end_session_endpoint": "https://a.example/#x"}, "end_session_endpoint should be"),
        ({"code_challenge_methods_supported": ["plain"]}, "not its method S256"),
        ({"code_challenge_methods_supported": "S256"}, "should be a list of names"),
        ({"id_token_signing_alg_values_supported": [5]}, "should be a list of names"),
    ],
)
async def test_a_discovery_document_that_can_not_be_used(
    provider: Provider, info: dict[str, Any], message: str
) -> None:
    provider.info = json.loads(json.dumps(info).replace("{issuer}", provider.issuer))
    with pytest.raises(ProviderUnavailable, match=message):
        await OpenIDProvider(provider.issuer, CLIENT).metadata()


async def test_a_provider_reached_by_https_stays_there() -> None:
    document = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": "http://a.example/token",
        "jwks_uri": f"{ISSUER}/keys",
    }
    with pytest.raises(ProviderUnavailable, match="token_endpoint should be an https:// URL"):
        parse_metadata(document, ISSUER)
    document["token_endpoint"] = "https://token.example/"
    assert parse_metadata(document, ISSUER).token_endpoint == "https://token.example/"


async def test_an_issuer_with_a_path_has_its_document_below_that(serve: Serve) -> None:
    class Document(RequestHandler):
        def get(self) -> None:
            self.write(
                dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{here}/x")
                | {"issuer": here}
            )

    here = serve((r"/tenant/\.well-known/openid-configuration", Document)) + "/tenant"
    assert (await OpenIDProvider(here, CLIENT).metadata()).issuer == here


async def test_one_fetch_serves_all_who_wait(provider: Provider) -> None:
    provider.gate = asyncio.Event()
    known = OpenIDProvider(provider.issuer, CLIENT)
    waiting = [asyncio.ensure_future(known.metadata()) for _ in range(20)]
    await provider.reached.wait()
    # Who gives up takes it from nobody.
    waiting[0].cancel()
    await asyncio.wait([waiting[0]])
    provider.gate.set()
    found = await asyncio.gather(*waiting[1:])
    assert all(one is found[0] for one in found)
    assert provider.asked[METADATA] == 1


async def test_an_error_that_nobody_waits_for_any_longer_is_nobodys(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.gate = asyncio.Event()
    provider.instead[METADATA] = 500, {}
    known = OpenIDProvider(provider.issuer, CLIENT)
    waiting = asyncio.ensure_future(known.metadata())
    await provider.reached.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    provider.gate.set()
    await turns_until(lambda: known._metadata._task is None)
    assert "never retrieved" not in caplog.text


async def test_metadata_are_fetched_again_when_they_are_old(provider: Provider) -> None:
    clock = Clock()
    known = OpenIDProvider(provider.issuer, CLIENT, lifetime=100, clock=clock)
    await known.metadata()
    clock.now += 99
    await known.metadata()
    assert provider.asked[METADATA] == 1
    clock.now += 2
    provider.info["userinfo_endpoint"] = f"{provider.issuer}/other"
    assert (await known.metadata()).userinfo_endpoint == f"{provider.issuer}/other"
    assert provider.asked[METADATA] == 2


def test_one_provider_serves_several_loops(unused_provider: Callable[[], OpenIDProvider]) -> None:
    known = unused_provider()
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match="can't be had"):
            asyncio.run(known.metadata())


@pytest.fixture
def unused_provider() -> Callable[[], OpenIDProvider]:
    # Nobody listens on port 1.
    return lambda: OpenIDProvider("http://127.0.0.1:1", CLIENT)


async def test_a_slow_provider_is_given_up(serve: Serve, provider: Provider, browser: Browser) -> None:
    provider.gate = asyncio.Event()
    with pytest.raises(ProviderUnavailable, match="can't be had"):
        await OpenIDProvider(provider.issuer, CLIENT, timeout=0.05).metadata()
    provider.gate.set()


# --- Keys ---


async def test_a_new_key_is_looked_for(serve: Serve, provider: Provider, browser: Browser) -> None:
    clock = Clock()
    here, _ = site(serve, provider, browser, clock=clock)
    assert "result" in await here.sign_in()
    provider.signer = other_key("ES256")
    provider.keys = [rsa_key(), provider.signer]
    clock.now += provider_module.KEYS_AGAIN
    assert "result" in await here.sign_in()
    assert provider.asked["/keys"] == 2


async def test_made_up_keys_make_nobody_ask_again_and_again(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    clock = Clock()
    here, _ = site(serve, provider, browser, clock=clock)
    for number in range(5):
        provider.token_headers = {"kid": f"made up {number}"}
        assert "does not have" in (await here.sign_in())["message"]
        clock.now += 7
    assert provider.asked["/keys"] == 1
    # A key that was taken back is good no longer than that.
    provider.token_headers = {}
    assert "result" in await here.sign_in()
    provider.keys = []
    clock.now += 3600
    assert "does not have" in (await here.sign_in())["message"]


@pytest.mark.parametrize("keys", [{}, {"keys": {}}, {"keys": "x"}])
async def test_a_set_without_a_list_of_keys(
    serve: Serve, provider: Provider, browser: Browser, keys: dict[str, Any]
) -> None:
    provider.instead["/keys"] = 200, keys
    here, _ = site(serve, provider, browser)
    assert "no list of keys" in (await here.sign_in())["message"]


# --- Tokens ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token_type": "DPoP"}, "another kind than Bearer"),
        ({"token_type": None}, "another kind than Bearer"),
        ({"access_token": None}, "no access token"),
        ({"access_token": "a\r\nb"}, "no access token"),
        ({"access_token": ["x"]}, "no access token"),
        ({"id_token": {"sub": "alice"}}, "no text"),
    ],
)
async def test_an_answer_of_the_token_endpoint_that_can_not_be_used(
    serve: Serve, provider: Provider, browser: Browser, change: dict[str, Any], message: str
) -> None:
    here, _ = site(serve, provider, browser)
    provider.answer = change
    answer = await here.sign_in()
    assert (answer["error"], message in answer["message"]) == ("ProviderUnavailable", True)


@pytest.mark.parametrize(
    ("instead", "error"),
    [
        ((400, {"error": "invalid_grant"}), "SignInRefused"),
        ((401, {"error": "invalid_client"}), "SignInRefused"),
        ((400, {"error": ["x"]}), "SignInRefused"),
        ((302, {}), "SignInRefused"),
        ((200, redirect), "ProviderUnavailable"),
        ((200, huge), "ProviderUnavailable"),
        ((500, "oops"), "ProviderUnavailable"),
    ],
)
async def test_a_code_that_gets_no_tokens(
    serve: Serve, provider: Provider, browser: Browser, instead: Any, error: str
) -> None:
    here, _ = site(serve, provider, browser)
    provider.instead["/token"] = instead
    fields = await here.begin()
    answer = await here.finish(fields)
    assert answer["error"] == error
    assert fields["code"] not in answer["message"]
    assert SECRET not in answer["message"]


# --- The way there ---


async def test_the_issuer_is_reached_by_the_back_channel(serve: Serve, browser: Browser) -> None:
    provider = Provider(serve)
    reached = provider.issuer
    provider.issuer = "http://localhost:1"
    here, _ = site(serve, provider, browser, backchannel=reached + "/")
    response = await browser.get(f"{here.url}/sign-in")
    # Browsers go where they always do.
    assert response.headers["Location"].startswith("http://localhost:1/authorize?")
    fields = provider.authorize(response.headers["Location"])
    assert "result" in await here.finish(fields | {"info": "1"})
    assert {headers["Host"] for headers in provider.headers} == {"localhost:1"}


async def test_an_endpoint_of_another_host_is_reached_where_it_is(serve: Serve) -> None:
    provider, other = Provider(serve), Provider(serve)
    reached, provider.issuer = provider.issuer, "http://localhost:1"
    provider.info["token_endpoint"] = f"{other.issuer}/token"
    other.instead["/token"] = 400, {"error": "invalid_grant"}
    known = OpenIDProvider(provider.issuer, CLIENT, backchannel=reached)
    with pytest.raises(AuthError, match="invalid_grant"):
        await known.exchange("code", "verifier", "http://site.example")
    assert other.asked == {"/token": 1}


async def test_a_client_of_ones_own(provider: Provider) -> None:
    made: list[AsyncHTTPClient] = []

    def make() -> AsyncHTTPClient:
        made.append(AsyncHTTPClient())
        return made[-1]

    await OpenIDProvider(provider.issuer, CLIENT, http_client=make).metadata()
    assert made


async def test_where_to_end_the_session(provider: Provider) -> None:
    known = OpenIDProvider(provider.issuer, CLIENT)
    url = await known.end_session_url(
        id_token="x.y.z", post_logout_redirect_uri="https://b.example/", state="s"
    )
    assert url is not None
    assert url.startswith(f"{provider.issuer}/end?x=1&")
    assert query_of(url) == {
        "x": "1",
        "client_id": CLIENT,
        "id_token_hint": "x.y.z",
        "post_logout_redirect_uri": "https://b.example/",
        "state": "s",
    }
    provider.info["end_session_endpoint"] = None
    assert await OpenIDProvider(provider.issuer, CLIENT).end_session_url() is None


def test_a_state_is_used_once() -> None:
    clock = Clock()
    known = OpenIDProvider(ISSUER, CLIENT, clock=clock)
    assert [known.use_once("a", 10), known.use_once("a", 10)] == [True, False]
    clock.now += 11
    # By now nobody can come with it: whoever looks finds it expired.
    assert [known.use_once("b", 10), known.use_once("a", 10)] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("http://a.example", CLIENT), "issuer should be an https"),
        (("a.example", CLIENT), "issuer should be an https"),
        (("https://a.example?x=1", CLIENT), "no query"),
        (("https://a.example#x", CLIENT), "issuer should be"),
        ((ISSUER, ""), "client_id"),
    ],
)
def test_a_registration_that_can_not_be_used(arguments: tuple[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OpenIDProvider(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"auth_method": "private_key_jwt"}, "auth_method should be one of"),
        ({"auth_method": "none", "client_secret": "x"}, "don't go together"),
        ({"auth_method": "client_secret_post"}, "don't go together"),
        ({"scope": "openid email"}, "list of words"),
        ({"scope": ["openid email"]}, "list of words"),
        ({"backchannel": "provider:9000"}, "backchannel should be"),
    ],
)
def test_arguments_that_can_not_be_used(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OpenIDProvider(ISSUER, CLIENT, **arguments)


@pytest.mark.parametrize(
    "issuer", ["http://localhost:9000/x", "http://127.0.0.2", "http://[::1]:80", "http://a.localhost"]
)
def test_an_issuer_on_this_machine_needs_no_https(issuer: str) -> None:
    known = OpenIDProvider(issuer, CLIENT, SECRET)
    assert SECRET not in repr(known)
