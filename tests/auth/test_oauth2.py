"""OAuth 2: the redirect, requests, and state, with a provider that answers as a test says."""

from __future__ import annotations

from typing import Any

import pytest

from framework.auth import OAuth2Mixin
from framework.escape import json_decode
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.httpclient.peer import Peer, response


def page(peer: Peer, work: Any, **attributes: Any) -> type[SignIn]:
    """A page of an application whose provider is ``peer``; ``work`` is a function of the page."""

    async def do(self: Any) -> Any:
        done = work(self)
        return await done if hasattr(done, "__await__") else done

    class Page(SignIn, OAuth2Mixin):
        _OAUTH_AUTHORIZE_URL = "https://provider.example/authorize?x=y"
        _OAUTH_ACCESS_TOKEN_URL = peer.url("/token")

    return type("Page", (Page,), {"work": do, **attributes})


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({}, "response_type=code"),
        (
            {"redirect_uri": "http://h/cb?q=ü", "client_id": "c d", "client_secret": "hidden"},
            "response_type=code&redirect_uri=http%3A%2F%2Fh%2Fcb%3Fq%3D%C3%BC&client_id=c+d",
        ),
        ({"client_id": "c", "scope": ["a", "b c"], "response_type": "token"},
         "response_type=token&client_id=c&scope=a+b+c"),
        ({"extra_params": {"foo": "bar", "response_type": "id_token", "state": "s"}, "scope": []},
         "response_type=id_token&foo=bar&state=s"),
        ({"redirect_uri": "", "client_id": "", "extra_params": {}}, "response_type=code&redirect_uri=&client_id="),
    ],
)  # fmt: skip
async def test_the_redirect(
    serve: Serve, browser: Browser, peer: Peer, arguments: dict[str, Any], query: str
) -> None:
    site = serve(("/", page(peer, lambda self: self.authorize_redirect(**arguments))))
    got = await browser.get(site + "/")
    assert got.code == 302
    assert got.headers["Location"] == "https://provider.example/authorize?x=y&" + query
    assert "Set-Cookie" not in got.headers


