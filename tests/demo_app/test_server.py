"""A server's life, and bringing schemas up to date, in this process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_app import __main__ as program
from demo_app import server
from demo_app.config import load
from demo_app.stores.base import StoreUnavailable
from framework import process
from framework.netutil import bind_sockets
from tests.conftest import Servers
from tests.demo_app.client import Client
from tests.demo_app.conftest import SECRET
from tests.servers import PostgresServer, free_port


@pytest.fixture
def quiet_logging() -> Iterator[None]:
    """Undoes what the program does to logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def server_settings(servers: Servers) -> dict[str, str]:
    return {
        "SESSION_COOKIE_SECRET": SECRET,
        "MONGODB_HOST": "127.0.0.1",
        "MONGODB_PORT": str(servers.mongo.port),
        "MONGODB_NAME": f"demo_{uuid.uuid4().hex}",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(servers.redis.port),
        "REDIS_PASSWORD": servers.redis.password,
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(servers.postgres.port),
        "POSTGRES_PASSWORD": servers.postgres.password,
    }


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_ends_in_order_when_told_to(servers: Servers, signum: signal.Signals) -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    client = Client(sockets[0].getsockname()[1])
    serving = asyncio.create_task(server.serve(load(server_settings(servers)), sockets))
    ready = await client.get("/health/ready")
    assert set(ready.json["stores"]) == {"mongodb", "redis", "postgresql"}
    os.kill(os.getpid(), signum)
    await asyncio.wait_for(serving, 20)
    with pytest.raises(ConnectionRefusedError):
        await client.get("/health/live")


async def test_migrate_waits_for_servers_that_are_still_starting(
    servers: Servers, empty_postgres: PostgresServer
) -> None:
    settings = load(server_settings(servers))
    empty_postgres.kill()
    migrating = asyncio.create_task(server.migrate(settings))
    await asyncio.sleep(0.5)
    assert not migrating.done()
    empty_postgres.start()
    await migrating
    await server.migrate(settings)
    assert empty_postgres.query("SELECT count(*) FROM account_events") == [["0"]]


async def test_migrate_gives_up_in_the_end() -> None:
    settings = load({"SESSION_COOKIE_SECRET": SECRET, "MONGODB_PORT": str(free_port())})
    with pytest.raises(StoreUnavailable, match="mongodb"):
        await server.migrate(settings, patience=0)


def test_the_program_says_what_failed_with_status_1(
    tmp_path: Path, quiet_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    environ = {"SESSION_COOKIE_SECRET": SECRET, "PATH_DATA": str(tmp_path / "file"), "STORES": "embedded"}
    assert program.main(["migrate"], environ) == 1
    assert "sqlite is unavailable" in capsys.readouterr().err


def test_the_program_migrates_and_checks(
    tmp_path: Path, quiet_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"DEBUG": "1", "PATH_DATA": str(tmp_path), "STORES": "embedded"}
    assert program.main(["migrate"], environ) == 0
    assert program.main(["check-config"], environ) == 0
    assert "fine" in capsys.readouterr().out


def test_the_program_serves(tmp_path: Path, quiet_logging: None, monkeypatch: pytest.MonkeyPatch) -> None:
    forked: list[int] = []
    monkeypatch.setattr(process, "fork_processes", forked.append)

    async def serve(settings: object, sockets: object) -> None:
        assert sockets

    monkeypatch.setattr(server, "serve", serve)
    environ = {"SESSION_COOKIE_SECRET": SECRET, "TORNADO_SERVER_ADDRESS": "127.0.0.1"}
    port = f"--port={free_port()}"
    assert program.main([port], environ) == 0
    assert program.main(["serve", port], environ | {"TORNADO_SERVER_NUMPROCS": "3"}) == 0
    assert program.main([port], environ | {"TORNADO_SERVER_NUMPROCS": "1"}) == 0
    assert forked == [0, 3]
