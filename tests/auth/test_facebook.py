"""Sign-in with Facebook: what is asked, and what comes of the answers."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from framework.auth import FacebookGraphMixin
from framework.escape import json_decode
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.httpclient.peer import Peer, response

TOKEN = response(b'{"access_token": "at", "expires_in": 5183944}')


def page(peer: Peer, work: Any, **attributes: Any) -> type[SignIn]:
    """A page of an application for which ``peer`` is Facebook; ``work`` is a function of the page."""

    async def do(self: Any) -> Any:
        done = work(self)
        return await done if hasattr(done, "__await__") else done

    class Page(SignIn, FacebookGraphMixin):
        _OAUTH_ACCESS_TOKEN_URL = peer.url("/oauth/access_token?")
        _FACEBOOK_BASE_URL = peer.url("")

    return type("Page", (Page,), {"work": do, **attributes})


def user(self: Any) -> Any:
    """Work that ends a sign-in."""
    return self.get_authenticated_user(
        redirect_uri="http://h/cb?x", client_id="id", client_secret="secret", code="co de"
    )


def test_the_endpoints_are_facebooks() -> None:
    assert FacebookGraphMixin._OAUTH_AUTHORIZE_URL == "https://www.facebook.com/dialog/oauth?"
    assert FacebookGraphMixin._OAUTH_ACCESS_TOKEN_URL == "https://graph.facebook.com/oauth/access_token?"
    assert FacebookGraphMixin._FACEBOOK_BASE_URL == "https://graph.facebook.com"


async def test_the_redirect(serve: Serve, browser: Browser, peer: Peer) -> None:
    def work(self: Any) -> None:
        self.authorize_redirect(
            redirect_uri="/auth/", client_id="c", extra_params={"scope": "read_stream,offline_access"}
        )

    got = await browser.get(serve(("/", page(peer, work))) + "/")
    assert got.headers["Location"] == (
        "https://www.facebook.com/dialog/oauth?response_type=code&redirect_uri=%2Fauth%2F&client_id=c"
        "&scope=read_stream%2Coffline_access"
    )


async def test_the_user_and_its_token(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(TOKEN).will(response(b'{"id": "1", "name": "A", "picture": {"data": {}}, "more": 2}'))
    got = await browser.get(serve(("/", page(peer, user))) + "/")
    assert json_decode(got.body)["result"] == {
        "id": "1",
        "name": "A",
        "first_name": None,
        "last_name": None,
        "locale": None,
        "picture": {"data": {}},
        "link": None,
        "access_token": "at",
        "session_expires": "5183944",
    }
    first, second = peer.requests
    assert first.line == (
        "GET /oauth/access_token?redirect_uri=http%3A%2F%2Fh%2Fcb%3Fx&code=co+de&client_id=id"
        "&client_secret=secret HTTP/1.1"
    )
    assert second.target.startswith("/me?access_token=at&appsecret_proof=")
    arguments = query_of(second.target)
    assert arguments["appsecret_proof"] == hmac.new(b"secret", b"at", hashlib.sha256).hexdigest()
    assert arguments["fields"].split(",") == [
        *("id", "name", "first_name", "last_name", "locale", "picture", "link"),
    ]


@pytest.mark.parametrize("extra", [["email", "id"], ("email",), {"email"}, {"email": 1}])
async def test_more_fields(serve: Serve, browser: Browser, peer: Peer, extra: Any) -> None:
    peer.will(response(b'{"access_token": "at"}')).will(response(b'{"email": "a@b"}'))

    def work(self: Any) -> Any:
        return self.get_authenticated_user("r", "i", "s", "c", extra)

    found = json_decode((await browser.get(serve(("/", page(peer, work))) + "/")).body)["result"]
    assert found["email"] == "a@b"
    # As text, even where Facebook does not say.
    assert found["session_expires"] == "None"
    assert query_of(peer.requests[1].target)["fields"].endswith(",link,email")


async def test_no_user(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(TOKEN).will(response(b"null"))
    got = await browser.get(serve(("/", page(peer, user))) + "/")
    assert json_decode(got.body) == {"result": None}


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([response(b'{"error": {"message": "co de"}}', 400)],
         "HTTP 400: Bad Request: the provider refused an access token"),
        ([response(b"access_token=at&expires=5")],
         "The provider's answer to a request for an access token is not JSON"),
        ([response(b"{}")], "Facebook's answer to a request for an access token has none"),
        ([response(b'{"access_token": 3}')], "Facebook's answer to a request for an access token has none"),
        ([TOKEN, response(b"[]")], "Facebook's answer to a request for the user is not a JSON object"),
        ([TOKEN, response(b"at", 500)], "HTTP 500: Internal Server Error: the provider refused data"),
    ],
)  # fmt: skip
async def test_a_refusal(
    serve: Serve, browser: Browser, peer: Peer, answers: list[bytes], message: str
) -> None:
    for answer in answers:
        peer.will(answer)
    got = await browser.get(serve(("/", page(peer, user))) + "/")
    assert json_decode(got.body)["message"] == message


async def test_with_state_a_code_that_nobody_asked_for_is_not_used(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    site = serve(("/", page(peer, user, _OAUTH_STATE=True)), cookie_secret="s")
    assert "the state is missing" in json_decode((await browser.get(site + "/")).body)["message"]
    assert not peer.requests


async def test_requests(serve: Serve, browser: Browser, peer: Peer) -> None:
    for _ in range(2):
        peer.will(response(b'{"id": "9"}'))

    def write(self: Any) -> Any:
        return self.facebook_request("/me/feed", post_args={"message": "hi ü"}, access_token="t")

    def read(self: Any) -> Any:
        return self.facebook_request("/btaylor/picture", type="large")

    site = serve(("/write", page(peer, write)), ("/read", page(peer, read)))
    for path in ("/write", "/read"):
        assert json_decode((await browser.get(site + path)).body) == {"result": {"id": "9"}}
    written, asked = peer.requests
    assert (written.line, written.body) == (
        "POST /me/feed?access_token=t HTTP/1.1",
        b"message=hi+%C3%BC",
    )
    assert asked.line == "GET /btaylor/picture?type=large HTTP/1.1"
