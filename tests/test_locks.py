from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from typing import Any

import pytest

from framework import gen, locks
from framework.concurrent import Future

SOON = datetime.timedelta(milliseconds=5)
LONG = datetime.timedelta(seconds=30)


async def rounds(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture(params=[locks.Lock, locks.Semaphore, locks.BoundedSemaphore])
def lock(request: pytest.FixtureRequest) -> Any:
    return request.param()


# Lock and semaphores


async def test_acquire_is_immediate_when_free(lock: Any) -> None:
    future = lock.acquire()
    assert future.done()
    assert not lock.acquire().done()
    with future.result() as nothing:
        assert nothing is None


async def test_release_serves_in_order(lock: Any) -> None:
    await lock.acquire()
    waiting = [lock.acquire() for _ in range(3)]
    for served in range(3):
        lock.release()
        assert [future.done() for future in waiting] == [n <= served for n in range(3)]
    lock.release()
    assert lock.acquire().done()


async def test_with_blocks_exclude_each_other(lock: Any) -> None:
    log: list[int] = []

    async def native(n: int) -> None:
        async with lock as nothing:
            assert nothing is None
            log.append(n)
            await rounds()
            log.append(n)

    @gen.coroutine
    def generator(n: int) -> Any:
        with (yield lock.acquire()):
            log.append(n)
            yield gen.moment
            log.append(n)

    await gen.multi([native(1), generator(2), native(3), generator(4)])
    # A generator coroutine starts when it is called, a native one with its task.
    assert log == [2, 2, 4, 4, 1, 1, 3, 3]


async def test_with_block_releases_after_an_error(lock: Any) -> None:
    with pytest.raises(KeyError):
        async with lock:
            raise KeyError(1)
    with pytest.raises(KeyError), await lock.acquire():
        raise KeyError(1)
    assert lock.acquire().done()


def test_plain_with_is_refused(lock: Any) -> None:
    with pytest.raises(RuntimeError, match=r"Use .async with. instead of .with. for"), lock:
        pass
    with pytest.raises(RuntimeError, match=r"Use .async with. instead of .with. for"):
        lock.__exit__(None, None, None)


@pytest.mark.parametrize("limit", [lambda: SOON, lambda: time.time() + 0.005, lambda: 0])
async def test_acquire_times_out(lock: Any, limit: Callable[[], Any]) -> None:
    await lock.acquire()
    with pytest.raises(gen.TimeoutError):
        await lock.acquire(timeout=limit())
    lock.release()
    assert lock.acquire(timeout=limit()).done()


async def test_acquire_in_time_is_not_timed_out_later(lock: Any) -> None:
    await lock.acquire()
    future = lock.acquire(timeout=SOON)
    lock.release()
    await asyncio.sleep(0.01)
    assert future.exception() is None


async def test_acquire_refuses_other_timeouts(lock: Any) -> None:
    await lock.acquire()
    with pytest.raises(TypeError, match="Unsupported deadline 'x'"):
        lock.acquire(timeout="x")
    lock.release()
    assert lock.acquire().done()


async def test_cancelled_waiter_leaves_the_line(lock: Any) -> None:
    await lock.acquire()
    first, second = lock.acquire(timeout=LONG), lock.acquire()
    assert first.cancel()
    assert not first.cancel()
    lock.release()
    assert second.done()


@pytest.mark.parametrize("by_acquire", [True, False])
async def test_task_cancelled_when_just_served_loses_no_permit(lock: Any, by_acquire: bool) -> None:
    log: list[str] = []

    async def use(name: str) -> None:
        if by_acquire:
            with await lock.acquire():
                log.append(name)
        else:
            async with lock:
                log.append(name)

    await lock.acquire()
    first, second = asyncio.create_task(use("first")), asyncio.create_task(use("second"))
    await rounds()
    lock.release()
    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert log == ["second"]
    assert lock.acquire().done()


@pytest.mark.parametrize("when", range(1, 6))
async def test_wait_for_loses_no_permit(lock: Any, when: int) -> None:
    await lock.acquire()
    task = asyncio.create_task(asyncio.wait_for(lock.acquire(), 30))
    await rounds(when)
    lock.release()
    await rounds(when % 3)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    else:
        lock.release()
    await rounds()
    assert lock.acquire().done()


async def test_a_cancelled_holder_gets_its_cancellation(lock: Any) -> None:
    await lock.acquire()
    waiter = lock.acquire(timeout=0)

    async def wait() -> None:
        await waiter

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.002)
    # The waiter has failed by now; cancellation finds nothing to give back.
    task.cancel()
    await asyncio.wait([task])
    lock.release()
    assert lock.acquire().done()


async def test_hand_over_cannot_be_barged(lock: Any) -> None:
    await lock.acquire()
    waiting = lock.acquire()
    lock.release()
    assert not lock.acquire().done()
    assert waiting.done()


async def test_many_timeouts_leave_nothing_behind(lock: Any) -> None:
    await lock.acquire()
    failed = [lock.acquire(timeout=0) for _ in range(200)]
    await asyncio.sleep(0.01)
    assert all(isinstance(future.exception(), TimeoutError) for future in failed)
    assert "waiters" not in repr(lock)


def test_lock_release_when_unlocked() -> None:
    with pytest.raises(RuntimeError, match="release unlocked lock"):
        locks.Lock().release()


def test_bounded_semaphore_release_too_often() -> None:
    with pytest.raises(ValueError, match="Semaphore released too many times"):
        locks.BoundedSemaphore(2).release()


def test_semaphore_may_grow() -> None:
    semaphore = locks.Semaphore(0)
    semaphore.release()
    semaphore.release()
    assert "value:2" in repr(semaphore)


