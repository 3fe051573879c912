"""The stores under test: each on a real server with a database of its own, and the embedded one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from demo_app import migrations
from demo_app.stores.base import Account, Event
from demo_app.stores.mongo import MongoAccounts
from demo_app.stores.postgres import PostgresEvents
from demo_app.stores.redis import RedisOutbox, RedisServer
from demo_app.stores.sqlite import SQLiteAccounts, SQLiteEvents, SQLiteFile
from tests.conftest import Servers
from tests.servers import PostgresServer

NOON = datetime(2025, 6, 1, 12, 0, 0, 123000, UTC)


@pytest.fixture
def account() -> Callable[..., Account]:
    """Makes accounts: a name, and what should be otherwise than usual."""

    def make(name: str, **changes: Any) -> Account:
        made = Account(
            id=uuid.uuid4().hex,
            username=name.title(),
            username_key=name,
            email=f"{name.title()}@example.org",
            email_key=f"{name}@example.org",
            password_hash="hash",
            created_at=NOON,
        )
        return replace(made, **changes)

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    """Makes events, with what should be otherwise than usual."""

    def make(**changes: Any) -> Event:
        made = Event(
            id=str(uuid.uuid4()),
            account_id="ada",
            kind="logged_in",
            address="203.0.113.9",
            user_agent="curl/8",
            at=NOON,
        )
        return replace(made, **changes)

    return make


@pytest_asyncio.fixture
async def mongo(servers: Servers, driver_threads: None) -> AsyncIterator[MongoAccounts]:
    store = MongoAccounts("127.0.0.1", servers.mongo.port, f"demo_{uuid.uuid4().hex}")
    yield store
    await store.close()


@pytest_asyncio.fixture
async def redis(servers: Servers) -> AsyncIterator[RedisServer]:
    servers.redis.execute("FLUSHALL")
    server = RedisServer("127.0.0.1", servers.redis.port, password=servers.redis.password)
    yield server
    await server.close()


@pytest_asyncio.fixture
async def outbox(redis: RedisServer) -> RedisOutbox:
    return RedisOutbox(redis, "server-1")


@pytest_asyncio.fixture
async def postgres(empty_postgres: PostgresServer) -> AsyncIterator[PostgresEvents]:
    server = empty_postgres
    store = PostgresEvents("127.0.0.1", server.port, server.database, server.user, server.password)
    await store.migrate(migrations.load())
    yield store
    await store.close()


@pytest_asyncio.fixture
async def file(tmp_path: Path) -> AsyncIterator[SQLiteFile]:
    file = SQLiteFile(str(tmp_path / "data" / "demo.sqlite3"))
    yield file
    await file.close()


@pytest_asyncio.fixture
async def sqlite_accounts(file: SQLiteFile) -> SQLiteAccounts:
    return SQLiteAccounts(file)


@pytest_asyncio.fixture
async def sqlite_events(file: SQLiteFile) -> SQLiteEvents:
    return SQLiteEvents(file)
