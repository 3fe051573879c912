"""What the application's tests share."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import argon2
import pytest
import pytest_asyncio
from motor.frameworks import asyncio as motor_threads

from demo_app.app import Demo, Stores
from demo_app.config import load
from demo_app.services.passwords import Passwords
from framework.httpserver import HTTPServer
from framework.netutil import bind_sockets
from framework.session import MemoryStore, SessionStoreUnavailable
from tests.demo_app.client import Client
from tests.demo_app.fakes import FakeAccounts, FakeChat, FakeLog, FakeRedis
from tests.demo_app.processes import Process

SECRET = "a-secret-of-ones-own-with-more-than-32-characters"


@pytest.fixture(scope="session", autouse=True)
def driver_threads() -> None:
    """Start the threads that motor keeps as long as the process, before a test could seem to leak them."""
    executor = motor_threads._EXECUTOR
    everyone = threading.Barrier(executor._max_workers + 1)
    for _ in range(executor._max_workers):
        executor.submit(everyone.wait)
    everyone.wait()


@pytest.fixture(autouse=True)
def cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost next to nothing, except where a test makes its own hasher."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    waiting = 100
    monkeypatch.setattr(Passwords.__init__, "__defaults__", (None, waiting, cheap))


class FakeSessions(MemoryStore):
    """Sessions that are away when Redis is."""

    def __init__(self, redis: FakeRedis) -> None:
        super().__init__()
        self._redis = redis
        # Not to be asked without waiting: Redis can't be either.
        self.load_now = None  # type: ignore[assignment,method-assign]

    def _check(self) -> None:
        if self._redis.down:
            raise SessionStoreUnavailable("redis", "switched off")

    async def load(self, key: str, expires: int) -> str | None:
        self._check()
        return MemoryStore.load_now(self, key, expires)

    async def save(self, key: str, data: str, expires: int, must_exist: bool) -> bool:
        self._check()
        return await super().save(key, data, expires, must_exist)

    async def delete(self, key: str) -> bool:
        self._check()
        return await super().delete(key)


@dataclass
class Running:
    """The application, served with stores in memory."""

    demo: Demo
    mongo: FakeAccounts
    redis: FakeRedis
    log: FakeLog
    chat: FakeChat
    port: int
    stopping: bool = False

    def client(self) -> Client:
        return Client(self.port)


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[..., Running]]:
    """Serves the application with some settings."""
    servers: list[tuple[HTTPServer, Demo]] = []

    def start(**environ: str) -> Running:
        settings = load({"SESSION_COOKIE_SECRET": SECRET} | environ)
        mongo, redis, log = FakeAccounts(), FakeRedis(), FakeLog()
        stores = Stores(
            accounts=mongo,
            limiter=redis,
            revocations=redis,
            outbox=redis,
            queue=redis,
            log=log,
            chat=(chat := FakeChat(redis)),
            sessions=FakeSessions(redis),
            named={"mongodb": mongo, "redis": redis, "postgresql": log},
        )
        sockets = bind_sockets(0, "127.0.0.1")
        demo = Demo(settings, stores, lambda: served.stopping)
        served = Running(demo, mongo, redis, log, chat, sockets[0].getsockname()[1])
        server = HTTPServer(demo.application, xheaders=True)
        server.add_sockets(sockets)
        servers.append((server, demo))
        # Not the worker that empties the outbox: tests look at what is in there.
        demo.feed.start()
        return served

    yield start
    for server, demo in servers:
        server.stop()
        await demo.end_conversations()
        await server.close_all_connections(1)
        demo.passwords._executor.shutdown()


@pytest_asyncio.fixture
async def running(serve: Callable[..., Running]) -> Running:
    return serve()


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    processes: list[Process] = []
    yield processes
    for process in processes:
        process.stop()
