"""Signing in with OpenID Connect: from the redirect to the user, and what may come back instead."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from http.cookies import SimpleCookie
from typing import Any

import pytest

from framework.auth.errors import AuthError
from framework.auth.oidc import OpenIDConnectMixin, OpenIDProvider, local_path
from framework.auth.oidc import pending as under_way
from framework.auth.oidc import tokens as tokens_module
from framework.auth.oidc.pkce import challenge_of
from framework.escape import json_decode
from framework.web import RequestHandler
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.auth.oidc_provider import CLIENT, COOKIE_SECRET, SECRET, Provider, Site, site

BOTH = pytest.mark.parametrize("session", [True, False], ids=["session", "cookie"])


@pytest.fixture
def provider(serve: Serve) -> Provider:
    return Provider(serve)


@BOTH
@pytest.mark.both_loops
async def test_a_sign_in_ends_with_a_user(
    serve: Serve, provider: Provider, browser: Browser, session: bool
) -> None:
    here, _ = site(serve, provider, browser, session)
    result = (await here.sign_in())["result"]
    claims = result.pop("claims")
    assert result == {
        "issuer": provider.issuer,
        "subject": "alice",
        "access_token": "an access token",
        "expires_in": 600.0,
        "next": "/home",
        "data": {"for": "tests"},
    }
    assert claims["sub"] == "alice"
    assert "email" not in claims
    assert provider.asked == {"/.well-known/openid-configuration": 1, "/token": 1, "/keys": 1}
    # What is known is not asked again.
    assert "result" in await here.sign_in()
    assert provider.asked["/.well-known/openid-configuration"] == provider.asked["/keys"] == 1


async def test_what_is_asked_of_the_provider(serve: Serve, provider: Provider, browser: Browser) -> None:
    here, _ = site(serve, provider, browser, scope=("email", "openid"))
    provider.info["authorization_endpoint"] = f"{provider.issuer}/authorize?tenant=1"
    response = await browser.get(f"{here.url}/sign-in?max_age=60")
    assert response.headers["Cache-Control"] == "no-store"
    asked = query_of(response.headers["Location"])
    assert {name: asked.pop(name) for name in ("state", "nonce", "code_challenge")}.keys()
    assert asked == {
        "tenant": "1",
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": "http://site.example/back",
        "scope": "openid email",
        "code_challenge_method": "S256",
        "max_age": "60",
        "prompt": "login",
    }


def test_a_challenge_is_that_of_the_specification() -> None:
    # RFC 7636 appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("methods", "asked", "given"),
    [
        (["client_secret_basic", "client_secret_post"], None, "basic"),
        (None, None, "basic"),
        (["private_key_jwt", "client_secret_post"], None, "post"),
        (["client_secret_basic"], "client_secret_post", "post"),
        (["client_secret_basic"], "none", "none"),
    ],
)
async def test_the_application_proves_itself(
    serve: Serve, provider: Provider, browser: Browser, methods: Any, asked: str | None, given: str
) -> None:
    provider.info["token_endpoint_auth_methods_supported"] = methods
    secret = None if asked == "none" else SECRET
    here, _ = site(serve, provider, browser, auth_method=asked, client_secret=secret)
    assert "result" in await here.sign_in()
    (form,) = provider.forms
    sent = provider.headers[-2].get("Authorization") or provider.headers[-1].get("Authorization")
    if given == "basic":
        # Form-encoded, then base64: RFC 6749 section 2.3.1.
        assert sent == "Basic YStjbGllbnQ6YStzZWNyZXQlMkZ3aXRoJTJCc2lnbnMlM0E="
        assert "client_id" not in form
    else:
        assert sent is None
        assert form["client_id"] == CLIENT
        assert form.get("client_secret") == (SECRET if given == "post" else None)


async def test_a_provider_that_takes_no_secret_is_not_shown_one(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    provider.info["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
    here, _ = site(serve, provider, browser)
    assert "takes a client's secret neither" in (await here.sign_in())["message"]
    assert not provider.forms


async def test_userinfo_adds_to_the_claims_and_replaces_none(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    here, _ = site(serve, provider, browser)
    provider.userinfo |= {"iss": "https://evil.example", "name": "Alice"}
    claims = (await here.finish(await here.begin() | {"info": "1"}))["result"]["claims"]
    assert (claims["iss"], claims["name"], claims["email_verified"]) == (provider.issuer, "Alice", True)
    assert provider.headers[-1]["Authorization"] == "Bearer an access token"


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ((200, {"sub": "bob"}), "somebody else"),
        ((200, {}), "somebody else"),
        ((401, {"error": "invalid_token"}), "status 401"),
        ((302, {"sub": "alice"}), "status 302"),
        ((200, "eyJhbGciOiJSUzI1NiJ9.e30.x"), "no JSON object"),
        ((200, "[" * 100_000), "no JSON object"),
    ],
)
async def test_userinfo_that_is_not_about_the_user(
    serve: Serve, provider: Provider, browser: Browser, instead: Any, message: str
) -> None:
    here, _ = site(serve, provider, browser)
    provider.instead["/userinfo"] = instead
    assert message in (await here.finish(await here.begin() | {"info": "1"}))["message"]


async def test_a_provider_without_userinfo(serve: Serve, provider: Provider, browser: Browser) -> None:
    here, _ = site(serve, provider, browser)
    provider.info["userinfo_endpoint"] = None
    assert "no userinfo_endpoint" in (await here.finish(await here.begin() | {"info": "1"}))["message"]


# --- Who comes back ---


@BOTH
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": None}, "one state"),
        ({"state": ""}, "one state"),
        ({"state": "x" * 43}, "begun no such sign-in"),
        ({"state": "x" * 5000}, "one state"),
        ({"code": None}, "one code"),
        ({"code": "x" * 5000}, "one code"),
        ({"iss": "https://evil.example"}, "another provider"),
    ],
)
async def test_an_answer_that_is_not_whole_or_not_ours(
    serve: Serve,
    provider: Provider,
    browser: Browser,
    session: bool,
    change: dict[str, str | None],
    message: str,
) -> None:
    here, _ = site(serve, provider, browser, session)
    fields = {**await here.begin(), **change}
    answer = await here.finish({name: value for name, value in fields.items() if value is not None})
    assert message in answer["message"]
    assert not provider.forms


@BOTH
async def test_an_answer_with_two_states_is_none(
    serve: Serve, provider: Provider, browser: Browser, session: bool
) -> None:
    here, _ = site(serve, provider, browser, session)
    fields = await here.begin()
    response = await browser.get(f"{here.url}/back?state={fields['state']}&state={fields['state']}&code=x")
    assert "one state" in json_decode(response.body)["message"]


@BOTH
async def test_a_state_is_good_once(
    serve: Serve, provider: Provider, browser: Browser, session: bool
) -> None:
    here, _ = site(serve, provider, browser, session)
    fields = await here.begin()
    assert "result" in await here.finish(fields)
    assert "begun no such sign-in" in (await here.finish(fields))["message"]
    assert len(provider.forms) == 1


@BOTH
async def test_of_two_at_the_same_moment_one_gets_the_code_exchanged(
    serve: Serve, provider: Provider, browser: Browser, session: bool
) -> None:
    here, _ = site(serve, provider, browser, session)
    fields = await here.begin()
    provider.gate = asyncio.Event()
    both = [asyncio.ensure_future(here.finish(fields)) for _ in range(2)]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    provider.gate.set()
    answers = await asyncio.gather(*both)
    assert sorted("result" in answer for answer in answers) == [False, True]
    assert len(provider.forms) == 1


@BOTH
async def test_a_state_of_another_browser_is_foreign(
    serve: Serve, provider: Provider, browser: Browser, stranger: Browser, session: bool
) -> None:
    here, _ = site(serve, provider, browser, session)
    fields = await here.begin()
    assert "begun no such sign-in" in (await here.finish(fields, stranger))["message"]
    # Nor is it used up by that.
    assert "result" in await here.finish(fields)


@BOTH
async def test_a_state_is_good_for_ten_minutes(
    serve: Serve, provider: Provider, browser: Browser, session: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = site(serve, provider, browser, session)

    class Clock:
        time = staticmethod(lambda: time.time() - under_way.LIFETIME - 1)

    monkeypatch.setattr("framework.auth.oidc.mixin.time", Clock)
    fields = await here.begin()
    monkeypatch.undo()
    assert "begun no such sign-in" in (await here.finish(fields))["message"]


@BOTH
async def test_the_clock_of_the_process_that_began_may_be_ahead(
    serve: Serve, provider: Provider, browser: Browser, session: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = site(serve, provider, browser, session)

    class Clock:
        time = staticmethod(lambda: time.time() + 20)

    monkeypatch.setattr("framework.auth.oidc.mixin.time", Clock)
    fields = await here.begin()
    monkeypatch.undo()
    assert "result" in await here.finish(fields)


@BOTH
async def test_several_tabs_at_once(
    serve: Serve, provider: Provider, browser: Browser, session: bool
) -> None:
    here, _ = site(serve, provider, browser, session)
    tabs = [await here.begin() for _ in range(5)]
    for fields in reversed(tabs[1:]):
        assert "result" in await here.finish(fields)
    more = [await here.begin() for _ in range(6)]
    assert "begun no such sign-in" in (await here.finish(more[0]))["message"]
    assert "result" in await here.finish(more[-1])


async def test_the_cookie_is_for_the_server_alone(serve: Serve, provider: Provider, browser: Browser) -> None:
    here, _ = site(serve, provider, browser, session=False)
    response = await browser.get(f"{here.url}/sign-in")
    ((name, morsel),) = SimpleCookie(response.headers["Set-Cookie"]).items()
    assert name.startswith("oidc-")
    assert (morsel["httponly"], morsel["samesite"], morsel["max-age"]) == (True, "Lax", "600")
    assert (morsel["path"], morsel["secure"]) == ("/", "")


async def test_a_cookie_that_was_changed_is_none(
    serve: Serve, provider: Provider, browser: Browser, stranger: Browser
) -> None:
    here, _ = site(serve, provider, browser, session=False)
    response = await stranger.get(f"{here.url}/sign-in")
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    fields = provider.authorize(response.headers["Location"])
    url = f"{here.url}/back?code={fields['code']}&state={fields['state']}".replace(" ", "%20")
    bad = await stranger.get(url, headers={"Cookie": cookie[:-1] + "x"})
    assert "begun no such sign-in" in json_decode(bad.body)["message"]
    good = await stranger.get(url, headers={"Cookie": cookie})
    assert "result" in json_decode(good.body)


async def test_a_sign_in_that_was_begun_with_another_provider(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    other = Provider(serve)
    here, _ = site(serve, provider, browser, session=False)
    there, _ = site(serve, other, browser, session=False)
    fields = await here.begin()
    assert "another provider" in (await Site(there.url, other, browser).finish(fields))["message"]
    assert not other.forms


async def test_a_provider_that_says_it_names_itself_has_to(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    provider.info["authorization_response_iss_parameter_supported"] = True
    here, _ = site(serve, provider, browser)
    fields = await here.begin()
    del fields["iss"]
    assert "one iss" in (await here.finish(fields))["message"]
    assert "result" in await here.sign_in()


async def test_a_provider_that_fails_has_refused_nothing(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    here, _ = site(serve, provider, browser)
    for status in (500, 503):
        fields = await here.begin()
        provider.instead["/token"] = (status, {"error": "server_error"})
        answer = await here.finish(fields)
        assert answer["error"] == "ProviderUnavailable"
        assert f"token endpoint of {provider.issuer} was answered with status {status}" in answer["message"]
        provider.instead.clear()


@BOTH
async def test_an_error_of_the_provider_has_a_safe_message(
    serve: Serve, provider: Provider, browser: Browser, session: bool
) -> None:
    here, _ = site(serve, provider, browser, session)
    for error, known in (("access_denied", True), ("<script>alert(1)</script>", False)):
        fields = await here.begin()
        del fields["code"]
        answer = await here.finish(fields | {"error": error, "error_description": "<b>call 0900</b>"})
        assert answer["error"] == "SignInRefused"
        assert ("access_denied" if known else "unknown") in answer["message"]
        assert "<" not in answer["message"]
        assert "0900" not in answer["message"]
        # It was the answer to this state.
        assert "begun no such sign-in" in (await here.finish(fields | {"code": "x"}))["message"]


async def test_an_error_without_a_state_of_ours_is_not_shown_as_the_providers(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    here, _ = site(serve, provider, browser)
    answer = await here.finish({"error": "access_denied", "state": "made up"})
    assert answer["error"] == "AuthError"


# --- Where to go in the end ---


@pytest.mark.parametrize(
    "next",
    [
        *(
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
        ),
        *("", "home", "/\t/evil.example", "/a b", "/\r\nSet-Cookie:x=1", "/" + "a" * 3000, "/\x7f"),
    ],
)
def test_next_leads_nowhere_else(next: str) -> None:
    with pytest.raises(AuthError, match="path of this site"):
        local_path(next)


@pytest.mark.parametrize("next", ["/", "/a?b=c#d", "/%2F%2Fevil.example", "/a//b", "/ä"])
def test_next_is_a_path_of_this_site(next: str) -> None:
    assert local_path(next) == next


async def test_a_sign_in_to_another_site_is_not_begun(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    here, _ = site(serve, provider, browser)
    response = await browser.get(f"{here.url}/sign-in?next=//evil.example")
    assert response.code == 403
    assert "path of this site" in json_decode(response.body)["message"]


# --- Settings ---


async def test_an_application_without_provider_is_told(serve: Serve, browser: Browser) -> None:
    class Page(OpenIDConnectMixin, SignIn, RequestHandler):
        async def work(self) -> Any:
            try:
                self.get_openid_provider()
            except RuntimeError as error:
                return str(error)

    missing = serve(("/", Page))
    wrong = serve(("/", Page), openid_connect={"issuer": "https://a.example"})
    assert "'openid_connect' setting" in json_decode((await browser.get(missing)).body)["result"]
    assert "should be an OpenIDProvider, not dict" in json_decode((await browser.get(wrong)).body)["result"]


async def test_what_belongs_to_the_request_itself_is_not_asked_for_otherwise(
    serve: Serve, provider: Provider, browser: Browser
) -> None:
    class Page(OpenIDConnectMixin, SignIn, RequestHandler):
        async def work(self) -> Any:
            with pytest.raises(ValueError, match="extra_params can't have nonce, state"):
                await self.authorize_url("http://site.example", extra_params={"state": "x", "nonce": "y"})

    known = OpenIDProvider(provider.issuer, CLIENT)
    url = serve(("/", Page), openid_connect=known, cookie_secret=COOKIE_SECRET)
    assert (await browser.get(url)).code == 200


def test_the_package_is_imported_without_the_library() -> None:
    program = """
import sys
sys.modules["jwt"] = None
from framework.auth import GoogleOAuth2Mixin, OpenIDConnectMixin, OpenIDProvider
try:
    OpenIDProvider("https://a.example", "a client")
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'framework[auth]'" in done.stdout


def test_without_the_library_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "has_crypto", False)
    with pytest.raises(RuntimeError, match=r"pip install 'framework\[auth\]'"):
        OpenIDProvider("https://a.example", CLIENT)
