from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import types
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import pytest

from framework import gen
from framework.concurrent import Future
from framework.ioloop import IOLoop
from tests.generators import LONG, Gen, outcome, value

# coroutine


async def test_coroutine_returns_by_return_and_by_raise_return() -> None:
    @gen.coroutine
    def new() -> Gen:
        x = yield value(1)
        return x + 1

    @gen.coroutine
    def old() -> Gen:
        yield None
        raise gen.Return(9)

    @gen.coroutine
    def nothing() -> Gen:
        yield gen.moment
        raise gen.Return

    assert await new() == 2
    assert await old() == 9
    assert await nothing() is None


async def test_coroutine_that_never_waits_is_done_at_once() -> None:
    @gen.coroutine
    def plain() -> int:
        return 8

    @gen.coroutine
    def raised() -> int:
        raise gen.Return(9)

    @gen.coroutine
    def empty_generator() -> Gen:
        return 7
        yield

    assert [f().result() for f in (plain, raised, empty_generator)] == [8, 9, 7]


async def test_coroutine_starts_before_it_is_awaited() -> None:
    log = []

    @gen.coroutine
    def f() -> Gen:
        log.append("started")
        yield gen.moment

    future = f()
    assert log == ["started"]
    await future


async def test_coroutine_keeps_name_and_function() -> None:
    @gen.coroutine
    def documented() -> Gen:
        """Text."""
        yield

    assert documented.__name__ == "documented"
    assert documented.__doc__ == "Text."
    assert isinstance(documented.__wrapped__(), types.GeneratorType)  # type: ignore[attr-defined]
    assert gen.is_coroutine_function(documented)
    assert not gen.is_coroutine_function(value)
    assert not gen.is_coroutine_function(3)


@pytest.mark.parametrize("rounds", [0, 1, 2])
async def test_coroutine_passes_errors_to_who_waits(rounds: int) -> None:
    @gen.coroutine
    def fails() -> Gen:
        for _ in range(rounds):
            yield gen.moment
        raise KeyError("x")
        yield

    with pytest.raises(KeyError, match="x"):
        await fails()


async def test_plain_function_errors_are_in_the_future() -> None:
    @gen.coroutine
    def fails() -> None:
        raise KeyError("x")

    assert isinstance(fails().exception(), KeyError)


async def test_coroutine_meets_errors_where_it_waits() -> None:
    @gen.coroutine
    def catches() -> Gen:
        try:
            yield value(KeyError(1), rounds=1)
        except KeyError as error:
            yield gen.moment
            return error.args

    assert await catches() == (1,)


async def test_coroutine_may_yield_everything_that_can_be_waited_for() -> None:
    @gen.coroutine
    def inner() -> Gen:
        yield gen.moment
        return "inner"

    @gen.coroutine
    def f() -> Gen:
        done: Future[str] = Future()
        done.set_result("done")
        threaded: futures.Future[str] = futures.Future()
        threaded.set_result("threaded")
        return [
            (yield value("native")),
            (yield inner()),
            (yield done),
            (yield threaded),
            (yield IOLoop.current().run_in_executor(None, str, "executor")),
            (yield [value(1), inner()]),
            (yield {"a": value(2)}),
            (yield None),
            (yield gen.moment),
        ]

    assert await f() == [
        "native", "inner", "done", "threaded", "executor", [1, "inner"], {"a": 2}, None, None,
    ]  # fmt: skip


async def test_yielding_something_else_raises_there() -> None:
    @gen.coroutine
    def f() -> Gen:
        try:
            yield 5
        except gen.BadYieldError as error:
            message = str(error)
        yield "ab"
        return message

    assert str(await outcome(f())) == "yielded unknown object 'ab'"

    @gen.coroutine
    def g() -> Gen:
        yield 5

    with pytest.raises(gen.BadYieldError, match="yielded unknown object 5"):
        await g()


async def test_a_hundred_thousand_ready_futures_do_not_recurse() -> None:
    @gen.coroutine
    def f() -> Gen:
        for i in range(100_000):
            yield gen.maybe_future(i)
        return "deep"

    assert await f() == "deep"


async def test_cancelled_future_raises_in_the_coroutine() -> None:
    waited: Future[None] = Future()

    @gen.coroutine
    def f() -> Gen:
        try:
            yield waited
        except asyncio.CancelledError:
            return "caught"

    future = f()
    waited.cancel()
    assert await future == "caught"


@pytest.mark.parametrize("rounds", [0, 1])
async def test_cancellation_that_is_not_caught_cancels_the_result(rounds: int) -> None:
    @gen.coroutine
    def f() -> Gen:
        for _ in range(rounds):
            yield gen.moment
        raise asyncio.CancelledError
        yield

    future = f()
    assert isinstance(await outcome(future), asyncio.CancelledError)
    assert future.cancelled()


async def test_cancelling_the_result_does_not_stop_the_generator() -> None:
    log = []

    @gen.coroutine
    def f() -> Gen:
        yield gen.moment
        log.append("went on")
        return 1

    future = f()
    future.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == ["went on"]
    assert future.cancelled()


async def test_error_after_cancellation_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @gen.coroutine
    def f() -> Gen:
        yield gen.moment
        raise KeyError("late")

    f().cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "Exception after Future was cancelled" in caplog.text


def test_system_exit_ends_the_loop(io_loop: IOLoop) -> None:
    futures: list[Future[Any]] = []

    @gen.coroutine
    def f() -> Gen:
        yield gen.moment
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        io_loop.run_sync(lambda: futures.append(f()) or futures[0])  # type: ignore[func-returns-value]
    assert isinstance(futures[0].exception(), SystemExit)


variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)


async def test_coroutine_runs_in_one_copy_of_the_context() -> None:
    @gen.coroutine
    def f() -> Gen:
        before = variable.get()
        token = variable.set(1)
        yield gen.moment
        during = variable.get()
        yield value(None, rounds=1)
        variable.reset(token)  # fails in any other context than the one of set()
        return before, during, variable.get()

    variable.set(5)
    assert await f() == (5, 1, 5)
    assert variable.get() == 5


async def test_plain_function_does_not_change_the_callers_context() -> None:
    @gen.coroutine
    def f() -> int:
        variable.set(1)
        return variable.get()

    variable.set(5)
    assert await f() == 1
    assert variable.get() == 5


def test_coroutine_can_be_called_before_the_loop_runs(io_loop: IOLoop) -> None:
    @gen.coroutine
    def f() -> Gen:
        yield gen.moment
        yield gen.sleep(0.001)
        return 4

    future = f()
    assert io_loop.run_sync(lambda: future) == 4


async def test_order_of_two_coroutines_by_moment() -> None:
    order = []

    @gen.coroutine
    def a() -> Gen:
        order.append("a1")
        yield gen.moment
        order.append("a2")
        yield None
        order.append("a3")
        yield gen.maybe_future(1)
        order.append("a4")

    @gen.coroutine
    def b() -> Gen:
        for step in ("b1", "b2", "b3", "b4"):
            order.append(step)
            yield gen.moment

    await gen.multi([a(), b()])
    assert order == ["a1", "b1", "a2", "b2", "a3", "a4", "b3", "b4"]


async def test_moment_in_a_native_coroutine_lets_the_loop_go_round() -> None:
    log: list[int] = []
    asyncio.get_running_loop().call_soon(log.append, 1)
    assert await gen.moment is None  # type: ignore[func-returns-value]
    assert log == [1]
    assert gen.moment.done()
    assert gen.moment.result() is None  # type: ignore[func-returns-value]
    assert not gen.moment.cancelled()


async def test_runner_can_be_given_an_error_from_outside() -> None:
    waited: Future[None] = Future()
    result: Future[Any] = Future()

    def generator() -> Gen:
        try:
            yield waited
        except KeyError:
            yield gen.moment
            return "handled"

    running = generator()
    runner = gen.Runner(contextvars.copy_context().run, running, result, next(running))
    error = KeyError(1)
    assert runner.handle_exception(KeyError, error, None)  # type: ignore[arg-type]
    assert await result == "handled"
    assert not runner.handle_exception(KeyError, error, None)  # type: ignore[arg-type]
    runner.run()
    waited.set_result(None)
    await asyncio.sleep(0)
    assert runner.finished


async def test_runner_starts_with_what_is_ready() -> None:
    result: Future[Any] = Future()

    def generator() -> Gen:
        return (yield gen.maybe_future(3))

    running = generator()
    gen.Runner(contextvars.copy_context().run, running, result, next(running))
    assert result.result() == 3


@pytest.fixture
def garbage() -> Iterator[Callable[[], list[Any]]]:
    """Counts what only the cycle collector could free."""

    def collect() -> list[Any]:
        gc.collect()
        return gc.garbage

    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield collect
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def cycle_cases() -> dict[str, Callable[[], Any]]:
    @gen.coroutine
    def returns() -> Gen:
        yield gen.moment
        return (yield value(1, rounds=1))

    @gen.coroutine
    def fails() -> Gen:
        yield gen.moment
        raise KeyError(1)

    @gen.coroutine
    def fails_first() -> Gen:
        raise KeyError(1)
        yield

    @gen.coroutine
    def passes_error_on() -> Gen:
        yield fails()

    @gen.coroutine
    def catches() -> Gen:
        try:
            yield fails()
        except KeyError:
            pass

    return {
        "returns": returns,
        "fails": fails,
        "fails_first": fails_first,
        "passes_error_on": passes_error_on,
        "catches": catches,
        "multi": lambda: gen.multi([returns(), value(2)]),
        "multi_fails": lambda: gen.multi([returns(), fails()]),
        "with_timeout": lambda: gen.with_timeout(LONG, returns()),
        "sleep": lambda: gen.sleep(0),
    }


@pytest.mark.parametrize("case", list(cycle_cases()))
async def test_no_reference_cycles(case: str, garbage: Callable[[], list[Any]]) -> None:
    call = cycle_cases()[case]
    garbage()
    gc.garbage.clear()

    async def run() -> None:
        try:
            await call()
        except KeyError:
            pass

    await run()
    await asyncio.sleep(0)
    ours = (Future, gen.Runner, types.GeneratorType, KeyError, asyncio.Task, types.FrameType)
    assert [thing for thing in garbage() if isinstance(thing, ours)] == []


def test_errors_and_return() -> None:
    assert gen.TimeoutError is TimeoutError
    for error in (gen.BadYieldError, gen.KeyReuseError, gen.UnknownKeyError, gen.LeakedCallbackError):
        assert error.__base__ is Exception
    assert gen.Return(3).value == 3
    assert gen.Return(3).args == (3,)
    assert gen.Return().value is None


async def test_a_coroutine_yields_futures_of_threads() -> None:
    yielded = threading.Event()

    def slowly(number: str) -> int:
        yielded.wait(10)
        return int(number)

    with futures.ThreadPoolExecutor(1) as threads:

        @gen.coroutine
        def main() -> Any:
            return [(yield threads.submit(slowly, "5")), (yield [threads.submit(slowly, "6")])]

        asyncio.get_running_loop().call_later(0.01, yielded.set)
        assert await main() == [5, [6]]
