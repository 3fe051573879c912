"""From what a handler has written to what its connection sends."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from framework.iostream import StreamClosedError
from framework.web import Application, HTTPError, OutputTransform, RequestHandler
from tests.web.conftest import TalkTo
from tests.web.talk import get, parse, request


def answering(function: Callable[[Any], Any]) -> type[RequestHandler]:
    """A handler class that runs a function whatever the method."""

    class Answering(RequestHandler):
        def get(self) -> Any:
            return function(self)

        post = put = head = get

    return Answering


def etag(body: bytes) -> str:
    """The tag of a body."""
    return f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'


# -- length and tags


async def test_complete_response_has_length_and_tag(talk_to: TalkTo) -> None:
    reply = talk_to(answering(lambda self: self.write("hello"))).now(get())
    assert (reply.status, reply.body) == (200, b"hello")
    assert reply.headers["Content-Length"] == "5"
    assert reply.headers["Etag"] == etag(b"hello")
    assert list(reply.headers) == ["Server", "Content-Type", "Date", "Etag", "Content-Length"]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (etag(b"hello"), 304),
        ("W/" + etag(b"hello"), 304),
        (f'"x", {etag(b"hello")}', 304),
        ("*", 304),
        ('"x"', 200),
        ("", 200),
        (etag(b"hello").strip('"'), 200),
    ],
)
async def test_client_that_has_it_gets_no_body(talk_to: TalkTo, wanted: str, status: int) -> None:
    reply = talk_to(answering(lambda self: self.write("hello"))).now(get("/", f"If-None-Match: {wanted}"))
    assert reply.status == status
    assert reply.body == (b"hello" if status == 200 else b"")
    assert reply.headers["Etag"] == etag(b"hello")
    assert ("Content-Type" in reply.headers) == (status == 200)


async def test_only_successful_reading_has_a_tag(talk_to: TalkTo) -> None:
    talk = talk_to(answering(lambda self: self.write("x")))
    assert "Etag" not in talk.now(request("/", "POST", "If-None-Match: *", body=b"")).headers
    talk = talk_to(answering(lambda self: self.set_status(201) or self.write("x")))
    assert "Etag" not in talk.now(get("/", "If-None-Match: *")).headers


def own_tag(tag: str | None) -> Callable[[Any], str | None]:
    """A method that knows the tag."""
    return lambda self: tag


@pytest.mark.parametrize(("tag", "shown"), [('"own"', ['"own"']), ('W/"own"', ['W/"own"']), (None, [])])
async def test_tag_of_a_handlers_own(talk_to: TalkTo, tag: str | None, shown: list[str]) -> None:
    class Own(RequestHandler):
        compute_etag = own_tag(tag)

        def get(self) -> None:
            self.write("x")

    def assigned(self: Any) -> None:
        self.compute_etag = lambda: tag
        self.write("x")

    for handler in (Own, answering(assigned)):
        talk = talk_to(handler)
        assert talk.now(get()).headers.get_list("Etag") == shown
        assert talk.now(get("/", 'If-None-Match: "own"')).status == (304 if tag else 200)


async def test_set_etag_header_may_be_overridden(talk_to: TalkTo) -> None:
    class Own(RequestHandler):
        def set_etag_header(self) -> None:
            self.set_header("Etag", '"overridden"')

        def get(self) -> None:
            self.write("x")

    def assigned(self: Any) -> None:
        self.set_etag_header = lambda: self.set_header("Etag", '"overridden"')

    for handler in (Own, answering(assigned)):
        assert talk_to(handler).now(get()).headers["Etag"] == '"overridden"'


async def test_tag_that_the_handler_has_set_stays(talk_to: TalkTo) -> None:
    reply = talk_to(answering(lambda self: self.set_header("Etag", '"mine"'))).now(get())
    assert reply.headers.get_list("Etag") == ['"mine"']


async def test_set_etag_header_by_hand(talk_to: TalkTo) -> None:
    def by_hand(self: Any) -> None:
        self.write("hello")
        self.set_etag_header()
        assert self.check_etag_header()

    reply = talk_to(answering(by_hand)).now(get("/", "If-None-Match: *"))
    assert reply.headers["Etag"] == etag(b"hello")


@pytest.mark.parametrize("status", [204, 304])
async def test_status_without_a_body(talk_to: TalkTo, status: int) -> None:
    reply = talk_to(answering(lambda self: self.set_status(status))).now(get())
    assert reply.status == status
    assert not {"Content-Length", "Content-Type", "Etag"} & set(reply.headers)
    reply = talk_to(answering(lambda self: self.set_status(status) or self.write("x"))).now(get())
    assert reply.status == 500


async def test_head_is_answered_like_get_without_the_body(talk_to: TalkTo) -> None:
    talk = talk_to(answering(lambda self: self.write("hello")))
    talk.transport.feed(request("/", "HEAD"))
    reply = talk.reply(head_only=True)
    assert (reply.headers["Content-Length"], reply.headers["Etag"]) == ("5", etag(b"hello"))


def announcing(length: Any, body: str) -> Callable[[Any], None]:
    """Writes a body after a length."""

    def write(self: Any) -> None:
        self.set_header("Content-Length", length)
        self.write(body)

    return write


@pytest.mark.parametrize(
    ("length", "body", "told"),
    [
        (2, "abc", "Tried to write more data than Content-Length"),
        (5, "abc", "Tried to write 2 bytes less than Content-Length"),
        ("many", "abc", "Content-Length must be a number of bytes"),
    ],
)
async def test_announced_length_must_be_kept(
    talk_to: TalkTo, length: Any, body: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    talk = talk_to(answering(announcing(length, body)))
    assert talk.now(get()).status == 500
    assert told in caplog.text
    assert talk.now(get()).status == 500


async def test_announced_length_that_is_kept(talk_to: TalkTo) -> None:
    assert talk_to(answering(announcing(" 3", "abc"))).now(get()).status == 500
    assert talk_to(answering(announcing("03", "abc"))).now(get()).body == b"abc"
    talk = talk_to(answering(announcing("10", "")))
    talk.transport.feed(request("/", "HEAD"))
    assert talk.reply(head_only=True).headers["Content-Length"] == "10"


async def test_head_that_can_not_be_written_becomes_an_error_page(talk_to: TalkTo) -> None:
    def smuggle(self: Any) -> None:
        self._headers["X-A"] = "a\r\nX-B: b"

    def smuggle_and_flush(self: Any) -> None:
        smuggle(self)
        self.flush()

    for function in (smuggle, smuggle_and_flush):
        reply = talk_to(answering(function)).now(get())
        assert reply.status == 500
        assert "X-B" not in reply.headers


async def test_connection_is_closed_where_the_handler_says_so(talk_to: TalkTo) -> None:
    talk = talk_to(answering(lambda self: self.set_header("Connection", "close")))
    assert talk.now(get()).headers.get_list("Connection") == ["close"]
    assert talk.transport.is_closing()


# -- pieces


async def test_flush_sends_what_is_there(talk_to: TalkTo) -> None:
    seen = []

    async def pieces(self: Any) -> None:
        self.write("a")
        self.write("b")
        await self.flush()
        seen.append(talk.transport.written)
        await self.flush()
        self.write("c")
        await self.flush()
        self.finish("d")

    talk = talk_to(answering(pieces))
    reply = await talk.ask(get())
    assert seen[0].endswith(b"\r\n\r\n2\r\nab\r\n")
    assert (reply.body, reply.headers["Transfer-Encoding"]) == (b"abcd", "chunked")
    assert "Etag" not in reply.headers


async def test_flush_waits_for_a_slow_client(talk_to: TalkTo) -> None:
    told: list[Any] = []

    async def slow(self: Any) -> None:
        self.write("a")
        await self.flush()
        talk.transport.choke()
        self.write("b")
        waiting = self.flush()
        told.append(waiting.done())
        asyncio.get_running_loop().call_soon(talk.transport.relieve)
        await waiting
        told.append("relieved")

    talk = talk_to(answering(slow))
    assert (await talk.ask(get())).body == b"ab"
    assert told == [False, "relieved"]


async def test_pieces_of_an_announced_length(talk_to: TalkTo) -> None:
    def pieces(self: Any) -> None:
        self.set_header("Content-Length", 4)
        self.write("ab")
        self.flush()
        self.write("cd")

    reply = talk_to(answering(pieces)).now(get())
    assert (reply.body, reply.headers.get("Transfer-Encoding")) == (b"abcd", None)


@pytest.mark.parametrize("flushed", [True, False])
async def test_first_piece_longer_than_announced_becomes_an_error_page(
    talk_to: TalkTo, flushed: bool
) -> None:
    def pieces(self: Any) -> None:
        self.set_header("Content-Length", 1)
        self.write("ab")
        if flushed:
            self.flush()

    for transforms in ([], [OutputTransform]):
        application = Application([("/", answering(pieces))], transforms=transforms)
        assert talk_to(application).now(get()).status == 500


async def test_head_in_pieces(talk_to: TalkTo) -> None:
    def pieces(self: Any) -> None:
        self.write("ab")
        self.flush()
        self.write("cd")

    talk = talk_to(answering(pieces))
    talk.transport.feed(request("/", "HEAD"))
    assert talk.transport.written.endswith(b"\r\n\r\n")


async def test_overridden_flush_is_what_finish_calls(talk_to: TalkTo) -> None:
    called = []

    class Own(RequestHandler):
        def get(self) -> None:
            self.write("x")

        def flush(self, include_footers: bool = False) -> Any:
            called.append(include_footers)
            return super().flush(include_footers)

    assert talk_to(Own).now(get()).body == b"x"
    assert called == [True]


async def test_finish_may_be_awaited(talk_to: TalkTo) -> None:
    told: list[Any] = []

    async def wait(self: Any) -> None:
        await self.finish("x")
        told.append(self._finished)

    assert (await talk_to(answering(wait)).ask(get())).body == b"x"
    assert told == [True]


async def test_finish_for_a_client_that_has_gone(talk_to: TalkTo) -> None:
    told: list[Any] = []

    async def late(self: Any) -> None:
        talk.close()
        with pytest.raises(StreamClosedError):
            await self.finish("x")
        told.append("over")

    for transforms in ([], [OutputTransform]):
        application = Application([("/", answering(late))], transforms=transforms)
        talk = talk_to(application)
        talk.transport.feed(get())
        for _ in range(3):
            await asyncio.sleep(0)
    assert told == ["over", "over"]


# -- what happens right before the head


class Hooked(RequestHandler):
    """Has something happen right before its first byte."""

    calls = 0

    def _before_headers(self) -> Any:
        type(self).calls += 1
        return self.hook()

    def hook(self) -> Any:
        self.set_header("X-Hook", f"{self.get_status()}")


async def later(handler: Any) -> None:
    """What takes a while."""
    await asyncio.sleep(0)
    handler.set_header("X-Hook", f"{handler.get_status()}")
    handler.set_cookie("late", "1")


def hooked(function: Callable[[Any], Any], hook: Callable[[Any], Any] | None = None) -> type[Hooked]:
    """A hooked handler of a function."""

    class Made(Hooked):
        calls = 0

        def get(self) -> Any:
            return function(self)

        def hook(self) -> Any:
            return super().hook() if hook is None else hook(self)

    return Made


def write_all(self: Any) -> None:
    self.write("abc")


def write_pieces(self: Any) -> None:
    self.write("a")
    self.flush()
    self.write("b")
    self.flush()
    self.write("c")


async def write_pieces_waiting(self: Any) -> None:
    self.write("a")
    await self.flush()
    self.write("b")
    await self.flush()
    await self.finish("c")


WRITERS = [write_all, write_pieces, write_pieces_waiting]


@pytest.mark.parametrize("function", WRITERS)
@pytest.mark.parametrize("hook", [None, later])
async def test_hook_is_called_once_before_the_first_byte(talk_to: TalkTo, function: Any, hook: Any) -> None:
    handler = hooked(function, hook)
    reply = await talk_to(handler).ask(get())
    assert (reply.status, reply.body, reply.whole) == (200, b"abc", True)
    assert reply.headers["X-Hook"] == "200"
    assert reply.headers.get("Set-Cookie") == (None if hook is None else "late=1; Path=/")
    assert handler.calls == 1


async def test_hook_sees_the_status_of_an_error_page(talk_to: TalkTo) -> None:
    def fail(self: Any) -> None:
        raise HTTPError(402)

    for hook in (None, later):
        handler = hooked(fail, hook)
        reply = await talk_to(handler).ask(get())
        assert (reply.status, reply.headers["X-Hook"], handler.calls) == (402, "402", 1)


async def refuse_later(handler: Any) -> None:
    await asyncio.sleep(0)
    raise HTTPError(503, reason="Later")


def refuse_now(handler: Any) -> None:
    raise HTTPError(503, reason="Later")


async def cancel_later(handler: Any) -> None:
    await asyncio.sleep(0)
    raise asyncio.CancelledError


@pytest.mark.parametrize("function", WRITERS)
@pytest.mark.parametrize(("hook", "status"), [(refuse_later, 503), (refuse_now, 503), (cancel_later, 500)])
async def test_error_of_the_hook_is_the_answer(
    talk_to: TalkTo, function: Any, hook: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    finished = []

    class Made(hooked(function, hook)):  # type: ignore[misc]
        def on_finish(self) -> None:
            finished.append(self.get_status())

    talk = talk_to(Made)
    reply = await talk.ask(get())
    assert (reply.status, reply.whole) == (status, True)
    assert b"abc" not in reply.body
    await asyncio.sleep(0)
    assert finished == [status]
    assert "Cannot write" not in caplog.text
    # The connection is as good as before.
    assert (await talk.ask(get())).status == status


async def test_error_in_a_response_that_was_held_back(talk_to: TalkTo) -> None:
    assert (await talk_to(hooked(announcing(10, "abc"), later)).ask(get())).status == 500


async def test_error_at_the_end_of_a_response_that_was_held_back(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    class Made(hooked(write_all, later)):  # type: ignore[misc]
        def on_finish(self) -> None:
            raise RuntimeError("at the end")

    reply = await talk_to(Made).ask(get())
    assert (reply.status, reply.body) == (200, b"abc")
    await asyncio.sleep(0)
    assert "at the end" in caplog.text


async def test_client_that_goes_while_output_is_held_back(talk_to: TalkTo) -> None:
    talk = talk_to(hooked(write_pieces, later))
    talk.transport.feed(get())
    talk.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert talk.transport.written == b""


async def test_pipelined_request_waits_for_what_is_held_back(talk_to: TalkTo) -> None:
    talk = talk_to(hooked(write_all, later))
    talk.transport.feed(get() + get())
    for _ in range(20):
        await asyncio.sleep(0)
    assert [reply.body for reply in parse(talk.transport.take())] == [b"abc", b"abc"]
