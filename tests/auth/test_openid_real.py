"""OpenID 2 against a provider made with python3-openid: sign-in, and what is done to its answers on the way."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from framework.auth import OpenIdMixin
from framework.escape import json_decode
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.auth.openid_provider import OpenIdProvider

pytestmark = pytest.mark.both_loops


def pages(provider: str) -> list[tuple[str, type[SignIn]]]:
    """The application's pages for a provider at an address."""

    class Login(SignIn, OpenIdMixin):
        _OPENID_ENDPOINT = f"{provider}/openid"

        async def work(self) -> Any:
            if self.get_argument("openid.mode", None):
                return await self.get_authenticated_user()
            return self.authenticate_redirect()

    class Bare(Login):
        async def work(self) -> Any:
            if self.get_argument("openid.mode", None):
                return await self.get_authenticated_user(http_client=self.get_auth_http_client())
            return self.authenticate_redirect("bare?x=1%202", ax_attrs=[])

    return [("/login", Login), ("/bare", Bare), ("/other", Login)]


async def answer(browser: Browser, url: str) -> str:
    """The error that a page answers with."""
    page = await browser.get(url)
    assert page.code == 403, page.body
    message: str = json_decode(page.body)["message"]
    return message


async def brought_back(browser: Browser, site: str, path: str = "/login") -> tuple[str, dict[str, str]]:
    """Where the provider sends the browser, and with what."""
    to_provider = (await browser.get(site + path)).headers["Location"]
    back = (await browser.get(to_provider)).headers["Location"]
    return back.split("?")[0], query_of(back)


async def test_a_user_signs_in(serve: Serve, browser: Browser) -> None:
    provider = OpenIdProvider()
    address = serve(*provider.routes)
    site = serve(*pages(address))
    page = await browser.follow(site + "/login?next=/a%20b")
    assert page.code == 200, page.body
    assert json_decode(page.body)["result"] == {
        "claimed_id": f"{address}/alice",
        "email": "alice@example.com",
        "name": "Alice Ä",
        "first_name": "Alice",
        "last_name": "Ä",
        "locale": "de",
        "username": "al",
    }
    assert ["is_valid:true" in check for check in provider.checks] == [True]


async def test_a_user_signs_in_without_attributes_on_another_page(serve: Serve, browser: Browser) -> None:
    address = serve(*OpenIdProvider().routes)
    page = await browser.follow(serve(*pages(address)) + "/bare")
    assert json_decode(page.body)["result"] == {"claimed_id": f"{address}/alice"}
    assert "/bare?x=1%202&openid." in page.effective_url


async def test_a_user_who_declines_is_not_signed_in(serve: Serve, browser: Browser) -> None:
    provider = OpenIdProvider()
    provider.consents = False
    page = await browser.follow(serve(*pages(serve(*provider.routes))) + "/login")
    assert json_decode(page.body)["message"] == "The sign-in was cancelled at the provider"


async def test_an_answer_is_good_once(serve: Serve, browser: Browser) -> None:
    site = serve(*pages(serve(*OpenIdProvider().routes)))
    where, fields = await brought_back(browser, site)
    assert (await browser.get(f"{where}?{urlencode(fields)}")).code == 200
    assert "Invalid OpenID response" in await answer(browser, f"{where}?{urlencode(fields)}")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"openid.claimed_id": "http://127.0.0.1/bob"}, "is_valid:false"),
        ({"openid.sig": "AAAA"}, "is_valid:false"),
        ({"openid.ax.value.email.1": "bob@example.com"}, "is_valid:false"),
        ({"openid.assoc_handle": "another"}, "is_valid:false"),
        ({"openid.response_nonce": "2020-01-01T00:00:00Zabc"}, "is_valid:false"),
        # Taking a name off the list makes the signature another one, and is seen before that.
        ({"openid.signed": "assoc_handle"}, "has not signed return_to, response_nonce, claimed_id, identity"),
        ({"openid.signed": None}, "Invalid OpenID response"),
        ({"openid.sig": None, "openid.signed": None}, "Invalid OpenID response"),
        ({"openid.return_to": "http://evil.example/login"}, "another page"),
        ({"openid.return_to": "http://[::1/login"}, "another page"),
        ({"openid.mode": "setup_needed"}, "openid.mode=setup_needed"),
        ({"openid.mode": "error"}, "openid.mode=error"),
        ({"openid.mode": "cancel"}, "cancelled"),
    ],
)
async def test_a_changed_answer_is_refused(
    serve: Serve, browser: Browser, changed: dict[str, str | None], message: str
) -> None:
    site = serve(*pages(serve(*OpenIdProvider().routes)))
    where, fields = await brought_back(browser, site)
    assert "openid.ax.value.email.1" in fields
    made = {name: value for name, value in {**fields, **changed}.items() if value is not None}
    refusal = await answer(browser, f"{where}?{urlencode(made)}")
    assert message in refusal or (None in changed.values() and "HTTP 400" in refusal)


async def test_an_answer_for_another_page_or_site_is_refused(serve: Serve, browser: Browser) -> None:
    provider = OpenIdProvider()
    address = serve(*provider.routes)
    site, evil = serve(*pages(address)), serve(*pages(address))
    where, fields = await brought_back(browser, evil, "/login?a=b")
    for there in (site + "/login?", evil + "/other?", evil + "/login?a=c&"):
        fields.pop("a", None)
        assert "another page" in await answer(browser, there + urlencode(fields))
    assert not provider.checks
    assert (await browser.get(f"{where}?a=b&{urlencode(fields)}")).code == 200


async def test_attributes_that_are_not_signed_do_not_count(serve: Serve, browser: Browser) -> None:
    site = serve(*pages(serve(*OpenIdProvider().routes)))
    where, fields = await brought_back(browser, site, "/bare")
    fields.update(
        {
            "openid.ns.ax": "http://openid.net/srv/ax/1.0",
            "openid.ax.mode": "fetch_response",
            "openid.ax.type.email": "http://axschema.org/contact/email",
            "openid.ax.value.email": "bob@example.com",
        }
    )
    page = await browser.get(f"{where}?{urlencode(fields)}")
    assert set(json_decode(page.body)["result"]) == {"claimed_id"}


async def test_the_server_behind_a_proxy_with_tls_takes_its_answers(serve: Serve, browser: Browser) -> None:
    address = serve(*OpenIdProvider().routes)

    class Login(SignIn, OpenIdMixin):
        _OPENID_ENDPOINT = f"{address}/openid"

        async def work(self) -> Any:
            if self.get_argument("openid.mode", None):
                return await self.get_authenticated_user()
            return self.authenticate_redirect(f"https://{self.request.host}/login")

    site = serve(("/login", Login))
    _, fields = await brought_back(browser, site)
    assert fields["openid.return_to"].startswith("https://")
    assert (await browser.get(f"{site}/login?{urlencode(fields)}")).code == 200
