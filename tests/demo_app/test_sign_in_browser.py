"""A browser signs in at a provider, and has a session of the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Page
from tests.demo_app.conftest import SECRET
from tests.demo_app.processes import Process
from tests.servers import ProviderServer, free_port


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def provider(port: int) -> Iterator[ProviderServer]:
    with ProviderServer(f"http://127.0.0.1:{port}/sign-in/back", shared=False) as server:
        yield server


@pytest.fixture
def demo(tmp_path: Path, processes: list[Process], port: int, provider: ProviderServer) -> Process:
    process = Process(
        tmp_path,
        port=port,
        STORES="embedded",
        TORNADO_SERVER_ADDRESS="127.0.0.1",
        TORNADO_SERVER_NUMPROCS="1",
        SESSION_COOKIE_SECRET=SECRET,
        OIDC_ISSUER=provider.issuer,
        OIDC_CLIENT_ID=provider.client_id,
        OIDC_CLIENT_SECRET=provider.client_secret,
        OIDC_REDIRECT_URI=provider.redirect_uri,
        OIDC_NAME="Authlib",
    )
    processes.append(process)
    return process


async def shown(page: Page) -> Any:
    """The JSON that the page is."""
    return json.loads(await page.inner_text("body"))


async def sign_in(page: Page, home: str, password: str) -> None:
    await page.goto(home)
    await page.get_by_role("link", name="Sign in with Authlib").click()
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_a_sign_in_ends_in_a_session(page: Page, demo: Process, provider: ProviderServer) -> None:
    await demo.started()
    home = f"http://127.0.0.1:{demo.port}"

    await sign_in(page, home, "not the password")
    assert await page.get_by_role("alert").inner_text() == "Wrong name or password."
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(provider.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{home}/account/info")
    found = await shown(page)
    assert (found["user"]["username"], found["user"]["email"]) == ("ada", "ada@example.org")
    assert [event["kind"] for event in found["events"]] == ["logged_in", "registered"]
    # Scripts don't get to see the cookie.
    assert await page.evaluate("document.cookie") == ""

    # The way back is good once.
    answers = [entry for entry in await page.context.cookies() if entry["name"] == "sid"]
    assert (answers[0]["httpOnly"], answers[0]["sameSite"]) == (True, "Lax")
    left = await page.evaluate("fetch('/logout', {method: 'POST'}).then(answer => answer.json())")
    assert left["code"] == 0
    await page.goto(f"{home}/isLogined")
    assert (await shown(page))["logined"] is False

    await sign_in(page, home, provider.password)
    await page.wait_for_url(f"{home}/account/info")
    kinds = [event["kind"] for event in (await shown(page))["events"]]
    assert kinds == ["logged_in", "logged_out", "logged_in", "registered"]


async def test_who_refuses_at_the_provider_has_no_session(
    page: Page, demo: Process, provider: ProviderServer
) -> None:
    await demo.started()
    home = f"http://127.0.0.1:{demo.port}"
    await page.goto(home)
    await page.get_by_role("link", name="Sign in with Authlib").click()
    async with page.expect_response(lambda response: "/sign-in/back" in response.url) as answered:
        await page.get_by_role("button", name="Refuse").click()
    assert (await answered.value).status == 403
    await page.goto(f"{home}/isLogined")
    assert (await shown(page))["logined"] is False
