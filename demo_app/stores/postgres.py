"""Account events in PostgreSQL, through aiopg: the only file that names the driver.

aiopg watches the socket of libpq, which libpq closes and opens as it likes. uvloop does not forgive that: a
refused connection becomes one that never answers. So aiopg has a thread with asyncio's own loop. aiopg's pool
is not used: it connects under one lock, so that a single hanging connect holds up everybody.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiopg
import psycopg2
from psycopg2 import errors as pg

from demo_app.migrations import Migration, pending
from demo_app.stores.base import Event, StoreUnavailable

__all__ = ["PostgresEvents"]

CONNECTIONS = 5

#: The number of the lock that processes which change the schema wait for; any would do.
MIGRATION_LOCK = 0x64656D6F
MIGRATION_TIMEOUT = 120.0

T = TypeVar("T")


class PostgresEvents:
    """The log of account events; see `EventLog`.

    Args:
        host, port: of the server; a host that begins with "/" is the folder of a Unix socket.
        database, user, password: for its access control.
        timeout: seconds one operation may take, connecting included.
    """

    name = "postgresql"

    def __init__(
        self, host: str, port: int, database: str, user: str, password: str = "", timeout: float = 1.0
    ) -> None:
        self._host = host
        self._options: dict[str, Any] = {
            "host": host,
            "port": port,
            "dbname": database,
            "user": user,
            "password": password,
            "application_name": "demo_app",
            "gssencmode": "disable",
            # The server gives up on what nobody waits for any longer: later than this side does, because
            # aiopg makes a CancelledError of that.
            "options": f"-c statement_timeout={int((timeout + 5) * 1000)} -c timezone=UTC",
        }
        self._timeout = timeout
        self._idle: list[aiopg.Connection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._thread: LoopThread | None = None

    async def ping(self) -> None:
        """See `Store.ping`."""
        await self._query("SELECT 1")

    async def close(self) -> None:
        """See `Store.close`."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await thread.run(self._close_idle())
            await thread.close()

    async def append(self, events: Sequence[Event]) -> None:
        """See `EventLog.append`."""
        if not events:
            return
        rows = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(events))
        values = [
            value
            for event in events
            for value in (
                event.id,
                event.account_id,
                event.kind,
                event.address,
                event.user_agent,
                event.at,
            )
        ]
        # One statement is one transaction; it is committed when the answer comes.
        head = "INSERT INTO account_events (id, account_id, kind, address, user_agent, at) VALUES "
        await self._query(head + rows + " ON CONFLICT (id) DO NOTHING", values)

    async def latest(self, account_id: str, limit: int) -> list[Event]:
        """See `EventLog.latest`."""
        rows = await self._query(
            "SELECT id::text, account_id, kind, host(address), user_agent, at FROM account_events"
            " WHERE account_id = %s ORDER BY at DESC, id LIMIT %s",
            [account_id, limit],
        )
        return [Event(*row) for row in rows]

    async def migrate(self, migrations: list[Migration]) -> list[str]:
        """Bring the schema up to date. Several processes may do so at once: one does it, others wait.

        Args:
            migrations: all changes, in order.

        Returns:
            The names of those that were made.

        Raises:
            MigrationError: the database has something else than these.
            StoreUnavailable: the server can't be reached.
        """
        return await self._in_thread(self._migrate(migrations))

    async def _query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return await self._in_thread(self._query_here(sql, values))

    async def _in_thread(self, work: Coroutine[Any, Any, T]) -> T:
        if self._thread is None:
            self._thread = LoopThread("postgresql")
        return await self._thread.run(work)

    # From here on: in the thread.

    async def _migrate(self, migrations: list[Migration]) -> list[str]:
        async with self._errors(MIGRATION_TIMEOUT), self._connection() as connection:
            try:
                return await _migrate(connection, migrations)
            finally:
                # The connection's end releases the lock, and its longer time limit goes with it.
                await connection.close()

    async def _query_here(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        async with self._errors(self._timeout + 0.5):
            # A connection that waited may have been cut off meanwhile (the server was restarted): one more
            # try, with a new one. All the statements here may be done twice.
            if self._idle:
                try:
                    async with self._connection() as connection:
                        return await _execute(connection, sql, values)
                except (psycopg2.OperationalError, psycopg2.InterfaceError):
                    await self._close_idle()
            async with self._connection() as connection:
                return await _execute(connection, sql, values)

    async def _close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiopg.Connection]:
        async with self._slots:
            connection = None
            while self._idle and connection is None:
                candidate = self._idle.pop()
                connection = None if candidate.closed else candidate
            if connection is None:
                connection = await self._connect()
            try:
                yield connection
            except BaseException:
                # Nobody knows what state it is in: it may still be waiting for an answer that was given up.
                await asyncio.shield(connection.close())
                raise
            if not connection.closed:
                self._idle.append(connection)

    async def _connect(self) -> aiopg.Connection:
        options = dict(self._options)
        if self._host and not self._host.startswith("/"):
            found = await asyncio.get_running_loop().getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
            options["hostaddr"] = found[0][4][0]
        return await aiopg.connect(
            timeout=self._timeout, enable_json=False, enable_hstore=False, enable_uuid=False, **options
        )

    @asynccontextmanager
    async def _errors(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise StoreUnavailable(self.name, "no answer in time") from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # aiopg's way to say that the server cancelled the statement; nobody cancelled this task.
            raise StoreUnavailable(self.name, "the statement was cancelled") from error
        except pg.UndefinedTable as error:
            raise StoreUnavailable(self.name, "no tables: run `python -m demo_app migrate`") from error
        except (psycopg2.Error, OSError) as error:
            raise StoreUnavailable(self.name, str(error).strip()) from error


class LoopThread:
    """A thread with an asyncio loop.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there; giving up here cancels it there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def close(self) -> None:
        """End the thread. What still runs is dropped."""
        await self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _execute(
    connection: aiopg.Connection, sql: str, values: Sequence[object] = (), seconds: float | None = None
) -> list[tuple[Any, ...]]:
    async with connection.cursor(timeout=seconds) as cursor:
        await cursor.execute(sql, values or None)
        return await cursor.fetchall() if cursor.description else []


async def _migrate(connection: aiopg.Connection, migrations: list[Migration]) -> list[str]:
    async def run(sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return await _execute(connection, sql, values, MIGRATION_TIMEOUT)

    await run(f"SET statement_timeout = {int(MIGRATION_TIMEOUT * 1000)}")
    await run("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    await run(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL,"
        " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = await run("SELECT number, checksum FROM schema_migrations")
    names = []
    for migration in pending(migrations, dict(rows)):
        await run("BEGIN")
        await run(migration.sql)
        await run(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.checksum],
        )
        await run("COMMIT")
        names.append(migration.name)
    return names
