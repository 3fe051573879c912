"""`gen.multi`, `WaitIterator`, `with_timeout`, `sleep`."""

from __future__ import annotations

import asyncio
import datetime
import time
from concurrent import futures
from typing import Any

from tests.differential.programs.run import Api


async def _value(result: Any, rounds: int = 0) -> Any:
    for _ in range(rounds):
        await asyncio.sleep(0)
    if isinstance(result, BaseException):
        raise result
    return result


def _task(result: Any, rounds: int = 0) -> asyncio.Future[Any]:
    return asyncio.ensure_future(_value(result, rounds))


async def multi_of_lists_and_dicts(api: Api) -> None:
    await api.attempt("list", api.gen.multi([_value(1, 3), _value(2)]))
    await api.attempt("dict", api.gen.multi({"a": _value(1, 3), "b": _value(2)}))
    await api.attempt("generator", api.gen.multi(_value(n) for n in range(3)))
    await api.attempt("empty", api.gen.multi([]))
    await api.attempt("empty dict", api.gen.multi({}))
    await api.attempt("tuple", api.gen.multi((_value(1), _value(2))))
    await api.attempt("nested", api.gen.multi([[_value(1)], {"x": _value(2)}]))


async def multi_of_what_is_no_future(api: Api) -> None:
    await api.attempt("number", lambda: api.gen.multi([5]))
    await api.attempt("none", lambda: api.gen.multi([None]))
    await api.attempt("not iterable", lambda: api.gen.multi(5))


async def multi_is_done_when_all_are(api: Api) -> None:
    waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future = api.gen.multi([waiting, _value(KeyError("early"))])
    await api.rounds()
    api.say(future.done())
    waiting.set_result(1)
    await api.attempt("multi", future)


async def multi_raises_the_first_error_and_logs_the_others(api: Api) -> None:
    await api.attempt("multi", api.gen.multi([_value(1), _value(KeyError("a"), 2), _value(ValueError("b"))]))
    await api.attempt("dict", api.gen.multi({"x": _value(KeyError("a"), 2), "y": _value(ValueError("b"))}))


async def multi_with_quiet_exceptions(api: Api) -> None:
    children = [_value(KeyError("a")), _value(ValueError("b")), _value(TypeError("c"))]
    await api.attempt("multi", api.gen.multi(children, quiet_exceptions=(ValueError, OSError)))
    await api.attempt(
        "one", api.gen.multi([_value(KeyError("a")), _value(KeyError("b"))], quiet_exceptions=KeyError)
    )


async def multi_of_the_same_future_twice(api: Api) -> None:
    future = asyncio.ensure_future(_value(5, 2))
    await api.attempt("multi", api.gen.multi([future, future]))
    await api.attempt("dict", api.gen.multi({"a": future, "b": future}))


async def multi_with_a_cancelled_child(api: Api) -> None:
    waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future = api.gen.multi([_value(1), waiting])
    waiting.cancel()
    await api.attempt("multi", future)


async def multi_that_is_cancelled_leaves_its_children(api: Api) -> None:
    waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future = api.gen.multi([waiting])
    future.cancel()
    await api.rounds()
    api.say(waiting.cancelled(), waiting.done())
    waiting.set_result(5)
    await api.rounds()
    await api.attempt("multi", future)


async def multi_future_is_the_same(api: Api) -> None:
    await api.attempt("list", api.gen.multi_future([_value(1)]))
    await api.attempt("dict", api.gen.multi_future({"a": _value(1)}))


async def multi_of_concurrent_futures(api: Api) -> None:
    with futures.ThreadPoolExecutor(1) as threads:
        await api.attempt("list", api.gen.multi([threads.submit(int, "5"), _value(6)]))


async def wait_iterator_in_order_of_completion(api: Api) -> None:
    iterator = api.gen.WaitIterator(_task("slow", 5), _task("fast"), _task("middle", 3))
    api.say(iterator.done(), iterator.current_index, iterator.current_future)
    async for result in iterator:
        api.say(result, iterator.current_index, iterator.current_future.result())
    api.say(iterator.done(), iterator.current_index, iterator.current_future)


async def wait_iterator_with_names(api: Api) -> None:
    iterator = api.gen.WaitIterator(slow=_task(1, 5), fast=_task(2))
    while not iterator.done():
        api.say(await iterator.next(), iterator.current_index)


async def wait_iterator_raises_and_goes_on(api: Api) -> None:
    iterator = api.gen.WaitIterator(_task(KeyError("first")), _task(2, 2))
    while not iterator.done():
        await api.attempt("next", iterator.next)
        api.say(iterator.current_index)


