"""OpenID 2 with a provider that answers as a test says. The whole way is in test_openid_real."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from framework.auth import OpenIdMixin
from framework.escape import json_decode
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.httpclient.peer import Peer, response

VALID = response(b"ns:http://specs.openid.net/auth/2.0\nis_valid:true\n")
SELECT = "http://specs.openid.net/auth/2.0/identifier_select"


def page(peer: Peer, work: Any, **attributes: Any) -> type[SignIn]:
    """A page of an application whose provider is ``peer``; ``work`` is a function of the page."""

    async def do(self: Any) -> Any:
        done = work(self)
        return await done if hasattr(done, "__await__") else done

    class Page(SignIn, OpenIdMixin):
        _OPENID_ENDPOINT = peer.url("/openid")

    return type("Page", (Page,), {"work": do, **attributes})


def end(self: Any) -> Any:
    """Work that ends a sign-in."""
    return self.get_authenticated_user()


@pytest.mark.parametrize(
    ("arguments", "return_to", "realm"),
    [
        ((), "SITE/x?y=1", "SITE/"),
        (("/cb/d?z=1&s",), "SITE/cb/d?z=1&s", "SITE/"),
        (("http://h:1/cb", []), "http://h:1/cb", "http://h:1/"),
    ],
)
async def test_the_redirect(
    serve: Serve, browser: Browser, peer: Peer, arguments: Any, return_to: str, realm: str
) -> None:
    site = serve(("/x", page(peer, lambda self: self.authenticate_redirect(*arguments))))
    got = await browser.get(site + "/x?y=1")
    assert got.code == 302 and got.headers["Location"].startswith(peer.url("/openid?openid.ns="))
    asked = query_of(got.headers["Location"])
    assert list(asked.items())[:6] == [
        ("openid.ns", "http://specs.openid.net/auth/2.0"),
        ("openid.claimed_id", SELECT),
        ("openid.identity", SELECT),
        ("openid.return_to", return_to.replace("SITE", site)),
        ("openid.realm", realm.replace("SITE", site)),
        ("openid.mode", "checkid_setup"),
    ]
    assert ("openid.ax.required" in asked) == (len(arguments) < 2)


async def test_the_endpoint_may_have_arguments_of_its_own(serve: Serve, browser: Browser, peer: Peer) -> None:
    login = page(
        peer, lambda self: self.authenticate_redirect(), _OPENID_ENDPOINT="http://p.example/o?user=a"
    )
    got = await browser.get(serve(("/", login)) + "/")
    assert got.headers["Location"].startswith("http://p.example/o?user=a&openid.ns=")


async def test_the_provider_is_asked_with_everything_that_came(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    peer.will(VALID)
    query = "openid.mode=id_res&openid.claimed_id=a&openid.claimed_id=c&openid.sig=%2B%3D+&other=%20%C3%BC%ff"
    got = await browser.get(serve(("/", page(peer, end))) + "/?" + query)
    assert json_decode(got.body) == {"result": {"claimed_id": "c"}}
    [request] = peer.requests
    assert (request.line, request["Content-Type"]) == (
        "POST /openid HTTP/1.1",
        "application/x-www-form-urlencoded",
    )
    # The last of each name, exactly as it came: it is what was signed.
    assert request.body == (
        b"openid.mode=check_authentication&openid.claimed_id=c&openid.sig=%2B%3D+&other=+%C3%BC%FF"
    )


async def test_an_answer_may_come_as_a_form(serve: Serve, browser: Browser, peer: Peer) -> None:
    peer.will(VALID)
    form = urlencode({"openid.mode": "id_res", "openid.claimed_id": "c"})
    got = await browser.get(serve(("/", page(peer, end))) + "/", method="POST", body=form)
    assert json_decode(got.body) == {"result": {"claimed_id": "c"}}
    assert ("openid.claimed_id", "c") in parse_qsl(peer.requests[0].body.decode())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (response(b"is_valid:false\n"), "Invalid OpenID response: b'is_valid:false\\n'"),
        (response(b""), "Invalid OpenID response: b''"),
        (response(b"x is_valid:true\n"), "Invalid OpenID response: b'x is_valid:true\\n'"),
        (response(b"is_valid:true!\n"), "Invalid OpenID response: b'is_valid:true!\\n'"),
        (response(b"<html>" * 1000), "Invalid OpenID response: " + repr((b"<html>" * 34)[:200])),
        (response(b"no", 404), "HTTP 404: Not Found: the provider refused a check of its OpenID response"),
    ],
)
async def test_a_provider_that_does_not_say_that_it_is_valid(
    serve: Serve, browser: Browser, peer: Peer, answer: bytes, message: str
) -> None:
    peer.will(answer)
    got = await browser.get(serve(("/", page(peer, end))) + "/?openid.mode=id_res&openid.claimed_id=c")
    assert json_decode(got.body)["message"] == message


@pytest.mark.parametrize("line_end", ["\n", "\r\n", ""])
async def test_lines_may_end_in_any_way(serve: Serve, browser: Browser, peer: Peer, line_end: str) -> None:
    peer.will(response(f"is_valid:true{line_end}".encode()))
    got = await browser.get(serve(("/", page(peer, end))) + "/?openid.mode=id_res")
    assert json_decode(got.body) == {"result": {}}


async def test_a_nonce_is_good_once_even_if_the_provider_does_not_mind(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    nonce = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}{peer.port}"
    site = serve(("/", page(peer, end)))
    url = site + "/?" + urlencode({"openid.mode": "id_res", "openid.response_nonce": nonce})
    peer.will(response(b"is_valid:false\n")).will(VALID).will(VALID)
    # Nobody can use it up with a forged answer.
    assert (await browser.get(url)).code == 403
    assert (await browser.get(url)).code == 200
    answer = json_decode((await browser.get(url)).body)
    assert answer["message"] == "Invalid OpenID response: it was used before"


@pytest.mark.parametrize(
    ("return_to", "query", "fits"),
    [
        ("SITE/", "", True),
        ("SITE", "", True),
        ("SITE/?a=b&c=", "c=&x=y&a=b", True),
        ("SITE/?a=b", "a=c", False),
        ("SITE/?a=b", "", False),
        ("SITE/x", "", False),
        ("http://other.example/", "", False),
        ("http://[", "", False),
        ("nonsense", "", False),
    ],
)
async def test_for_which_page_an_answer_is(
    serve: Serve, browser: Browser, peer: Peer, return_to: str, query: str, fits: bool
) -> None:
    peer.will(VALID)
    site = serve(("/", page(peer, end)))
    fields = {"openid.mode": "id_res", "openid.return_to": return_to.replace("SITE", site)}
    got = await browser.get(f"{site}/?{query}&{urlencode(fields)}")
    assert got.code == (200 if fits else 403)
    assert len(peer.requests) == fits


@pytest.mark.parametrize(
    ("return_to", "host", "path", "fits"),
    [
        ("https://site.example:443/cb", "site.example", "/cb", True),
        ("http://SITE.example:80/cb", "site.EXAMPLE", "/cb", True),
        ("https://site.example/ü%7E", "site.example", "/%C3%BC~", True),
        ("https://site.example:80/cb", "site.example", "/cb", False),
        ("https://site.example:8443/cb", "site.example", "/cb", False),
        ("https://site.example@evil.example/cb", "site.example", "/cb", False),
        ("https://site.example/cb/", "site.example", "/cb", False),
    ],
)
async def test_the_same_page_may_be_written_in_several_ways(
    serve: Serve, browser: Browser, peer: Peer, return_to: str, host: str, path: str, fits: bool
) -> None:
    peer.will(VALID)
    query = urlencode({"openid.mode": "id_res", "openid.return_to": return_to})
    got = await browser.get(f"{serve(('/.*', page(peer, end)))}{path}?{query}", headers={"Host": host})
    assert got.code == (200 if fits else 403)


async def test_an_application_may_know_better_for_which_page_it_is(
    serve: Serve, browser: Browser, peer: Peer
) -> None:
    peer.will(VALID)

    def check(self: object, return_to: str) -> bool:
        return return_to == "https://public.example/signin"

    login = page(peer, end, check_openid_return_to=check)
    fields = {"openid.mode": "id_res", "openid.return_to": "https://public.example/signin"}
    assert (await browser.get(f"{serve(('/', login))}/?{urlencode(fields)}")).code == 200


def test_arguments_with_an_oauth_scope() -> None:
    class Mixin(OpenIdMixin):
        class request:  # stands for a handler's
            host = "app.example:8080"

            @staticmethod
            def full_url() -> str:
                return "http://app.example:8080/a/b"

    made = Mixin()._openid_args("c", ["email"], "scope")
    assert made["openid.return_to"] == "http://app.example:8080/a/c"
    assert {name: value for name, value in made.items() if "oauth" in name} == {
        "openid.ns.oauth": "http://specs.openid.net/extensions/oauth/1.0",
        "openid.oauth.consumer": "app.example",
        "openid.oauth.scope": "scope",
    }
