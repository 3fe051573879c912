"""Coroutines that nobody awaits."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys

import pytest

from framework._background import run_in_background, start

pytestmark = pytest.mark.both_loops


async def test_a_coroutine_that_never_waits_needs_no_turn_of_the_loop() -> None:
    async def quick() -> int:
        assert asyncio.current_task() is not outer
        return 5

    outer = asyncio.current_task()
    task = start(quick(), asyncio.get_running_loop())
    # Where the interpreter can.
    assert task.done() is (sys.version_info >= (3, 12))
    assert await task == 5


async def test_nothing_runs_away_before_it_ends() -> None:
    event = asyncio.Event()
    ended: list[str] = []

    async def wait(name: str) -> None:
        await event.wait()
        ended.append(name)

    start(wait("started"), asyncio.get_running_loop())
    run_in_background(wait("in background"))
    await asyncio.sleep(0)
    gc.collect()
    event.set()
    for _ in range(3):
        await asyncio.sleep(0)
    assert sorted(ended) == ["in background", "started"]


async def test_what_it_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("broken")

    async def give_up() -> None:
        raise asyncio.CancelledError

    run_in_background(fail())
    run_in_background(give_up())
    for _ in range(3):
        await asyncio.sleep(0)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "broken" in caplog.text
