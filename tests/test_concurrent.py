from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import pytest

from framework import concurrent as subject
from framework.concurrent import (
    DummyExecutor,
    Future,
    ReturnValueIgnoredError,
    chain_future,
    future_add_done_callback,
    future_set_exc_info,
    future_set_exception_unless_cancelled,
    future_set_result_unless_cancelled,
    is_future,
    run_on_executor,
)

AnyFuture = Future[Any] | futures.Future[Any]
KINDS: list[tuple[type[Any], type[Any]]] = [
    (Future, Future),
    (Future, futures.Future),
    (futures.Future, Future),
    (futures.Future, futures.Future),
]
kinds = pytest.mark.parametrize(("a_kind", "b_kind"), KINDS)


async def settled(future: AnyFuture) -> None:
    """Rounds of the loop until `future` is done: a copy between threads takes more than one."""
    async with asyncio.timeout(5):
        while not future.done():  # noqa: ASYNC110 - the copy is what is awaited
            await asyncio.sleep(0)


def test_future_is_asyncios() -> None:
    assert subject.Future is asyncio.Future
    assert issubclass(ReturnValueIgnoredError, Exception)


async def test_is_future_knows_both_kinds() -> None:
    assert is_future(Future())
    assert is_future(futures.Future())
    assert not is_future(3)
    assert not is_future(None)


def test_dummy_executor_runs_at_once_in_the_same_thread() -> None:
    executor = DummyExecutor()
    future = executor.submit(lambda a, b: (a, b, threading.current_thread()), 1, b=2)
    assert future.done()
    assert future.result() == (1, 2, threading.current_thread())
    executor.shutdown()
    assert executor.submit(int).result() == 0


def test_dummy_executor_keeps_the_error() -> None:
    future = DummyExecutor().submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        future.result()


class Worker:
    executor = subject.dummy_executor

    def __init__(self, threads: futures.Executor | None = None) -> None:
        self._threads = threads

    @run_on_executor
    def plain(self, x: int) -> int:
        """Doubles."""
        return 2 * x

    @run_on_executor()
    def failing(self) -> None:
        raise KeyError("why")

    @run_on_executor(executor="_threads")
    def elsewhere(self) -> threading.Thread:
        return threading.current_thread()


async def test_run_on_executor_uses_the_attribute_executor() -> None:
    future = Worker().plain(4)
    assert isinstance(future, asyncio.Future)
    assert await future == 8
    assert Worker.plain.__name__ == "plain"
    assert Worker.plain.__doc__ == "Doubles."


async def test_run_on_executor_passes_errors_on() -> None:
    with pytest.raises(KeyError, match="why"):
        await Worker().failing()


async def test_run_on_executor_uses_the_named_attribute() -> None:
    with futures.ThreadPoolExecutor(1) as threads:
        assert await Worker(threads).elsewhere() is not threading.current_thread()


def test_run_on_executor_refuses_other_arguments() -> None:
    with pytest.raises(ValueError, match="expected 1 argument, got 2"):
        run_on_executor(1, 2)
    with pytest.raises(ValueError, match="cannot combine"):
        run_on_executor(1, executor="x")


@kinds
async def test_chain_copies_a_result(a_kind: Callable[[], Any], b_kind: Callable[[], Any]) -> None:
    a, b = a_kind(), b_kind()
    chain_future(a, b)
    assert not b.done()
    a.set_result(7)
    await settled(b)
    assert b.result() == 7


@kinds
async def test_chain_copies_an_error(a_kind: Callable[[], Any], b_kind: Callable[[], Any]) -> None:
    a, b = a_kind(), b_kind()
    error = KeyError(1)
    a.set_exception(error)
    chain_future(a, b)
    await settled(b)
    assert b.exception() is error


@kinds
async def test_chain_passes_cancellation_forwards(
    a_kind: Callable[[], Any], b_kind: Callable[[], Any]
) -> None:
    a, b = a_kind(), b_kind()
    chain_future(a, b)
    a.cancel()
    await settled(b)
    assert b.cancelled()


@kinds
async def test_chain_leaves_a_finished_target_alone(
    a_kind: Callable[[], Any], b_kind: Callable[[], Any]
) -> None:
    a, b = a_kind(), b_kind()
    chain_future(a, b)
    b.cancel()
    await asyncio.sleep(0)
    assert not a.done()
    a.set_result(7)
    await asyncio.sleep(0)
    assert b.cancelled()


async def test_chain_of_a_done_asyncio_future_is_immediate() -> None:
    a: Future[int] = Future()
    b: Future[int] = Future()
    a.set_result(3)
    chain_future(a, b)
    assert b.result() == 3


async def test_chain_from_a_thread_wakes_the_loop() -> None:
    with futures.ThreadPoolExecutor(1) as threads:
        b: Future[int] = Future()
        release = threading.Event()

        def work() -> int:
            release.wait()
            return 5

        chain_future(threads.submit(work), b)
        release.set()
        assert await asyncio.wait_for(b, 5) == 5


def test_chain_to_a_closed_loop_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    a: futures.Future[int] = futures.Future()
    chain_future(a, loop.create_future())
    loop.close()
    with caplog.at_level(logging.DEBUG):
        a.set_result(1)
    assert not caplog.records


class BrokenLoop:
    def call_soon_threadsafe(self, *args: object) -> None:
        raise RuntimeError("broken")

    def is_closed(self) -> bool:
        return False


async def test_chain_to_a_broken_loop_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    a: futures.Future[int] = futures.Future()

    class Odd(Future[int]):
        def get_loop(self) -> Any:
            return BrokenLoop()

    chain_future(a, Odd())
    a.set_result(1)
    assert "exception calling callback" in caplog.text


async def test_set_result_unless_cancelled() -> None:
    future: Future[int] = Future()
    future_set_result_unless_cancelled(future, 1)
    assert future.result() == 1
    with pytest.raises(asyncio.InvalidStateError):
        future_set_result_unless_cancelled(future, 2)
    future = Future()
    future.cancel()
    future_set_result_unless_cancelled(future, 2)
    assert future.cancelled()


async def test_set_exception_unless_cancelled_logs_what_nobody_can_get(
    caplog: pytest.LogCaptureFixture,
) -> None:
    future: Future[int] = Future()
    future_set_exception_unless_cancelled(future, KeyError(1))
    assert isinstance(future.exception(), KeyError)
    assert not caplog.records
    future = Future()
    future.cancel()
    future_set_exception_unless_cancelled(future, KeyError("lost"))
    assert "Exception after Future was cancelled" in caplog.text
    assert "KeyError: 'lost'" in caplog.text


async def test_set_exc_info() -> None:
    future: Future[int] = Future()
    try:
        raise KeyError(1)
    except KeyError:
        future_set_exc_info(future, sys.exc_info())
    assert isinstance(future.exception(), KeyError)
    with pytest.raises(Exception, match="future_set_exc_info called with no exception"):
        future_set_exc_info(Future(), (None, None, None))


@pytest.mark.parametrize("kind", [Future, futures.Future])
async def test_add_done_callback_calls_at_once_when_done(kind: Callable[[], Any]) -> None:
    future, calls = kind(), list[Any]()
    future_add_done_callback(future, calls.append)
    future.set_result(1)
    await asyncio.sleep(0)
    assert calls == [future]
    future_add_done_callback(future, calls.append)
    assert calls == [future, future]
