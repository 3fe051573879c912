"""The outbox of events in Redis, and Redis going away and coming back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from demo_app.stores import redis as redis_store
from demo_app.stores.base import Event, StoreUnavailable
from demo_app.stores.redis import STREAM, RedisLimiter, RedisOutbox, RedisServer
from tests.conftest import Servers
from tests.demo_app.stores.conftest import NOON

Make = Callable[..., Event]


async def test_an_event_is_taken_once_and_gone_when_done(
    servers: Servers, redis: RedisServer, outbox: RedisOutbox, event: Make
) -> None:
    other = RedisOutbox(redis, "server-2")
    one, two = event(address=None, user_agent="Ü"), event(account_id=None)
    await outbox.add(one)
    await outbox.add(two)
    taken = await outbox.take(10, 0)
    assert [event for _, event in taken] == [one, two]
    assert await other.take(10, 0) == []
    await outbox.done([receipt for receipt, _ in taken])
    assert await outbox.take(10, 0) == []
    assert servers.redis.execute("XLEN", STREAM) == 0


async def test_take_waits_for_an_event(outbox: RedisOutbox, event: Make) -> None:
    taking = asyncio.create_task(outbox.take(10, 5))
    await asyncio.sleep(0.05)
    one = event()
    await outbox.add(one)
    assert [event for _, event in await taking] == [one]


async def test_what_was_taken_and_not_done_comes_again(outbox: RedisOutbox, event: Make) -> None:
    one, two = event(), event()
    await outbox.add(one)
    first = await outbox.take(1, 0)
    await outbox.add(two)
    assert await outbox.take(1, 0) == first
    await outbox.done([first[0][0]])
    assert [event for _, event in await outbox.take(1, 0)] == [two]


async def test_a_restarted_server_goes_on_with_its_own(
    redis: RedisServer, outbox: RedisOutbox, event: Make
) -> None:
    await outbox.add(event())
    taken = await outbox.take(10, 0)
    assert await RedisOutbox(redis, "server-1").take(10, 0) == taken


async def test_another_server_takes_over_from_a_dead_one(
    redis: RedisServer, outbox: RedisOutbox, event: Make
) -> None:
    await outbox.add(event())
    taken = await outbox.take(10, 0)
    assert await RedisOutbox(redis, "server-2", claim_after=60).take(10, 0) == []
    assert await RedisOutbox(redis, "server-3", claim_after=0).take(10, 0) == taken


async def test_waiting_shows_the_accounts_newest_first(outbox: RedisOutbox, event: Make) -> None:
    events = [event(at=NOON + timedelta(seconds=n)) for n in range(3)]
    for one in events:
        await outbox.add(one)
        await outbox.add(event(account_id="bob"))
    assert await outbox.waiting("ada", 2) == [events[2], events[1]]
    await outbox.take(100, 0)
    assert len(await outbox.waiting("ada", 10)) == 3


async def test_entries_that_are_no_events_are_dropped(
    servers: Servers, outbox: RedisOutbox, event: Make, caplog: pytest.LogCaptureFixture
) -> None:
    servers.redis.execute("XADD", STREAM, "*", "event", "{")
    servers.redis.execute("XADD", STREAM, "*", "other", "1")
    one = event()
    await outbox.add(one)
    assert [event for _, event in await outbox.take(10, 0)] == [one]
    assert "2 entries" in caplog.text
    assert servers.redis.execute("XLEN", STREAM) == 1


async def test_an_emptied_redis_is_used_again(servers: Servers, outbox: RedisOutbox, event: Make) -> None:
    await outbox.take(10, 0)
    servers.redis.execute("FLUSHALL")
    with pytest.raises(StoreUnavailable):
        await outbox.take(10, 0)
    one = event()
    await outbox.add(one)
    assert [event for _, event in await outbox.take(10, 0)] == [one]


async def test_the_stream_has_a_bound(
    servers: Servers, outbox: RedisOutbox, event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "STREAM_LENGTH", 100)
    for _ in range(450):
        await outbox.add(event())
    length = servers.redis.execute("XLEN", STREAM)
    assert isinstance(length, int)
    assert 100 <= length < 350


async def test_an_outage_is_noticed_in_time_and_its_end_too(
    servers: Servers, redis: RedisServer, outbox: RedisOutbox, event: Make
) -> None:
    one = event()
    await outbox.add(one)
    servers.redis.kill()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as caught:
            await redis.ping()
        assert time.monotonic() - began < 2
        assert caught.value.store == "redis"
    servers.redis.start()
    await redis.ping()
    assert [event for _, event in await outbox.take(10, 0)] == [one]


async def test_a_restart_between_two_commands_is_not_noticed(servers: Servers, redis: RedisServer) -> None:
    limiter = RedisLimiter(redis)
    await asyncio.gather(*[limiter.hit("ada", 100, 60) for _ in range(20)])
    servers.redis.restart()
    assert await asyncio.gather(*[limiter.hit("ada", 100, 60) for _ in range(20)]) == [0] * 20


async def test_a_server_that_hangs_counts_as_away(servers: Servers, redis: RedisServer) -> None:
    await redis.ping()
    servers.redis.pause()
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await redis.ping()
        assert time.monotonic() - began < 2
    finally:
        servers.redis.resume()
    await redis.ping()
