"""OAuth 1.0a from the first redirect to signed requests, against a provider made with Authlib."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from framework.auth import OAuthMixin, TwitterMixin
from framework.escape import json_decode
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.auth.oauth1_provider import KEY, SECRET, OAuth1Provider

pytestmark = [pytest.mark.usefixtures("insecure"), pytest.mark.both_loops]

SETTINGS = {"twitter_consumer_key": KEY, "twitter_consumer_secret": SECRET}


def pages(provider: str, query: str = "") -> list[tuple[str, type[SignIn]]]:
    """The application's pages for a provider at an address; ``query`` is part of its endpoints."""

    class Site(SignIn, TwitterMixin):
        _OAUTH_REQUEST_TOKEN_URL = f"{provider}/request_token{query}"
        _OAUTH_ACCESS_TOKEN_URL = f"{provider}/access_token{query}"
        _OAUTH_AUTHORIZE_URL = f"{provider}/authorize{query}"
        _OAUTH_AUTHENTICATE_URL = f"{provider}/authorize{query}"
        _TWITTER_BASE_URL = f"{provider}/api"

    class Login(Site):
        async def work(self) -> Any:
            if self.get_argument("oauth_token", None):
                return await self.get_authenticated_user()
            return await self.authorize_redirect("/login?from=there", extra_params={"x!": "ü +&"})

    class Authenticate(Site):
        async def work(self) -> Any:
            if self.get_argument("oauth_token", None):
                return await self.get_authenticated_user()
            return await self.authenticate_redirect("/authenticate")

    class Write(Site):
        async def work(self) -> Any:
            if not self.get_argument("oauth_token", None):
                return await self.authorize_redirect("/write")
            user = await self.get_authenticated_user()
            token = user["access_token"]
            return [
                await self.twitter_request("/statuses", token, {"status": "ü b+c&d=e*"}, trim_user="1 2"),
                await self.twitter_request("/show", token, None, **{"screen name": "b/ob~", "n": 3}),
                await self.twitter_request(f"{provider}/api/whole?a=b%20c&d=", token),
                await self.twitter_request("/post", token, {}),
            ]

    class Forger(Login):
        def _oauth_consumer_token(self) -> dict[str, Any]:
            return {"key": KEY, "secret": "guessed"}

    return [("/login", Login), ("/authenticate", Authenticate), ("/write", Write), ("/forge", Forger)]


@pytest.mark.parametrize("path", ["/login", "/authenticate"])
@pytest.mark.parametrize("query", ["", "?tenant=a%20b&empty="])
async def test_a_user_signs_in(serve: Serve, browser: Browser, path: str, query: str) -> None:
    provider = OAuth1Provider()
    site = serve(*pages(serve(*provider.routes), query), **SETTINGS)
    page = await browser.follow(site + path)
    assert page.code == 200, page.body
    user = json_decode(page.body)["result"]
    assert (user["username"], user["screen_name"]) == ("alice", "alice")
    [(key, credential)] = provider.server.tokens.items()
    assert user["access_token"] == {"key": key, "secret": credential.get_oauth_token_secret()}
    assert not provider.server.temporary


async def test_requests_in_the_users_name_are_accepted(serve: Serve, browser: Browser) -> None:
    site = serve(*pages(serve(*OAuth1Provider().routes)), **SETTINGS)
    page = await browser.follow(site + "/write")
    assert page.code == 200, page.body
    posted, shown, whole, empty = json_decode(page.body)["result"]
    assert posted["path"] == "/api/statuses.json"
    assert (posted["status"], posted["trim_user"], posted["screen_name"]) == ("ü b+c&d=e*", "1 2", "alice")
    assert (shown["screen name"], shown["n"]) == ("b/ob~", "3")
    assert (whole["path"], whole["a"], whole["d"]) == ("/api/whole", "b c", "")
    assert empty["path"] == "/api/post.json"


async def test_a_wrong_secret_is_refused(serve: Serve, browser: Browser) -> None:
    provider = OAuth1Provider()
    site = serve(*pages(serve(*provider.routes)), **SETTINGS)
    page = await browser.follow(site + "/forge")
    assert page.code == 403
    answer = json_decode(page.body)
    assert answer["error"] == "ProviderError"
    assert answer["message"] == "HTTP 401: Unauthorized: the provider refused a request token"
    assert not provider.server.temporary


async def test_a_user_who_declines_has_no_verifier(serve: Serve, browser: Browser) -> None:
    provider = OAuth1Provider()
    provider.consents = False
    site = serve(*pages(serve(*provider.routes)), **SETTINGS)
    page = await browser.follow(site + "/login")
    # The provider sends the browser back without a token, which is where the application begins again.
    assert page.code == 302 and page.effective_url.startswith(site)


async def test_an_answer_works_once_and_in_one_browser(
    serve: Serve, browser: Browser, stranger: Browser
) -> None:
    provider = OAuth1Provider()
    address = serve(*provider.routes)
    site = serve(*pages(address), **SETTINGS)
    to_provider = (await browser.get(site + "/login")).headers["Location"]
    back = (await browser.get(to_provider)).headers["Location"]
    assert set(query_of(back)) == {"from", "oauth_token", "oauth_verifier"}
    foreign = await stranger.get(back)
    assert json_decode(foreign.body)["message"] == "Missing OAuth request token cookie"
    assert (await browser.get(back)).code == 200
    again = await browser.get(back)
    assert json_decode(again.body)["message"] == "Missing OAuth request token cookie"
    assert len(provider.server.tokens) == 1


async def test_a_mixin_of_ones_own(serve: Serve, browser: Browser) -> None:
    address = serve(*OAuth1Provider().routes)

    class Login(SignIn, OAuthMixin):
        _OAUTH_REQUEST_TOKEN_URL = f"{address}/request_token"
        _OAUTH_ACCESS_TOKEN_URL = f"{address}/access_token"
        _OAUTH_AUTHORIZE_URL = f"{address}/authorize"

        async def work(self) -> Any:
            if self.get_argument("oauth_token", None):
                return await self.get_authenticated_user(self.get_auth_http_client())
            return await self.authorize_redirect("login", http_client=self.get_auth_http_client())

        def _oauth_consumer_token(self) -> dict[str, Any]:
            return {"key": KEY, "secret": SECRET}

        async def _oauth_get_user_future(self, access_token: dict[str, Any]) -> dict[str, Any]:
            url = f"{address}/api/me"
            signed = self._oauth_request_parameters(url, access_token, {"a b": "c"}, method="GET")
            got = await self.get_auth_http_client().fetch(url + "?" + urlencode({**signed, "a b": "c"}))
            user: dict[str, Any] = json_decode(got.body)
            return user

    page = await browser.follow(serve(("/login", Login)) + "/login")
    assert page.code == 200, page.body
    user = json_decode(page.body)["result"]
    assert (user["screen_name"], user["a b"]) == ("alice", "c")
    assert set(user["access_token"]) == {"key", "secret"}
