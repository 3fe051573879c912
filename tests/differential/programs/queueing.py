"""`queues`: order, bounds, waiting, task_done and join."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.differential.programs.run import Api


async def first_in_first_out(api: Api) -> None:
    queue = api.queues.Queue()
    for number in range(3):
        api.call("put", queue.put_nowait, number)
    api.say(queue.qsize(), queue.empty(), queue.full(), queue.maxsize)
    for _ in range(3):
        api.call("get", queue.get_nowait)
    api.call("get", queue.get_nowait)
    api.say(queue.empty())


async def last_in_first_out(api: Api) -> None:
    queue = api.queues.LifoQueue()
    for number in range(3):
        await queue.put(number)
    for _ in range(3):
        await api.attempt("get", queue.get)


async def by_priority(api: Api) -> None:
    queue = api.queues.PriorityQueue()
    for item in ((3, "c"), (1, "a"), (2, "b"), (1, "A")):
        await queue.put(item)
    for _ in range(4):
        await api.attempt("get", queue.get)
    await queue.put(1)
    await api.attempt("not comparable", lambda: queue.put("x"))


async def sizes_that_make_no_sense(api: Api) -> None:
    api.call("negative", lambda: api.queues.Queue(-1))
    api.call("none", lambda: api.queues.Queue(maxsize=None))
    api.say(api.queues.Queue(maxsize=0).maxsize, api.queues.Queue(3).maxsize)


async def bounded(api: Api) -> None:
    queue = api.queues.Queue(maxsize=1)
    await queue.put(1)
    api.say(queue.full())
    api.call("put", queue.put_nowait, 2)
    await api.attempt("timeout", lambda: queue.put(2, api.soon()))
    waiting = [queue.put(number) for number in (2, 3)]
    api.say([future.done() for future in waiting], queue.qsize())
    for _ in range(3):
        await api.attempt("get", queue.get)
        await api.rounds()
        api.say([future.done() for future in waiting])


async def waiting_getters_are_served_in_order(api: Api) -> None:
    queue = api.queues.Queue()

    async def get(name: str) -> None:
        api.say(name, await queue.get())

    tasks = [asyncio.ensure_future(get(name)) for name in "abc"]
    await api.rounds()
    for number in range(3):
        queue.put_nowait(number)
        api.say("put", number)
    await asyncio.gather(*tasks)


async def get_with_timeout(api: Api) -> None:
    queue = api.queues.Queue()
    await api.attempt("timedelta", lambda: queue.get(api.soon()))
    await api.attempt("deadline", lambda: queue.get(time.time() + 0.01))
    await api.attempt("past", lambda: queue.get(timeout=time.time() - 1))
    queue.put_nowait(1)
    await api.attempt("there", lambda: queue.get(timeout=time.time() - 1))


async def a_wrong_timeout_leaves_nothing_behind(api: Api) -> None:
    queue = api.queues.Queue(1)
    await api.attempt("get", lambda: queue.get(timeout="x"))
    queue.put_nowait(1)
    await api.attempt("there", lambda: queue.get(api.soon()))


async def a_getter_that_gave_up_gets_nothing(api: Api) -> None:
    queue = api.queues.Queue()
    early, late = queue.get(api.soon()), queue.get()
    await api.attempt("early", early)
    queue.put_nowait("item")
    await api.attempt("late", late)


async def a_putter_that_gave_up_puts_nothing(api: Api) -> None:
    queue = api.queues.Queue(1)
    await queue.put("first")
    early, late = queue.put("early", api.soon()), queue.put("late")
    await api.attempt("early", early)
    await api.attempt("get", queue.get)
    await api.attempt("late", late)
    await api.attempt("get", queue.get)
    api.say(queue.qsize())


async def a_cancelled_getter_gets_nothing(api: Api) -> None:
    queue = api.queues.Queue()
    first, second = queue.get(), queue.get()
    first.cancel()
    queue.put_nowait("item")
    await api.attempt("second", api.gen.with_timeout(api.soon(0.1), second))


async def a_cancelled_putter_puts_nothing(api: Api) -> None:
    queue = api.queues.Queue(1)
    queue.put_nowait("first")
    second = queue.put("second")
    second.cancel()
    api.call("get", queue.get_nowait)
    api.call("get", queue.get_nowait)


async def join_waits_for_every_task(api: Api) -> None:
    queue = api.queues.Queue()
    await api.attempt("nothing to do", queue.join)
    for number in range(3):
        queue.put_nowait(number)

    async def work() -> None:
        async for item in queue:
            api.say("work", item)
            await api.rounds(2)
            queue.task_done()

    worker = asyncio.ensure_future(work())
    await queue.join()
    api.say("joined", queue.qsize())
    worker.cancel()
    await api.attempt("worker", worker)


async def join_with_timeout(api: Api) -> None:
    queue = api.queues.Queue()
    queue.put_nowait(1)
    await api.attempt("timedelta", lambda: queue.join(api.soon()))
    await api.attempt("deadline", lambda: queue.join(timeout=time.time() + 0.01))
    queue.get_nowait()
    queue.task_done()
    await api.attempt("done", lambda: queue.join(api.soon()))


async def task_done_too_often(api: Api) -> None:
    queue = api.queues.Queue()
    api.call("task_done", queue.task_done)
    queue.put_nowait(1)
    api.call("before get", queue.task_done)
    api.call("again", queue.task_done)


async def join_after_more_was_put(api: Api) -> None:
    queue = api.queues.Queue()
    queue.put_nowait(1)
    joined = asyncio.ensure_future(api.gen.convert_yielded(queue.join()))
    queue.put_nowait(2)
    for _ in range(2):
        queue.get_nowait()
        queue.task_done()
        await api.rounds()
        api.say(joined.done())


async def iteration(api: Api) -> None:
    queue = api.queues.Queue()
    for number in range(3):
        queue.put_nowait(number)
    async for item in queue:
        api.say(item)
        if item == 2:
            break
    api.call("for", lambda: iter(queue))


async def producers_and_consumers(api: Api) -> None:
    queue = api.queues.Queue(maxsize=2)

    async def consume() -> None:
        async for item in queue:
            api.say("consumed", item)
            await api.rounds(1)
            queue.task_done()

    async def produce() -> None:
        for item in range(5):
            await queue.put(item)
            api.say("put", item)

    consumer = asyncio.ensure_future(consume())
    await produce()
    await queue.join()
    api.say("done")
    consumer.cancel()


async def by_yield(api: Api) -> None:
    queue = api.queues.Queue(maxsize=1)

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def consume() -> Any:
        for _ in range(3):
            item = yield queue.get()
            api.say("got", item)
            queue.task_done()

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def produce() -> Any:
        for item in range(3):
            yield queue.put(item)
            api.say("put", item)

    await api.gen.multi([consume(), produce()])
    await api.attempt("join", queue.join)


async def what_methods_return(api: Api) -> None:
    queue = api.queues.Queue(1)
    put, blocked, get, join = queue.put(1), queue.put(2), queue.get(), queue.join()
    api.say([asyncio.isfuture(thing) for thing in (put, blocked, get)])
    api.say(await put, await get, await blocked)
    queue.task_done()
    queue.task_done()
    await api.attempt("join", join)


async def shown(api: Api) -> None:
    queue = api.queues.Queue(3)
    api.say(repr(queue), str(queue))
    queue.put_nowait("item")
    api.say(repr(queue), str(queue))
    getting = [api.queues.Queue().get() for _ in range(2)]
    for future in getting:
        future.cancel()
    api.say(repr(api.queues.PriorityQueue()), repr(api.queues.LifoQueue(2)))


async def errors(api: Api) -> None:
    api.say(api.queues.QueueFull.__mro__[1:], api.queues.QueueEmpty.__mro__[1:])


async def none_and_falsy_items(api: Api) -> None:
    queue = api.queues.Queue()
    items: tuple[object, ...] = (None, 0, "", [])
    for item in items:
        queue.put_nowait(item)
        await api.attempt("get", queue.get)
    waiting = queue.get()
    queue.put_nowait(None)
    await api.attempt("waited", waiting)


async def a_subclass_with_another_order(api: Api) -> None:
    class Unique(api.queues.Queue):  # type: ignore[misc, name-defined]
        def _init(self) -> None:
            self._items: list[Any] = []

        def _put(self, item: Any) -> None:
            if item not in self._items:
                self._items.append(item)

        def _get(self) -> Any:
            return self._items.pop()

        def qsize(self) -> int:
            return len(self._items)

    class Plain(api.queues.Queue):  # type: ignore[misc, name-defined]
        def _init(self) -> None:
            self._queue: list[Any] = []

        def _put(self, item: Any) -> None:
            self._queue.insert(0, item)

        def _get(self) -> Any:
            return self._queue.pop(0)

    queue = Plain(maxsize=2)
    for number in range(2):
        await queue.put(number)
    api.say(queue.full(), await queue.get(), await queue.get(), queue.empty())
    await api.attempt("unique", lambda: Unique().put(1))
