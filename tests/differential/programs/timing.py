"""`IOLoop`: callbacks, timeouts, `run_sync`, `PeriodicCallback`."""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import Any

from tests.differential.programs.run import Api


async def callbacks_run_in_order(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    for number in range(3):
        loop.add_callback(api.say, "callback", number)
    loop.spawn_callback(api.say, "spawned")
    loop.add_callback(lambda **kwargs: api.say(kwargs), a=1)
    loop.asyncio_loop.call_soon(api.say, "asyncio")
    api.say("added")
    await api.rounds()


async def callbacks_that_fail(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()

    async def native() -> None:
        raise KeyError("native")

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def generator() -> Any:
        yield api.gen.moment
        raise KeyError("generator")

    def plain() -> None:
        raise KeyError("plain")

    for callback in (native, generator, plain):
        loop.add_callback(callback)
        await api.rounds()
        loop.spawn_callback(callback)
        await api.rounds()


async def callbacks_that_return_something(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    loop.add_callback(lambda: 5)
    loop.add_callback(lambda: "text")
    loop.add_callback(lambda: [1])
    loop.add_callback(lambda: False)
    await api.rounds()
    api.say("nothing was said")


async def timeouts_of_every_form(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    loop.add_timeout(loop.time() + 0.03, api.say, "deadline")
    loop.add_timeout(datetime.timedelta(seconds=0.02), api.say, "timedelta")
    loop.call_later(0.01, api.say, "later")
    loop.call_at(loop.time() + 0.04, api.say, "at")
    loop.call_later(0, api.say, "at once")
    loop.add_timeout(loop.time() - 5, lambda *, word: api.say(word), word="past")
    await asyncio.sleep(0.08)


async def timeouts_of_wrong_kinds(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    api.call("text", lambda: loop.add_timeout("soon", print))
    api.call("none", lambda: loop.add_timeout(None, print))


async def timeouts_removed(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    first = loop.call_later(0.01, api.say, "never")
    second = loop.add_timeout(datetime.timedelta(0), api.say, "never")
    third = loop.call_later(0, api.say, "called")
    loop.remove_timeout(first)
    loop.remove_timeout(first)
    loop.remove_timeout(second)
    await asyncio.sleep(0.02)
    loop.remove_timeout(third)


async def timeouts_that_fail(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()

    async def native() -> None:
        raise KeyError("native")

    loop.call_later(0, lambda: int("x"))
    loop.call_later(0.001, native)
    await asyncio.sleep(0.02)


async def equal_deadlines_keep_their_order(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    deadline = loop.time() + 0.02
    for number in range(5):
        loop.add_timeout(deadline + number * 1e-3, api.say, number)
    await asyncio.sleep(0.06)


async def the_clock(api: Api) -> None:
    api.say(abs(api.ioloop.IOLoop.current().time() - time.time()) < 1)


async def futures_with_callbacks(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    loop.add_future(future, lambda done: api.say("done", done.result()))
    future.set_result(5)
    api.say("set")
    await api.rounds()
    loop.add_future(future, lambda done: api.say("done already", done.result()))
    api.say("added")
    await api.rounds()
    loop.add_future(future, lambda done: done.result() / 0)
    await api.rounds()


async def current(api: Api) -> None:
    IOLoop = api.ioloop.IOLoop
    api.say(IOLoop.current() is IOLoop.instance(), IOLoop.current(instance=False) is IOLoop.current())
    api.say(IOLoop.current().asyncio_loop is asyncio.get_running_loop())
    api.say(IOLoop.configurable_base() is IOLoop, IOLoop.configured_class().__name__)
    api.say(IOLoop.NONE, IOLoop.READ, IOLoop.WRITE, IOLoop.ERROR)


async def run_sync_inside_of_itself(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    api.call("run_sync", loop.run_sync, lambda: None)


def _elsewhere(api: Api, function: Any, **kwargs: Any) -> Any:
    loop = api.ioloop.IOLoop(make_current=False)
    try:
        return loop.run_sync(function, **kwargs)
    finally:
        loop.close()


async def run_sync_of_everything(api: Api) -> None:
    async def native() -> str:
        return "native"

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def generator() -> Any:
        yield api.gen.sleep(0)
        return "generator"

    async def fail() -> None:
        raise KeyError("in run_sync")

    async def stop() -> None:
        api.ioloop.IOLoop.current().stop()
        await asyncio.sleep(1)

    async def hang() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            api.say("cancelled")
            raise

    async def outside() -> None:
        # A loop runs in this thread already: the programs are in another.
        def run() -> None:
            api.call("native", _elsewhere, api, native)
            api.call("generator", _elsewhere, api, generator)
            api.call("plain none", _elsewhere, api, lambda: None)
            api.call("plain value", _elsewhere, api, lambda: 5)
            api.call("error", _elsewhere, api, fail)
            api.call("plain error", _elsewhere, api, lambda: int("x"))
            api.call("stopped", _elsewhere, api, stop)
            api.call("timeout", _elsewhere, api, hang, timeout=0.02)
            api.call("in time", _elsewhere, api, native, timeout=5)

        await asyncio.to_thread(run)

    await outside()


async def start_and_stop(api: Api) -> None:
    def run() -> None:
        loop = api.ioloop.IOLoop(make_current=False)
        loop.add_callback(api.say, "first")
        loop.add_callback(loop.stop)
        loop.add_callback(api.say, "same round")
        loop.start()
        api.say("stopped")
        loop.call_later(0.01, api.say, "second start")
        loop.call_later(0.02, loop.stop)
        loop.start()
        loop.close()
        loop.add_callback(api.say, "never")
        api.say("closed")

    await asyncio.to_thread(run)


async def handlers_of_descriptors(api: Api) -> None:
    import socket

    loop = api.ioloop.IOLoop.current()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        events: list[int] = []

        def ready(fd: Any, event: int) -> None:
            events.append(event)
            api.say("ready", fd is ours, event)
            if event == loop.READ:
                ours.recv(10)
            loop.update_handler(fd, loop.WRITE if len(events) == 1 else loop.READ)

        loop.add_handler(ours, ready, loop.READ)
        api.call("twice", lambda: loop.add_handler(ours, ready, loop.READ) and None)
        theirs.send(b"x")
        await asyncio.sleep(0.01)
        loop.remove_handler(ours)
        loop.remove_handler(ours)
        theirs.send(b"x")
        await asyncio.sleep(0.01)
        api.say(events)


async def callbacks_from_another_thread(api: Api) -> None:
    loop = api.ioloop.IOLoop.current()
    await asyncio.to_thread(loop.add_callback, api.say, "from a thread")
    await asyncio.sleep(0.01)


async def periodic(api: Api) -> None:
    calls: list[int] = []
    ended = api.locks.Event()

    def call() -> None:
        calls.append(1)
        api.say("called", len(calls))
        if len(calls) == 3:
            series.stop()
            ended.set()

    series = api.ioloop.PeriodicCallback(call, 10)
    api.say(series.is_running())
    series.start()
    api.say(series.is_running())
    await ended.wait()
    await asyncio.sleep(0.03)
    api.say(series.is_running(), len(calls))


async def periodic_with_errors_and_coroutines(api: Api) -> None:
    calls: list[int] = []
    ended = api.locks.Event()

    async def call() -> None:
        calls.append(1)
        api.say("begun", len(calls))
        await asyncio.sleep(0.005)
        if len(calls) == 2:
            ended.set()
        raise KeyError("in a call")

    periodic = api.ioloop.PeriodicCallback(call, datetime.timedelta(milliseconds=10))
    periodic.start()
    await ended.wait()
    periodic.stop()
    await asyncio.sleep(0.02)


async def periodic_that_makes_no_sense(api: Api) -> None:
    for span in (0, -1, datetime.timedelta(0), datetime.timedelta(-1)):
        api.call("span", lambda span=span: api.ioloop.PeriodicCallback(print, span))
    api.say(api.ioloop.PeriodicCallback(print, datetime.timedelta(seconds=1)).callback_time)
    api.say(api.ioloop.PeriodicCallback(print, 5, jitter=0.1).jitter)


async def closing_twice(api: Api) -> None:
    def run() -> None:
        loop = api.ioloop.IOLoop(make_current=False)
        loop.close()
        api.call("close", loop.close)
        api.call("start", loop.start)

    await asyncio.to_thread(run)
