"""Signing in with the provider's container: by way of nginx, as a browser does, at four servers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.containers.compose import ROOT, Compose
from tests.integration.client import Answer, Client, eventually


@pytest.fixture
def browser(stack: Compose) -> Iterator[Client]:
    """A client of the site under the name that the provider knows it by."""
    with Client(f"http://localhost:{urlsplit(stack.base_url).port}") as client:
        yield client


def path_of(answer: Answer, browser: Client) -> str:
    """Where an answer sends the browser: on this site, provider included."""
    location = answer.headers["Location"]
    if location.startswith("http"):
        assert location.startswith(f"{browser.base_url}/")
    return location.removeprefix(browser.base_url)


def sign_in(browser: Client, name: str) -> Answer:
    """Go to the provider, type name and password, and come back."""
    form = path_of(browser.get("/sign-in?next=/account/info"), browser)
    assert form.startswith("/provider/authorize?")
    page = browser.get(form)
    assert page.status == 200, page
    assert b"Demonstration provider" in page.body
    password = (ROOT / "secrets" / "provider_password").read_text()
    assert browser.post(form, {"name": name, "password": "wrong"}).status == 403
    answer = browser.post(form, {"name": name, "password": password, "action": "sign-in"})
    return browser.get(path_of(answer, browser))


def test_a_sign_in_ends_in_a_session(stack: Compose, browser: Client) -> None:
    since = stack.now()
    for _ in range(3):
        answer = sign_in(browser, "ada")
        assert (answer.status, answer.headers["Location"]) == (303, "/account/info"), answer
        account = browser.get("/account/info").json
        assert account["user"]["email"] == "ada@example.org"
        assert account["events"][0]["kind"] == "logged_in"
        assert browser.post("/logout").status == 200
    uris = eventually(lambda: [u for u in (line["uri"] for line in stack.access_log(since)) if "back" in u])
    # Codes are not for logs.
    assert set(uris) == {"/sign-in/back"}


def test_a_provider_that_was_away_has_other_keys(stack: Compose, browser: Client) -> None:
    assert sign_in(browser, "grace").status == 303
    stack.stop("provider")
    away = browser.get("/provider/authorize")
    assert (away.status, away.json["code"]) == (502, 1009), away
    assert browser.get("/isLogined").json["logined"] is True
    stack.start("provider")
    # A server asks for keys that it doesn't know once in half a minute.
    eventually(lambda: sign_in(browser, "grace").status == 303, 60)
