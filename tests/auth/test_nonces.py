"""The memory of used nonces."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from framework.auth import AuthError
from framework.auth.nonces import NonceMemory
from framework.auth.once import _SIZE

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


class Clock:
    """Goes when a test says so."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At noon."""
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> NonceMemory:
    """Of nothing."""
    return NonceMemory(clock)


def test_a_nonce_is_good_once_with_each_provider(memory: NonceMemory) -> None:
    memory.use("http://a", "2026-01-01T12:00:00Zx")
    memory.use("http://b", "2026-01-01T12:00:00Zx")
    memory.use("http://a", "2026-01-01T12:00:00Zy")
    for provider in ("http://a", "http://b"):
        with pytest.raises(AuthError, match="used before"):
            memory.use(provider, "2026-01-01T12:00:00Zx")


@pytest.mark.parametrize(
    ("time", "good"), [("11:50:00", 1), ("11:49:59", 0), ("12:10:00", 1), ("12:10:01", 0)]
)
def test_it_is_of_about_now(memory: NonceMemory, time: str, good: int) -> None:
    nonce = f"2026-01-01T{time}Z"
    if good:
        memory.use("p", nonce)
    else:
        with pytest.raises(AuthError, match="too old, or the clocks differ"):
            memory.use("p", nonce)


@pytest.mark.parametrize(
    "nonce",
    ["", "x", "2026-13-01T12:00:00Zx", "2026-01-01 12:00:00Zx", "2026-01-01T12:00:00x", "0000-01-01T12:00:00Z",
     "2026-01-01T12:00:00Z ", "2026-01-01T12:00:00Z" + "x" * 236, "\u0662026-01-01T12:00:00Z",
     "9999-12-31T25:00:00Z", "2026-01-01T12:00:60Z"],
)  # fmt: skip
def test_it_begins_with_a_time(memory: NonceMemory, nonce: str) -> None:
    with pytest.raises(AuthError, match="does not begin with a time"):
        memory.use("p", nonce)


def test_none_is_forgotten_while_it_could_be_used_again(memory: NonceMemory, clock: Clock) -> None:
    # Of a clock that is fast: it stays good for twenty minutes.
    memory.use("p", "2026-01-01T12:10:00Z")
    clock.now += 1200
    with pytest.raises(AuthError, match="used before"):
        memory.use("p", "2026-01-01T12:10:00Z")
    clock.now += 1
    with pytest.raises(AuthError, match="too old"):
        memory.use("p", "2026-01-01T12:10:00Z")


def test_the_memory_does_not_grow_without_end(memory: NonceMemory, clock: Clock) -> None:
    memory.use("p", "2026-01-01T12:00:00Zold")
    clock.now += 1201
    memory.use("p", "2026-01-01T12:20:00Znew")
    assert len(memory._used) == 1
    for number in range(_SIZE):
        memory.use("p", f"2026-01-01T12:20:00Z{number}")
    assert len(memory._used) == _SIZE
    # The oldest had to go.
    memory.use("p", "2026-01-01T12:20:00Znew")
