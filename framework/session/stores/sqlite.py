"""Sessions in an SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from framework.session.errors import SessionStoreUnavailable

__all__ = ["SQLiteStore"]

T = TypeVar("T")

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS sessions (key TEXT PRIMARY KEY, data TEXT NOT NULL, expires REAL NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sessions_by_expires ON sessions (expires);
"""
_PURGE_EVERY = 30.0  # seconds
_PURGE_ROWS = 200


class SQLiteStore:
    """Keeps sessions in a file. The file is opened at first use, so that processes may fork before.

    Args:
        path: the file; it and its folder are made, readable by their owner only, where they do not exist.
        timeout: seconds that one operation may take, waiting for other processes included.
        clock: seconds since the epoch, the same for every process that shares the file.
    """

    def __init__(self, path: str, timeout: float = 1.5, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._timeout = timeout
        self._clock = clock
        # One thread: the loop never waits for the disk, and one connection needs no locks.
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._next_purge = 0.0

    async def load(self, key: str, expires: int) -> str | None:
        """See `load`; the expiry is written only when a tenth of it has passed."""
        return await self._in_thread(lambda: self._load(key, expires))

    async def save(self, key: str, data: str, expires: int, must_exist: bool) -> bool:
        """See `save`."""
        return await self._in_thread(lambda: self._save(key, data, expires, must_exist))

    async def delete(self, key: str) -> bool:
        """See `delete`."""
        return await self._in_thread(lambda: self._delete(key))

    async def close(self) -> None:
        """Close the file and end the thread; the next use opens both again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="session-sqlite")
        # Work that still waits for its turn when the time is up is taken back, so that a stuck disk does not
        # let it pile up.
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)
        except TimeoutError:
            raise SessionStoreUnavailable("sqlite", f"no answer within {self._timeout:g} s") from None
        except (sqlite3.Error, OSError) as error:
            raise SessionStoreUnavailable("sqlite", f"{error} ({self.path})") from error

    # From here on: in the thread.

    def _run(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error:
            # Whatever happened to the file, the next use begins with a fresh connection.
            self._close()
            raise

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        os.makedirs(os.path.dirname(self.path) or ".", mode=0o700, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # The change to a write-ahead log does not wait for a lock as other statements do: processes that
        # start together have to try again.
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)

    def _load(self, key: str, expires: int) -> str | None:
        connection = self._open()
        now = self._clock()
        row = connection.execute(
            "SELECT data, expires FROM sessions WHERE key = ? AND expires > ?", (key, now)
        ).fetchone()
        if row is None:
            return None
        if row[1] < now + 0.9 * expires:
            connection.execute("UPDATE sessions SET expires = ? WHERE key = ?", (now + expires, key))
        data: str = row[0]
        return data

    def _save(self, key: str, data: str, expires: int, must_exist: bool) -> bool:
        connection = self._open()
        now = self._clock()
        self._purge(connection, now)
        if must_exist:
            updated = connection.execute(
                "UPDATE sessions SET data = ?, expires = ? WHERE key = ? AND expires > ?",
                (data, now + expires, key, now),
            )
            return updated.rowcount == 1
        connection.execute(
            "INSERT INTO sessions (key, data, expires) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET data = excluded.data, expires = excluded.expires",
            (key, data, now + expires),
        )
        return True

    def _delete(self, key: str) -> bool:
        deleted = self._open().execute(
            "DELETE FROM sessions WHERE key = ? RETURNING expires > ?", (key, self._clock())
        )
        return any(alive for (alive,) in deleted.fetchall())

    def _purge(self, connection: sqlite3.Connection, now: float) -> None:
        """Delete expired rows: few at a time, so that nobody waits long; soon again while there are more."""
        if now < self._next_purge:
            return
        purged = connection.execute(
            "DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE expires <= ? LIMIT ?)",
            (now, _PURGE_ROWS),
        )
        self._next_purge = now if purged.rowcount == _PURGE_ROWS else now + _PURGE_EVERY

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
