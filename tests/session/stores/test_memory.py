"""The store in memory: expiry and bounds."""

from __future__ import annotations

import pytest

from framework.session import MemoryStore


class Clock:
    """A clock that goes when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_session_expires(clock: Clock) -> None:
    store = MemoryStore(clock=clock)
    await store.save("a", "1", 10, False)
    clock.now += 9.9
    assert await store.load("a", 10) == "1"
    clock.now += 10
    assert await store.load("a", 10) is None
    assert len(store) == 0


async def test_use_makes_it_live_on(clock: Clock) -> None:
    store = MemoryStore(clock=clock)
    await store.save("a", "1", 10, False)
    for _ in range(5):
        clock.now += 9
        assert store.load_now("a", 10) == "1"


async def test_an_expired_session_is_neither_updated_nor_counted_as_deleted(clock: Clock) -> None:
    store = MemoryStore(clock=clock)
    await store.save("a", "1", 10, False)
    await store.save("b", "1", 10, False)
    clock.now += 10
    assert await store.save("a", "2", 10, True) is False
    assert await store.delete("b") is False


async def test_the_least_recently_used_make_room(clock: Clock) -> None:
    store = MemoryStore(max_sessions=3, clock=clock)
    for key in "abc":
        await store.save(key, key, 100, False)
    await store.load("a", 100)
    await store.save("d", "d", 100, False)
    assert [await store.load(key, 100) for key in "abcd"] == ["a", None, "c", "d"]
    assert len(store) == 3


async def test_expired_sessions_are_dropped_when_others_are_saved(clock: Clock) -> None:
    store = MemoryStore(clock=clock)
    for number in range(100):
        await store.save(str(number), "", 10, False)
    clock.now += 10
    await store.save("new", "", 10, False)
    assert len(store) == 1


async def test_a_lifetime_of_nothing_keeps_nothing(clock: Clock) -> None:
    store = MemoryStore(clock=clock)
    await store.save("a", "1", 0, False)
    assert len(store) == 0


def test_room_for_none_is_refused() -> None:
    with pytest.raises(ValueError, match="max_sessions must be at least 1, not 0"):
        MemoryStore(max_sessions=0)
