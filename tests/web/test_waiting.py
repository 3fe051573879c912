"""The parts of a request's life that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from framework.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest
from framework.web import RequestHandler
from framework.web.waiting import hand_over
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