@pytest.mark.parametrize("kind", [locks.Semaphore, locks.BoundedSemaphore])
def test_semaphore_refuses_negative_values(kind: Callable[[int], Any]) -> None:
    with pytest.raises(ValueError, match="semaphore initial value must be >= 0"):
        kind(-1)


async def test_semaphore_repr() -> None:
    semaphore = locks.Semaphore(1)
    assert repr(semaphore) == f"<framework.locks.Semaphore object at {id(semaphore):#x} [unlocked,value:1]>"
    await semaphore.acquire()
    assert repr(semaphore).endswith(" [locked]>")
    waiting = semaphore.acquire()
    assert repr(semaphore).endswith(" [locked,waiters:1]>")
    waiting.cancel()  # type: ignore[attr-defined]
    assert repr(semaphore).endswith(" [locked]>")
    lock = locks.Lock()
    assert repr(lock) == f"<Lock _block={lock._block!r}>"


async def test_semaphore_serves_as_many_as_it_has() -> None:
    semaphore = locks.Semaphore(3)
    most = running = 0

    async def use() -> None:
        nonlocal most, running
        async with semaphore:
            running += 1
            most = max(most, running)
            await rounds()
            running -= 1

    await gen.multi([use() for _ in range(20)])
    assert most == 3


def test_lock_may_be_used_before_the_loop_runs() -> None:
    lock = locks.Lock()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert lock.acquire().done()  # type: ignore[attr-defined]
        waiting = lock.acquire()
        loop.call_soon(lock.release)
        loop.run_until_complete(asyncio.wait_for(waiting, 5))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


# Event


async def test_event_wakes_all() -> None:
    event = locks.Event()
    assert repr(event) == "<Event clear>"
    assert not event.is_set()
    waiting: list[Any] = [event.wait(), event.wait(timeout=LONG)]
    assert not any(future.done() for future in waiting)
    event.set()
    event.set()
    assert repr(event) == "<Event set>"
    assert event.is_set()
    assert await gen.multi([*waiting, event.wait()]) == [None] * 3
    event.clear()
    late: Any = event.wait()
    assert not late.done()


@pytest.mark.parametrize("limit", [lambda: SOON, lambda: time.time() + 0.005, lambda: 0])
async def test_event_times_out(limit: Callable[[], Any]) -> None:
    event = locks.Event()
    with pytest.raises(gen.TimeoutError, match=r"^Timeout$"):
        await event.wait(timeout=limit())
    assert len(event._waiters) == 0


async def test_event_forgets_the_cancelled() -> None:
    event = locks.Event()
    tasks = [asyncio.create_task(asyncio.wait_for(event.wait(), 30)) for _ in range(2)]
    await rounds()
    tasks[0].cancel()
    await rounds()
    assert len(event._waiters) == 1
    event.set()
    tasks[1].cancel()
    await asyncio.wait(tasks)


# Condition


async def test_condition_notifies_in_order() -> None:
    condition = locks.Condition()
    assert repr(condition) == "<Condition>"
    waiting: list[Any] = [condition.wait() for _ in range(4)]
    assert repr(condition) == "<Condition waiters[4]>"
    condition.notify()
    assert [future.done() for future in waiting] == [True, False, False, False]
    assert waiting[0].result() is True
    condition.notify(0)
    condition.notify(-1)
    assert not waiting[1].done()
    condition.notify(2)
    assert [future.done() for future in waiting] == [True, True, True, False]
    condition.notify_all()
    condition.notify_all()
    assert waiting[3].done()


@pytest.mark.parametrize("limit", [lambda: SOON, lambda: time.time() + 0.005, lambda: 0])
async def test_condition_timeout_is_false(limit: Callable[[], Any]) -> None:
    condition = locks.Condition()
    assert await condition.wait(timeout=limit()) is False
    assert repr(condition) == "<Condition>"


async def test_condition_in_time_is_true() -> None:
    condition = locks.Condition()
    waiting = condition.wait(timeout=LONG)
    condition.notify()
    assert await waiting is True


async def test_notification_of_a_cancelled_task_goes_to_the_next() -> None:
    condition = locks.Condition()
    log: list[str] = []

    async def wait(name: str) -> None:
        await condition.wait()
        log.append(name)

    tasks = [asyncio.create_task(wait(name)) for name in ("first", "second")]
    await rounds()
    condition.notify()
    tasks[0].cancel()
    await asyncio.wait(tasks)
    assert log == ["second"]


async def test_waiters_can_be_yielded_and_chained() -> None:
    condition = locks.Condition()

    @gen.coroutine
    def wait() -> Any:
        return (yield condition.wait())

    found = [wait(), gen.with_timeout(LONG, condition.wait())]
    condition.notify_all()
    assert await gen.multi(found) == [True, True]
    future: Future[bool] = Future()
    assert type(future) is asyncio.Future


async def test_a_permit_is_not_lost_on_waiters_that_are_all_cancelled_in_the_same_turn() -> None:
    lock = locks.Lock()
    await lock.acquire()
    waiting = [asyncio.create_task(enter(lock)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    lock.release()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with lock:
        assert [task.cancelled() for task in waiting] == [True] * 3


async def test_a_permit_passes_over_a_waiter_that_is_cancelled_in_the_same_turn() -> None:
    lock = locks.Lock()
    await lock.acquire()
    first, second = (asyncio.create_task(enter(lock)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    lock.release()
    await second
    assert first.cancelled()


async def test_a_permit_given_to_a_waiter_that_is_cancelled_before_it_runs_goes_on() -> None:
    lock = locks.Lock()
    await lock.acquire()
    first, second = (asyncio.create_task(enter(lock)) for _ in range(2))
    await asyncio.sleep(0)
    lock.release()
    first.cancel()
    await second
    assert first.cancelled()


async def enter(lock: locks.Lock) -> None:
    async with lock:
        pass
