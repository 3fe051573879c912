from __future__ import annotations

import asyncio
import contextlib
import datetime
import inspect
import socket
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from framework import gen
from framework.ioloop import IOLoop
from framework.locks import Event
from framework.log import app_log
from framework.platform.asyncio import AsyncIOMainLoop
from framework.platform.loops import current_loop, thread_loop
from framework.testing import (
    AsyncTestCase,
    ExpectLog,
    gen_test,
    get_async_test_timeout,
    setup_with_context_manager,
)


def run(case: type[unittest.TestCase], name: str = "test") -> unittest.TestResult:
    """The result of one test."""
    return case(name).run() or unittest.TestResult()


def trouble(case: type[unittest.TestCase], name: str = "test") -> str:
    """The traceback of a test that goes wrong."""
    result = run(case, name)
    ((_, text),) = result.errors + result.failures
    return text


def passes(case: type[unittest.TestCase], name: str = "test") -> None:
    result = run(case, name)
    assert result.testsRun == 1
    assert result.wasSuccessful(), (result.errors + result.failures)[0][1]


# The time limit


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, 5), ("7", 7), ("0.5", 0.5), ("-1", -1), ("", 5), ("soon", 5)]
)
def test_time_limit_is_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str | None, seconds: float
) -> None:
    monkeypatch.delenv("ASYNC_TEST_TIMEOUT", raising=False)
    if text is not None:
        monkeypatch.setenv("ASYNC_TEST_TIMEOUT", text)
    assert get_async_test_timeout() == seconds


# The loop


def test_each_test_has_a_loop_of_its_own_which_is_current_and_closed_afterwards() -> None:
    seen: list[IOLoop] = []

    class Case(AsyncTestCase):
        def test(self) -> None:
            assert IOLoop.current() is self.io_loop
            assert current_loop() is self.io_loop.asyncio_loop
            seen.append(self.io_loop)

    before = thread_loop()
    passes(Case)
    passes(Case)
    assert seen[0] is not seen[1]
    assert all(loop.asyncio_loop.is_closed() for loop in seen)
    assert thread_loop() is before


def test_tasks_and_descriptors_of_the_loop_end_with_the_test() -> None:
    ours, theirs = socket.socketpair()
    cancelled: list[bool] = []

    class Case(AsyncTestCase):
        @gen_test
        async def test(self) -> None:
            async def hang() -> None:
                try:
                    await Event().wait()
                finally:
                    cancelled.append(True)

            asyncio.ensure_future(hang())  # noqa: RUF006
            self.io_loop.add_handler(ours, lambda fd, events: None, IOLoop.READ)
            await asyncio.sleep(0)

    with ours, theirs:
        passes(Case)
        assert cancelled == [True]
        assert ours.fileno() == -1


def test_a_loop_made_by_the_test_is_used() -> None:
    made: list[IOLoop] = []

    class Case(AsyncTestCase):
        def get_new_ioloop(self) -> IOLoop:
            made.append(super().get_new_ioloop())
            return made[-1]

        @gen_test
        async def test(self) -> None:
            assert IOLoop.current() is self.io_loop is made[0]

    passes(Case)
    assert made[0].asyncio_loop.is_closed()


def test_a_loop_that_is_somebody_elses_stays_open() -> None:
    old = thread_loop()
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    try:
        main: IOLoop = AsyncIOMainLoop()

        class Case(AsyncTestCase):
            def get_new_ioloop(self) -> IOLoop:
                return main

            @gen_test
            async def test(self) -> None:
                await gen.sleep(0)

        passes(Case)
        assert not mine.is_closed()
        main.close()
    finally:
        asyncio.set_event_loop(old)


