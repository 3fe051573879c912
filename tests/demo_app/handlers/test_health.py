"""The health routes, over HTTP."""

from __future__ import annotations

import asyncio

import pytest

from tests.demo_app.conftest import Running


async def test_live_asks_nobody(running: Running) -> None:
    running.mongo.down = running.redis.down = running.log.down = True
    answer = await running.client().get("/health/live")
    assert answer.json == {"code": 0, "message": "", "status": "live"}


async def test_ready_shows_each_store(running: Running) -> None:
    answer = await running.client().get("/health/ready")
    assert (answer.status, answer.json["status"]) == (200, "ready")
    assert set(answer.json["stores"]) == {"mongodb", "redis", "postgresql"}
    for store in answer.json["stores"].values():
        assert store["state"] == "up"
        assert store["ms"] >= 0


async def test_a_store_that_is_away_degrades_and_no_more(running: Running) -> None:
    running.log.down = True
    answer = await running.client().get("/health/ready")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    states = {name: store["state"] for name, store in answer.json["stores"].items()}
    assert states == {"mongodb": "up", "redis": "up", "postgresql": "down"}


async def test_a_process_that_stops_is_not_ready(running: Running) -> None:
    running.stopping = True
    answer = await running.client().get("/health/ready")
    assert (answer.status, answer.json["status"]) == (503, "stopping")


async def test_the_stores_are_asked_at_the_same_time(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = asyncio.Barrier(3)

    async def ping() -> None:
        await everyone.wait()

    for store in (running.mongo, running.redis, running.log):
        monkeypatch.setattr(store, "ping", ping)
    assert (await running.client().get("/health/ready")).json["status"] == "ready"
