"""The life of a request: which methods are called when, and what becomes of it when one fails."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Generator
from typing import Any

import pytest

from framework import gen
from framework.httputil import (
    HTTPInputError,
    HTTPServerRequest,
)
from framework.iostream import StreamClosedError
from framework.web import Application, ErrorHandler, Finish, HTTPError, RequestHandler, stream_request_body
from tests.web.conftest import TalkTo
from tests.web.talk import get, request
from tests.web.test_delegate import Connection


class Told(RequestHandler):
    """Remembers what was called."""

    def initialize(self, told: list[str] | None = None) -> None:
        self.told = [] if told is None else told
        self.told.append("initialize")

    def prepare(self) -> Any:
        """Tells."""
        self.told.append("prepare")

    def on_finish(self) -> None:
        self.told.append("on_finish")

    def on_connection_close(self) -> None:
        self.told.append("on_connection_close")
        super().on_connection_close()


def told_by(handler: type[Told], **settings: Any) -> tuple[Application, list[str]]:
    """An application of one handler, and what its handlers tell."""
    told: list[str] = []
    rules = [(r"/(.*)", handler, {"told": told})]
    return Application(rules, log_function=lambda handler: told.append("log"), **settings), told


async def test_order_of_a_plain_handler(talk_to: TalkTo) -> None:
    class Plain(Told):
        def get(self, path: str) -> None:
            self.told.append(f"get {path} {self.path_args}")
            self.write("x")

    application, told = told_by(Plain)
    assert talk_to(application).now(get("/a%20b")).text == "x"
    assert told == ["initialize", "prepare", "get a b ['a b']", "log", "on_finish"]


async def test_order_of_a_coroutine_with_a_coroutine_for_prepare(talk_to: TalkTo) -> None:
    class Async(Told):
        async def prepare(self) -> None:
            self.told.append("prepare")
            await asyncio.sleep(0)
            self.told.append("prepared")

        async def get(self, path: str) -> None:
            self.told.append("get")
            await asyncio.sleep(0)
            self.write("x")
            self.told.append("got")

    application, told = told_by(Async)
    assert (await talk_to(application).ask(get())).text == "x"
    assert told == ["initialize", "prepare", "prepared", "get", "got", "log", "on_finish"]


async def test_named_groups_are_named_arguments(talk_to: TalkTo) -> None:
    class Named(RequestHandler):
        def get(self, one: str, two: str) -> None:
            self.write(repr((one, two, self.path_args, self.path_kwargs)))

    application = Application([(r"/(?P<two>.*)/(?P<one>.*)", Named)])
    assert talk_to(application).now(get("/2/1")).text == "('1', '2', [], {'two': '2', 'one': '1'})"


class Kinds(RequestHandler):
    def get(self, kind: str) -> Any:
        self.write("begun ")
        return getattr(self, kind)()

    @gen.coroutine
    def generator(self) -> Generator[Any, Any, Any]:
        yield gen.moment
        self.write("ended")

    def future(self) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, None)
        return future

    async def failing(self) -> None:
        await asyncio.sleep(0)
        raise HTTPError(402)

    async def failing_at_once(self) -> None:
        raise HTTPError(402)

    def finishing(self) -> None:
        raise Finish("last")

    async def finishing_later(self) -> None:
        await asyncio.sleep(0)
        raise Finish

    def finished(self) -> None:
        self.finish("first")
        raise Finish

    async def cancelled(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    def text(self) -> str:
        return "no awaitable"

    def hand_made(self) -> None:
        self._auto_finish = False
        asyncio.get_running_loop().call_soon(self.finish, "later")

    def bad_body(self) -> None:
        raise HTTPInputError("cut off")


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("generator", 200, "begun ended"),
        ("future", 200, "begun "),
        ("failing", 402, "402: Payment Required"),
        ("failing_at_once", 402, "402: Payment Required"),
        ("finishing", 200, "begun last"),
        ("finishing_later", 200, "begun "),
        ("finished", 200, "begun first"),
        ("cancelled", 500, "500: Internal Server Error"),
        ("text", 500, "500: Internal Server Error"),
        ("hand_made", 200, "begun later"),
        ("bad_body", 400, "400: Bad Request"),
    ],
)
async def test_methods_of_every_kind(talk_to: TalkTo, kind: str, status: int, text: str) -> None:
    reply = await talk_to(Application([(r"/(.*)", Kinds)])).ask(get(f"/{kind}"))
    assert reply.status == status
    assert text in reply.text


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(("way", "status"), [("finish", 200), ("error", 402), ("cancel", 500)])
async def test_prepare_may_answer_by_itself(talk_to: TalkTo, later: bool, way: str, status: int) -> None:
    class Prepared(RequestHandler):
        def prepare(self) -> Awaitable[None] | None:
            if later:
                return self.answer(True)
            try:
                self.answer(False).send(None)
            except StopIteration:
                pass
            return None

        async def answer(self, wait: bool) -> None:
            if wait:
                await asyncio.sleep(0)
            if way == "finish":
                self.finish("prepared")
            elif way == "error":
                raise HTTPError(402)
            else:
                raise asyncio.CancelledError

        def get(self) -> None:
            raise AssertionError("must not be called")

    assert (await talk_to(Prepared).ask(get())).status == status


async def test_error_in_log_exception_does_not_hide_the_answer(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(RequestHandler):
        def get(self) -> None:
            raise RuntimeError("first")

        def log_exception(self, *error: Any) -> None:
            raise RuntimeError("second")

    assert talk_to(Broken).now(get()).status == 500
    assert "Error in exception logger" in caplog.text


@pytest.mark.parametrize("later", [False, True])
async def test_error_behind_the_end_is_only_logged(
    talk_to: TalkTo, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Behind(RequestHandler):
        def get(self) -> Any:
            return self.later() if later else self.fail()

        async def later(self) -> None:
            await asyncio.sleep(0)
            self.fail()

        def fail(self) -> None:
            self.finish("whole")
            raise RuntimeError("behind")

    reply = await talk_to(Behind).ask(get())
    assert (reply.status, reply.text) == (200, "whole")
    assert "RuntimeError: behind" in caplog.text


@pytest.mark.parametrize("where", ["on_finish", "log"])
async def test_error_at_the_very_end_leaves_the_response_alone(
    talk_to: TalkTo, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    class End(RequestHandler):
        def get(self) -> None:
            self.write("whole")

        def on_finish(self) -> None:
            if where == "on_finish":
                raise RuntimeError("at the end")

    def log(handler: Any) -> None:
        if where == "log":
            raise RuntimeError("at the end")

    talk = talk_to(Application([("/", End)], log_function=log))
    assert talk.now(get()).text == "whole"
    assert "RuntimeError: at the end" in caplog.text
    assert talk.now(get()).text == "whole"


async def test_task_that_is_cancelled_from_outside_is_answered_for(talk_to: TalkTo) -> None:
    tasks: list[Any] = []

    class Waiting(RequestHandler):
        async def get(self) -> None:
            tasks.append(asyncio.current_task())
            await asyncio.get_running_loop().create_future()

    talk = talk_to(Waiting)
    talk.transport.feed(get())
    while not tasks:  # noqa: ASYNC110  # the handler must not be touched to find out
        await asyncio.sleep(0)
    tasks[0].cancel()
    await talk.until_answered()
    assert talk.reply().status == 500


@pytest.mark.parametrize("error", [asyncio.CancelledError(), RuntimeError("around")])
async def test_failure_around_execute_is_answered_for(talk_to: TalkTo, error: BaseException) -> None:
    class Around(RequestHandler):
        async def _execute(self, transforms: Any, *args: Any, **kwargs: Any) -> None:
            await asyncio.sleep(0)
            raise error

    assert (await talk_to(Around).ask(get())).status == 500


async def test_execute_may_be_wrapped(talk_to: TalkTo) -> None:
    class Around(RequestHandler):
        async def _execute(self, transforms: Any, *args: Any, **kwargs: Any) -> None:
            self.set_header("X-Before", repr((transforms, args, kwargs)))
            await super()._execute(transforms, *args, **kwargs)
            assert self._finished

        async def get(self, name: str) -> None:
            await asyncio.sleep(0)
            self.write(name)

    reply = await talk_to(Application([(r"/(.*)", Around)])).ask(get("/x"))
    assert (reply.text, reply.headers["X-Before"]) == ("x", "([], (b'x',), {})")


async def test_execute_may_be_called_by_hand() -> None:
    class Hand(RequestHandler):
        def get(self, name: str) -> None:
            self.write(name)

    connection = Connection()
    made = HTTPServerRequest("GET", "/", connection=connection)
    handler = Hand(Application(), made)
    await handler._execute([], b"x")
    assert connection.sent == b"x"
    assert connection.ended


# -- handlers that can't be made


@pytest.mark.parametrize(("error", "status"), [(HTTPError(402), 402), (RuntimeError("broken"), 500)])
async def test_error_in_initialize_is_answered(
    talk_to: TalkTo, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    class Unmade(RequestHandler):
        def initialize(self) -> None:
            raise error

    talk = talk_to(Unmade)
    assert talk.now(get()).status == status
    assert ("while making a handler" in caplog.text) == (status == 500)
    assert talk.now(get()).status == status


async def test_error_page_that_can_not_be_made_closes_the_connection(talk_to: TalkTo) -> None:
    class BrokenPage(ErrorHandler):
        def initialize(self, status_code: int) -> None:
            raise RuntimeError("no page either")

    class Site(Application):
        error_handler_class = BrokenPage

    class Unmade(RequestHandler):
        def initialize(self) -> None:
            raise RuntimeError("broken")

    talk = talk_to(Site([("/", Unmade)]))
    talk.transport.feed(get())
    assert talk.transport.aborted


# -- clients that go away


async def test_client_that_goes_while_it_is_waited_for_is_told_of(talk_to: TalkTo) -> None:
    class Poll(Told):
        async def get(self, path: str) -> None:
            self.future = asyncio.get_running_loop().create_future()
            await self.future

        def on_connection_close(self) -> None:
            super().on_connection_close()
            self.future.set_result(None)

    application, told = told_by(Poll)
    talk = talk_to(application)
    talk.transport.feed(get())
    await asyncio.sleep(0)
    talk.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == ["initialize", "prepare", "on_connection_close", "log", "on_finish"]


async def test_a_request_that_waited_is_gone_when_it_is_answered(talk_to: TalkTo) -> None:
    seen: list[weakref.ref[Any]] = []

    class Wait(RequestHandler):
        async def get(self, path: str) -> None:
            seen.append(weakref.ref(self.request))
            await asyncio.sleep(0)
            self.write("done")

    application = Application([(r"/(.*)", Wait)])
    talk = talk_to(application)
    gc.disable()
    try:
        talk.transport.feed(get())
        for _ in range(5):
            await asyncio.sleep(0)
        assert talk.transport.take().endswith(b"done")
        assert [one() for one in seen] == [None]
    finally:
        gc.enable()


async def test_client_that_goes_from_a_handler_that_looked_at_its_connection_is_told_of(
    talk_to: TalkTo,
) -> None:
    class Poll(Told):
        def get(self, path: str) -> None:
            assert self.request.connection is not None
            self._auto_finish = False

    application, told = told_by(Poll)
    talk = talk_to(application)
    talk.transport.feed(get())
    talk.close()
    assert told == ["initialize", "prepare", "on_connection_close"]


async def test_client_that_goes_from_a_handler_without_a_task_is_told_of(talk_to: TalkTo) -> None:
    class Poll(Told):
        def get(self, path: str) -> None:
            self._auto_finish = False

    application, told = told_by(Poll)
    talk = talk_to(application)
    talk.transport.feed(get())
    talk.close()
    assert told == ["initialize", "prepare", "on_connection_close"]


async def test_client_that_goes_behind_the_response_is_not_told_of(talk_to: TalkTo) -> None:
    class Plain(Told):
        async def get(self, path: str) -> None:
            self.write("x")

    application, told = told_by(Plain)
    talk = talk_to(application)
    await talk.ask(get())
    talk.close()
    assert "on_connection_close" not in told


async def test_writing_to_a_client_that_has_gone_raises(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    raised: list[BaseException] = []

    class Poll(RequestHandler):
        async def get(self) -> None:
            self.write("begun")
            await self.flush()
            talk.close()
            self.write("more")
            try:
                await self.flush()
            except StreamClosedError as error:
                raised.append(error)
            await self.finish()

    talk = talk_to(Poll)
    talk.transport.feed(get())
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(raised) == 1


# -- bodies that are streamed


@stream_request_body
class Streaming(Told):
    def data_received(self, chunk: bytes) -> Any:
        self.told.append(f"data {chunk!r}")

    async def post(self, path: str) -> None:
        self.write(repr((self.request.body, self.request.arguments)))


def piecewise(target: str, *pieces: bytes) -> tuple[bytes, ...]:
    """A request whose body comes in pieces."""
    return (request(target, "POST", f"Content-Length: {sum(map(len, pieces))}"), *pieces)


async def test_streamed_body_comes_in_pieces_and_is_kept_nowhere(talk_to: TalkTo) -> None:
    application, told = told_by(Streaming)
    reply = await talk_to(application).ask(*piecewise("/?a=1", b"ab", b"cd"))
    assert reply.text == "(b'', {'a': [b'1']})"
    assert told == ["initialize", "prepare", "data b'ab'", "data b'cd'", "log", "on_finish"]


async def test_streamed_body_that_comes_at_once_is_streamed_all_the_same(talk_to: TalkTo) -> None:
    application, told = told_by(Streaming)
    reply = await talk_to(application).ask(b"".join(piecewise("/", b"abcd")))
    assert reply.text == "(b'', {})"
    assert told[2] == "data b'abcd'"


async def test_streaming_handler_without_a_body(talk_to: TalkTo) -> None:
    application, told = told_by(Streaming)
    reply = await talk_to(application).ask(request("/", "POST", body=b""))
    assert reply.status == 200
    assert told == ["initialize", "prepare", "log", "on_finish"]


async def test_body_waits_for_prepare(talk_to: TalkTo) -> None:
    class Slow(Streaming):
        async def prepare(self) -> None:
            for _ in range(3):
                await asyncio.sleep(0)
            self.told.append("prepared")

    application, told = told_by(Slow)
    await talk_to(application).ask(*piecewise("/", b"ab"))
    assert told == ["initialize", "prepared", "data b'ab'", "log", "on_finish"]


async def test_next_piece_waits_for_the_one_before(talk_to: TalkTo) -> None:
    class Slow(Streaming):
        async def data_received(self, chunk: bytes) -> None:
            self.told.append("begin")
            await asyncio.sleep(0)
            self.told.append("end")

    application, told = told_by(Slow)
    await talk_to(application).ask(*piecewise("/", b"ab", b"cd"))
    assert told[2:6] == ["begin", "end", "begin", "end"]


@pytest.mark.parametrize("where", ["prepare", "prepare later", "data", "data later"])
async def test_streamed_request_may_be_answered_before_its_end(talk_to: TalkTo, where: str) -> None:
    class Early(Streaming):
        def prepare(self) -> Any:
            if where == "prepare":
                raise HTTPError(413)
            return self.fail() if where == "prepare later" else None

        async def fail(self) -> None:
            await asyncio.sleep(0)
            raise HTTPError(413)

        def data_received(self, chunk: bytes) -> Any:
            if where == "data":
                raise HTTPError(413)
            return self.fail()

        async def post(self, path: str) -> None:
            raise AssertionError("must not be called")

    application, told = told_by(Early)
    reply = await talk_to(application).ask(*piecewise("/", b"ab", b"cd"))
    assert reply.status == 413
    assert told.count("on_finish") == 1


async def test_prepare_of_a_streaming_handler_may_finish(talk_to: TalkTo) -> None:
    class Early(Streaming):
        def prepare(self) -> None:
            self.finish("early")

    application, told = told_by(Early)
    reply = await talk_to(application).ask(*piecewise("/", b"ab", b"cd"))
    assert reply.text == "early"
    assert told == ["initialize", "log", "on_finish"]


async def test_client_that_goes_while_its_body_is_streamed(talk_to: TalkTo) -> None:
    application, told = told_by(Streaming)
    talk = talk_to(application)
    talk.transport.feed(request("/", "POST", "Content-Length: 10"))
    await talk.until_reading()
    talk.transport.feed(b"ab")
    talk.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == ["initialize", "prepare", "data b'ab'", "on_connection_close"]


async def test_streaming_handler_that_can_not_be_made(talk_to: TalkTo) -> None:
    @stream_request_body
    class Unmade(RequestHandler):
        def initialize(self) -> None:
            raise HTTPError(402)

    assert (await talk_to(Unmade).ask(*piecewise("/", b"ab", b"cd"))).status == 402
