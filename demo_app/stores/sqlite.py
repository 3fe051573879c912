"""All stores in one SQLite file, for a machine without servers. Several processes may share the file.

Every operation runs in one thread of its own, on one connection: the loop never waits for the disk. Writes
take the file's lock at their beginning, so that they wait for each other instead of failing halfway.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Literal, TypeVar, cast

from demo_app.stores.base import Account, Duplicate, Event, EventKind, Identity, StoreUnavailable

__all__ = ["Connection", "SQLiteAccounts", "SQLiteEvents", "SQLiteFile", "SQLiteLimiter"]

T = TypeVar("T")

Connection = sqlite3.Connection

#: Seconds between two looks for expired limits.
CLEAN_EVERY = 60.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, username TEXT NOT NULL, username_key TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL, email_key TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS identities (
    issuer TEXT NOT NULL, subject TEXT NOT NULL, account_id TEXT NOT NULL, PRIMARY KEY (issuer, subject)
);
CREATE TABLE IF NOT EXISTS account_events (
    id TEXT PRIMARY KEY, account_id TEXT, kind TEXT NOT NULL, address TEXT, user_agent TEXT NOT NULL, at TEXT
    NOT NULL
);
CREATE INDEX IF NOT EXISTS account_events_by_account ON account_events (account_id, at DESC, id);
CREATE TABLE IF NOT EXISTS limits (key TEXT PRIMARY KEY, count INTEGER NOT NULL, ends REAL NOT NULL);
CREATE INDEX IF NOT EXISTS limits_by_end ON limits (ends);
CREATE TABLE IF NOT EXISTS sessions_end (account_id TEXT PRIMARY KEY, moment REAL NOT NULL, forget REAL NOT
NULL);
CREATE TABLE IF NOT EXISTS chat_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, prev INTEGER NOT NULL, room TEXT NOT NULL, user TEXT NOT NULL, text
    TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS chat_messages_by_room ON chat_messages (room, id);
CREATE TABLE IF NOT EXISTS chat_keys (
    account_id TEXT NOT NULL, room TEXT NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL, ends REAL NOT NULL,
    PRIMARY KEY (account_id, room, key)
);
CREATE INDEX IF NOT EXISTS chat_keys_by_end ON chat_keys (ends);
"""

_ACCOUNT = "id, username, username_key, email, email_key, password_hash, created_at"
_EVENT = "id, account_id, kind, address, user_agent, at"


