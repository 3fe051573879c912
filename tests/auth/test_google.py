"""Sign-in with Google: what is asked, and what comes of the answers."""

from __future__ import annotations

from typing import Any

import pytest

from framework.auth import GoogleOAuth2Mixin
from framework.escape import json_decode
from framework.gen import coroutine
from framework.web import RequestHandler
from tests.auth.browser import Browser, SignIn
from tests.auth.conftest import Serve
from tests.httpclient.peer import Peer, response

SETTINGS = {"google_oauth": {"key": "K", "secret": "S&"}}


def page(peer: Peer, *arguments: Any, **attributes: Any) -> type[SignIn]:
    """A page that asks ``peer`` for tokens."""

    async def work(self: Any) -> Any:
        return await self.get_authenticated_user(*arguments)

    class Page(SignIn, GoogleOAuth2Mixin):
        _OAUTH_ACCESS_TOKEN_URL = peer.url("/token")

    return type("Page", (Page,), {"work": work, **attributes})


def test_the_endpoints_are_googles() -> None:
    assert GoogleOAuth2Mixin._OAUTH_AUTHORIZE_URL == "https://accounts.google.com/o/oauth2/v2/auth"
    assert GoogleOAuth2Mixin._OAUTH_ACCESS_TOKEN_URL == "https://www.googleapis.com/oauth2/v4/token"
    assert GoogleOAuth2Mixin._OAUTH_USERINFO_URL == "https://www.googleapis.com/oauth2/v1/userinfo"


@pytest.mark.parametrize(
    ("own", "form"),
    [
        ((), b"client_id=K&client_secret=S%26"),
        (("other", "hidden"), b"client_id=other&client_secret=hidden"),
        (("other",), b"client_id=other&client_secret=S%26"),
        ((None, "hidden"), b"client_id=K&client_secret=hidden"),
    ],
)
async def test_a_code_is_changed_for_tokens(
    serve: Serve, browser: Browser, peer: Peer, own: tuple[str, ...], form: bytes
) -> None:
    peer.will(response(b'{"access_token": "t", "expires_in": 3599, "id_token": "x.y.z"}'))
    site = serve(("/", page(peer, "http://h/cb", "co de", *own)), **SETTINGS)
    got = await browser.get(site + "/")
    assert json_decode(got.body)["result"] == {
        "access_token": "t",
        "expires_in": 3599,
        "id_token": "x.y.z",
    }
    [request] = peer.requests
    assert (request.line, request["Content-Type"]) == (
        "POST /token HTTP/1.1",
        "application/x-www-form-urlencoded",
    )
    assert request.body == (
        b"redirect_uri=http%3A%2F%2Fh%2Fcb&code=co+de&" + form + b"&grant_type=authorization_code"
    )


@pytest.mark.parametrize("settings", [{}, {"google_oauth": {}}])
async def test_settings_that_are_missing_are_named(
    serve: Serve,
    browser: Browser,
    peer: Peer,
    settings: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = serve(("/", page(peer, "http://h/cb", "code")), **settings)
    assert (await browser.get(site + "/")).code == 500
    assert "You must define the 'google_oauth' setting in your application" in caplog.text


async def test_settings_may_come_from_elsewhere(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(response(b'{"access_token": "t"}')).will(response(b'{"access_token": "t"}'))

    def ours(self: object) -> dict[str, str]:
        return {"key": "A", "secret": "B"}

    site = serve(
        ("/method", page(peer, "r", "c", get_google_oauth_settings=ours)),
        ("/key", page(peer, "r", "c", _OAUTH_SETTINGS_KEY="other")),
        other={"key": "C", "secret": "D"},
    )
    for path in ("/method", "/key"):
        assert (await browser.get(site + path)).code == 200
    assert [b"client_id=A&client_secret=B" in peer.requests[0].body] == [True]
    assert [b"client_id=C&client_secret=D" in peer.requests[1].body] == [True]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (response(b'{"error": "invalid_grant", "error_description": "co de"}', 400),
         "HTTP 400: Bad Request: the provider refused an access token (invalid_grant)"),
        (response(b'{"error": "invalid_grant"}'), "The provider refused an access token (invalid_grant)"),
        (response(b'{"error": "see co de"}'), "The provider refused an access token"),
        (response(b"[]"), "The provider's answer to a request for an access token is not a JSON object"),
        (response(b"null"), "The provider's answer to a request for an access token is not a JSON object"),
        (response(b"<html>"), "The provider's answer to a request for an access token is not JSON"),
        (response(b"{}"), "Google's answer to a request for an access token has none"),
    ],
)  # fmt: skip
async def test_a_refusal(serve: Serve, browser: Browser, peer: Peer, answer: bytes, message: str) -> None:
    peer.will(answer)
    got = await browser.get(serve(("/", page(peer, "http://h/cb", "co de")), **SETTINGS) + "/")
    assert json_decode(got.body)["message"] == message


async def test_the_coroutine_of_the_documents(serve: Serve, browser: Browser, peer: Peer) -> None:
    class Login(RequestHandler, GoogleOAuth2Mixin):
        _OAUTH_ACCESS_TOKEN_URL = peer.url("/token")

        @coroutine
        def get(self) -> Any:
            if self.get_argument("code", False):
                user = yield self.get_authenticated_user(
                    redirect_uri="http://your.site.com/auth/google", code=self.get_argument("code")
                )
                self.write(user)
            else:
                yield self.authorize_redirect(  # type: ignore[func-returns-value]  # it does not matter
                    redirect_uri="http://your.site.com/auth/google",
                    client_id=self.settings["google_oauth"]["key"],
                    scope=["profile", "email"],
                    response_type="code",
                    extra_params={"approval_prompt": "auto"},
                )

    site = serve(("/", Login), **SETTINGS)
    got = await browser.get(site + "/")
    assert got.headers["Location"] == (
        "https://accounts.google.com/o/oauth2/v2/auth?response_type=code"
        "&redirect_uri=http%3A%2F%2Fyour.site.com%2Fauth%2Fgoogle&client_id=K&approval_prompt=auto"
        "&scope=profile+email"
    )
    peer.will(response(b'{"access_token": "t"}'))
    assert json_decode((await browser.get(site + "/?code=c")).body) == {"access_token": "t"}


async def test_with_state_a_code_that_nobody_asked_for_is_not_used(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    site = serve(("/", page(peer, "r", "c", _OAUTH_STATE=True)), cookie_secret="s", **SETTINGS)
    got = await browser.get(site + "/?state=x")
    assert "the state is missing" in json_decode(got.body)["message"]
    assert not peer.requests