async def test_state_is_made_by_the_redirect_alone(
    serve: Serve, browser: Browser, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    site = serve(
        (
            "/",
            page(peer, lambda self: self.authorize_redirect(extra_params={"state": "s"}), _OAUTH_STATE=True),
        ),
        cookie_secret="secret",
    )
    assert (await browser.get(site + "/")).code == 500
    assert "with _OAUTH_STATE the state is made by authorize_redirect" in caplog.text


async def test_state_needs_the_cookie_secret(
    serve: Serve, browser: Browser, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    site = serve(("/", page(peer, lambda self: self.authorize_redirect(), _OAUTH_STATE=True)))
    assert (await browser.get(site + "/")).code == 500
    assert "cookie_secret" in caplog.text


async def test_a_mixin_of_ones_own_checks_the_state(
    serve: Serve, browser: Browser, stranger: Browser, peer: Peer
) -> None:
    def check(self: Any) -> str:
        self.check_state()
        return "it is"

    site = serve(
        ("/begin", page(peer, lambda self: self.authorize_redirect(), _OAUTH_STATE=True)),
        ("/end", page(peer, check, _OAUTH_STATE=True)),
        ("/unchecked", page(peer, check)),
        cookie_secret="secret",
        xheaders=True,
    )
    begun = await browser.get(site + "/begin", headers={"X-Forwarded-Proto": "https"})
    # The jar does not give it back to this insecure page.
    cookie = begun.headers["Set-Cookie"]
    assert "; Secure" in cookie
    state = query_of(begun.headers["Location"])["state"]
    sent = {"Cookie": cookie.split(";")[0]}
    assert json_decode((await stranger.get(f"{site}/end?state={state}", headers=sent)).body) == {
        "result": "it is"
    }
    for query in (
        "",
        "?state=",
        f"?state={state[:-1]}",
        f"?state={state}x",
        f"?state={state}%20",
        "?state=ü",
    ):
        assert (await stranger.get(f"{site}/end{query}", headers=sent)).code == 403
    forged = {"Cookie": f"_oauth_state={state}"}
    assert (await stranger.get(f"{site}/end?state={state}", headers=forged)).code == 403
    assert (await stranger.get(site + "/unchecked")).code == 200


async def test_a_state_grows_old(
    serve: Serve, browser: Browser, stranger: Browser, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(self: Any) -> str:
        self.check_state()
        return "it is"

    site = serve(
        ("/begin", page(peer, lambda self: self.authorize_redirect(), _OAUTH_STATE=True)),
        ("/end", page(peer, check, _OAUTH_STATE=True)),
        cookie_secret="secret",
    )
    begun = await browser.get(site + "/begin")
    sent = {"Cookie": begun.headers["Set-Cookie"].split(";")[0]}
    url = f"{site}/end?state={query_of(begun.headers['Location'])['state']}"
    assert (await stranger.get(url, headers=sent)).code == 200
    monkeypatch.setattr("framework.auth.oauth2._STATE_AGE", -10)
    assert "too long ago" in json_decode((await stranger.get(url, headers=sent)).body)["message"]


@pytest.mark.parametrize(
    ("url", "arguments", "target", "body"),
    [
        ("/api", {}, "/api", None),
        ("/api?x=y", {"access_token": "t&", "a": "b", "c": 1, "d": "ü &"},
         "/api?x=y&access_token=t%26&a=b&c=1&d=%C3%BC+%26", None),
        ("/api?", {"a": "b"}, "/api?a=b", None),
        ("/api?x&", {"a": "b"}, "/api?x&a=b", None),
        # Without a token as well.
        ("/api", {"type": "large"}, "/api?type=large", None),
        ("/api", {"access_token": "t", "post_args": {"m": "ü", "n": 3}, "a": "b"},
         "/api?access_token=t&a=b", b"m=%C3%BC&n=3"),
        ("/api", {"post_args": {}}, "/api", b""),
    ],
)  # fmt: skip
async def test_requests(
    serve: Serve,
    browser: Browser,
    peer: Peer,
    url: str,
    arguments: dict[str, Any],
    target: str,
    body: bytes | None,
) -> None:
    peer.will(response(b'[1, {"a": null}]'))
    site = serve(("/", page(peer, lambda self: self.oauth2_request(peer.url(url), **arguments))))
    got = await browser.get(site + "/")
    assert json_decode(got.body) == {"result": [1, {"a": None}]}
    [request] = peer.requests
    assert (request.method, request.target) == ("GET" if body is None else "POST", target)
    assert request.body == (body or b"")
    if body is not None:
        assert request["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (response(b"<html>secret"), "AuthError", "The provider's answer to a request for data is not JSON"),
        (response(b'"secret'), "AuthError", "The provider's answer to a request for data is not JSON"),
        (response(b"\xff"), "AuthError", "The provider's answer to a request for data is not JSON"),
        (response(b"[" * 200_000), "AuthError", "The provider's answer to a request for data is not JSON"),
        (response(b'{"error": {"message": "secret"}}', 403), "ProviderError",
         "HTTP 403: Forbidden: the provider refused data"),
    ],
)  # fmt: skip
async def test_answers_that_are_none(
    serve: Serve, browser: Browser, peer: Peer, answer: bytes, kind: str, message: str
) -> None:
    peer.will(answer)
    site = serve(("/", page(peer, lambda self: self.oauth2_request(peer.url("/api"), access_token="secret"))))
    got = await browser.get(site + "/")
    assert json_decode(got.body) == {"error": kind, "message": message}


async def test_an_object_that_speaks_of_an_error_is_an_answer(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    # An API may mean by it what it likes; only where a token is asked for it is one.
    peer.will(response(b'{"error": "x"}'))
    site = serve(("/", page(peer, lambda self: self.oauth2_request(peer.url("/api")))))
    assert json_decode((await browser.get(site + "/")).body) == {"result": {"error": "x"}}


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ((), ""),
        (("http://r", "c", "s", "co de", {"x": "y"}),
         "?redirect_uri=http%3A%2F%2Fr&code=co+de&client_id=c&client_secret=s&x=y"),
    ],
)  # fmt: skip
def test_the_address_of_the_token(arguments: Any, query: str) -> None:
    class Mixin(OAuth2Mixin):
        _OAUTH_ACCESS_TOKEN_URL = "http://p/token"

    assert Mixin()._oauth_request_token_url(*arguments) == "http://p/token" + query
