"""`locks`: who waits, who goes on, in which order."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.differential.programs.run import Api


async def _enter(api: Api, lock: Any, name: str, rounds: int = 1) -> None:
    async with lock:
        api.say(name, "in")
        await api.rounds(rounds)
    api.say(name, "out")


async def lock_is_fair(api: Api) -> None:
    lock = api.locks.Lock()
    await asyncio.gather(*(_enter(api, lock, name) for name in "abcd"))


async def lock_misused(api: Api) -> None:
    lock = api.locks.Lock()
    api.call("release", lock.release)

    async def plain_with() -> None:
        with lock:
            pass

    await api.attempt("with", plain_with)
    await api.attempt("acquired", lock.acquire)
    api.say("again")
    lock.release()
    api.call("release twice", lock.release)


async def lock_by_yield(api: Api) -> None:
    lock = api.locks.Lock()

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def enter(name: str) -> Any:
        with (yield lock.acquire()):
            api.say(name, "in")
            yield api.gen.moment
        api.say(name, "out")

    await api.gen.multi([enter("a"), enter("b"), enter("c")])


async def lock_with_an_error_inside(api: Api) -> None:
    lock = api.locks.Lock()

    async def fail() -> None:
        async with lock:
            raise KeyError("inside")

    await api.attempt("fail", fail)
    await api.attempt("again", _enter(api, lock, "free"))


async def lock_acquired_with_timeout(api: Api) -> None:
    lock = api.locks.Lock()
    await lock.acquire()
    await api.attempt("timedelta", lambda: lock.acquire(api.soon()))
    await api.attempt("deadline", lambda: lock.acquire(time.time() + 0.01))
    await api.attempt("past", lambda: lock.acquire(time.time() - 1))
    await api.attempt("keyword", lambda: lock.acquire(timeout=api.soon()))
    lock.release()
    await _enter(api, lock, "free")


async def a_wrong_timeout_leaves_nothing_behind(api: Api) -> None:
    lock, condition = api.locks.Lock(), api.locks.Condition()
    await lock.acquire()
    await api.attempt("lock", lambda: lock.acquire("soon"))
    lock.release()
    await api.attempt("free", lambda: lock.acquire(api.soon()))
    await api.attempt("condition", lambda: condition.wait(timeout="x"))
    waiting = condition.wait(api.soon(0.05))
    condition.notify()
    await api.attempt("notified", waiting)


async def lock_with_a_cancelled_waiter(api: Api) -> None:
    lock = api.locks.Lock()
    await lock.acquire()
    first = asyncio.ensure_future(_enter(api, lock, "first"))
    second = asyncio.ensure_future(_enter(api, lock, "second"))
    await api.rounds()
    first.cancel()
    await api.rounds()
    lock.release()
    await api.attempt("first", first)
    await api.attempt("second", second)


async def lock_cancelled_when_it_was_just_given(api: Api) -> None:
    lock = api.locks.Lock()
    await lock.acquire()
    first = asyncio.ensure_future(_enter(api, lock, "first"))
    await api.rounds()
    lock.release()
    first.cancel()
    await api.attempt("first", first)
    await api.attempt(
        "next", api.gen.with_timeout(api.soon(0.1), asyncio.ensure_future(_enter(api, lock, "next")))
    )


async def lock_shown(api: Api) -> None:
    lock = api.locks.Lock()
    api.say(repr(lock))
    await lock.acquire()
    api.say(repr(lock))


async def semaphore_counts(api: Api) -> None:
    semaphore = api.locks.Semaphore(2)
    await asyncio.gather(*(_enter(api, semaphore, name, 2) for name in "abcde"))


async def semaphore_without_a_sensible_value(api: Api) -> None:
    api.call("negative", lambda: api.locks.Semaphore(-1))
    api.call("bounded negative", lambda: api.locks.BoundedSemaphore(-1))
    api.call("wrong", lambda: api.locks.Semaphore("x"))
    semaphore = api.locks.Semaphore(0)
    await api.attempt("zero", lambda: semaphore.acquire(api.soon()))
    semaphore.release()
    await api.attempt("one", semaphore.acquire)


async def semaphore_released_too_often(api: Api) -> None:
    semaphore = api.locks.Semaphore(1)
    api.say(semaphore.release())
    await semaphore.acquire()
    await semaphore.acquire()
    bounded = api.locks.BoundedSemaphore(1)
    api.call("bounded", bounded.release)
    await bounded.acquire()
    api.call("once", bounded.release)
    api.call("twice", bounded.release)


async def semaphore_shown(api: Api) -> None:
    semaphore = api.locks.Semaphore(1)
    api.say(repr(semaphore))
    await semaphore.acquire()
    api.say(repr(semaphore))
    waiting = asyncio.ensure_future(api.gen.convert_yielded(semaphore.acquire()))
    await api.rounds()
    api.say(repr(semaphore))
    semaphore.release()
    await waiting


async def semaphore_misused(api: Api) -> None:
    semaphore = api.locks.Semaphore()

    async def plain_with() -> None:
        with semaphore:
            pass

    await api.attempt("with", plain_with)
    with await semaphore.acquire() as inside:
        api.say("inside", inside)
    await api.attempt("free", lambda: semaphore.acquire(api.soon()))


async def semaphore_with_waiters_that_timed_out(api: Api) -> None:
    semaphore = api.locks.Semaphore(0)
    waiters = [semaphore.acquire(api.soon(0.01 * (n + 1))) for n in range(3)]
    late = semaphore.acquire()
    for number, waiter in enumerate(waiters):
        await api.attempt(str(number), waiter)
    semaphore.release()
    await api.attempt("late", api.gen.with_timeout(api.soon(1), late))


async def semaphore_release_wakes_one(api: Api) -> None:
    semaphore = api.locks.Semaphore(0)

    async def wait(name: str) -> None:
        await semaphore.acquire()
        api.say(name)

    tasks = [asyncio.ensure_future(wait(name)) for name in "ab"]
    await api.rounds()
    semaphore.release()
    api.say("released")
    await api.rounds()
    semaphore.release()
    await asyncio.gather(*tasks)


async def event_sets_and_clears(api: Api) -> None:
    event = api.locks.Event()
    woken: list[str] = []
    api.say(event.is_set(), repr(event))

    async def wait(name: str) -> None:
        await event.wait()
        woken.append(name)

    tasks = [asyncio.ensure_future(wait(name)) for name in "abc"]
    await api.rounds()
    event.set()
    api.say(event.is_set(), repr(event))
    await asyncio.gather(*tasks)
    # In which order is not promised.
    api.say(sorted(woken))
    await api.attempt("set already", event.wait)
    event.clear()
    api.say(event.is_set())


async def event_set_and_cleared_at_once(api: Api) -> None:
    event = api.locks.Event()
    waiting = asyncio.ensure_future(api.gen.convert_yielded(event.wait()))
    await api.rounds()
    event.set()
    event.clear()
    await api.attempt("woken", api.gen.with_timeout(api.soon(0.05), waiting))


async def event_with_timeout(api: Api) -> None:
    event = api.locks.Event()
    await api.attempt("timedelta", lambda: event.wait(api.soon()))
    await api.attempt("deadline", lambda: event.wait(timeout=time.time() + 0.01))
    await api.attempt("past", lambda: event.wait(time.time() - 1))
    event.set()
    await api.attempt("set", lambda: event.wait(time.time() - 1))


async def event_with_a_cancelled_waiter(api: Api) -> None:
    event = api.locks.Event()
    waiting = event.wait()
    other = event.wait()
    waiting.cancel()
    event.set()
    await api.attempt("cancelled", waiting)
    await api.attempt("other", other)


async def condition_notifies_in_order(api: Api) -> None:
    condition = api.locks.Condition()

    async def wait(name: str) -> None:
        api.say(name, await condition.wait())

    tasks = [asyncio.ensure_future(wait(name)) for name in "abcde"]
    await api.rounds()
    condition.notify()
    await api.rounds()
    condition.notify(2)
    api.say("two")
    await api.rounds()
    condition.notify_all()
    await asyncio.gather(*tasks)
    condition.notify()
    api.say(repr(condition))


async def condition_with_timeout(api: Api) -> None:
    condition = api.locks.Condition()
    await api.attempt("timedelta", lambda: condition.wait(api.soon()))
    await api.attempt("deadline", lambda: condition.wait(time.time() + 0.01))
    await api.attempt("past", lambda: condition.wait(timeout=time.time() - 1))
    waiting = condition.wait(api.soon(5))
    condition.notify()
    await api.attempt("notified", waiting)


async def condition_passes_over_those_who_gave_up(api: Api) -> None:
    condition = api.locks.Condition()
    early = condition.wait(api.soon())
    late = condition.wait()
    await api.attempt("early", early)
    condition.notify()
    await api.attempt("late", api.gen.with_timeout(api.soon(1), late))


async def condition_with_a_cancelled_waiter(api: Api) -> None:
    condition = api.locks.Condition()
    first, second = condition.wait(), condition.wait()
    first.cancel()
    condition.notify()
    await api.attempt("second", api.gen.with_timeout(api.soon(0.1), second))


async def condition_shown(api: Api) -> None:
    condition = api.locks.Condition()
    api.say(repr(condition))
    waiting = condition.wait()
    api.say(repr(condition))
    condition.notify_all()
    await waiting


async def waiting_on_another_s_behalf(api: Api) -> None:
    event, condition = api.locks.Event(), api.locks.Condition()
    api.say(asyncio.isfuture(event.wait()), asyncio.isfuture(condition.wait()))
    api.say(asyncio.isfuture(api.locks.Lock().acquire()), asyncio.isfuture(api.locks.Semaphore().acquire()))
