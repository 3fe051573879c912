"""Recording, moving and showing events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from demo_app.services import events as service
from demo_app.services.events import Events, EventWorker, Visitor
from demo_app.stores.base import StoreUnavailable
from tests.demo_app.fakes import FakeLog, FakeRedis

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
VISITOR = Visitor("203.0.113.9", "curl/8")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def events(redis: FakeRedis, log: FakeLog) -> Events:
    return Events(redis, log, Clock())


@pytest.fixture
def worker(events: Events, redis: FakeRedis, log: FakeLog, monkeypatch: pytest.MonkeyPatch) -> EventWorker:
    monkeypatch.setattr(service, "PAUSES", (0.001,))
    return EventWorker(events, redis, log)


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - the worker's doing
        await asyncio.sleep(0.001)


async def test_an_event_says_who_what_whence_and_when(events: Events, redis: FakeRedis) -> None:
    await events.record("logged_in", "ada", VISITOR)
    (event,) = redis.stream.values()
    assert (event.kind, event.account_id, event.address, event.user_agent) == (
        "logged_in",
        "ada",
        "203.0.113.9",
        "curl/8",
    )
    assert event.at == NOON + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("fe80::1%eth0", "fe80::1"), ("2001:DB8::1", "2001:db8::1"), ("", None), ("/run/socket", None)],
)
async def test_addresses_are_kept_in_one_form_or_not_at_all(
    events: Events, redis: FakeRedis, given: str, kept: str | None
) -> None:
    await events.record("logged_in", "ada", Visitor(given, ""))
    assert [event.address for event in redis.stream.values()] == [kept]


async def test_user_agents_are_cut_and_made_printable(events: Events, redis: FakeRedis) -> None:
    await events.record("logged_in", "ada", Visitor("", "a\x00b\x1b[31m\ud800" + "x" * 1000))
    (event,) = redis.stream.values()
    assert event.user_agent.startswith("a b [31m x")
    assert len(event.user_agent) == 256


async def test_the_latest_are_from_the_log_and_from_those_on_their_way_each_once(
    events: Events, worker: EventWorker, redis: FakeRedis, log: FakeLog
) -> None:
    await events.record("registered", "ada", VISITOR)
    await worker.step(0)
    await events.record("logged_in", "ada", VISITOR)
    await events.record("login_failed", "bob", VISITOR)
    # Written, but not yet gone from the outbox.
    await log.append(list(redis.stream.values()))
    assert [event.kind for event in await events.latest("ada", 5)] == ["logged_in", "registered"]
    assert [event.kind for event in await events.latest("ada", 1)] == ["logged_in"]


@pytest.mark.parametrize("away", ["redis", "log"])
async def test_the_latest_need_both_stores(events: Events, away: str, redis: FakeRedis, log: FakeLog) -> None:
    (redis if away == "redis" else log).down = True
    with pytest.raises(StoreUnavailable):
        await events.latest("ada", 5)


async def test_events_wait_in_memory_while_the_outbox_is_away(
    events: Events, worker: EventWorker, redis: FakeRedis, log: FakeLog
) -> None:
    redis.down = True
    await events.record("registered", "ada", VISITOR)
    await events.record("logged_in", "ada", VISITOR)
    with pytest.raises(StoreUnavailable):
        await worker.step(0)
    redis.down = False
    assert await worker.step(0) == 2
    assert await worker.step(0) == 0
    assert [event.kind for event in log.events.values()] == ["registered", "logged_in"]


async def test_memory_is_bounded_and_the_log_tells_of_losses(
    events: Events, redis: FakeRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "BACKLOG", 2)
    redis.down = True
    for account in "abc":
        await events.record("logged_in", account, VISITOR)
    redis.down = False
    await events.flush_backlog()
    assert [event.account_id for event in redis.stream.values()] == ["b", "c"]
    assert "event lost" in caplog.text


async def test_the_worker_moves_events_and_stops_when_told(
    events: Events, worker: EventWorker, redis: FakeRedis, log: FakeLog
) -> None:
    worker.start()
    await events.record("registered", "ada", VISITOR)
    await until(lambda: log.events)
    await events.record("logged_in", "ada", VISITOR)
    await worker.stop()
    assert len(log.events) == 2
    assert not redis.stream


async def test_an_outage_of_the_log_loses_nothing_and_doubles_nothing(
    events: Events, worker: EventWorker, redis: FakeRedis, log: FakeLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.down = True
    worker.start()
    for _ in range(5):
        await events.record("logged_in", "ada", VISITOR)
        await asyncio.sleep(0.002)
    log.down = False
    await until(lambda: len(log.events) == 5)
    await worker.stop()
    assert not redis.stream
    assert caplog.text.count("events wait") == 1


async def test_the_worker_survives_what_nobody_thought_of(
    events: Events, worker: EventWorker, log: FakeLog, caplog: pytest.LogCaptureFixture
) -> None:
    append, failed = log.append, []

    async def broken(batch: object) -> None:
        failed.append(batch)
        log.append = append  # type: ignore[method-assign]
        raise ZeroDivisionError

    log.append = broken  # type: ignore[method-assign,assignment]
    await events.record("logged_in", "ada", VISITOR)
    worker.start()
    await until(lambda: log.events)
    await worker.stop()
    assert failed
    assert "ZeroDivisionError" in caplog.text


async def test_where_events_go_straight_to_the_log_the_worker_has_only_the_backlog(
    events: Events, redis: FakeRedis, log: FakeLog
) -> None:
    worker = EventWorker(events, None, log)
    redis.down = True
    await events.record("logged_in", "ada", VISITOR)
    redis.down = False
    assert await worker.step(0) == 0
    assert len(redis.stream) == 1
    worker.start()
    await worker.stop()


async def test_stopping_what_never_started_is_fine(worker: EventWorker) -> None:
    await worker.stop()
