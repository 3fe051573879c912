from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent import futures
from typing import Any

import pytest

from framework import gen
from framework.ioloop import IOLoop
from framework.platform.forking import release_loops, renew_loops


def in_thread(function: Callable[[], Any]) -> Any:
    with futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result(timeout=10)


@pytest.fixture(autouse=True)
def only_these_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests' loops, open or not, are none of this process' business."""
    monkeypatch.setattr(IOLoop, "_of_asyncio_loop", {})


def test_idle_loops_are_closed_and_renewed() -> None:
    def check() -> None:
        loop = IOLoop()
        loop.run_sync(lambda: gen.sleep(0))
        before = loop.asyncio_loop
        released = release_loops()
        assert released == [loop]
        assert before.is_closed()
        assert IOLoop.current(instance=False) is None
        renew_loops(released)
        assert IOLoop.current() is loop
        assert loop.run_sync(lambda: gen.sleep(0)) is None
        loop.close()

    in_thread(check)


def test_without_any_loop_nothing_is_made() -> None:
    def check() -> None:
        assert release_loops() == []
        renew_loops([])
        assert IOLoop.current(instance=False) is None

    in_thread(check)


def test_a_closed_loop_of_the_thread_is_no_hindrance() -> None:
    def check() -> None:
        IOLoop(make_current=False).close()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.close()
        assert release_loops() == []

    in_thread(check)


def busy_by_callback(loop: IOLoop) -> None:
    loop.add_callback(print)


def busy_by_timeout(loop: IOLoop) -> None:
    loop.call_later(1, print)


def busy_by_handler(loop: IOLoop) -> None:
    loop.handlers[0] = (0, print)


def busy_by_task(loop: IOLoop) -> None:
    loop.asyncio_loop.create_task(asyncio.sleep(1))


@pytest.mark.parametrize(
    ("make_busy", "reason"),
    [
        (busy_by_callback, "callbacks or timeouts wait"),
        (busy_by_timeout, "callbacks or timeouts wait"),
        (busy_by_handler, r"handlers for the descriptors \[0\]"),
        (busy_by_task, "tasks wait"),
    ],
)
def test_busy_loops_are_refused(make_busy: Callable[[IOLoop], None], reason: str) -> None:
    def check() -> None:
        loop = IOLoop()
        make_busy(loop)
        with pytest.raises(RuntimeError, match=f"Cannot fork: .*{reason}"):
            release_loops()
        assert not loop.asyncio_loop.is_closed()
        loop.handlers.clear()
        loop.close()

    in_thread(check)


async def test_a_running_loop_is_refused() -> None:
    with pytest.raises(RuntimeError, match="an event loop is running"):
        release_loops()
