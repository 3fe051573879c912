"""OAuth 1.0 and 1.0a, request by request, with a provider that answers as a test says."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from framework.auth import AuthError, OAuthMixin, ProviderError
from framework.auth.signature import base_string, hmac_sha1
from framework.escape import json_decode
from framework.httpclient import AsyncHTTPClient, HTTPClientError
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.httpclient.peer import HANG, NOW, Peer, response

TOKEN = response(b"oauth_token=r%26t&oauth_token_secret=r+s%C3%BC&oauth_callback_confirmed=true")


def page(peer: Peer, **attributes: Any) -> type[SignIn]:
    """A page of an application whose provider is ``peer``; its work is `begin` unless a test says otherwise."""

    class Page(SignIn, OAuthMixin):
        _OAUTH_REQUEST_TOKEN_URL = peer.url("/request_token")
        _OAUTH_AUTHORIZE_URL = peer.url("/authorize?lang=de")
        _OAUTH_ACCESS_TOKEN_URL = peer.url("/access_token")

        def _oauth_consumer_token(self) -> dict[str, Any]:
            return {"key": "consumer", "secret": "consumer secret"}

        async def _oauth_get_user_future(self, access_token: dict[str, Any]) -> dict[str, Any]:
            return {"name": "alice"}

        async def work(self) -> Any:
            return await self.authorize_redirect()

    return type("Page", (Page,), attributes)


def work(*arguments: Any, **named: Any) -> Any:
    """Work that begins a sign-in."""

    async def begin(self: Any) -> Any:
        return await self.authorize_redirect(*arguments, **named)

    return begin


async def end(self: Any) -> Any:
    """Work that ends a sign-in."""
    return await self.get_authenticated_user()


def cookie(key: bytes, secret: bytes) -> dict[str, str]:
    """The header of a browser that was sent to the provider."""
    value = b"|".join(map(base64.b64encode, (key, secret))).decode()
    return {"Cookie": f'_oauth_request_token="{value}"'}


def check_signature(url: str, secret: str = "") -> dict[str, str]:
    """The parameters of a request but for the signature, which must be right."""
    arguments = query_of(url)
    signature = arguments.pop("oauth_signature")
    text = base_string("GET", url.split("?")[0], arguments.items())
    assert signature == hmac_sha1(text, "consumer secret", secret)
    return arguments


async def test_the_redirect_has_the_request_token_and_the_cookie_its_secret(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    peer.will(TOKEN)
    got = await browser.get(serve(("/login", page(peer))) + "/login")
    assert got.code == 302
    assert got.headers["Location"] == peer.url("/authorize?lang=de&oauth_token=r%26t")
    key, secret = base64.b64encode(b"r&t").decode(), base64.b64encode("r sü".encode()).decode()
    assert got.headers.get_list("Set-Cookie") == [
        f'_oauth_request_token="{key}|{secret}"; HttpOnly; Path=/',
    ]
    [request] = peer.requests
    assert (request.method, request.body) == ("GET", b"")
    arguments = check_signature(peer.url(request.target))
    assert list(arguments) == [
        *("oauth_consumer_key", "oauth_signature_method", "oauth_timestamp", "oauth_nonce", "oauth_version"),
    ]
    assert arguments["oauth_consumer_key"] == "consumer"
    assert (arguments["oauth_signature_method"], arguments["oauth_version"]) == ("HMAC-SHA1", "1.0")


async def test_nonces_are_not_used_twice(serve: Serve, browser: Browser, peer: Peer) -> None:
    site = serve(("/login", page(peer)))
    for _ in range(3):
        peer.will(TOKEN)
        await browser.get(site + "/login")
    assert len({query_of(request.target)["oauth_nonce"] for request in peer.requests}) == 3


async def test_the_cookie_of_a_secure_page_stays_on_secure_connections(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    peer.will(TOKEN)
    site = serve(("/login", page(peer)), xheaders=True)
    got = await browser.get(site + "/login", headers={"X-Forwarded-Proto": "https"})
    assert got.headers["Set-Cookie"].endswith("; HttpOnly; Path=/; Secure")


@pytest.mark.parametrize(
    ("version", "callback", "asked", "redirected"),
    [
        ("1.0a", "cb?x=1", "SITE/a/cb?x=1", "SITE/a/cb?x=1"),
        ("1.0a", "http://other.example/ü", "http://other.example/ü", "http://other.example/ü"),
        ("1.0a", "", None, None),
        # Before 1.0a the callback came with the redirect only, so that somebody could put in another.
        ("1.0", "/cb", None, "SITE/cb"),
    ],
)
async def test_callbacks(
    serve: Serve,
    browser: Browser,
    peer: Peer,
    version: str,
    callback: str,
    asked: str | None,
    redirected: str | None,
) -> None:
    peer.will(TOKEN)
    login = page(peer, _OAUTH_VERSION=version, work=work(callback, {"extra": "e"}))
    site = serve(("/a/b", login))
    got = await browser.get(site + "/a/b")
    arguments = check_signature(peer.url(peer.requests[0].target))
    assert arguments.get("oauth_callback") == (asked and asked.replace("SITE", site))
    assert arguments.get("extra") == ("e" if version == "1.0a" else None)
    wanted = redirected and redirected.replace("SITE", site)
    assert query_of(got.headers["Location"]).get("oauth_callback") == wanted


@pytest.mark.parametrize("version", ["1.0", "1.0a"])
async def test_out_of_band_the_address_is_the_answer(
    serve: Serve, browser: Browser, peer: Peer, version: str
) -> None:
    peer.will(TOKEN)
    got = await browser.get(serve(("/", page(peer, _OAUTH_VERSION=version, work=work("oob")))) + "/")
    assert (got.code, got.body.decode()) == (200, peer.url("/authorize?lang=de&oauth_token=r%26t"))
    asked = query_of(peer.requests[0].target).get("oauth_callback")
    assert asked == ("oob" if version == "1.0a" else None)
    assert "_oauth_request_token" in got.headers["Set-Cookie"]


async def test_a_provider_without_callbacks_is_given_none(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(TOKEN)
    site = serve(
        ("/with", page(peer, _OAUTH_NO_CALLBACKS=True, work=work("/cb"))),
        ("/without", page(peer, _OAUTH_NO_CALLBACKS=True)),
    )
    answer = json_decode((await browser.get(site + "/with")).body)
    assert answer == {"error": "AuthError", "message": "This service does not support oauth_callback"}
    assert not peer.requests
    assert (await browser.get(site + "/without")).code == 302


async def test_the_user_is_that_of_the_access_token(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(response(b"oauth_token=at&oauth_token_secret=as&screen_name=a&screen_name=b&blank=&x=%C3%BC"))
    site = serve(("/", page(peer, work=end)))
    got = await browser.get(site + "/?oauth_token=r%26t&oauth_verifier=v+%26", headers=cookie(b"r&t", b"rs"))
    token = {"key": "at", "secret": "as", "screen_name": "a", "x": "ü"}
    assert json_decode(got.body)["result"] == {"name": "alice", "access_token": token}
    # The cookie has served.
    assert got.headers["Set-Cookie"].startswith('_oauth_request_token=""; expires=')
    arguments = check_signature(peer.url(peer.requests[0].target), "rs")
    assert list(arguments)[:2] == ["oauth_consumer_key", "oauth_token"]
    assert (arguments["oauth_token"], arguments["oauth_verifier"]) == ("r&t", "v &")


async def test_without_a_verifier_none_is_sent(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(TOKEN)
    await browser.get(serve(("/", page(peer, work=end))) + "/?oauth_token=rt", headers=cookie(b"rt", b"rs"))
    assert "oauth_verifier" not in query_of(peer.requests[0].target)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "Missing OAuth request token cookie"),
        ({"Cookie": "_oauth_request_token="}, "Missing OAuth request token cookie"),
        ({"Cookie": "_oauth_request_token=abc"}, "Malformed OAuth request token cookie"),
        ({"Cookie": "_oauth_request_token=abc|de"}, "Malformed OAuth request token cookie"),
        ({"Cookie": "_oauth_request_token=YQ==|YQ==|YQ=="}, "Malformed OAuth request token cookie"),
        ({"Cookie": "_oauth_request_token=\xfc|YQ=="}, "Malformed OAuth request token cookie"),
        (cookie(b"other", b"rs"), "Request token does not match cookie"),
        (cookie(b"", b""), "Request token does not match cookie"),
        (cookie(b"\xff", b""), "Request token does not match cookie"),
    ],
)
async def test_a_foreign_browser_is_refused(
    serve: Serve, browser: Browser, peer: Peer, sent: dict[str, str], message: str
) -> None:
    site = serve(("/", page(peer, work=end)))
    got = await browser.get(site + "/?oauth_token=rt", headers=sent)
    assert json_decode(got.body) == {"error": "AuthError", "message": message}
    assert not peer.requests


async def test_a_page_that_nobody_was_sent_back_to_misses_its_argument(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    site = serve(("/", page(peer, work=end)))
    assert (await browser.get(site + "/?denied=rt", headers=cookie(b"rt", b"rs"))).code == 400


async def _nobody(self: object, access_token: dict[str, Any]) -> Any:
    return None


async def test_a_provider_that_knows_no_user(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(TOKEN)
    login = page(peer, work=end, _oauth_get_user_future=_nobody)
    got = await browser.get(serve(("/", login)) + "/?oauth_token=rt", headers=cookie(b"rt", b"rs"))
    assert json_decode(got.body)["message"] == "Error getting user"


NO_TOKEN = "The provider's answer to a request for {what} has no oauth_token"
REFUSED = ": the provider refused {what}"


@pytest.mark.parametrize("path", ["/begin", "/end?oauth_token=rt"])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (response(b""), NO_TOKEN),
        (response(b"<html><body>Try later!</body></html>"), NO_TOKEN),
        (response(b'{"oauth_token": "t"}'), NO_TOKEN),
        (response(b"oauth_token=secret-token"), NO_TOKEN + "_secret"),
        (response(b"oauth_token=&oauth_token_secret=secret-token"), NO_TOKEN),
        (response(b"oauth_token=secret-token%ff&oauth_token_secret=\xff"), NO_TOKEN),
        (response(b"a=secret-token&" * 2000 + b"oauth_token=t&oauth_token_secret=s"), NO_TOKEN),
        (response(b"secret-token", 400), "HTTP 400: Bad Request" + REFUSED),
        (response(b'{"error": "invalid_request"}', 401), "HTTP 401: Unauthorized" + REFUSED + " (invalid_request)"),
        (response(b'{"error": "<secret-token>"}', 403), "HTTP 403: Forbidden" + REFUSED),
        (response(b'{"error": 7}', 418, reason="secret-token"), "HTTP 418: I'm a Teapot" + REFUSED),
        (response(b"[" * 100_000, 500), "HTTP 500: Internal Server Error" + REFUSED),
        (response(b"[]", 777, reason="secret-token"), "HTTP 777: Unknown" + REFUSED),
    ],
)  # fmt: skip
async def test_a_provider_that_answers_nonsense(
    serve: Serve, browser: Browser, peer: Peer, path: str, answer: bytes, message: str
) -> None:
    peer.will(answer)
    site = serve(("/begin", page(peer)), ("/end", page(peer, work=end)))
    got = await browser.get(site + path, headers=cookie(b"rt", b"secret-token"))
    what = "a request token" if path == "/begin" else "an access token"
    assert got.code == 403
    assert json_decode(got.body)["message"] == message.format(what=what)


async def test_a_provider_that_is_not_there(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(NOW, close=True)
    site = serve(
        ("/closes", page(peer)),
        ("/nobody", page(peer, _OAUTH_REQUEST_TOKEN_URL="http://127.0.0.1:1/x")),
    )
    for path in ("/closes", "/nobody"):
        answer = json_decode((await browser.get(site + path)).body)
        assert answer["error"] == "ProviderError"
        assert answer["message"].startswith(
            "HTTP 599: The provider could not be asked for a request token: "
        ), answer


async def test_a_provider_that_stalls_is_given_up(serve: Serve, browser: Browser, peer: Peer) -> None:
    client = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 0.05})

    def own(self: object) -> AsyncHTTPClient:
        return client

    peer.will(HANG)
    answer = json_decode((await browser.get(serve(("/", page(peer, get_auth_http_client=own))) + "/")).body)
    client.close()
    assert answer["error"] == "ProviderError"
    assert "Timeout" in answer["message"]


async def test_errors_of_the_provider_are_those_of_the_client_as_well(peer: Peer) -> None:
    error = ProviderError(401, "refused", None)
    assert isinstance(error, AuthError) and isinstance(error, HTTPClientError)
    assert (error.code, error.message, str(error)) == (401, "refused", "HTTP 401: refused")


async def test_secrets_are_not_logged_with_an_error(
    serve: Serve, browser: Browser, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    login = page(peer, work=end)
    # As it would be in an application: nobody catches the error.
    login.get = end  # type: ignore[method-assign]
    site = serve(("/", login))
    peer.will(response(b"oauth_token=fresh-secret", 200)).will(response(b"fresh-secret", 401))
    for _ in range(2):
        got = await browser.get(site + "/?oauth_token=rt", headers=cookie(b"rt", b"token-secret"))
        assert got.code == 500
        assert b"secret" not in got.body
    assert "AuthError" in caplog.text and "ProviderError" in caplog.text
    assert "fresh-secret" not in caplog.text
    assert "token-secret" not in caplog.text
    assert "consumer secret" not in caplog.text
    assert "oauth_signature" not in caplog.text


async def test_what_a_mixin_has_to_define_is_named() -> None:
    with pytest.raises(NotImplementedError, match="OAuthMixin has to define _oauth_consumer_token"):
        OAuthMixin()._oauth_consumer_token()
    with pytest.raises(NotImplementedError, match="OAuthMixin has to define _oauth_get_user_future"):
        await OAuthMixin()._oauth_get_user_future({})


def test_keys_may_be_bytes() -> None:
    class Mixin(OAuthMixin):
        def _oauth_consumer_token(self) -> dict[str, Any]:
            return {"key": b"ck", "secret": b"cs"}

    token = {"key": b"tk", "secret": b"ts"}
    made = Mixin()._oauth_request_parameters("http://h/p", token, {"n": 3, "b": b"\xff"}, method="post")
    signature = made.pop("oauth_signature")
    assert (made["oauth_consumer_key"], made["oauth_token"]) == ("ck", "tk")
    text = base_string("POST", "http://h/p", [*made.items(), ("n", "3"), ("b", b"\xff")])
    assert signature == hmac_sha1(text, "cs", "ts")
