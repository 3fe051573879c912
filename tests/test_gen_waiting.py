from __future__ import annotations

import asyncio
import logging
import time
from concurrent import futures
from typing import Any

import pytest

from framework import gen
from framework.concurrent import Future
from framework.ioloop import IOLoop
from tests.generators import LONG, SOON, Gen, outcome, value

# convert_yielded, maybe_future


async def test_convert_yielded() -> None:
    future: Future[None] = Future()
    threaded: futures.Future[None] = futures.Future()
    assert gen.convert_yielded(future) is future
    assert gen.convert_yielded(threaded) is threaded  # type: ignore[comparison-overlap]
    assert gen.convert_yielded(None) is gen.moment  # type: ignore[comparison-overlap]
    assert gen.convert_yielded([]).result() == []
    assert gen.convert_yielded({}).result() == {}
    assert await gen.convert_yielded(value(3)) == 3
    for bad in (5, "ab", (), [3]):
        with pytest.raises(gen.BadYieldError, match="yielded unknown object"):
            gen.convert_yielded(bad)


async def test_convert_yielded_can_learn_types() -> None:
    class Special:
        pass

    gen.convert_yielded.register(Special, lambda _: gen.maybe_future("special"))

    @gen.coroutine
    def f() -> Gen:
        return (yield Special())

    assert await f() == "special"


async def test_maybe_future() -> None:
    future: Future[None] = Future()
    assert gen.maybe_future(future) is future
    assert gen.maybe_future(5).result() == 5


# multi


async def test_multi_of_lists_dicts_and_more() -> None:
    assert await gen.multi([value(1), value(2, rounds=2)]) == [1, 2]
    assert await gen.multi({"a": value(1), "b": None}) == {"a": 1, "b": None}
    assert await gen.multi(value(x) for x in (1, 2)) == [1, 2]
    assert await gen.multi([[value(1)], {"x": value(2)}]) == [[1], {"x": 2}]
    assert await gen.multi([IOLoop.current().run_in_executor(None, int)]) == [0]
    assert await gen.multi([]) == []
    assert gen.Multi is gen.multi


async def test_multi_takes_a_future_twice() -> None:
    future: Future[int] = Future()
    both = gen.multi([future, future])
    future.set_result(3)
    assert await both == [3, 3]


