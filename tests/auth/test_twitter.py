"""Sign-in with Twitter: what is asked, and what comes of the answers. The whole way is in test_oauth1_real."""

from __future__ import annotations

from typing import Any

import pytest

from framework.auth import TwitterMixin
from framework.escape import json_decode
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.auth.test_oauth1 import cookie
from tests.httpclient.peer import Peer, response

SETTINGS = {"twitter_consumer_key": "k", "twitter_consumer_secret": "s"}
TOKEN = response(b"oauth_token=t&oauth_token_secret=ts&user_id=3")


def page(peer: Peer, work: Any, **attributes: Any) -> type[SignIn]:
    """A page of an application for which ``peer`` is Twitter; ``work`` is a function of the page."""

    async def do(self: Any) -> Any:
        return await work(self)

    class Page(SignIn, TwitterMixin):
        _OAUTH_REQUEST_TOKEN_URL = peer.url("/oauth/request_token")
        _OAUTH_ACCESS_TOKEN_URL = peer.url("/oauth/access_token")
        _OAUTH_AUTHORIZE_URL = peer.url("/oauth/authorize")
        _OAUTH_AUTHENTICATE_URL = peer.url("/oauth/authenticate")
        _TWITTER_BASE_URL = peer.url("/1.1")

    return type("Page", (Page,), {"work": do, **attributes})


def test_the_endpoints_are_twitters() -> None:
    urls = {name: url for name, url in vars(TwitterMixin).items() if name.isupper()}
    assert urls == {
        "_OAUTH_REQUEST_TOKEN_URL": "https://api.twitter.com/oauth/request_token",
        "_OAUTH_ACCESS_TOKEN_URL": "https://api.twitter.com/oauth/access_token",
        "_OAUTH_AUTHORIZE_URL": "https://api.twitter.com/oauth/authorize",
        "_OAUTH_AUTHENTICATE_URL": "https://api.twitter.com/oauth/authenticate",
        "_TWITTER_BASE_URL": "https://api.twitter.com/1.1",
    }


@pytest.mark.parametrize("callback", [None, "/cb"])
async def test_authenticating_is_another_address_and_tells_the_callback_once(
    serve: Serve, browser: Browser, peer: Peer, callback: str | None
) -> None:
    peer.will(TOKEN)
    site = serve(("/", page(peer, lambda self: self.authenticate_redirect(callback))), **SETTINGS)
    got = await browser.get(site + "/")
    assert got.headers["Location"] == peer.url("/oauth/authenticate?oauth_token=t")
    assert "HttpOnly" in got.headers["Set-Cookie"]
    asked = query_of(peer.requests[0].target).get("oauth_callback")
    assert asked == (callback and site + callback)


@pytest.mark.parametrize("missing", list(SETTINGS))
async def test_settings_that_are_missing_are_named(
    serve: Serve, browser: Browser, peer: Peer, missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {name: value for name, value in SETTINGS.items() if name != missing}
    site = serve(("/", page(peer, lambda self: self.authenticate_redirect())), **settings)
    assert (await browser.get(site + "/")).code == 500
    assert f"You must define the '{missing}' setting in your application to use Twitter OAuth" in caplog.text


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b'{"screen_name": "al", "name": "Al"}',
         {"screen_name": "al", "name": "Al", "username": "al",
          "access_token": {"key": "t", "secret": "ts", "user_id": "3"}}),
        (b"null", "Error getting user"),
        (b"{}", "Error getting user"),
        (b"[1]", "Twitter's answer to a request for the user has no screen_name"),
        (b'{"errors": []}', "Twitter's answer to a request for the user has no screen_name"),
        (b"<", "The provider's answer to a request for data is not JSON"),
    ],
)  # fmt: skip
async def test_the_user(serve: Serve, browser: Browser, peer: Peer, answer: bytes, found: object) -> None:
    peer.will(TOKEN).will(response(answer))
    site = serve(("/", page(peer, lambda self: self.get_authenticated_user())), **SETTINGS)
    got = json_decode(
        (await browser.get(site + "/?oauth_token=rt&oauth_verifier=1", headers=cookie(b"rt", b"rs"))).body
    )
    assert got.get("result", got.get("message")) == found
    assert peer.requests[1].target.startswith("/1.1/account/verify_credentials.json?oauth_consumer_key=k&")


@pytest.mark.parametrize(
    ("arguments", "line", "body", "signed"),
    [
        (("/statuses/update", {"key": "t", "secret": "ts"}, {"status": "ü b"}),
         "POST /1.1/statuses/update.json?oauth_consumer_key=k&", b"status=%C3%BC+b", True),
        (("/show", {"key": "t", "secret": "ts"}), "GET /1.1/show.json?a=b&oauth_consumer_key=k&", b"", True),
        (("/show", None), "GET /1.1/show.json?a=b HTTP/1.1", b"", False),
        (("/show", {}, {}), "POST /1.1/show.json?a=b HTTP/1.1", b"", False),
    ],
)  # fmt: skip
async def test_requests(
    serve: Serve, browser: Browser, peer: Peer, arguments: Any, line: str, body: bytes, signed: bool
) -> None:
    peer.will(response(b"3"))
    more = {} if arguments[0] == "/statuses/update" else {"a": "b"}
    site = serve(("/", page(peer, lambda self: self.twitter_request(*arguments, **more))), **SETTINGS)
    assert json_decode((await browser.get(site + "/")).body) == {"result": 3}
    [request] = peer.requests
    assert request.line.startswith(line)
    assert request.body == body
    assert ("oauth_signature" in query_of(request.target)) == signed


async def test_a_refusal_keeps_its_status(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(response(b'{"errors": [{"code": 187}]}', 403))
    site = serve(("/", page(peer, lambda self: self.twitter_request("/x", None))), **SETTINGS)
    got = await browser.get(site + "/")
    assert json_decode(got.body) == {
        "error": "ProviderError",
        "message": "HTTP 403: Forbidden: the provider refused data",
    }
