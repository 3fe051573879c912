"""Servers with WebSockets, raw clients that speak byte by byte, and a connection on a transport without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio

from framework.httpserver import HTTPServer
from framework.netutil import bind_sockets
from framework.web import Application
from tests.websocket.talk import Server

Serve = Callable[..., Awaitable[Server]]


def _rules(handlers: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(path, *kind) if isinstance(kind, tuple) else (path, kind) for path, kind in handlers.items()]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """A function that serves handlers by their paths, with the settings given; see `Server`."""
    servers: list[Server] = []

    async def start(
        handlers: dict[str, Any], options: dict[str, Any] | None = None, **settings: Any
    ) -> Server:
        sockets = bind_sockets(0, "127.0.0.1")
        http_server = HTTPServer(Application(_rules(handlers), **settings), **(options or {}))
        http_server.add_sockets(sockets)
        servers.append(Server(http_server, sockets[0].getsockname()[1]))
        return servers[-1]

    yield start
    for server in servers:
        await server.close()
