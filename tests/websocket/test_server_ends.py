"""A server that ends says so to its WebSockets: 1001."""

from __future__ import annotations

import asyncio

import pytest

from framework.websocket import websocket_connect
from tests.websocket.conftest import Serve
from tests.websocket.talk import Noting, close, until

pytestmark = pytest.mark.both_loops


async def test_a_server_that_ends_tells_those_that_are_being_opened(serve: Serve) -> None:
    go_on = asyncio.Event()

    class Slow(Noting):
        async def prepare(self) -> None:
            self.seen.append("prepare")
            await go_on.wait()

    server = await serve({"/": Slow})
    client = await server.connect()
    opening = asyncio.create_task(client.open())
    await until(lambda: Slow.seen)
    server.http_server.stop()
    ending = asyncio.create_task(server.http_server.close_all_connections())
    await asyncio.sleep(0)
    go_on.set()
    await opening
    assert await client.frame() == (0x88, b"\x03\xe9")
    client.send(close(1001))
    await ending
    assert Slow.seen[-1] == ("close", 1001, None)


async def test_a_server_that_ends_tells_its_websockets(serve: Serve) -> None:
    class Echo(Noting):
        pass

    server = await serve({"/": Echo})
    assert (await server.open()).head
    async with websocket_connect(server.url) as connection:
        assert len(server.http_server.connections) == 2
        server.http_server.stop()
        ending = asyncio.create_task(server.http_server.close_all_connections(timeout=0.2))
        assert await connection.read_message() is None
        assert connection.close_code == 1001
        await ending
    assert server.http_server.connections == set()
    await until(lambda: len(Echo.seen) == 4)
    assert sorted(Echo.seen[2:], key=str) == [("close", 1001, None), ("close", None, None)]
