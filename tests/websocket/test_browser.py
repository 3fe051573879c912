"""A browser's own WebSocket: what a page sends and gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from framework.httpserver import HTTPServer
from framework.netutil import bind_sockets
from framework.web import Application, RequestHandler
from framework.websocket import WebSocketHandler
from tests.browser import Page

# What a page does: it opens a socket, sends what it is told, and resolves with all that happened until its end.
TALK = """
([path, protocols, messages, ending]) => new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}${path}`, protocols);
    const seen = {messages: [], error: false};
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
        seen.protocol = socket.protocol;
        seen.extensions = socket.extensions;
        for (const message of messages) {
            socket.send(Array.isArray(message) ? new Uint8Array(message) : message);
        }
        if (!messages.length && ending) socket.close(...ending);
    };
    socket.onmessage = (event) => {
        const data = event.data;
        seen.messages.push(data instanceof ArrayBuffer ? Array.from(new Uint8Array(data)) : data);
        if (seen.messages.length == messages.length && ending) socket.close(...ending);
    };
    socket.onerror = () => { seen.error = true; };
    socket.onclose = (event) => {
        resolve({...seen, code: event.code, reason: event.reason, clean: event.wasClean});
    };
})
"""


class Blank(RequestHandler):
    def get(self) -> None:
        self.write('<!doctype html><title>WebSocket</title><link rel="icon" href="data:,">')


class Echo(WebSocketHandler):
    ended: list[tuple[int | None, str | None]]

    def initialize(self, ended: list[tuple[int | None, str | None]]) -> None:
        self.ended = ended

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        self.ended.append((self.close_code, self.close_reason))


class Compressed(Echo):
    def get_compression_options(self) -> dict[str, Any]:
        return {}


class Subprotocols(Echo):
    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "second" if "second" in subprotocols else None


class Closes(Echo):
    def open(self) -> None:
        self.close(4321, "wörtlich, und kein Irrtum ✓")


class Site:
    """A server with a page, which is open in the browser."""

    def __init__(self, page: Page, ended: list[tuple[int | None, str | None]]) -> None:
        self.page = page
        self.ended = ended

    async def talk(
        self, path: str, *messages: str | list[int], protocols: tuple[str, ...] = (), ending: Any = (1000,)
    ) -> dict[str, Any]:
        seen: dict[str, Any] = await self.page.evaluate(TALK, [path, protocols, messages, ending])
        return seen


@pytest_asyncio.fixture
async def site(page: Page) -> AsyncIterator[Site]:
    ended: list[tuple[int | None, str | None]] = []
    kinds = {"/echo": Echo, "/compressed": Compressed, "/subprotocols": Subprotocols, "/closes": Closes}
    routes: list[Any] = [("/", Blank), *((path, kind, {"ended": ended}) for path, kind in kinds.items())]
    server = HTTPServer(Application(routes, websocket_max_message_size=1 << 20))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    await page.goto(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/")
    yield Site(page, ended)
    await page.close()
    server.stop()
    await server.close_all_connections()


@pytest.mark.both_loops
async def test_text_and_bytes_come_back_as_what_they_were(site: Site) -> None:
    sent: list[str | list[int]] = ["", "plain", "grüß Gott 🎉", [], [0, 255, 128], "x" * 70_000, [7] * 70_000]
    seen = await site.talk("/echo", *sent)
    assert seen["messages"] == sent
    assert (seen["extensions"], seen["protocol"], seen["error"]) == ("", "", False)
    assert (seen["code"], seen["clean"]) == (1000, True)


@pytest.mark.both_loops
async def test_compression_is_agreed_on_and_works_in_both_directions(site: Site) -> None:
    sent: list[str | list[int]] = [
        "the same again and again, " * 4000,
        "",
        [1, 2, 3],
        "the same again and again",
    ]
    seen = await site.talk("/compressed", *sent)
    assert seen["extensions"].startswith("permessage-deflate")
    assert seen["messages"] == sent
    assert seen["clean"]


async def test_the_page_closes_with_a_code_and_a_reason(site: Site) -> None:
    seen = await site.talk("/echo", ending=(4000, "genug für heute"))
    # The reason that the page is told of is the one in the server's frame, which repeats the code alone.
    assert (seen["code"], seen["reason"], seen["clean"]) == (4000, "", True)
    assert site.ended == [(4000, "genug für heute")]


async def test_the_page_closes_without_a_code(site: Site) -> None:
    seen = await site.talk("/echo", "one", ending=())
    assert (seen["code"], seen["reason"], seen["clean"]) == (1005, "", True)
    assert site.ended == [(None, None)]


async def test_the_server_closes_with_a_code_and_a_reason(site: Site) -> None:
    seen = await site.talk("/closes", ending=None)
    assert (seen["code"], seen["reason"]) == (4321, "wörtlich, und kein Irrtum ✓")
    assert (seen["clean"], seen["error"]) == (True, False)


async def test_a_subprotocol_is_the_one_that_the_server_chose(site: Site) -> None:
    seen = await site.talk("/subprotocols", protocols=("first", "second"))
    assert (seen["protocol"], seen["clean"]) == ("second", True)


async def test_a_page_that_asked_for_other_subprotocols_only_does_not_get_in(site: Site) -> None:
    seen = await site.talk("/subprotocols", protocols=("first",))
    # So the standard says: whoever asked for some and gets none fails the connection.
    assert (seen["error"], seen["code"], seen["messages"]) == (True, 1006, [])


async def test_too_large_a_message_is_told_by_its_code(site: Site) -> None:
    seen = await site.talk("/echo", "x" * ((1 << 20) + 1), ending=None)
    assert (seen["messages"], seen["code"]) == ([], 1009)


async def test_a_page_of_another_origin_does_not_get_in(site: Site) -> None:
    address = site.page.url
    await site.page.goto("about:blank")
    seen = await site.page.evaluate(
        TALK.replace("ws://${location.host}", address.replace("http", "ws").rstrip("/")),
        ["/echo", [], ["hello"], [1000]],
    )
    assert (seen["error"], seen["code"], seen["messages"]) == (True, 1006, [])
    assert site.ended == []
