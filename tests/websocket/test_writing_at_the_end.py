"""A handler that writes to its own connection while that is ending has made no mistake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

import pytest

from framework.websocket import WebSocketClosedError, WebSocketProtocol
from tests.websocket.bench import Bench, Handler, gate, turns
from tests.websocket.conftest import Serve
from tests.websocket.talk import Noting, until
from tests.websocket.wire import close, frame

TEXT = 0x81


async def test_it_is_no_error_and_what_came_before_the_end_is_handed_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(message: str) -> None:
        bench.connection.close(4000)
        bench.connection.write_message(message)

    bench = Bench(Handler(answer))
    with caplog.at_level(logging.DEBUG):
        bench.feed(frame(TEXT, b"1"), frame(TEXT, b"2"), close(4000, b"bye"))
        await turns()
    assert bench.seen == ["1", "2", ("close", 4000, "bye")]
    assert bench.handler.errors == []
    assert {record.levelname for record in caplog.records} <= {"DEBUG"}
    assert bench.take() == b"\x88\x02\x0f\xa0"
    assert bench.transport.is_closing()
    bench.lose()
    await bench.connection.wait_closed()


async def test_nor_where_the_handler_waits_and_the_connection_is_lost() -> None:
    release = gate()

    async def answer(message: str) -> None:
        await release
        bench.connection.write_message(message)

    bench = Bench(Handler(answer))
    bench.feed(frame(TEXT, b"1"), close(4000, b"bye"))
    bench.lose()
    release.set_result(None)
    await bench.connection.wait_closed()
    assert bench.seen == ["1", ("close", 4000, "bye")]
    assert bench.handler.errors == []


@pytest.mark.parametrize("waits", [False, True])
async def test_nor_while_it_opens(serve: Serve, caplog: pytest.LogCaptureFixture, waits: bool) -> None:
    class Busy(Noting):
        def open(self) -> Awaitable[None] | None:
            connection = self.ws_connection
            assert connection is not None
            self.close(4001)
            if waits:
                return self.late(connection)
            connection.write_message("x")
            return None

        async def late(self, connection: WebSocketProtocol) -> None:
            await asyncio.sleep(0)
            connection.write_message("x")

    client = await (await serve({"/": Busy})).open()
    client.send(frame(TEXT, b"1"), close(4001))
    assert await client.rest() == b"\x88\x02\x0f\xa1"
    await until(lambda: len(Busy.seen) == 2)
    assert Busy.seen == ["1", ("close", 4001, None)]
    assert caplog.records == []


async def test_one_of_another_connection_is_an_error() -> None:
    def answer(message: str) -> None:
        raise WebSocketClosedError

    bench = Bench(Handler(answer))
    bench.feed(frame(TEXT, b"1"))
    assert [type(error) for error in bench.handler.errors] == [WebSocketClosedError]
    assert bench.take()[:4] == b"\x88\x02\x03\xf3"
    bench.lose()
    await bench.connection.wait_closed()
