"""The parts of a request's life that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from framework.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest
from framework.web import RequestHandler
from framework.web.waiting import hand_over
from tests.streams import until
from tests.web.conftest import TalkTo
from tests.web.talk import get


class Notes(HTTPMessageDelegate):
    def __init__(self, waits: bool) -> None:
        self.waits = waits
        self.seen: list[object] = []

    def headers_received(self, start_line: object, headers: HTTPHeaders) -> Awaitable[None] | None:
        self.seen.append(start_line)
        return asyncio.sleep(0) if self.waits else None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self.seen.append(chunk)
        return asyncio.sleep(0) if self.waits else None

    def finish(self) -> None:
        self.seen.append("end")


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("body", [b"", b"abc"])
async def test_a_whole_request_is_handed_over_in_order(waits: bool, body: bytes) -> None:
    notes = Notes(waits)
    headers = HTTPHeaders({"Host": "x"})
    await hand_over(notes, HTTPServerRequest("POST", "/a", "HTTP/1.1", headers, body))
    assert notes.seen == [("POST", "/a", "HTTP/1.1"), *([body] if body else []), "end"]


async def test_a_method_behind_a_prepare_that_waits_may_finish_later(talk_to: TalkTo) -> None:
    handlers: list[RequestHandler] = []

    class Later(RequestHandler):
        async def prepare(self) -> None:
            await asyncio.sleep(0)

        def get(self) -> None:
            self._auto_finish = False
            handlers.append(self)

    talk = talk_to(Later)
    talk.transport.feed(get())
    for _ in range(5):
        await asyncio.sleep(0)
    assert talk.transport.take() == b""
    handlers[0].finish("late")
    assert talk.reply().body == b"late"


async def test_a_handler_whose_task_is_cancelled_has_made_no_mistake(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    tasks: list[asyncio.Task[None] | None] = []

    class Waits(RequestHandler):
        async def get(self) -> None:
            tasks.append(asyncio.current_task())
            await asyncio.Event().wait()

    talk = talk_to(Waits)
    talk.transport.feed(get())
    await until(lambda: tasks)
    task = tasks[0]
    assert task is not None
    # As the end of the loop does.
    task.cancel()
    await asyncio.wait([task])
    assert talk.reply().status == 500
    assert not caplog.messages


async def test_waiting_for_what_was_cancelled_is_a_mistake(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    class Waits(RequestHandler):
        async def get(self) -> None:
            cancelled = asyncio.get_running_loop().create_future()
            cancelled.cancel()
            await cancelled

    assert (await talk_to(Waits).ask(get())).status == 500
    assert "Uncaught exception GET /" in caplog.text
