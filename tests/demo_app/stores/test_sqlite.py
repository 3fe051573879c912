"""The embedded file: shared by processes, private to its owner, away when it can't be opened or written."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from demo_app.stores.base import Account, Event, StoreUnavailable
from demo_app.stores.sqlite import SQLiteAccounts, SQLiteEvents, SQLiteFile, SQLiteLimiter

PROGRAM = """
import asyncio, sys
from demo_app.stores.sqlite import SQLiteFile, SQLiteLimiter

async def main():
    file = SQLiteFile(sys.argv[1])
    limiter = SQLiteLimiter(file)
    waits = [await limiter.hit("ada", 50, 600) for _ in range(50)]
    await file.close()
    print(waits.count(0))

asyncio.run(main())
"""


def test_four_processes_that_start_at_once_share_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "demo.sqlite3")
    processes = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, path], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    counts = [int(process.communicate()[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert sum(counts) == 50


async def test_the_file_is_for_its_owner_only(file: SQLiteFile, tmp_path: Path) -> None:
    await file.ping()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "demo.sqlite3").stat().st_mode) == 0o600


async def test_data_outlive_the_process(file: SQLiteFile, account: Callable[..., Account]) -> None:
    ada = account("ada")
    await SQLiteAccounts(file).add(ada)
    await file.close()
    assert await SQLiteAccounts(file).by_id(ada.id) == ada


async def test_a_file_that_cannot_be_opened_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    file = SQLiteFile(str(tmp_path / "file" / "demo.sqlite3"))
    with pytest.raises(StoreUnavailable, match="sqlite"):
        await file.ping()
    await file.close()


async def test_a_file_that_is_something_else_is_an_outage(tmp_path: Path) -> None:
    path = tmp_path / "demo.sqlite3"
    path.write_bytes(b"something else" * 100)
    file = SQLiteFile(str(path), timeout=0.1)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await file.ping()
    await file.close()


async def test_a_lock_that_lasts_is_an_outage_that_ends_with_it(tmp_path: Path) -> None:
    path = str(tmp_path / "demo.sqlite3")
    file = SQLiteFile(path, timeout=0.1)
    await file.ping()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await file.ping()
    other.execute("ROLLBACK")
    other.close()
    await file.ping()
    await file.close()


async def test_work_that_fails_leaves_nothing_half_done(file: SQLiteFile) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO limits VALUES ('ada', 1, 1)")
        raise RuntimeError("meant")

    with pytest.raises(RuntimeError, match="meant"):
        await file.run(work)
    assert await file.run(lambda connection: connection.execute("SELECT * FROM limits").fetchall()) == []


async def test_expired_limits_are_cleaned_away(file: SQLiteFile) -> None:
    now = [1000.0]
    limiter = SQLiteLimiter(file, clock=lambda: now[0])
    await limiter.hit("old", 1, 10)
    await limiter.end_sessions("old", 900.0, 10)
    now[0] += 100
    await limiter.hit("new", 1, 10)
    rows = await file.run(lambda connection: connection.execute("SELECT key FROM limits").fetchall())
    assert rows == [("new",)]
    assert await limiter.sessions_end("old") == 0


async def test_events_go_straight_into_the_log(file: SQLiteFile, event: Callable[..., Event]) -> None:
    events = SQLiteEvents(file)
    one = event()
    await events.add(one)
    assert await events.waiting("ada", 10) == []
    assert await events.latest("ada", 10) == [one]


async def test_closing_what_was_never_opened_is_fine(tmp_path: Path) -> None:
    await SQLiteFile(str(tmp_path / "demo.sqlite3")).close()
    assert os.listdir(tmp_path) == []
