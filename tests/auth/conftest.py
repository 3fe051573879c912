"""Applications that people sign in to, their browser, and providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from framework.httpclient import CookieJar
from framework.httpserver import HTTPServer
from framework.simple_httpclient import SimpleAsyncHTTPClient
from framework.testing import bind_unused_port
from framework.web import Application
from tests.auth.browser import Browser
from tests.httpclient.conftest import MakePeer, make_peer, peer

__all__ = ["MakePeer", "Serve", "browser", "insecure", "make_peer", "peer", "serve", "stranger"]

Serve = Callable[..., str]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """A function that serves an application with routes and settings, and returns its address."""
    servers: list[HTTPServer] = []

    def start(*routes: Any, xheaders: bool = False, **settings: Any) -> str:
        socket, port = bind_unused_port()
        server = HTTPServer(Application(list(routes), **settings), xheaders=xheaders)
        server.add_socket(socket)
        servers.append(server)
        return f"http://127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop()
        await server.close_all_connections()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser with a cookie jar."""
    client = SimpleAsyncHTTPClient(force_instance=True, cookie_jar=CookieJar())
    yield Browser(client)
    client.close()


@pytest_asyncio.fixture
async def stranger() -> AsyncIterator[Browser]:
    """Somebody else's browser, which keeps no cookies."""
    client = SimpleAsyncHTTPClient(force_instance=True)
    yield Browser(client)
    client.close()


@pytest.fixture
def insecure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets Authlib's providers be asked without TLS."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
