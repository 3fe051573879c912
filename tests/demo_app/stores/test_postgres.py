"""PostgreSQL going away and coming back, its connections, and changes of its schema."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import psycopg2
import pytest
import pytest_asyncio

from demo_app import migrations
from demo_app.migrations import Migration, MigrationError
from demo_app.stores.base import Event, StoreUnavailable
from demo_app.stores.postgres import CONNECTIONS, PostgresEvents
from tests.conftest import Servers
from tests.servers import PostgresServer

Make = Callable[..., Event]


def connect(server: PostgresServer, host: str = "127.0.0.1", password: str | None = None) -> PostgresEvents:
    return PostgresEvents(host, server.port, server.database, server.user, password or server.password)


async def test_an_outage_is_noticed_in_time_and_its_end_too(
    servers: Servers, postgres: PostgresEvents, event: Make
) -> None:
    one = event()
    await postgres.append([one])
    servers.postgres.kill()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as caught:
            await postgres.latest("ada", 1)
        assert time.monotonic() - began < 2
        assert caught.value.store == "postgresql"
    servers.postgres.start()
    assert await postgres.latest("ada", 1) == [one]


async def test_a_restart_between_two_queries_is_not_noticed(
    servers: Servers, postgres: PostgresEvents, event: Make
) -> None:
    await asyncio.gather(*[postgres.append([event()]) for _ in range(CONNECTIONS)])
    servers.postgres.restart()
    assert len(await postgres.latest("ada", 10)) == CONNECTIONS


async def test_a_server_that_takes_no_connection_counts_as_away(
    servers: Servers, postgres: PostgresEvents
) -> None:
    await postgres.close()
    servers.postgres.pause()
    try:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match="in time"):
                await postgres.ping()
            assert time.monotonic() - began < 2
    finally:
        servers.postgres.resume()
    await postgres.ping()


async def test_connections_are_bounded_and_used_again(servers: Servers, postgres: PostgresEvents) -> None:
    await asyncio.gather(*[postgres.ping() for _ in range(50)])
    counted = servers.postgres.query(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'demo_app'"
    )
    assert 1 <= int(counted[0][0]) <= CONNECTIONS


async def test_whoever_gives_up_leaves_nothing_behind(postgres: PostgresEvents, event: Make) -> None:
    for delay in (0.0, 0.001, 0.003, 0.01):
        task = asyncio.create_task(postgres.append([event()]))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(*[postgres.ping() for _ in range(2 * CONNECTIONS)])


async def test_a_statement_cancelled_by_the_server_is_an_outage_and_not_a_cancellation(
    servers: Servers, postgres: PostgresEvents, event: Make
) -> None:
    blocker = psycopg2.connect(servers.postgres.dsn)
    with blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE account_events")
        waiting = asyncio.create_task(postgres.append([event()]))
        cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not servers.postgres.query(cancel):  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.01)
        with pytest.raises(StoreUnavailable, match="cancelled"):
            await waiting
    blocker.close()
    await postgres.append([event()])


async def test_a_wrong_password_and_an_unknown_host_are_outages(servers: Servers) -> None:
    for store in (connect(servers.postgres, password="wrong"), connect(servers.postgres, host="x.invalid")):
        with pytest.raises(StoreUnavailable):
            await store.ping()
        await store.close()


async def test_a_unix_socket_is_a_folder(servers: Servers) -> None:
    store = connect(servers.postgres, host=servers.postgres.folder)
    # pg_hba.conf of the test's server lets nobody else in this way: what counts is that it was asked.
    with pytest.raises(StoreUnavailable, match="pg_hba"):
        await store.ping()
    await store.close()


@pytest_asyncio.fixture
async def empty(empty_postgres: PostgresServer) -> AsyncIterator[PostgresEvents]:
    store = connect(empty_postgres)
    yield store
    await store.close()


def change(number: int, sql: str) -> Migration:
    return Migration(number, f"{number:04}_x.sql", sql, f"checksum of {sql}")


async def test_without_tables_the_answer_says_what_to_do(empty: PostgresEvents) -> None:
    with pytest.raises(StoreUnavailable, match="demo_app migrate"):
        await empty.latest("ada", 1)


async def test_four_that_start_at_once_change_the_schema_once(
    servers: Servers, empty: PostgresEvents
) -> None:
    stores = [connect(servers.postgres) for _ in range(4)]
    made = await asyncio.gather(*[store.migrate(migrations.load()) for store in stores])
    for store in stores:
        await store.close()
    names = [migration.name for migration in migrations.load()]
    assert sorted(made) == [[], [], [], names]
    assert servers.postgres.query("SELECT name FROM schema_migrations ORDER BY name") == [
        [name] for name in names
    ]


async def test_only_what_is_new_is_applied(empty: PostgresEvents, servers: Servers) -> None:
    one, two = change(1, "CREATE TABLE one (x int)"), change(2, "CREATE TABLE two (x int)")
    assert await empty.migrate([one]) == ["0001_x.sql"]
    assert await empty.migrate([one, two]) == ["0002_x.sql"]
    assert await empty.migrate([one, two]) == []


async def test_a_change_that_fails_is_not_half_made(empty: PostgresEvents, servers: Servers) -> None:
    with pytest.raises(StoreUnavailable, match="nonsense"):
        await empty.migrate([change(1, "CREATE TABLE one (x int); nonsense")])
    assert servers.postgres.query("SELECT count(*) FROM schema_migrations") == [["0"]]
    assert await empty.migrate([change(1, "CREATE TABLE one (x int)")]) == ["0001_x.sql"]


async def test_a_changed_change_is_refused(empty: PostgresEvents) -> None:
    await empty.migrate([change(1, "CREATE TABLE one (x int)")])
    with pytest.raises(MigrationError, match="was changed"):
        await empty.migrate([change(1, "CREATE TABLE one (y int)")])
