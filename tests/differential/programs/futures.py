"""`concurrent`: futures of both kinds, executors."""

from __future__ import annotations

import asyncio
import sys
from concurrent import futures

from tests.differential.programs.run import Api


async def what_is_a_future(api: Api) -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    things: tuple[object, ...] = (future, futures.Future(), None, 5, asyncio.Future)
    for thing in things:
        api.say(api.concurrent.is_future(thing))
    api.say(api.concurrent.Future is asyncio.Future)
    future.cancel()


async def chain_result_error_and_cancellation(api: Api) -> None:
    loop = asyncio.get_running_loop()
    for end in ("result", "error", "cancel"):
        a, b = loop.create_future(), loop.create_future()
        api.concurrent.chain_future(a, b)
        if end == "result":
            a.set_result(1)
        elif end == "error":
            a.set_exception(KeyError("a"))
        else:
            a.cancel()
        await api.attempt(end, b)
        api.say(b.cancelled())


async def chain_of_done_futures(api: Api) -> None:
    loop = asyncio.get_running_loop()
    a, b = loop.create_future(), loop.create_future()
    a.set_result(1)
    api.concurrent.chain_future(a, b)
    api.say(b.done())
    c = loop.create_future()
    c.set_result("own")
    api.concurrent.chain_future(a, c)
    await api.attempt("c", c)


async def chain_across_kinds(api: Api) -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = loop.create_future(), futures.Future[int]()
    api.concurrent.chain_future(theirs, ours)
    theirs.set_result(5)
    await api.attempt("to asyncio", ours)
    ours, theirs = loop.create_future(), futures.Future[int]()
    api.concurrent.chain_future(ours, theirs)
    ours.set_result(6)
    await api.rounds()
    api.say("to concurrent", theirs.result(0))


async def chain_whose_end_is_cancelled(api: Api) -> None:
    loop = asyncio.get_running_loop()
    a, b = loop.create_future(), loop.create_future()
    api.concurrent.chain_future(a, b)
    b.cancel()
    await api.rounds()
    api.say(a.cancelled())
    a.set_result(1)
    await api.rounds()


async def set_unless_cancelled(api: Api) -> None:
    loop = asyncio.get_running_loop()
    cancelled, fresh, broken = (loop.create_future() for _ in range(3))
    cancelled.cancel()
    api.concurrent.future_set_result_unless_cancelled(cancelled, 1)
    api.concurrent.future_set_exception_unless_cancelled(cancelled, KeyError("lost"))
    api.concurrent.future_set_result_unless_cancelled(fresh, 1)
    api.concurrent.future_set_exception_unless_cancelled(broken, KeyError("kept"))
    api.call("twice", api.concurrent.future_set_result_unless_cancelled, fresh, 2)
    await api.attempt("fresh", fresh)
    await api.attempt("broken", broken)


async def set_exc_info(api: Api) -> None:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    try:
        raise KeyError("raised")
    except KeyError:
        api.concurrent.future_set_exc_info(future, sys.exc_info())
    await api.attempt("future", future)
    api.call("none", api.concurrent.future_set_exc_info, loop.create_future(), (None, None, None))


async def done_callbacks(api: Api) -> None:
    loop = asyncio.get_running_loop()
    later, ready = loop.create_future(), loop.create_future()
    ready.set_result(1)
    api.concurrent.future_add_done_callback(ready, lambda future: api.say("ready", future.result()))
    api.concurrent.future_add_done_callback(later, lambda future: api.say("later", future.result()))
    api.say("added")
    later.set_result(2)
    api.say("set")
    await api.rounds()


async def dummy_executor(api: Api) -> None:
    submit = api.concurrent.dummy_executor.submit
    api.say(submit(int, "5").result(), submit(lambda: 1, *()).done())
    error = submit(int, "x").exception()
    api.say(type(error).__name__)
    api.concurrent.dummy_executor.shutdown()
    api.say(submit(int, "6").result())


async def run_on_executor(api: Api) -> None:
    class Worker:
        def __init__(self) -> None:
            self.executor = futures.ThreadPoolExecutor(1)
            self.other = api.concurrent.dummy_executor

        @api.concurrent.run_on_executor  # type: ignore[untyped-decorator]
        def plain(self, a: int, b: int = 0) -> int:
            """Explained."""
            return a + b

        @api.concurrent.run_on_executor(executor="other")  # type: ignore[untyped-decorator]
        def named(self) -> str:
            return "named"

        @api.concurrent.run_on_executor()  # type: ignore[untyped-decorator]
        def called(self) -> None:
            raise KeyError("in the executor")

    worker = Worker()
    await api.attempt("plain", worker.plain(1, b=2))
    await api.attempt("named", worker.named())
    await api.attempt("called", worker.called())
    api.say(Worker.plain.__name__, Worker.plain.__doc__, asyncio.isfuture(worker.named()))
    worker.executor.shutdown()
    await api.rounds()


async def run_on_executor_wrongly(api: Api) -> None:
    api.call("both", lambda: api.concurrent.run_on_executor(print, executor="x"))
    api.call("two", lambda: api.concurrent.run_on_executor(print, print))


async def run_in_executor(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    await api.attempt("default", loop.run_in_executor(None, int, "5"))
    await api.attempt("error", loop.run_in_executor(None, int, "x"))
    with futures.ThreadPoolExecutor(1) as threads:
        loop.set_default_executor(threads)
        await api.attempt("own", loop.run_in_executor(None, int, "6"))
        await api.attempt("given", loop.run_in_executor(threads, int, "7"))
