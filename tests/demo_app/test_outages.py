"""Two server processes on real stores: each store, and a server, goes away and comes back."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.conftest import Servers
from tests.demo_app.client import Client, Response
from tests.demo_app.conftest import SECRET
from tests.demo_app.processes import Process, run
from tests.servers import PostgresServer

PASSWORD = "correct horse battery"
T = TypeVar("T")


@pytest.fixture
def environ(servers: Servers, empty_postgres: PostgresServer) -> dict[str, str]:
    """The settings that lead to empty stores."""
    servers.redis.execute("FLUSHALL")
    return {
        "SESSION_COOKIE_SECRET": SECRET,
        "TORNADO_SERVER_NUMPROCS": "1",
        "TORNADO_SERVER_ADDRESS": "127.0.0.1",
        "LIMIT_LOGIN_PER_ACCOUNT": "10000",
        "MONGODB_HOST": "127.0.0.1",
        "MONGODB_PORT": str(servers.mongo.port),
        "MONGODB_NAME": f"demo_{uuid.uuid4().hex}",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(servers.redis.port),
        "REDIS_PASSWORD": servers.redis.password,
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(empty_postgres.port),
        "POSTGRES_DB": empty_postgres.database,
        "POSTGRES_USER": empty_postgres.user,
        "POSTGRES_PASSWORD": empty_postgres.password,
    }


class Stack:
    """Two servers and somebody who is logged in."""

    def __init__(
        self, servers: Servers, environ: dict[str, str], processes: list[Process], folder: Path
    ) -> None:
        self.servers, self.environ, self.processes, self.folder = servers, environ, processes, folder
        self.logins = 0
        self.clients: list[Client] = []

    async def start(self) -> None:
        ended = await asyncio.gather(*[asyncio.to_thread(run, "migrate", **self.environ) for _ in range(4)])
        assert [one.returncode for one in ended] == [0] * 4, ended
        for number in range(2):
            await self.start_server(number)
        answer = await self.clients[0].post(
            "/register", username="ada", email="a@example.org", password=PASSWORD
        )
        assert answer.status == 201
        assert (await self.login(self.clients[0])).status == 200
        self.clients[1].cookies = self.clients[0].cookies

    async def start_server(self, number: int, port: int | None = None) -> None:
        folder = self.folder / str(len(self.processes))
        folder.mkdir()
        process = Process(folder, port=port, **self.environ)
        self.processes.append(process)
        self.clients[number:] = [await process.started(), *self.clients[number + 1 :]]

    async def login(self, client: Client) -> Response:
        answer = await client.post("/login", username="ada", password=PASSWORD)
        self.logins += answer.status == 200
        return answer

    async def all_events_are_written_once(self) -> None:
        counted = "SELECT kind, count(*), count(DISTINCT id) FROM account_events GROUP BY kind ORDER BY kind"
        expected = [["logged_in", str(self.logins), str(self.logins)], ["registered", "1", "1"]]
        async with asyncio.timeout(30):
            while self.servers.postgres.query(counted) != expected:  # noqa: ASYNC110 - the workers' doing
                await asyncio.sleep(0.05)
            while self.servers.redis.execute("XLEN", "demo:events"):  # noqa: ASYNC110 - the workers' doing
                await asyncio.sleep(0.05)
        assert self.servers.postgres.query(counted) == expected


@pytest.fixture
def stack(servers: Servers, environ: dict[str, str], processes: list[Process], tmp_path: Path) -> Stack:
    return Stack(servers, environ, processes, tmp_path)


async def in_time(answer: Awaitable[T]) -> T:
    began = time.monotonic()
    found = await answer
    assert time.monotonic() - began < 2
    return found


async def unavailable(answer: Awaitable[Response]) -> None:
    found = await in_time(answer)
    assert found.status == 503, found
    assert found.headers["Retry-After"]


async def until_up(client: Client, store: str) -> None:
    async with asyncio.timeout(20):
        while (await client.get("/health/ready")).json["stores"][store]["state"] != "up":
            pass


async def test_without_an_outage_events_are_there_at_once(stack: Stack) -> None:
    await stack.start()
    for client in stack.clients:
        events = (await client.get("/account/info")).json["events"]
        assert [event["kind"] for event in events] == ["logged_in", "registered"]
        assert {event["address"] for event in events} == {"127.0.0.1"}
    ready = (await stack.clients[0].get("/health/ready")).json
    assert ready["status"] == "ready"
    await stack.all_events_are_written_once()
    answers = await asyncio.gather(
        *[
            stack.clients[n % 2].post("/register", username="bob", email="b@example.org", password=PASSWORD)
            for n in range(50)
        ]
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 49
    assert [process.stop() for process in stack.processes] == [0, 0]


async def test_postgresql_goes_and_comes(stack: Stack, servers: Servers) -> None:
    await stack.start()
    servers.postgres.kill()
    for client in stack.clients:
        await unavailable(client.get("/account/info"))
        for _ in range(10):
            assert (await in_time(stack.login(client))).status == 200
        assert (await in_time(client.get("/isLogined"))).json["logined"] is True
    ready = await in_time(stack.clients[0].get("/health/ready"))
    assert (ready.status, ready.json["status"]) == (200, "degraded")
    servers.postgres.start()
    await until_up(stack.clients[0], "postgresql")
    assert (await stack.clients[0].get("/account/info")).status == 200
    await stack.all_events_are_written_once()


async def test_mongodb_goes_and_comes(stack: Stack, servers: Servers) -> None:
    await stack.start()
    servers.mongo.kill()
    for client in stack.clients:
        await unavailable(client.post("/register", username="bob", email="b@example.org", password=PASSWORD))
        await unavailable(stack.login(client))
        await unavailable(client.post("/account/edit", old_password=PASSWORD, email="b@example.org"))
        assert (await in_time(client.get("/isLogined"))).json["logined"] is True
    assert (await in_time(stack.clients[1].get("/health/ready"))).json["stores"]["mongodb"]["state"] == "down"
    servers.mongo.start()
    await until_up(stack.clients[0], "mongodb")
    assert (await stack.login(stack.clients[0])).status == 200
    await stack.all_events_are_written_once()


async def test_redis_goes_and_comes(stack: Stack, servers: Servers) -> None:
    await stack.start()
    servers.redis.kill()
    for client in stack.clients:
        await unavailable(client.get("/isLogined"))
        await unavailable(stack.login(client))
        await unavailable(client.get("/account/info"))
        assert (await in_time(client.get("/health/live"))).status == 200
        assert (await in_time(client.get("/"))).status == 200
    servers.redis.start()
    await until_up(stack.clients[0], "redis")
    # The session was in the append-only file.
    assert (await stack.clients[0].get("/isLogined")).json["logined"] is True
    for client in stack.clients:
        assert (await stack.login(client)).status == 200
    await stack.all_events_are_written_once()


async def test_a_server_that_dies_with_events_in_hand_loses_and_doubles_none(
    stack: Stack, servers: Servers
) -> None:
    await stack.start()
    servers.postgres.kill()
    for client in stack.clients:
        for _ in range(5):
            await stack.login(client)
    # Both have taken events by now, or will; one dies with them and comes back.
    await asyncio.sleep(0.5)
    stack.processes[0].popen.kill()
    stack.processes[0].popen.wait()
    servers.postgres.start()
    await stack.start_server(0, stack.processes[0].port)
    await stack.login(stack.clients[0])
    await stack.all_events_are_written_once()
