"""What every log of events promises: PostgreSQL's and the embedded one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import get_args

import pytest

from demo_app.stores.base import Event, EventKind, EventLog
from tests.demo_app.stores.conftest import NOON

Make = Callable[..., Event]


@pytest.fixture(params=["postgres", "sqlite_events"])
def log(request: pytest.FixtureRequest) -> EventLog:
    found: EventLog = request.getfixturevalue(request.param)
    return found


async def test_events_come_back_newest_first(log: EventLog, event: Make) -> None:
    events = [event(at=NOON + timedelta(milliseconds=n)) for n in range(5)]
    await log.append([events[2], events[0], events[4], events[1], events[3]])
    await log.append([event(account_id="bob")])
    assert await log.latest("ada", 3) == events[:1:-1]
    assert await log.latest("nobody", 3) == []
    await log.ping()


async def test_an_event_written_twice_is_kept_once(log: EventLog, event: Make) -> None:
    one, two = event(), event(at=NOON + timedelta(seconds=1))
    await log.append([one])
    await log.append([one, two])
    await log.append([])
    assert await log.latest("ada", 10) == [two, one]


@pytest.mark.parametrize("kind", get_args(EventKind))
async def test_every_kind_of_event_is_kept(log: EventLog, event: Make, kind: EventKind) -> None:
    one = event(kind=kind)
    await log.append([one])
    assert await log.latest("ada", 10) == [one]


async def test_what_may_be_missing_and_odd_is_kept(log: EventLog, event: Make) -> None:
    odd = event(address=None, user_agent="Ünïcode 'quoted' %s \\ \"x\"")
    six = event(address="2001:db8::1", at=NOON - timedelta(days=400))
    await log.append([odd, six, event(account_id=None)])
    assert await log.latest("ada", 10) == [odd, six]
