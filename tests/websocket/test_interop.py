"""Both ways with other implementations: `websockets` and aiohttp, with and without compression."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import aiohttp.web
import pytest
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.typing

from framework.websocket import websocket_connect
from tests.streams import until
from tests.websocket.conftest import Serve
from tests.websocket.talk import Noting

# What the other side may say of itself is not ours to answer for.
pytestmark = pytest.mark.both_loops

MESSAGES: list[str | bytes] = [
    "",
    "hello",
    "zwölf" * 1000,
    b"",
    bytes(range(256)),
    b"x" * 300_000,
    "y" * 70_000,
]
CHAT = websockets.typing.Subprotocol("chat")
COMPRESSION: list[Any] = [None, {}]


class Compressing(Noting):
    """Echoes; compresses if the client is for it."""

    def get_compression_options(self) -> dict[str, Any]:
        return {}

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "chat" if "chat" in subprotocols else None


class TestWebsockets:
    @pytest.mark.parametrize("compression", [None, "deflate"])
    async def test_their_client(self, serve: Serve, compression: Any) -> None:
        class Echo(Compressing):
            pass

        server = await serve({"/": Echo})
        connecting = websockets.asyncio.client.connect(
            server.url, subprotocols=[CHAT], compression=compression, proxy=None, max_size=None
        )
        async with connecting as connection:
            assert connection.subprotocol == "chat"
            for message in MESSAGES:
                await connection.send(message)
                assert await connection.recv() == message
            # In fragments, with a ping between them.
            await connection.send(["one ", "two ", "three"])
            await (await connection.ping(b"data"))
            assert await connection.recv() == "one two three"
            await connection.close(4000, "enough")
            assert connection.close_code == 4000
        await until(lambda: Echo.seen[-1] == ("close", 4000, "enough"))

    @pytest.mark.parametrize("compression", COMPRESSION)
    async def test_their_server(self, compression: Any) -> None:
        async def echo(connection: Any) -> None:
            await (await connection.ping())
            async for message in connection:
                if message == "close":
                    await connection.close(4001, "as you wish")
                await connection.send(message)

        serving = websockets.asyncio.server.serve(echo, "127.0.0.1", 0, subprotocols=[CHAT], max_size=None)
        async with serving as server:
            port = server.sockets[0].getsockname()[1]
            url = f"ws://127.0.0.1:{port}/"
            opening = websocket_connect(url, subprotocols=["chat"], compression_options=compression)
            async with opening as connection:
                assert connection.selected_subprotocol == "chat"
                await exchange(connection)
                connection.ping(b"data")
                await connection.write_message("close")
                assert await connection.read_message() is None
                assert (connection.close_code, connection.close_reason) == (4001, "as you wish")


class TestAiohttp:
    @pytest.mark.parametrize("compress", [0, 15])
    async def test_their_client(self, serve: Serve, compress: int) -> None:
        class Echo(Compressing):
            pass

        server = await serve({"/": Echo})
        async with aiohttp.ClientSession() as session:
            connecting = session.ws_connect(server.url, protocols=["chat"], compress=compress, max_msg_size=0)
            async with connecting as connection:
                assert connection.protocol == "chat"
                assert bool(connection.compress) == bool(compress)
                for message in MESSAGES:
                    if isinstance(message, bytes):
                        await connection.send_bytes(message)
                    else:
                        await connection.send_str(message)
                    assert (await connection.receive()).data == message
                await connection.close(code=4000, message=b"enough")
        await until(lambda: Echo.seen[-1] == ("close", 4000, "enough"))

    @pytest.mark.parametrize("compression", COMPRESSION)
    async def test_their_server(self, compression: Any) -> None:
        async with aiohttp_server() as url:
            opening = websocket_connect(url, subprotocols=["chat"], compression_options=compression)
            async with opening as connection:
                assert connection.selected_subprotocol == "chat"
                await exchange(connection)
                await connection.write_message("close")
                assert await connection.read_message() is None
                assert (connection.close_code, connection.close_reason) == (4001, "as you wish")


async def exchange(connection: Any) -> None:
    """Messages there and back, one after the other and all at once."""
    for message in MESSAGES:
        await connection.write_message(message, binary=isinstance(message, bytes))
        assert await connection.read_message() == message
    for number in range(10):
        await connection.write_message(str(number))
    assert [await connection.read_message() for _ in range(10)] == list("0123456789")


async def echo(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
    """What aiohttp serves."""
    connection = aiohttp.web.WebSocketResponse(protocols=["chat"], max_msg_size=0)
    await connection.prepare(request)
    async for message in connection:
        if message.data == "close":
            await connection.close(code=4001, message=b"as you wish")
        elif isinstance(message.data, bytes):
            await connection.send_bytes(message.data)
        else:
            await connection.send_str(message.data)
    return connection


@asynccontextmanager
async def aiohttp_server() -> AsyncIterator[str]:
    """A server of aiohttp's; its address."""
    application = aiohttp.web.Application()
    application.router.add_get("/", echo)
    runner = aiohttp.web.AppRunner(application)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
