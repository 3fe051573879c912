"""The chat's page in a browser, behind nginx and by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser import Browser, Page
from tests.integration.client import PASSWORD, Client, Person
from tests.integration.stack import DemoServer, LocalStack

NO_WEBSOCKET = """
window.WebSocket = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.onclose({ code: 1006 })); }
  close() {}
};
"""


@pytest.fixture
def person(new_client: Callable[..., Client]) -> Person:
    person = Person(new_client())
    assert person.register().status == 201
    return person


async def open_chat(page: Page, url: str, person: Person) -> list[str]:
    """Log in on the page; what the browser complains of."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    answer = await page.goto(f"{url}/chat")
    assert answer is not None and answer.status == 200
    await page.get_by_label("User name").fill(person.name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("status").filter(has_text="connected").wait_for()
    return complaints


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message").fill(text)
    await page.get_by_role("button", name="Say").click()


async def shown(page: Page, text: str) -> None:
    await page.locator("#messages li:not(.waiting)", has_text=text).wait_for()


async def test_two_people_talk_and_what_they_say_is_text(
    local_stack: LocalStack, person: Person, browser: Browser, page: Page
) -> None:
    other = await browser.new_page()
    complaints = await open_chat(page, local_stack.base_url, person)
    complaints += await open_chat(other, local_stack.base_url, person)
    said = f"<img src=x onerror=alert(1)> & {person.name}"
    await say(page, said)
    for each in (page, other):
        await shown(each, said)
    assert await page.locator("#messages img").count() == 0
    assert await page.locator("#messages li", has_text=said).count() == 1
    assert not complaints
    await other.close()


async def test_the_page_goes_on_when_its_server_is_killed(
    local_stack: LocalStack, person: Person, page: Page
) -> None:
    await open_chat(page, local_stack.base_url, person)
    await say(page, f"before {person.name}")
    await shown(page, f"before {person.name}")
    for server in local_stack.servers:
        server.kill()
    await page.get_by_role("status").filter(has_text="interrupted").wait_for()
    await say(page, f"during {person.name}")
    assert await page.locator("#messages li.waiting").count() == 1
    for server in local_stack.servers:
        server.start()
    await shown(page, f"during {person.name}")
    for text in ("before", "during"):
        assert await page.locator("#messages li", has_text=f"{text} {person.name}").count() == 1


async def test_without_websocket_the_page_asks_again_and_again(
    local_stack: LocalStack, person: Person, new_client: Callable[..., Client], page: Page
) -> None:
    await page.add_init_script(NO_WEBSOCKET)
    complaints = await open_chat(page, local_stack.base_url, person)
    await page.get_by_role("status").filter(has_text="polling").wait_for()
    await say(page, f"mine {person.name}")
    await shown(page, f"mine {person.name}")
    assert person.login().status == 200
    assert person.client.post("/chat/lobby/messages", {"text": f"other {person.name}"}).status == 201
    await shown(page, f"other {person.name}")
    assert not complaints


async def test_four_processes_with_sqlite_have_the_chat_too(local_stack: LocalStack, page: Page) -> None:
    settings = {"STORES": "embedded", "TORNADO_SERVER_NUMPROCS": "4", "TORNADO_SERVER_ADDRESS": "127.0.0.1"}
    with DemoServer(settings, ["demo"]) as server, Client(server.url) as client:
        person = Person(client)
        assert person.register().status == 201
        complaints = await open_chat(page, server.url, person)
        assert person.login().status == 200
        # Each request is a connection of its own, and some other process's.
        for number in range(8):
            with Client(server.url) as other:
                other.cookies.update(client.cookies)
                assert other.post("/chat/lobby/messages", {"text": f"number {number}."}).status == 201
            await shown(page, f"number {number}.")
        await say(page, "mine")
        await shown(page, "mine")
        assert await page.locator("#messages li").count() == 9
        assert not complaints
        assert server.stop(15) == 0, server.log()
