"""Deadlines of requests, on a loop whose time stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework._http1.client_timeouts import GRAIN, Timeouts
from framework._http1.deadlines import NEVER


class Timer:
    """What `call_at` returns."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback, self.cancelled = when, callback, False

    def cancel(self) -> None:
        """Forgets the callback."""
        self.cancelled = True


class Loop:
    """Time, and timers."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        """What it is told."""
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Keeps it."""
        self.timers.append(Timer(when, callback))
        return self.timers[-1]

    @property
    def armed(self) -> list[float]:
        """When timers are due."""
        return [timer.when for timer in self.timers if not timer.cancelled]

    def advance(self, seconds: float, late: float = 0.0) -> None:
        """Lets time pass, and timers be called, ``late`` if so."""
        end = self.now + seconds
        while True:
            due = [timer for timer in self.timers if not timer.cancelled and timer.when <= end]
            if not due:
                break
            first = min(due, key=lambda timer: timer.when)
            self.now = max(self.now, first.when + late)
            self.timers.remove(first)
            first.callback()
        self.now = max(self.now, end)


class Member:
    """Notes when its time was over."""

    def __init__(self, loop: Loop, timeouts: Timeouts, deadline: float) -> None:
        self.loop, self.timeouts, self.deadline = loop, timeouts, deadline
        self.passed: list[float] = []
        timeouts.add(self)

    def deadline_passed(self) -> None:
        """Notes it, and goes."""
        self.passed.append(self.loop.now)
        self.timeouts.discard(self)


def make() -> tuple[Loop, Timeouts]:
    """A loop and the deadlines on it."""
    loop: Any = Loop()
    return loop, Timeouts(loop)


def test_a_deadline_is_told_of_when_it_has_passed() -> None:
    loop, timeouts = make()
    member = Member(loop, timeouts, 105.0)
    loop.advance(4.9)
    assert member.passed == []
    loop.advance(0.2)
    assert member.passed == [105.0]
    loop.advance(100)
    assert (member.passed, loop.armed) == ([105.0], [])


def test_later_deadlines_cost_no_timer() -> None:
    loop, timeouts = make()
    members = [Member(loop, timeouts, 120.0 + number) for number in range(10)]
    assert loop.armed == [120.0]
    for member in members[:9]:
        timeouts.discard(member)
    loop.advance(20)
    # The one that is left.
    assert loop.armed == [129.0]
    loop.advance(20)
    assert [member.passed for member in members] == [[]] * 9 + [[129.0]]


def test_an_earlier_deadline_comes_first() -> None:
    loop, timeouts = make()
    Member(loop, timeouts, 120.0)
    early = Member(loop, timeouts, 101.0)
    assert loop.armed == [101.0]
    loop.advance(1)
    assert (early.passed, loop.armed) == ([101.0], [120.0])


def test_deadlines_close_together_share_a_look() -> None:
    loop, timeouts = make()
    members = [Member(loop, timeouts, 101.0 + number * GRAIN / 10) for number in range(30)]
    looks = 0
    while loop.armed:
        [timer] = [timer for timer in loop.timers if not timer.cancelled]
        loop.timers.clear()
        loop.now = timer.when
        timer.callback()
        looks += 1
    assert all(len(member.passed) == 1 for member in members)
    assert all(member.passed[0] - member.deadline <= GRAIN * 1.01 for member in members)
    assert looks <= 5


def test_never_is_never() -> None:
    loop, timeouts = make()
    Member(loop, timeouts, NEVER)
    assert loop.armed == []
    soon = Member(loop, timeouts, 101.0)
    loop.advance(5)
    assert (len(soon.passed), loop.armed) == (1, [])


def test_a_deadline_may_move() -> None:
    loop, timeouts = make()
    member = Member(loop, timeouts, 101.0)
    member.deadline = 110.0
    timeouts.add(member)
    loop.advance(5)
    assert member.passed == []
    member.deadline = 106.0
    timeouts.add(member)
    loop.advance(2)
    assert member.passed == [106.0]


def test_who_goes_while_others_are_told_is_not_told() -> None:
    loop, timeouts = make()
    members: list[Member] = []

    class Selfish(Member):
        def deadline_passed(self) -> None:
            super().deadline_passed()
            for member in members:
                timeouts.discard(member)

    members += [Selfish(loop, timeouts, 101.0), Selfish(loop, timeouts, 101.0)]
    loop.advance(2)
    assert sorted(len(member.passed) for member in members) == [0, 1]


def test_after_a_standstill_there_is_a_moment_to_read_what_has_come() -> None:
    loop, timeouts = make()
    member = Member(loop, timeouts, 101.0)
    rescued = Member(loop, timeouts, 101.0)
    [timer] = loop.timers
    loop.timers.clear()
    loop.now = 105.0
    timer.callback()
    assert (member.passed, loop.armed) == ([], [105.0 + GRAIN])
    # Its response was read meanwhile.
    timeouts.discard(rescued)
    loop.advance(1)
    assert (len(member.passed), rescued.passed) == (1, [])


def test_closed() -> None:
    loop, timeouts = make()
    member = Member(loop, timeouts, 101.0)
    timeouts.close()
    timeouts.close()
    loop.advance(5)
    assert (member.passed, loop.armed) == ([], [])