class SQLiteFile:
    """The file; see `Store`. It is opened at first use: after a fork, not before.

    Args:
        path: of the file; it and its folder are made when they are not there, for their owner's eyes only.
        timeout: seconds one operation may take, waiting for other processes included.
    """

    name = "sqlite"

    def __init__(self, path: str, timeout: float = 1.5) -> None:
        self._path = path
        self._timeout = timeout
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[Connection], T], writes: bool = True) -> T:
        """Do some work in one transaction.

        Args:
            work: takes the connection; runs in the file's thread.
            writes: whether it changes anything; what only reads waits for no other process.

        Raises:
            StoreUnavailable: the file can't be opened, or other processes don't let go of it.
        """
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        try:
            async with asyncio.timeout(self._timeout + 0.3):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work, writes)
        except TimeoutError as error:
            raise StoreUnavailable(self.name, "no answer in time") from error
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(self.name, f"{self._path}: {error}") from error

    async def ping(self) -> None:
        """See `Store.ping`."""
        await self.run(lambda connection: connection.execute("SELECT 1").fetchone())

    async def close(self) -> None:
        """See `Store.close`."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown(wait=False)

    def _run(self, work: Callable[[Connection], T], writes: bool) -> T:
        connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return result

    def _open(self) -> sqlite3.Connection:
        os.makedirs(os.path.dirname(self._path) or ".", mode=0o700, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None)
        try:
            _use_write_ahead_log(connection, self._timeout)
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _use_write_ahead_log(connection: sqlite3.Connection, timeout: float) -> None:
    # This one statement doesn't wait for the lock: processes that start together have to try again.
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)


class SQLiteAccounts:
    """The accounts, one row each; see `AccountStore`."""

    def __init__(self, file: SQLiteFile) -> None:
        self._file = file
        self.ping = file.ping
        self.close = file.close

    async def prepare(self) -> None:
        """See `AccountStore.prepare`: opening the file makes its tables."""
        await self._file.ping()

    async def add(self, account: Account, identity: Identity | None = None) -> None:
        """See `AccountStore.add`."""
        values = (
            account.id,
            account.username,
            account.username_key,
            account.email,
            account.email_key,
            account.password_hash,
            _text(account.created_at),
        )
        sql = f"INSERT INTO accounts ({_ACCOUNT}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names from this file

        def work(connection: sqlite3.Connection) -> None:
            if identity is not None:
                _add_identity(connection, account.id, identity)
            try:
                connection.execute(sql, values)
            except sqlite3.IntegrityError as error:
                # Where both are taken, it names either: people are told of the name first.
                same_name = "SELECT 1 FROM accounts WHERE username_key = ?"
                taken = connection.execute(same_name, (account.username_key,)).fetchone()
                raise Duplicate("username" if taken else "email") from error

        await self._file.run(work)

    async def by_id(self, account_id: str) -> Account | None:
        """See `AccountStore.by_id`."""
        return await self._find("id", account_id)

    async def by_username_key(self, key: str) -> Account | None:
        """See `AccountStore.by_username_key`."""
        return await self._find("username_key", key)

    async def by_identity(self, identity: Identity) -> Account | None:
        """See `AccountStore.by_identity`."""
        sql = "SELECT account_id FROM identities WHERE issuer = ? AND subject = ?"
        row = await self._file.run(
            lambda connection: connection.execute(sql, (identity.issuer, identity.subject)).fetchone()
        )
        return None if row is None else await self.by_id(row[0])

    async def add_identity(self, account_id: str, identity: Identity) -> bool:
        """See `AccountStore.add_identity`."""

        def work(connection: sqlite3.Connection) -> bool:
            found = connection.execute("SELECT 1 FROM accounts WHERE id = ?", (account_id,)).fetchone()
            if found:
                _add_identity(connection, account_id, identity)
            return bool(found)

        return await self._file.run(work)

    async def update(
        self,
        account_id: str,
        *,
        email: tuple[str, str] | None = None,
        password_hash: str | None = None,
        if_password_hash: str | None = None,
    ) -> bool:
        """See `AccountStore.update`."""
        address, key = email or (None, None)
        sql = (
            "UPDATE accounts SET email = coalesce(:email, email), email_key = coalesce(:email_key, email_key),"
            " password_hash = coalesce(:password_hash, password_hash)"
            " WHERE id = :id AND (:expected IS NULL OR password_hash = :expected)"
        )
        values = {
            "email": address,
            "email_key": key,
            "password_hash": password_hash,
            "id": account_id,
            "expected": if_password_hash,
        }

        def work(connection: sqlite3.Connection) -> bool:
            try:
                return connection.execute(sql, values).rowcount > 0
            except sqlite3.IntegrityError as error:
                raise Duplicate("email") from error

        return await self._file.run(work)

    async def _find(self, column: Literal["id", "username_key"], value: str) -> Account | None:
        sql = f"SELECT {_ACCOUNT} FROM accounts WHERE {column} = ?"  # noqa: S608 - names from this file
        row = await self._file.run(lambda connection: connection.execute(sql, (value,)).fetchone())
        return None if row is None else _account(row)


class SQLiteLimiter:
    """Counted tries and ended sessions; see `Limiter` and `Revocations`."""

    def __init__(self, file: SQLiteFile, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._next_clean = 0.0

    async def hit(self, key: str, limit: int, window: int) -> float:
        """See `Limiter.hit`."""
        now = self._clock()

        def work(connection: sqlite3.Connection) -> tuple[int, float]:
            self._clean(connection, now)
            row: tuple[int, float] = connection.execute(
                "INSERT INTO limits (key, count, ends) VALUES (:key, 1, :ends) ON CONFLICT (key) DO UPDATE"
                " SET count = iif(ends > :now, count + 1, 1), ends = iif(ends > :now, ends, :ends)"
                " RETURNING count, ends",
                {"key": key, "now": now, "ends": now + window},
            ).fetchone()
            return row

        count, ends = await self._file.run(work)
        return 0.0 if count <= limit else max(ends - now, 0.001)

    async def reset(self, key: str) -> None:
        """See `Limiter.reset`."""
        await self._file.run(
            lambda connection: connection.execute("DELETE FROM limits WHERE key = ?", (key,))
        )

    async def end_sessions(self, account_id: str, before: float, keep: int) -> None:
        """See `Revocations.end_sessions`."""
        values = (account_id, before, self._clock() + keep)
        await self._file.run(
            lambda connection: connection.execute(
                "INSERT INTO sessions_end (account_id, moment, forget) VALUES (?, ?, ?)"
                " ON CONFLICT (account_id) DO UPDATE SET moment = excluded.moment, forget = excluded.forget",
                values,
            )
        )

    async def sessions_end(self, account_id: str) -> float:
        """See `Revocations.sessions_end`."""
        row = await self._file.run(
            lambda connection: connection.execute(
                "SELECT moment FROM sessions_end WHERE account_id = ?", (account_id,)
            ).fetchone()
        )
        return float(row[0]) if row else 0.0

    def _clean(self, connection: sqlite3.Connection, now: float) -> None:
        if now >= self._next_clean:
            connection.execute("DELETE FROM limits WHERE ends <= ?", (now,))
            connection.execute("DELETE FROM sessions_end WHERE forget <= ?", (now,))
            self._next_clean = now + CLEAN_EVERY


class SQLiteEvents:
    """The log of account events, and the outbox too: an event goes straight into the log. See `EventLog`."""

    def __init__(self, file: SQLiteFile) -> None:
        self._file = file
        self.ping = file.ping
        self.close = file.close

    async def add(self, event: Event) -> None:
        """See `EventOutbox.add`."""
        await self.append([event])

    async def waiting(self, account_id: str, limit: int) -> list[Event]:
        """See `EventOutbox.waiting`: none ever does."""
        return []

    async def append(self, events: Sequence[Event]) -> None:
        """See `EventLog.append`."""
        rows = [
            (event.id, event.account_id, event.kind, event.address, event.user_agent, _text(event.at))
            for event in events
        ]
        sql = f"INSERT INTO account_events ({_EVENT}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"  # noqa: S608
        await self._file.run(lambda connection: connection.executemany(sql, rows))

    async def latest(self, account_id: str, limit: int) -> list[Event]:
        """See `EventLog.latest`."""
        sql = f"SELECT {_EVENT} FROM account_events WHERE account_id = ? ORDER BY at DESC, id LIMIT ?"  # noqa: S608
        rows = await self._file.run(
            lambda connection: connection.execute(sql, (account_id, limit)).fetchall()
        )
        return [_event(row) for row in rows]


def _add_identity(connection: sqlite3.Connection, account_id: str, identity: Identity) -> None:
    row = (identity.issuer, identity.subject, account_id)
    connection.execute("INSERT INTO identities VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
    owner = connection.execute(
        "SELECT account_id FROM identities WHERE issuer = ? AND subject = ?", row[:2]
    ).fetchone()
    if owner[0] != account_id:
        raise Duplicate("identity")


def _account(row: tuple[str, ...]) -> Account:
    account_id, username, username_key, email, email_key, password_hash, at = row
    created_at = datetime.fromisoformat(at)
    return Account(account_id, username, username_key, email, email_key, password_hash, created_at)


def _event(row: tuple[str, ...]) -> Event:
    event_id, account_id, kind, address, user_agent, at = row
    return Event(
        event_id, account_id, cast("EventKind", kind), address, user_agent, datetime.fromisoformat(at)
    )


def _text(moment: datetime) -> str:
    # One length for all, so that their order as text is their order in time.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