async def wait_iterator_of_coroutines(api: Api) -> None:
    coroutines = [_value("slow", 5), _value("fast")]
    try:
        async for result in api.gen.WaitIterator(*coroutines):
            api.say(result)
    finally:
        for coroutine in coroutines:
            coroutine.close()


async def wait_iterator_of_nothing(api: Api) -> None:
    iterator = api.gen.WaitIterator()
    api.say(iterator.done())
    async for result in iterator:
        api.say("never", result)
    api.call("both", lambda: api.gen.WaitIterator(None, a=None))


async def wait_iterator_of_ready_futures(api: Api) -> None:
    loop = asyncio.get_running_loop()
    ready = [loop.create_future() for _ in range(3)]
    for number, future in enumerate(ready):
        future.set_result(number)
    async for result in api.gen.WaitIterator(*ready):
        api.say(result)


async def wait_iterator_by_yield(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        iterator = api.gen.WaitIterator(_task("a", 2), _task("b"))
        while not iterator.done():
            api.say((yield iterator.next()), iterator.current_index)

    await main()


async def with_timeout_in_time(api: Api) -> None:
    await api.attempt("timedelta", api.gen.with_timeout(api.soon(5), _value("in time", 3)))
    await api.attempt("deadline", api.gen.with_timeout(time.time() + 5, _value("in time", 3)))
    await api.attempt("error", api.gen.with_timeout(api.soon(5), _value(KeyError("in time"))))
    await api.attempt("list", api.gen.with_timeout(api.soon(5), [_value(1), _value(2)]))


async def with_timeout_of_none(api: Api) -> None:
    await api.attempt("none", lambda: api.gen.with_timeout(api.soon(5), None))


async def with_timeout_too_late(api: Api) -> None:
    waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    await api.attempt("timedelta", api.gen.with_timeout(api.soon(), waiting))
    await api.attempt("deadline", api.gen.with_timeout(time.time() + 0.01, waiting))
    await api.attempt("past", api.gen.with_timeout(time.time() - 1, waiting))
    await api.attempt("zero", api.gen.with_timeout(datetime.timedelta(0), waiting))
    api.say(waiting.done())
    waiting.set_result(1)


async def with_timeout_of_what_is_ready(api: Api) -> None:
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    ready.set_result(5)
    await api.attempt("past", api.gen.with_timeout(time.time() - 1, ready))


async def with_timeout_logs_late_errors(api: Api) -> None:
    loop = asyncio.get_running_loop()
    waiting = [loop.create_future() for _ in range(3)]
    await api.attempt("loud", api.gen.with_timeout(api.soon(), waiting[0]))
    await api.attempt("quiet", api.gen.with_timeout(api.soon(), waiting[1], quiet_exceptions=KeyError))
    await api.attempt("late result", api.gen.with_timeout(api.soon(), waiting[2]))
    waiting[0].set_exception(KeyError("late"))
    waiting[1].set_exception(KeyError("late"))
    waiting[2].set_result("late")
    await api.rounds()


async def with_timeout_of_wrong_kinds(api: Api) -> None:
    await api.attempt("timeout", lambda: api.gen.with_timeout(None, asyncio.sleep(0)))
    await api.attempt("thing", lambda: api.gen.with_timeout(api.soon(), 5))
    await api.rounds()


async def with_timeout_of_a_concurrent_future(api: Api) -> None:
    waiting = futures.Future[int]()
    await api.attempt("late", api.gen.with_timeout(api.soon(), waiting))
    waiting.set_result(1)
    await api.attempt("in time", api.gen.with_timeout(api.soon(), waiting))


async def with_timeout_cancelled(api: Api) -> None:
    waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future = api.gen.with_timeout(api.soon(), waiting)
    waiting.cancel()
    await api.attempt("cancelled", future)


async def sleep_for_a_while(api: Api) -> None:
    before = time.monotonic()
    await api.attempt("sleep", api.gen.sleep(0.02))
    api.say(time.monotonic() - before >= 0.019)
    await api.attempt("zero", api.gen.sleep(0))
    api.kind("wrong", api.gen.sleep, "x")


async def sleeps_end_in_order(api: Api) -> None:
    async def sleep(seconds: float) -> None:
        await api.gen.sleep(seconds)
        api.say(seconds)

    await api.gen.multi([sleep(0.04), sleep(0.01), sleep(0.02)])


async def timeout_errors_are_one(api: Api) -> None:
    api.say(api.gen.TimeoutError is api.util.TimeoutError, api.ioloop.TimeoutError is api.util.TimeoutError)
    api.say(issubclass(api.gen.TimeoutError, TimeoutError), api.gen.TimeoutError is TimeoutError)
