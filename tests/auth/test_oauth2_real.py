"""OAuth 2 from the first redirect to a request with the token, against a provider made with Authlib."""

from __future__ import annotations

from typing import Any

import pytest

from framework.auth import GoogleOAuth2Mixin
from framework.escape import json_decode
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.auth.oauth2_provider import KEY, SECRET, OAuth2Provider

pytestmark = [pytest.mark.usefixtures("insecure"), pytest.mark.both_loops]

SETTINGS = {"google_oauth": {"key": KEY, "secret": SECRET}, "cookie_secret": "a secret of this test"}


def pages(provider: str) -> list[tuple[str, type[SignIn]]]:
    """The application's pages for a provider at an address: with and without state."""

    class Login(SignIn, GoogleOAuth2Mixin):
        _OAUTH_AUTHORIZE_URL = f"{provider}/authorize"
        _OAUTH_ACCESS_TOKEN_URL = f"{provider}/token"
        _OAUTH_USERINFO_URL = f"{provider}/userinfo"

        async def work(self) -> Any:
            here = f"{self.request.protocol}://{self.request.host}{self.request.path}"
            code = self.get_argument("code", None)
            if code is None:
                return self.authorize_redirect(
                    redirect_uri=here,
                    client_id=self.get_google_oauth_settings()["key"],
                    scope=["profile", "email"],
                    extra_params={"approval_prompt": "auto"},
                )
            tokens = await self.get_authenticated_user(redirect_uri=here, code=code)
            user = await self.oauth2_request(
                self._OAUTH_USERINFO_URL, access_token=tokens["access_token"], fields="a b&c"
            )
            return {"tokens": tokens, "user": user}

    class LoginWithState(Login):
        _OAUTH_STATE = True

    return [("/login", Login), ("/login-with-state", LoginWithState)]


@pytest.mark.parametrize("path", ["/login", "/login-with-state"])
async def test_a_user_signs_in(serve: Serve, browser: Browser, path: str) -> None:
    provider = OAuth2Provider()
    site = serve(*pages(serve(*provider.routes)), **SETTINGS)
    page = await browser.follow(site + path)
    assert page.code == 200, page.body
    result = json_decode(page.body)["result"]
    assert result["user"] == {"sub": "alice", "fields": "a b&c"}
    assert result["tokens"]["access_token"] == "token 1"
    assert result["tokens"]["scope"] == "profile email"
    assert not provider.server.codes


async def test_a_code_is_good_once(serve: Serve, browser: Browser) -> None:
    provider = OAuth2Provider()
    site = serve(*pages(serve(*provider.routes)), **SETTINGS)
    to_provider = (await browser.get(site + "/login")).headers["Location"]
    back = (await browser.get(to_provider)).headers["Location"]
    assert (await browser.get(back)).code == 200
    answer = json_decode((await browser.get(back)).body)
    assert answer == {
        "error": "ProviderError",
        "message": "HTTP 400: Bad Request: the provider refused an access token (invalid_grant)",
    }


async def test_a_wrong_secret_is_refused(serve: Serve, browser: Browser) -> None:
    wrong = {"google_oauth": {"key": KEY, "secret": "guessed"}}
    site = serve(*pages(serve(*OAuth2Provider().routes)), **wrong)
    page = await browser.follow(site + "/login")
    assert page.code == 403
    assert "(invalid_client)" in json_decode(page.body)["message"]


async def test_state_binds_a_sign_in_to_the_browser_that_began_it(
    serve: Serve, browser: Browser, stranger: Browser
) -> None:
    provider = OAuth2Provider()
    site = serve(*pages(serve(*provider.routes)), **SETTINGS)
    begun = await browser.get(site + "/login-with-state")
    [cookie] = begun.headers.get_list("Set-Cookie")
    assert cookie.startswith("_oauth_state=")
    for attribute in ("HttpOnly", "SameSite=Lax", "Max-Age=600"):
        assert attribute in cookie
    assert "Secure" not in cookie
    back = (await browser.get(begun.headers["Location"])).headers["Location"]
    state = query_of(back)["state"]
    assert len(state) >= 43

    # Who has not begun, or something else, or hides what the provider sent, does not end it.
    foreign = await stranger.get(back)
    assert "the state is missing" in json_decode(foreign.body)["message"]
    assert len(provider.server.codes) == 1

    # A sign-in that somebody else began, put into this browser.
    other = await stranger.get(site + "/login-with-state")
    planted = (await stranger.get(other.headers["Location"])).headers["Location"]
    refused = await browser.get(planted)
    assert "does not match" in json_decode(refused.body)["message"]
    # By that try the first is lost, too.
    late = await browser.get(back)
    assert "the state is missing" in json_decode(late.body)["message"]
    assert len(provider.server.codes) == 2


async def test_a_state_is_good_once_and_not_without_the_argument(serve: Serve, browser: Browser) -> None:
    provider = OAuth2Provider()
    site = serve(*pages(serve(*provider.routes)), **SETTINGS)
    assert (await browser.follow(site + "/login-with-state")).code == 200
    begun = await browser.get(site + "/login-with-state")
    back = (await browser.get(begun.headers["Location"])).headers["Location"]
    stripped = back.replace("state=", "other=")
    assert "the state is missing" in json_decode((await browser.get(stripped)).body)["message"]
    assert "the state is missing" in json_decode((await browser.get(back)).body)["message"]
