from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from typing import Any

import pytest

from framework import gen, queues
from framework.ioloop import IOLoop

SOON = datetime.timedelta(milliseconds=5)
LONG = datetime.timedelta(seconds=30)
deadlines = pytest.mark.parametrize("limit", [lambda: SOON, lambda: time.time() + 0.005, lambda: 0])

KINDS = {
    queues.Queue: [3, 1, 2],
    queues.LifoQueue: [2, 1, 3],
    queues.PriorityQueue: [1, 2, 3],
}


async def rounds(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def take(queue: queues.Queue[Any]) -> Any:
    return await queue.get()


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_order(kind: Any) -> None:
    queue = kind()
    for item in (3, 1, 2):
        queue.put_nowait(item)
    assert (queue.qsize(), queue.empty(), queue.full(), queue.maxsize) == (3, False, False, 0)
    assert [await queue.get() for _ in range(3)] == KINDS[kind]
    assert (queue.qsize(), queue.empty()) == (0, True)
    with pytest.raises(queues.QueueEmpty):
        queue.get_nowait()


async def test_documented_priorities() -> None:
    queue: queues.PriorityQueue[Any] = queues.PriorityQueue()
    for item in ((1, "medium"), (0, "high"), (10, "low")):
        await queue.put(item)
    assert [(await queue.get())[1] for _ in range(3)] == ["high", "medium", "low"]


def test_maxsize_is_checked(kind: Any) -> None:
    with pytest.raises(ValueError, match="maxsize can't be negative"):
        kind(-1)
    with pytest.raises(TypeError, match="maxsize can't be None"):
        kind(None)
    assert kind(maxsize=3).maxsize == 3


async def test_put_waits_for_room_in_order(kind: Any) -> None:
    queue = kind(maxsize=1)
    assert queue.put(0).done()
    assert queue.full()
    with pytest.raises(queues.QueueFull):
        queue.put_nowait(9)
    waiting = [queue.put(item) for item in (1, 2)]
    assert [future.done() for future in waiting] == [False, False]
    assert await queue.get() in (0, 1)
    assert [future.done() for future in waiting] == [True, False]
    queue.get_nowait()
    assert waiting[1].done()


async def test_get_waits_for_items_in_order(kind: Any) -> None:
    queue = kind(maxsize=1)
    waiting = [queue.get() for _ in range(3)]
    for item in (5, 6):
        queue.put_nowait(item)
    assert queue.put(7).done()
    assert [future.result() for future in waiting] == [5, 6, 7]


@deadlines
async def test_get_times_out(kind: Any, limit: Callable[[], Any]) -> None:
    queue = kind()
    with pytest.raises(gen.TimeoutError):
        await queue.get(timeout=limit())
    queue.put_nowait(1)
    assert await queue.get(timeout=limit()) == 1


@deadlines
async def test_put_times_out_without_putting(kind: Any, limit: Callable[[], Any]) -> None:
    queue = kind(1)
    await queue.put(1, timeout=limit())
    with pytest.raises(gen.TimeoutError):
        await queue.put(2, timeout=limit())
    assert queue.get_nowait() == 1
    assert queue.empty()


async def test_in_time_is_not_timed_out_later(kind: Any) -> None:
    queue = kind(1)
    get = queue.get(timeout=SOON)
    queue.put_nowait(1)
    queue.put_nowait(2)
    put = queue.put(3, timeout=SOON)
    queue.get_nowait()
    await asyncio.sleep(0.01)
    assert get.result() == 1
    assert put.exception() is None


async def test_timeouts_are_numbers_or_spans(kind: Any) -> None:
    queue = kind(1)
    with pytest.raises(TypeError, match="Unsupported deadline 'x'"):
        queue.get(timeout="x")
    queue.put_nowait(1)
    with pytest.raises(TypeError, match="Unsupported deadline 'x'"):
        queue.put(2, timeout="x")
    assert queue.get_nowait() == 1
    assert queue.empty()


async def test_cancelled_waiters_leave_the_lines(kind: Any) -> None:
    queue = kind(1)
    gets = [queue.get(), queue.get()]
    gets[0].cancel()
    queue.put_nowait(5)
    assert gets[1].result() == 5
    queue.put_nowait(1)
    puts = [queue.put(2), queue.put(3)]
    puts[0].cancel()
    assert sorted([queue.get_nowait(), queue.get_nowait()]) == [1, 3]
    assert queue.empty()


async def test_task_cancelled_when_just_served_loses_no_item(kind: Any) -> None:
    queue = kind()
    first, second = (asyncio.create_task(take(queue)) for _ in range(2))
    await rounds()
    queue.put_nowait("item")
    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert second.result() == "item"
    task = asyncio.create_task(take(queue))
    await rounds()
    for item in ("a", "b", "c"):
        queue.put_nowait(item)
    task.cancel()
    await asyncio.wait([task])
    assert queue.qsize() == 3
    assert sorted(queue.get_nowait() for _ in range(3)) == ["a", "b", "c"]


async def test_item_of_a_cancelled_task_is_at_the_front_again() -> None:
    queue: queues.Queue[int] = queues.Queue()
    task = asyncio.create_task(take(queue))
    await rounds()
    queue.put_nowait(1)
    queue.put_nowait(2)
    task.cancel()
    await asyncio.wait([task])
    assert [queue.get_nowait(), queue.get_nowait()] == [1, 2]


@pytest.mark.parametrize("when", range(1, 6))
async def test_wait_for_loses_no_item(kind: Any, when: int) -> None:
    queue = kind()
    task = asyncio.create_task(asyncio.wait_for(queue.get(), 30))
    await rounds(when)
    queue.put_nowait("item")
    await rounds(when % 3)
    task.cancel()
    try:
        found = await task
    except asyncio.CancelledError:
        await rounds()
        found = queue.get_nowait()
    assert found == "item"


async def test_cancelled_put_that_was_served_has_put(kind: Any) -> None:
    queue = kind(1)
    queue.put_nowait(1)
    task = asyncio.create_task(asyncio.wait_for(queue.put(2), 30))
    await rounds()
    found = [queue.get_nowait()]
    task.cancel()
    await asyncio.wait([task])
    found.append(queue.get_nowait())
    assert sorted(found) == [1, 2]


async def test_what_put_and_get_give_is_a_future() -> None:
    queue: queues.Queue[int] = queues.Queue()
    put = queue.put(1)
    assert asyncio.isfuture(put) and put.done() and put.get_loop() is asyncio.get_running_loop()
    called: list[Any] = []
    put.add_done_callback(called.append)
    await asyncio.wait_for(put, 30)
    assert list(await asyncio.gather(put, queue.get())) == [None, 1]
    await gen.with_timeout(LONG, queue.put(2))
    assert await gen.with_timeout(LONG, queue.get()) == 2
    await rounds()
    assert called == [put]

    @gen.coroutine
    def by_yield() -> Any:
        found = yield queue.put(3)
        return [found, (yield queue.get()), (yield [queue.put(4), queue.get()])]

    assert await by_yield() == [None, 3, [None, 4]]


def test_a_queue_may_outlive_its_loop() -> None:
    queue: queues.Queue[int] = queues.Queue()

    async def use() -> None:
        await asyncio.gather(queue.put(1), queue.put(2))
        assert await queue.get() + await queue.get() == 3

    asyncio.run(use())
    asyncio.run(use())


async def test_join_waits_for_task_done(kind: Any) -> None:
    queue = kind()
    await queue.join()
    queue.put_nowait(1)
    queue.put_nowait(2)
    joined = queue.join(timeout=LONG)
    for _ in range(2):
        assert not joined.done()
        queue.get_nowait()
        queue.task_done()
    assert joined.done()
    with pytest.raises(ValueError, match=r"task_done\(\) called too many times"):
        queue.task_done()
    queue.put_nowait(3)
    with pytest.raises(gen.TimeoutError):
        await queue.join(timeout=SOON)


async def test_iteration() -> None:
    queue: queues.Queue[int] = queues.Queue()
    for item in range(3):
        queue.put_nowait(item)
    found = []
    async for item in queue:
        found.append(item)
        if len(found) == 3:
            break
    assert found == [0, 1, 2]


async def test_text_forms() -> None:
    queue: queues.Queue[int] = queues.Queue(maxsize=1)
    assert str(queue) == "<Queue maxsize=1>"
    assert repr(queue) == f"<Queue at {id(queue):#x} maxsize=1>"
    getter: Any = queue.get()
    assert str(queue) == "<Queue maxsize=1 getters[1]>"
    getter.cancel()
    queue.put_nowait(1)
    putter = queue.put(2)
    assert str(queue) == "<Queue maxsize=1 queue=deque([1]) putters[1] tasks=1>"
    putter.cancel()
    assert str(queues.LifoQueue(2)) == "<LifoQueue maxsize=2>"


async def test_subclass_may_define_another_order() -> None:
    class Newest(queues.Queue[int]):
        """Keeps only the newest item."""

        def _init(self) -> None:
            self._queue = []

        def _put(self, item: int) -> None:
            self._queue[:] = [item]

        def _get(self) -> int:
            item: int = self._queue.pop()
            return item

    queue = Newest()
    queue.put_nowait(1)
    queue.put_nowait(2)
    assert queue.qsize() == 1
    task = asyncio.create_task(take(queue))
    assert await task == 2
    task = asyncio.create_task(take(queue))
    await rounds()
    queue.put_nowait(3)
    task.cancel()
    await asyncio.wait([task])
    assert queue.get_nowait() == 3


async def test_documented_producer_and_consumer() -> None:
    """The documents' worker: a bounded queue, a consumer of `async for`, `join` at the end."""
    queue: queues.Queue[int] = queues.Queue(maxsize=2)
    log: list[str] = []

    async def consumer() -> None:
        async for item in queue:
            try:
                log.append(f"Doing work on {item}")
                await gen.sleep(0.0001)
            finally:
                queue.task_done()

    async def producer() -> None:
        for item in range(5):
            await queue.put(item)
            log.append(f"Put {item}")

    task = asyncio.create_task(consumer())
    await producer()
    await queue.join()
    task.cancel()
    await asyncio.wait([task])
    assert [line for line in log if line.startswith("Doing")] == [f"Doing work on {n}" for n in range(5)]
    assert log.index("Put 4") > log.index("Doing work on 1")


def test_items_may_be_put_before_the_loop_runs() -> None:
    loop = IOLoop()
    queue: queues.Queue[int] = queues.Queue()
    queue.put(1)
    assert loop.run_sync(queue.get) == 1
    loop.close()
