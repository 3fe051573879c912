"""OpenID Connect from the first redirect to the end of the session, against a provider made with Authlib."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from framework.auth import OpenIDConnectMixin, OpenIDProvider
from framework.auth.oidc import SignInRefused
from framework.escape import json_decode
from framework.session import MemoryStore, SessionBaseHandler
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve
from tests.servers import ProviderServer

pytestmark = pytest.mark.both_loops

BACK = "http://site.example/back"


@pytest.fixture(scope="module")
def real() -> Iterator[ProviderServer]:
    """The provider."""
    with ProviderServer(BACK) as server:
        yield server


@pytest.fixture
def known(real: ProviderServer) -> OpenIDProvider:
    """The application's registration with it."""
    return OpenIDProvider(real.issuer, real.client_id, real.client_secret)


@pytest.fixture
def site(serve: Serve, known: OpenIDProvider) -> str:
    class Begin(OpenIDConnectMixin, SignIn, SessionBaseHandler):
        async def work(self) -> Any:
            await self.authorize_redirect(BACK)

    class Back(OpenIDConnectMixin, SignIn, SessionBaseHandler):
        async def work(self) -> Any:
            user = await self.get_authenticated_user(userinfo=True)
            if not user.tokens.refresh_token or not user.tokens.id_token:
                raise RuntimeError("tokens are missing")
            new = await self.refresh(user.tokens.refresh_token, user.subject)
            with pytest.raises(SignInRefused, match="invalid_grant"):
                # Each is good once.
                await self.refresh(user.tokens.refresh_token, user.subject)
            end = await self.get_openid_provider().end_session_url(
                id_token=user.tokens.id_token, post_logout_redirect_uri="http://site.example/", state="bye"
            )
            return {
                "claims": user.claims,
                "new": new.access_token != user.tokens.access_token and new.id_token is not None,
                "end": end,
            }

    return serve(
        ("/sign-in", Begin),
        ("/back", Back),
        openid_connect=known,
        session=MemoryStore(),
        cookie_secret="a secret",
    )


async def answer_of(browser: Browser, real: ProviderServer, location: str, **fields: str) -> dict[str, str]:
    """Answer the provider's form, and return the fields with which it sends the browser back."""
    assert (await browser.get(location)).code == 200
    form = {"name": "ada", "password": real.password, "action": "sign-in"} | fields
    response = await browser.get(location, method="POST", body=urlencode(form))
    assert response.code == 302, response.body
    assert response.headers["Location"].startswith(BACK)
    return query_of(response.headers["Location"])


async def test_a_user_signs_in_and_out(browser: Browser, real: ProviderServer, site: str) -> None:
    location = (await browser.get(f"{site}/sign-in")).headers["Location"]
    wrong = await browser.get(location, method="POST", body=urlencode({"name": "ada", "password": "x"}))
    assert wrong.code == 403
    answer = await answer_of(browser, real, location)
    assert answer["iss"] == real.issuer
    found = json_decode((await browser.get(f"{site}/back?{urlencode(answer)}")).body)["result"]
    claims = found["claims"]
    assert (claims["iss"], claims["sub"], claims["email"]) == (real.issuer, "ada", "ada@example.org")
    assert claims["email_verified"] is True
    assert "at_hash" in claims
    assert found["new"] is True
    ended = await browser.get(found["end"])
    assert ended.headers["Location"] == "http://site.example/?state=bye"


async def test_a_user_who_refuses(browser: Browser, real: ProviderServer, site: str) -> None:
    location = (await browser.get(f"{site}/sign-in")).headers["Location"]
    answer = await answer_of(browser, real, location, action="deny")
    assert answer["iss"] == real.issuer
    response = json_decode((await browser.get(f"{site}/back?{urlencode(answer)}")).body)
    assert (response["error"], "access_denied" in response["message"]) == ("SignInRefused", True)


async def test_a_code_is_no_use_to_who_has_not_asked_for_it(
    browser: Browser, real: ProviderServer, site: str, known: OpenIDProvider
) -> None:
    location = (await browser.get(f"{site}/sign-in")).headers["Location"]
    answer = await answer_of(browser, real, location)
    with pytest.raises(SignInRefused, match="invalid_grant"):
        await known.exchange(answer["code"], "v" * 43, BACK)


async def test_an_application_with_another_secret(browser: Browser, real: ProviderServer, site: str) -> None:
    location = (await browser.get(f"{site}/sign-in")).headers["Location"]
    answer = await answer_of(browser, real, location)
    for method in ("client_secret_basic", "client_secret_post"):
        impostor = OpenIDProvider(real.issuer, real.client_id, "not the secret", auth_method=method)
        with pytest.raises(SignInRefused, match="invalid_client"):
            await impostor.exchange(answer["code"], "v" * 43, BACK)
