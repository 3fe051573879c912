"""How a server begins: with good settings only, on a fresh schema, four at once, with no store server."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from tests.conftest import Servers
from tests.integration.client import Client, Person, eventually
from tests.integration.stack import DemoServer, Stores, server_environment
from tests.servers import MongoServer, PostgresServer, RedisServer

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("BASE_URL")), reason="starts processes of its own; BASE_URL can only be talked to"
)


def run(settings: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run the program to its end and return exit status and output."""
    process = DemoServer(settings, arguments)
    try:
        process.start(wait=False)
        status = process.wait(60)
        return status, process.log()
    finally:
        process.close()


@pytest.mark.parametrize(
    "secret",
    ["", "4zi7D1)uw6VJ&Iz5@924y28Z@3@M3p!H", "too-short"],
    ids=["none", "the published one", "a short one"],
)
def test_production_does_not_start_without_a_secret_of_its_own(servers: Servers, secret: str) -> None:
    settings = server_environment(servers, DEBUG="false", SESSION_COOKIE_SECRET=secret)
    status, output = run(settings)
    assert status not in (0, None)
    assert "SESSION_COOKIE_SECRET" in output
    assert "secrets.token_urlsafe" in output, "the message does not say how to make one"
    assert "Traceback" not in output
    assert not secret or secret not in output


def test_wrong_settings_are_all_named_at_once(servers: Servers) -> None:
    settings = server_environment(
        servers, SESSION_COOKIE_SECRET="x" * 40, REDIS_PORT="many", SESSION_EXPIRES_SECONDS="-1"
    )
    status, output = run(settings)
    assert status not in (0, None)
    assert "REDIS_PORT" in output
    assert "SESSION_EXPIRES_SECONDS" in output
    assert "Traceback" not in output


def test_a_secret_can_be_in_a_file(servers: Servers, tmp_path: object) -> None:
    path = os.path.join(str(tmp_path), "secret")
    with open(path, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    settings = server_environment(servers, SESSION_COOKIE_SECRET_FILE=path)
    run(settings, "migrate")
    with DemoServer(settings) as server:
        assert server.stop() == 0, server.log()


class FreshStores:
    """Stores of the run, but a PostgreSQL without any table."""

    def __init__(self, servers: Servers, postgres: PostgresServer) -> None:
        self._servers = servers
        self._postgres = postgres

    @property
    def redis(self) -> RedisServer:
        return self._servers.redis

    @property
    def mongo(self) -> MongoServer:
        return self._servers.mongo

    @property
    def postgres(self) -> PostgresServer:
        return self._postgres


@pytest.fixture
def fresh_stores(servers: Servers) -> Iterator[Stores]:
    with PostgresServer(shared=False) as postgres:
        yield FreshStores(servers, postgres)


def test_migrations_are_safe_when_four_run_at_once(fresh_stores: Stores) -> None:
    settings = server_environment(fresh_stores, SESSION_COOKIE_SECRET=secrets.token_urlsafe(48))
    processes = [DemoServer(settings, ["migrate"]) for _ in range(4)]
    try:
        for process in processes:
            process.start(wait=False)
        for process in processes:
            assert process.wait(60) == 0, process.log()
    finally:
        for process in processes:
            process.close()
    assert fresh_stores.postgres.query("SELECT count(*) FROM account_events") == [["0"]]
    # Once more changes nothing.
    status, output = run(settings, "migrate")
    assert status == 0, output


def test_four_servers_start_at_once_on_a_fresh_database(fresh_stores: Stores) -> None:
    name = f"fresh{secrets.token_hex(4)}"
    secret = secrets.token_urlsafe(48)
    # A database of its own in Redis as well: servers of other tests would take the events.
    settings = server_environment(fresh_stores, SESSION_COOKIE_SECRET=secret, MONGODB_NAME=name, REDIS_DB="1")
    status, output = run(settings, "migrate")
    assert status == 0, output
    processes = [DemoServer(settings) for _ in range(4)]
    try:
        for process in processes:
            process.start(wait=False)
        for process in processes:
            process.wait_until_answers()
        with Client(processes[0].url, "127.9.9.9") as client:
            person = Person(client)
            assert person.register().status == 201
            assert person.login().status == 200
            eventually(lambda: len(person.events()) == 2)
        for process in processes:
            assert process.stop() == 0, process.log()
    finally:
        for process in processes:
            process.close()


def test_the_embedded_demo_gives_the_same_answers_and_keeps_its_data(tmp_path: object) -> None:
    settings = {"PATH_DATA": str(tmp_path), "TORNADO_SERVER_ADDRESS": "127.0.0.1"}
    with DemoServer(settings, ["demo"]) as server, Client(server.url) as client:
        person = Person(client)
        answer = person.register()
        assert (answer.status, answer.json["code"]) == (201, 0)
        assert person.register().status == 409
        before = dict(client.cookies)
        assert person.login().status == 200
        assert client.cookies != before
        assert person.logged_in()
        events = eventually(lambda: len(found := person.events()) == 2 and found)
        assert [event["kind"] for event in events] == ["logged_in", "registered"]
        assert {event["address"] for event in events} == {"127.0.0.1"}
        assert server.stop() == 0, server.log()
        client.close()

        server.start()
        assert person.register().status == 409
        assert person.logged_in()
        assert len(person.events()) == 2
        assert client.post("/logout").status == 200
        assert not person.logged_in()
        assert server.stop() == 0, server.log()


def test_the_embedded_demo_serves_with_four_processes_on_one_port(tmp_path: object) -> None:
    settings = {"PATH_DATA": str(tmp_path), "TORNADO_SERVER_ADDRESS": "127.0.0.1"}
    with DemoServer(settings, ["demo"]) as server:
        with open(f"/proc/{server.pid}/task/{server.pid}/children") as file:
            children = file.read().split()
        assert len(children) == 4
        assert server.stop() == 0, server.log()
        assert not [pid for pid in children if os.path.exists(f"/proc/{pid}")]
