"""The browser that the tests drive shows what the framework serves."""

from __future__ import annotations

import pytest

from framework.httpserver import HTTPServer
from framework.netutil import bind_sockets
from framework.web import Application, RequestHandler
from tests.browser import Page


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("<title>Hello</title><script>document.title += ' ' + (6 * 7)</script>")


@pytest.mark.both_loops
async def test_a_browser_shows_a_page_and_runs_its_script(page: Page) -> None:
    server = HTTPServer(Application([("/", Hello)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        answer = await page.goto(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/")
        assert answer is not None and answer.status == 200
        assert await page.title() == "Hello 42"
    finally:
        server.stop()
        await server.close_all_connections()
