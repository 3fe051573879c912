from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import pytest

from framework import gen
from framework.concurrent import Future
from framework.ioloop import IOLoop, PeriodicCallback


class Clock:
    """A loop for PeriodicCallback whose time moves only by `run`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timeouts: list[tuple[float, Callable[[], None]]] = []
        self.removed: list[object] = []

    def time(self) -> float:
        return self.now

    def add_timeout(self, deadline: float, callback: Callable[[], None]) -> object:
        entry = (deadline, callback)
        self.timeouts.append(entry)
        return entry

    def remove_timeout(self, entry: Any) -> None:
        self.timeouts = [timeout for timeout in self.timeouts if timeout is not entry]

    def run(self) -> None:
        deadline, callback = self.timeouts.pop(0)
        self.now = max(self.now, deadline)
        callback()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(IOLoop, "current", staticmethod(lambda: clock))
    return clock


def test_periodic_callback_does_not_drift(clock: Clock) -> None:
    calls: list[float] = []

    def callback() -> None:
        calls.append(clock.now - 1000)
        clock.now += 2

    periodic = PeriodicCallback(callback, 10_000)
    periodic.start()
    for _ in range(4):
        clock.run()
    assert calls == [10, 20, 30, 40]
    periodic.stop()
    assert clock.timeouts == []


def test_periodic_callback_leaves_out_what_it_overran(clock: Clock) -> None:
    calls: list[float] = []

    def callback() -> None:
        calls.append(clock.now - 1000)
        clock.now += 25

    periodic = PeriodicCallback(callback, datetime.timedelta(seconds=10))
    assert periodic.callback_time == 10_000
    periodic.start()
    for _ in range(3):
        clock.run()
    assert calls == [10, 40, 70]


def test_periodic_callback_goes_on_when_the_clock_is_set_back(clock: Clock) -> None:
    periodic = PeriodicCallback(lambda: setattr(clock, "now", clock.now - 3), 10_000)
    periodic.start()
    clock.run()
    assert clock.timeouts[0][0] == 1020


def test_periodic_callback_jitter_stays_within_its_bounds(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for draw, expected in ((0.0, 1009.5), (0.5, 1010.0), (0.999999, 1010.5)):
        monkeypatch.setattr("random.random", lambda draw=draw: draw)
        clock.now = 1000.0
        periodic = PeriodicCallback(lambda: None, 10_000, jitter=0.1)
        periodic.start()
        assert clock.timeouts[-1][0] == pytest.approx(expected, abs=0.001)


def test_periodic_callback_can_be_stopped_and_started(clock: Clock) -> None:
    periodic = PeriodicCallback(lambda: None, 10)
    assert not periodic.is_running()
    periodic.start()
    periodic.start()
    assert periodic.is_running()
    assert len(clock.timeouts) == 1
    periodic.stop()
    periodic.stop()
    assert not periodic.is_running()
    assert clock.timeouts == []


def test_periodic_callback_may_stop_itself(clock: Clock) -> None:
    periodic = PeriodicCallback(lambda: periodic.stop(), 10)
    periodic.start()
    clock.run()
    assert clock.timeouts == []
    # Restarted from within, there is one series and not two.

    def restart() -> None:
        periodic.stop()
        periodic.start()

    periodic = PeriodicCallback(restart, 10)
    periodic.start()
    clock.run()
    assert len(clock.timeouts) == 1


def test_periodic_callback_needs_a_positive_span() -> None:
    for span in (0, -1, datetime.timedelta(0)):
        with pytest.raises(ValueError, match="Periodic callback must have a positive callback_time"):
            PeriodicCallback(lambda: None, span)


async def test_periodic_callback_on_the_loop_survives_errors(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0
    done: Future[None] = Future()

    def callback() -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyError("plain")
        if calls == 2:
            return gen.maybe_future(3)
        if calls == 3:
            return 3
        if calls == 4:
            failed: Future[None] = Future()
            failed.set_exception(ValueError("awaited"))
            return failed
        if calls == 5:
            cancelled: Future[None] = Future()
            cancelled.cancel()
            return cancelled
        if not done.done():
            done.set_result(None)
        return None

    periodic = PeriodicCallback(callback, 1)
    periodic.start()
    await asyncio.wait_for(done, 10)
    periodic.stop()
    assert "KeyError: 'plain'" in caplog.text
    assert "ValueError: awaited" in caplog.text
    assert len(caplog.records) == 2


async def test_periodic_callback_waits_for_its_coroutine() -> None:
    running = most = calls = 0
    done: Future[None] = Future()

    async def callback() -> None:
        nonlocal running, most, calls
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.004)
        running -= 1
        calls += 1
        if calls == 3 and not done.done():
            done.set_result(None)

    periodic = PeriodicCallback(callback, 1)
    periodic.start()
    await asyncio.wait_for(done, 10)
    periodic.stop()
    await asyncio.sleep(0.01)
    assert most == 1