def test_the_loop_is_closed_also_when_set_up_fails_or_tear_down_forgets() -> None:
    loops: list[IOLoop] = []

    class BadSetUp(AsyncTestCase):
        def setUp(self) -> None:
            super().setUp()
            loops.append(self.io_loop)
            raise KeyError("in setUp")

        def test(self) -> None:
            raise AssertionError("this must not run")

    class Forgetful(AsyncTestCase):
        def tearDown(self) -> None:
            loops.append(self.io_loop)

        def test(self) -> None:
            pass

    assert "KeyError: 'in setUp'" in trouble(BadSetUp)
    passes(Forgetful)
    assert [loop.asyncio_loop.is_closed() for loop in loops] == [True, True]


# stop and wait


def within(test: Callable[[AsyncTestCase], None]) -> None:
    """Runs the function as a test, and lets its errors through."""

    class Case(AsyncTestCase):
        def runTest(self) -> None:
            test(self)

    case = Case()
    case.debug()


def test_wait_returns_what_stop_was_called_with() -> None:
    def test(case: AsyncTestCase) -> None:
        case.stop()
        assert case.wait() is None
        case.stop(5)
        assert case.wait() == 5
        case.stop(0)
        assert case.wait() == 0
        case.stop(a=1, b=2)
        assert case.wait() == {"a": 1, "b": 2}
        case.stop(1)
        case.stop(2)
        assert case.wait() == 2
        case.io_loop.call_later(0.001, case.stop, "later")
        assert case.wait(timeout=None) == "later"
        case.io_loop.add_callback(case.stop, a=1)
        assert case.wait() == {"a": 1}

    within(test)


def test_stop_takes_a_value_or_keywords() -> None:
    def test(case: AsyncTestCase) -> None:
        with pytest.raises(TypeError, match="one value or keywords"):
            case.stop(1, a=2)

    within(test)


def test_wait_ends_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def test(case: AsyncTestCase) -> None:
        with pytest.raises(AssertionError, match=r"^Async operation timed out after 0\.01 seconds$"):
            case.wait(timeout=0.01)
        monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "0.02")
        with pytest.raises(AssertionError, match=r"timed out after 0\.02 seconds"):
            case.wait()
        # An earlier stop is for one wait only.
        case.stop(1)
        assert case.wait() == 1
        with pytest.raises(AssertionError, match="timed out"):
            case.wait()
        with pytest.raises(TypeError):
            case.wait(timeout=datetime.timedelta(seconds=1))  # type: ignore[arg-type]

    within(test)


def test_wait_goes_on_until_its_condition_is_true() -> None:
    def test(case: AsyncTestCase) -> None:
        count = 0

        def step() -> None:
            nonlocal count
            count += 1
            case.stop(count)
            if count < 5:
                case.io_loop.call_later(0.001, step)

        case.io_loop.add_callback(step)
        assert case.wait(condition=lambda: count == 3) == 3
        # Also when stop was called before.
        case.stop("early")
        assert case.wait(lambda: count == 5) == 5

    within(test)


def test_wait_returns_when_something_else_stops_the_loop() -> None:
    def test(case: AsyncTestCase) -> None:
        case.io_loop.add_callback(case.io_loop.stop)
        assert case.wait() is None

    within(test)


def test_errors_of_callbacks_are_logged_and_do_not_end_wait() -> None:
    def test(case: AsyncTestCase) -> None:
        case.io_loop.add_callback(lambda: 1 // 0)
        case.io_loop.add_callback(case.stop, "waited")
        with ExpectLog(app_log, "Exception in callback"):
            assert case.wait() == "waited"

    within(test)


# What tests are


def test_coroutine_tests_without_decorator_fail() -> None:
    class Case(AsyncTestCase):
        def test_generator(self) -> Any:
            yield

        async def test_native(self) -> None:
            pass

    for name in ("test_generator", "test_native"):
        assert "TypeError: Generator and coroutine test methods should be decorated with" in trouble(
            Case, name
        )


def test_tests_that_return_something_fail() -> None:
    class Case(AsyncTestCase):
        def test_plain(self) -> int:
            return 42

        @gen_test
        def test_decorated(self) -> int:
            return 42

        @gen_test
        def test_generator(self) -> Any:
            yield gen.moment
            return 42

        @gen_test
        async def test_native(self) -> int:
            return 42

    for name in ("test_plain", "test_decorated", "test_generator", "test_native"):
        assert "ValueError: Return value from test method ignored: 42" in trouble(Case, name)


def test_a_test_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="no such test method"):
        AsyncTestCase("nothing")
    assert AsyncTestCase().id().endswith("runTest")


