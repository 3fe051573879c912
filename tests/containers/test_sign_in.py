"""Signing in with the provider's container: by way of nginx, as a browser does, at four servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.browser import Page
from tests.containers.compose import ROOT, Compose
from tests.integration.client import Answer, Client, eventually


@pytest.fixture
def visitor(stack: Compose) -> Iterator[Client]:
    """A client of the site under the name that the provider knows it by."""
    with Client(f"http://localhost:{urlsplit(stack.base_url).port}") as client:
        yield client


def path_of(answer: Answer, visitor: Client) -> str:
    """Where an answer sends the browser: on this site, provider included."""
    location = answer.headers["Location"]
    assert location is not None, answer
    if location.startswith("http"):
        assert location.startswith(f"{visitor.base_url}/")
    return location.removeprefix(visitor.base_url)


def sign_in(visitor: Client, name: str) -> Answer:
    """Go to the provider, type name and password, and come back."""
    form = path_of(visitor.get("/sign-in?next=/account/info"), visitor)
    assert form.startswith("/provider/authorize?")
    page = visitor.get(form)
    assert page.status == 200, page
    assert b"Demonstration provider" in page.body
    password = (ROOT / "secrets" / "provider_password").read_text()
    assert visitor.post(form, {"name": name, "password": "wrong"}).status == 403
    answer = visitor.post(form, {"name": name, "password": password, "action": "sign-in"})
    return visitor.get(path_of(answer, visitor))


def test_a_sign_in_ends_in_a_session(stack: Compose, visitor: Client) -> None:
    since = stack.now()
    for _ in range(3):
        answer = sign_in(visitor, "ada")
        assert (answer.status, answer.headers["Location"]) == (303, "/account/info"), answer
        account = visitor.get("/account/info").json
        assert account["user"]["email"] == "ada@example.org"
        assert account["events"][0]["kind"] == "logged_in"
        assert visitor.post("/logout").status == 200
    uris = eventually(
        lambda: [u for line in stack.access_log(since) if (u := line["uri"]).startswith("/sign-in/")]
    )
    # Codes are not for logs.
    assert set(uris) == {"/sign-in/back"}


async def test_a_browser_signs_in(visitor: Client, page: Page) -> None:
    home = visitor.base_url
    await page.goto(home)
    await page.get_by_role("link", name="Sign in with the demonstration provider").click()
    await page.get_by_label("Name").fill("mary")
    await page.get_by_label("Password").fill((ROOT / "secrets" / "provider_password").read_text())
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{home}/account/info")
    assert json.loads(await page.inner_text("body"))["user"]["email"] == "mary@example.org"


def test_a_provider_that_was_away_has_other_keys(stack: Compose, visitor: Client) -> None:
    assert sign_in(visitor, "grace").status == 303
    stack.stop("provider")
    away = visitor.get("/provider/authorize")
    assert away.status in (502, 504)
    assert away.json["code"] == 1009
    assert visitor.get("/isLogined").json["logined"] is True
    stack.start("provider")
    # A server asks for keys that it doesn't know once in half a minute.
    eventually(lambda: sign_in(visitor, "grace").status == 303, 60)
