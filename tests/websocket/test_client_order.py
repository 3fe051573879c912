"""Whoever connects has the connection before anything that came over it."""

from __future__ import annotations

import asyncio

import pytest

from framework.websocket import WebSocketClientConnection, websocket_connect
from tests.websocket.scripted import HANG, SWITCH, Scripted, unmasked
from tests.websocket.wire import close, frame

pytestmark = pytest.mark.both_loops


async def test_a_message_that_comes_with_the_handshake_can_be_answered() -> None:
    seen: list[object] = []
    ended = asyncio.Event()
    connection: WebSocketClientConnection | None = None

    def on_message(message: str | bytes | None) -> None:
        seen.append(message)
        if message is None:
            ended.set()
        else:
            assert connection is not None
            assert isinstance(message, str)
            connection.write_message(message + " too")

    answer = SWITCH + b"\r\n" + frame(0x81, b"hi", None) + frame(0x81, b"ho", None) + close(1000, b"", None)
    async with Scripted(answer, HANG) as server:
        connection = await websocket_connect(server.url, on_message_callback=on_message)
        seen.append("connected")
        await ended.wait()
        assert connection.close_code == 1000
        sent = [(0x81, b"hi too"), (0x81, b"ho too"), (0x88, b"\x03\xe8")]
        while len(server.received) < sum(6 + len(payload) for _, payload in sent):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert seen == ["connected", "hi", "ho", None]
    assert unmasked(server.received) == sent