def test_gen_test_runs_coroutines_of_both_kinds_and_plain_functions() -> None:
    ran: list[str] = []

    class Case(AsyncTestCase):
        @gen_test
        def test_generator(self) -> Any:
            """Explained."""
            assert (yield gen.sleep(0.001)) is None
            results = yield [gen.sleep(0), gen.moment]
            assert results == [None, None]
            ran.append("generator")

        @gen_test
        async def test_native(self) -> None:
            await gen.sleep(0.001)
            assert asyncio.get_running_loop() is self.io_loop.asyncio_loop
            ran.append("native")

        @gen_test
        def test_plain(self) -> None:
            assert asyncio.get_running_loop() is self.io_loop.asyncio_loop
            ran.append("plain")

        @gen_test(timeout=20)
        async def test_arguments(self, *args: object, **kwargs: object) -> None:
            assert (args, kwargs) == ((), {})
            ran.append("arguments")

    for name in ("generator", "native", "plain", "arguments"):
        passes(Case, f"test_{name}")
        assert ran.pop() == name
    assert Case.test_generator.__doc__ == "Explained."
    assert Case.test_native.__name__ == "test_native"
    assert not inspect.iscoroutinefunction(Case.test_native)


def test_gen_test_lets_errors_and_skips_through() -> None:
    class Case(AsyncTestCase):
        @gen_test
        async def test_error(self) -> None:
            await gen.sleep(0)
            raise KeyError("of the test")

        @gen_test
        def test_failure(self) -> Any:
            yield gen.moment
            self.assertEqual(1, 2)

        @gen_test
        async def test_skip(self) -> None:
            self.skipTest("no reason")

        @gen_test
        async def test_timeout_of_its_own(self) -> None:
            raise TimeoutError("of the test")

    assert "KeyError: 'of the test'" in trouble(Case, "test_error")
    assert run(Case, "test_failure").failures
    assert run(Case, "test_skip").skipped
    assert "TimeoutError: of the test" in trouble(Case, "test_timeout_of_its_own")


def test_gen_test_shows_where_a_test_waited_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    class Case(AsyncTestCase):
        @gen_test(timeout=0.01)
        async def test_native(self) -> None:
            await Event().wait()  # native waits here

        @gen_test(timeout=0.01)
        def test_generator(self) -> Any:
            yield Event().wait()  # generator waits here

        @gen_test
        async def test_by_environment(self) -> None:
            await gen.sleep(60)

        @gen_test(timeout=0.01)
        async def test_stubborn(self) -> None:
            try:
                await Event().wait()
            except asyncio.CancelledError:
                pass

        @gen_test(timeout=0.01)
        def test_catching(self) -> Any:
            try:
                yield Event().wait()
            except TimeoutError:
                yield gen.moment

    for name in ("native", "generator"):
        text = trouble(Case, f"test_{name}")
        assert "TimeoutError: Operation timed out after 0.01 seconds" in text
        assert f"{name} waits here" in text
    for name in ("stubborn", "catching"):
        result = run(Case, f"test_{name}")
        assert result.testsRun == 1
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "0.02")
    assert "timed out after 0.02 seconds" in trouble(Case, "test_by_environment")


def test_context_managers_of_set_up() -> None:
    events: list[str] = []

    @contextlib.contextmanager
    def manager() -> Iterator[str]:
        events.append("enter")
        yield "value"
        events.append("exit")

    class Case(unittest.TestCase):
        def setUp(self) -> None:
            self.value = setup_with_context_manager(self, manager())

        def test(self) -> None:
            events.append(self.value)

    passes(Case)
    assert events == ["enter", "value", "exit"]
