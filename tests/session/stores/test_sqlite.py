"""The store in a file: several processes, expiry, outages."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
import threading

import pytest

from framework.session import SessionStoreUnavailable, SQLiteStore

PATH = str | os.PathLike[str]


class Clock:
    """A clock that goes when told."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def put(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def rows(path: str) -> list[tuple[str, str, float]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT key, data, expires FROM sessions ORDER BY key").fetchall()
    finally:
        connection.close()


async def test_file_and_folder_are_for_their_owner_only(sqlite_store: SQLiteStore) -> None:
    await sqlite_store.save("a", "1", 60, False)
    for path in (sqlite_store.path, sqlite_store.path + "-wal", os.path.dirname(sqlite_store.path)):
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path


async def test_sessions_outlive_the_store(sqlite_store: SQLiteStore) -> None:
    await sqlite_store.save("a", "1", 60, False)
    await sqlite_store.close()
    assert await sqlite_store.load("a", 60) == "1"


async def test_expiry_slides_and_is_written_when_a_tenth_has_passed(tmp_path: PATH) -> None:
    clock = Clock()
    store = SQLiteStore(os.path.join(tmp_path, "s"), clock=clock)
    await store.save("a", "1", 100, False)
    clock.now += 9
    assert await store.load("a", 100) == "1"
    assert rows(store.path) == [("a", "1", 1_000_100.0)]
    clock.now += 2
    assert await store.load("a", 100) == "1"
    assert rows(store.path) == [("a", "1", 1_000_111.0)]
    clock.now += 100
    assert await store.load("a", 100) is None
    assert await store.save("a", "2", 100, True) is False
    assert await store.delete("a") is False
    await store.close()


async def test_expired_rows_are_purged_in_small_batches(tmp_path: PATH) -> None:
    clock = Clock()
    store = SQLiteStore(os.path.join(tmp_path, "s"), clock=clock)
    for number in range(250):
        await store.save(str(number), "", 10, False)
    clock.now += 60
    await store.save("x", "", 1000, False)
    assert len(rows(store.path)) == 51
    await store.save("y", "", 1000, False)
    assert [key for key, *_ in rows(store.path)] == ["x", "y"]
    await store.close()


async def test_no_purge_while_the_last_one_is_recent(tmp_path: PATH) -> None:
    clock = Clock()
    store = SQLiteStore(os.path.join(tmp_path, "s"), clock=clock)
    await store.save("a", "", 1, False)
    clock.now += 10
    await store.save("b", "", 100, False)
    assert len(rows(store.path)) == 2
    clock.now += 30
    await store.save("c", "", 100, False)
    assert len(rows(store.path)) == 2
    await store.close()


async def test_work_is_done_off_the_loop(sqlite_store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    original = SQLiteStore._load

    def spy(self: SQLiteStore, key: str, expires: int) -> str | None:
        threads.append(threading.current_thread())
        return original(self, key, expires)

    monkeypatch.setattr(SQLiteStore, "_load", spy)
    await sqlite_store.load("a", 60)
    assert threads and threads[0] is not threading.main_thread()


async def test_a_file_locked_by_another_for_too_long_is_an_outage_that_passes(tmp_path: PATH) -> None:
    store = SQLiteStore(os.path.join(tmp_path, "s"), timeout=0.2)
    await store.save("a", "1", 60, False)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SessionStoreUnavailable, match="session store sqlite is unavailable"):
        await store.save("a", "2", 60, True)
    # Readers need no lock.
    assert await asyncio.wait_for(store.load("a", 60), 10) in ("1", "2")
    other.rollback()
    other.close()
    assert await _until_saved(store) is True
    await store.close()


async def _until_saved(store: SQLiteStore) -> bool:
    # The thread may still be in the attempt that was given up.
    for _ in range(50):
        try:
            return await store.save("a", "3", 60, True)
        except SessionStoreUnavailable:
            continue
    return False


async def test_a_file_that_another_is_just_making_is_waited_for(tmp_path: PATH) -> None:
    path = os.path.join(tmp_path, "s")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE something (a)")
    other.execute("BEGIN EXCLUSIVE")
    store = SQLiteStore(path, timeout=0.1)
    with pytest.raises(SessionStoreUnavailable):
        await store.save("a", "1", 60, False)
    other.rollback()
    other.close()
    for _ in range(50):
        try:
            assert await store.save("a", "1", 60, False) is True
            break
        except SessionStoreUnavailable:
            continue
    assert [key for key, *_ in rows(path)] == ["a"]
    await store.close()


async def test_a_folder_that_cannot_be_made_is_an_outage(tmp_path: PATH) -> None:
    blocker = os.path.join(tmp_path, "file")
    put(blocker, b"")
    store = SQLiteStore(os.path.join(blocker, "s"))
    with pytest.raises(SessionStoreUnavailable, match="unavailable"):
        await store.load("a", 60)
    await store.close()


async def test_a_file_that_is_no_database_is_an_outage_until_it_is_gone(tmp_path: PATH) -> None:
    path = os.path.join(tmp_path, "s")
    put(path, b"not a database, but long enough to look at" * 50)
    store = SQLiteStore(path)
    with pytest.raises(SessionStoreUnavailable, match="not a database"):
        await store.load("a", 60)
    os.remove(path)
    assert await store.save("a", "1", 60, False) is True
    await store.close()


PROCESS = """
import asyncio, sys
from framework.session.stores.sqlite import SQLiteStore

async def main():
    store = SQLiteStore(sys.argv[1], timeout=30)
    for i in range(25):
        await store.save(f"{sys.argv[2]}-{i}", "{}", 60, False)
        assert await store.save("shared", sys.argv[2], 60, False)
    await store.close()

asyncio.run(main())
"""


async def test_processes_that_start_together_share_a_file(sqlite_store: SQLiteStore) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, sqlite_store.path, str(number))
        for number in range(4)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0, 0]
    assert len(rows(sqlite_store.path)) == 101
    assert await sqlite_store.load("shared", 60) in {"0", "1", "2", "3"}
