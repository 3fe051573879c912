"""Requests that applications of this API are answered; each failed before it was looked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any
from unittest.mock import Mock

import pytest

from framework.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from framework.web import Application, HTTPError, RequestHandler, stream_request_body
from tests.web.conftest import TalkTo
from tests.web.talk import get, request


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("way", ["raise", "send_error", "own page"])
async def test_a_status_without_body_may_be_raised(talk_to: TalkTo, status: int, way: str) -> None:
    class Answer(RequestHandler):
        def get(self) -> None:
            self.set_header("X-Dropped", "1")
            self.write("dropped")
            if way == "send_error":
                self.send_error(status)
            else:
                raise HTTPError(status)

        if way == "own page":

            def write_error(self, status_code: int, **kwargs: Any) -> None:
                self.write("a page that nobody gets")

    reply = await talk_to(Answer).ask(get())
    assert (reply.status, reply.body) == (status, b"")
    assert "Content-Length" not in reply.headers and "Content-Type" not in reply.headers


async def test_clear_all_cookies_passes_over_names_that_no_cookie_can_have(talk_to: TalkTo) -> None:
    class Clear(RequestHandler):
        def get(self) -> None:
            self.clear_all_cookies()

    reply = await talk_to(Clear).ask(get("/", "Cookie: a=b; =c; d; bad[]=1; x y=2; path=3"))
    assert reply.status == 200
    assert [cookie.partition("=")[0] for cookie in reply.headers.get_list("Set-Cookie")] == ["a"]


async def test_a_connection_that_ends_is_not_said_to_be_kept_alive(talk_to: TalkTo) -> None:
    class Keep(RequestHandler):
        def get(self) -> None:
            self.set_header("Connection", "keep-alive")

    reply = await talk_to(Keep).ask(get("/", "Connection: close"))
    assert reply.headers["Connection"] == "close"


@pytest.mark.parametrize("waits", [False, True])
async def test_a_body_above_a_limit_set_in_prepare_never_reaches_the_method(
    talk_to: TalkTo, waits: bool
) -> None:
    told: list[str] = []

    @stream_request_body
    class Limited(RequestHandler):
        def prepare(self) -> Awaitable[None] | None:
            self.request.connection.set_max_body_size(3)  # type: ignore[union-attr]
            return asyncio.sleep(0) if waits else None

        def data_received(self, chunk: bytes) -> None:
            told.append("data")

        def post(self) -> None:
            told.append("post")

        def on_connection_close(self) -> None:
            told.append("closed")

    reply = await talk_to(Limited).ask(request("/", "POST", body=b"abcdefg"))
    assert reply.status == 413
    assert told == ["closed"]


async def test_the_stream_of_a_request_is_there_to_look_at(talk_to: TalkTo) -> None:
    class Look(RequestHandler):
        def get(self) -> None:
            connection: Any = self.request.connection
            connection.stream.set_nodelay(True)
            self.write({"closed": connection.stream.closed()})

    assert (await talk_to(Look).ask(get())).body == b'{"closed": false}'


async def test_writing_a_dict_sets_the_type_by_the_handler_s_own_method(talk_to: TalkTo) -> None:
    class Own(RequestHandler):
        def set_header(self, name: str, value: Any) -> None:
            super().set_header(f"X-{name}", value)

        def get(self) -> None:
            self.write({})

    headers = (await talk_to(Own).ask(get())).headers
    assert headers["X-Content-Type"] == "application/json; charset=UTF-8"
    assert headers["Content-Type"] == "text/html; charset=UTF-8"


@pytest.mark.parametrize("stand_in", [Mock(), type("Nothing", (), {"connection": Mock()})()])
def test_a_handler_can_be_made_with_a_stand_in_for_a_request(stand_in: Any) -> None:
    class Say(RequestHandler):
        def initialize(self, word: str) -> None:
            self.word = word

        def get(self) -> None:
            self.set_status(201)
            self.write(self.word)

    handler = Say(Application(), stand_in, word="said")
    handler.get()
    assert (handler._write_buffer, handler.get_status(), handler._finished) == ([b"said"], 201, False)


@pytest.mark.parametrize("waits", [False, True])
async def test_prepare_may_put_another_method_in_place_of_the_request_s(talk_to: TalkTo, waits: bool) -> None:
    class Override(RequestHandler):
        def prepare(self) -> Awaitable[None] | None:
            self.request.method = self.get_argument("_method")
            return asyncio.sleep(0) if waits else None

        def post(self) -> None:
            self.write("post")

        def put(self) -> None:
            self.write("put")

    assert (await talk_to(Override).ask(request("/?_method=PUT", "POST", body=b""))).body == b"put"


async def test_a_response_without_entity_tag_matches_no_condition(talk_to: TalkTo) -> None:
    class Untagged(RequestHandler):
        def compute_etag(self) -> str | None:
            return None

        def get(self) -> None:
            self.write("whole")

    reply = await talk_to(Untagged).ask(get("/", "If-None-Match: *"))
    assert (reply.status, reply.body) == (200, b"whole")


async def test_clear_is_called_for_the_headers_that_a_response_begins_with(talk_to: TalkTo) -> None:
    class Cleared(RequestHandler):
        def clear(self) -> None:
            super().clear()
            self.set_header("X-Own", "1")

        def get(self) -> None:
            self.write("x")

    assert (await talk_to(Cleared).ask(get())).headers["X-Own"] == "1"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_connection_of_an_application_s_own_need_not_say_when_it_has_sent(method: str) -> None:
    connection = Mock()
    line = RequestStartLine(method, "/", "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "h"}), connection=connection)

    class Say(RequestHandler):
        async def get(self) -> None:
            self.write("a")
            await self.flush()
            self.write("b")

        head = get

    waiting = Application([("/", Say)], log_function=lambda handler: None)(request)
    if waiting is not None:
        await waiting
    (_, _, first), (last,) = connection.write_headers.call_args.args, connection.write.call_args.args
    assert (first, last) == ((b"a", b"b") if method == "GET" else (b"", b""))
    connection.finish.assert_called_once_with()