async def test_multi_is_done_when_all_are(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    async def slow() -> None:
        await asyncio.sleep(0.001)
        done.append(1)

    error = await outcome(gen.multi([slow(), value(KeyError(2)), value(ValueError(3))]))
    assert isinstance(error, KeyError)
    assert done == [1]
    assert [record.getMessage() for record in caplog.records] == ["Multiple exceptions in yield list"]
    assert "ValueError: 3" in caplog.text


async def test_multi_can_be_quiet(caplog: pytest.LogCaptureFixture) -> None:
    children = [value(KeyError(2)), value(ValueError(3)), value(TypeError(4))]
    assert isinstance(await outcome(gen.multi(children, quiet_exceptions=ValueError)), KeyError)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "TypeError: 4" in caplog.text


async def test_multi_of_a_cancelled_child_is_cancelled() -> None:
    child: Future[None] = Future()
    both = gen.multi([child, value(1)])
    child.cancel()
    assert isinstance(await outcome(both), asyncio.CancelledError)
    assert both.cancelled()


async def test_cancelling_multi_leaves_the_children() -> None:
    children: list[Future[int]] = [Future(), Future()]
    for result in (1, KeyError(1)):
        both = gen.multi(children)
        both.cancel()
        await asyncio.sleep(0)
        assert not children[0].done()
        for child in children:
            if isinstance(result, int):
                child.set_result(result)
            else:
                child.set_exception(result)
        await asyncio.sleep(0)
        assert both.cancelled()
        children = [Future()]


async def test_multi_refuses_what_it_cannot_wait_for() -> None:
    with pytest.raises(gen.BadYieldError):
        gen.multi("ab")
    with pytest.raises(TypeError, match="not iterable"):
        gen.multi(5)  # type: ignore[arg-type]


# with_timeout, sleep


@pytest.mark.parametrize("limit", [SOON, lambda: time.time() + 0.005, lambda: time.time() - 1])
async def test_with_timeout_raises_in_time(limit: Any) -> None:
    future: Future[None] = Future()
    with pytest.raises(gen.TimeoutError, match=r"^Timeout$"):
        await gen.with_timeout(limit() if callable(limit) else limit, future)
    assert not future.done()


async def test_with_timeout_gives_the_result() -> None:
    assert await gen.with_timeout(LONG, value(3, rounds=3)) == 3
    assert await gen.with_timeout(time.time() + 30, [value(4)]) == [4]
    assert await gen.with_timeout(LONG, None) is None
    assert await gen.with_timeout(LONG, IOLoop.current().run_in_executor(None, int)) == 0
    assert gen.with_timeout(LONG, gen.maybe_future(5)).result() == 5


async def test_with_timeout_messages() -> None:
    with pytest.raises(gen.TimeoutError, match=r"^text$"):
        await gen.with_timeout(SOON, Future(), message="text")
    with pytest.raises(gen.TimeoutError, match=r"^made$"):
        await gen.with_timeout(SOON, Future(), message=lambda: "made")


async def test_with_timeout_logs_an_error_that_comes_too_late(caplog: pytest.LogCaptureFixture) -> None:
    for error, quiet in ((KeyError("late"), ()), (ValueError("quiet"), ValueError), (None, ())):
        future: Future[None] = Future()
        assert isinstance(await outcome(gen.with_timeout(SOON, future, quiet)), gen.TimeoutError)
        if error is None:
            future.cancel()
        else:
            future.set_exception(error)
        await asyncio.sleep(0)
    assert len(caplog.records) == 1
    assert "after timeout" in caplog.records[0].getMessage()
    assert "KeyError: 'late'" in caplog.text


async def test_with_timeout_and_cancellation() -> None:
    future: Future[None] = Future()
    waiting = gen.with_timeout(SOON, future)
    waiting.cancel()
    await asyncio.sleep(0.01)
    assert not future.done()
    waiting = gen.with_timeout(LONG, future)
    future.cancel()
    assert isinstance(await outcome(waiting), asyncio.CancelledError)


async def test_with_timeout_refuses_other_deadlines() -> None:
    with pytest.raises(TypeError, match="Unsupported deadline 's'"):
        gen.with_timeout("s", gen.moment)  # type: ignore[arg-type]


def test_sleep_may_start_before_the_loop(io_loop: IOLoop) -> None:
    future = gen.sleep(0.001)
    assert not future.done()
    assert io_loop.run_sync(lambda: future) is None


async def test_cancelled_sleep_is_harmless() -> None:
    future = gen.sleep(0.001)
    future.cancel()
    await asyncio.sleep(0.005)
    assert future.cancelled()


# WaitIterator


async def test_wait_iterator_gives_results_as_they_come() -> None:
    futures: dict[str, Future[Any]] = {name: Future() for name in "abc"}
    iterator = gen.WaitIterator(**futures)
    assert (iterator.current_index, iterator.current_future) == (None, None)
    seen: list[Any] = []
    futures["b"].set_result(2)
    await asyncio.sleep(0)
    for name, result in (("c", KeyError(9)), ("a", 1), (None, None)):
        seen.append((iterator.current_index, iterator.current_future, await outcome(iterator.next())))
        assert iterator.current_index is not None
        assert iterator.current_future is futures[str(iterator.current_index)]
        if isinstance(result, Exception):
            futures[str(name)].set_exception(result)
        elif name is not None:
            futures[name].set_result(result)
    results = [result for _, _, result in seen]
    assert results[0] == 2
    assert isinstance(results[1], KeyError)
    assert results[2] == 1
    assert iterator.done()
    assert (iterator.current_index, iterator.current_future) == (None, None)


async def test_wait_iterator_in_async_for() -> None:
    iterator = gen.WaitIterator(value("slow", rounds=5), value("fast"), gen.maybe_future("done"))
    found = [(iterator.current_index, result) async for result in iterator]
    assert found == [(2, "done"), (1, "fast"), (0, "slow")]
    assert [x async for x in gen.WaitIterator()] == []


async def test_wait_iterator_of_threads() -> None:
    with futures.ThreadPoolExecutor(1) as threads:
        iterator = gen.WaitIterator(threads.submit(int), gen.moment)
        assert sorted([repr(x) async for x in iterator]) == ["0", "None"]


async def test_wait_iterator_keeps_a_result_that_a_given_up_step_did_not_take() -> None:
    future: Future[int] = Future()
    iterator = gen.WaitIterator(future)
    iterator.next().cancel()
    future.set_result(4)
    await asyncio.sleep(0)
    assert not iterator.done()
    assert await iterator.next() == 4


def test_wait_iterator_refuses_both_kinds_of_arguments() -> None:
    with pytest.raises(ValueError, match="You must provide args or kwargs, not both"):
        gen.WaitIterator(1, a=2)
