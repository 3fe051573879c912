"""What works and what does not while a store is away, and that nothing is lost when it is back.

Away is tried in two ways: stopped, so that connecting is refused, and paused, so that nothing answers at all.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.integration.client import Answer, Client, Person, eventually
from tests.integration.stack import LocalStack
from tests.servers import PostgresServer, ServerProcess

# What the design promises for an answer during an outage, and a little for two shared cores.
SECONDS = 2.5

AWAY = pytest.mark.parametrize("how", ["stop", "pause"])


@contextmanager
def away(server: ServerProcess, how: str) -> Iterator[None]:
    """Take a server away for a while."""
    getattr(server, how)()
    try:
        yield
    finally:
        server.ensure()


def works(answer: Answer, status: int = 200) -> bool:
    """Check that an answer came in time with the status."""
    assert answer.status == status, answer
    assert answer.seconds < SECONDS, f"{answer.seconds} s for {answer!r}"
    return True


def refused(answer: Answer) -> bool:
    """Check that an answer came in time and says to come again."""
    assert answer.status == 503, answer
    assert answer.seconds < SECONDS, f"{answer.seconds} s for {answer!r}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json["code"] != 0
    return True


def down(ready: Answer) -> list[str]:
    """Return the stores that an answer of /health/ready says are away."""
    return [name for name, store in ready.json["stores"].items() if store["state"] != "up"]


def recorded(postgres: PostgresServer, person: Person) -> Counter[str]:
    """Return how often PostgreSQL has each kind of event of a person, who is known by her address."""
    where = f"host(address) = '{person.client.address}'"
    rows = postgres.query(f"SELECT kind, count(*) FROM account_events WHERE {where} GROUP BY kind")
    return Counter({kind: int(count) for kind, count in rows})


@AWAY
def test_without_postgresql_only_reading_events_fails(
    local_stack: LocalStack, member: Person, new_client: Callable[..., Client], how: str
) -> None:
    postgres = local_stack.stores.postgres
    with away(postgres, how):
        works(member.client.get("/health/live"))
        assert works(answer := member.client.get("/isLogined")) and answer.json["logined"] is True
        newcomer = Person(new_client())
        works(newcomer.register(), 201)
        works(newcomer.login())
        works(
            newcomer.client.post(
                "/account/edit", {"email": f"x{newcomer.email}", "old_password": newcomer.password}
            )
        )
        works(newcomer.login("wrong password"), 401)
        refused(newcomer.client.get("/account/info"))
        assert works(ready := newcomer.client.get("/health/ready")) and down(ready) == ["postgresql"]
        works(newcomer.client.post("/logout"))
    expected = {"registered": 1, "logged_in": 1, "edited": 1, "login_failed": 1, "logged_out": 1}
    eventually(lambda: recorded(postgres, newcomer) == expected, 40)
    assert newcomer.login().status == 200
    eventually(lambda: len(newcomer.events()) == 6)


@AWAY
def test_without_mongodb_sessions_work(
    local_stack: LocalStack, member: Person, new_client: Callable[..., Client], how: str
) -> None:
    with away(local_stack.stores.mongo, how):
        works(member.client.get("/health/live"))
        assert works(answer := member.client.get("/isLogined")) and answer.json["logined"] is True
        newcomer = Person(new_client())
        refused(newcomer.register())
        refused(member.login())
        refused(
            member.client.post(
                "/account/edit", {"email": f"x{member.email}", "old_password": member.password}
            )
        )
        works(member.client.post("/logout"))
        assert works(answer := member.client.get("/isLogined")) and answer.json["logined"] is False
        assert works(ready := member.client.get("/health/ready")) and down(ready) == ["mongodb"]
    eventually(lambda: newcomer.register().status == 201)
    eventually(lambda: member.login().status == 200)


@AWAY
def test_without_redis_only_pages_without_a_session_work(
    local_stack: LocalStack, member: Person, new_client: Callable[..., Client], how: str
) -> None:
    with away(local_stack.stores.redis, how):
        works(member.client.get("/health/live"))
        works(member.client.get("/robots.txt"))
        refused(member.client.get("/isLogined"))
        refused(member.client.get("/account/info"))
        refused(member.login())
        refused(member.client.post("/logout"))
        refused(Person(new_client()).register())
        assert works(ready := member.client.get("/health/ready")) and down(ready) == ["redis"]
    # The session has outlived it.
    eventually(member.logged_in)
    eventually(lambda: member.client.get("/account/info").status == 200)


def test_events_are_kept_once_while_postgresql_comes_and_goes(
    local_stack: LocalStack, member: Person
) -> None:
    postgres = local_stack.stores.postgres
    stop = threading.Event()
    logins = [1]

    def load() -> None:
        while not stop.is_set():
            # A right password counts as no try.
            if member.login().status == 200:
                logins[0] += 1

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for how in ("stop", "kill", "pause", "stop"):
            so_far = logins[0]
            with away(postgres, how):
                eventually(lambda so_far=so_far: logins[0] > so_far + 2)
    finally:
        stop.set()
        thread.join()
    eventually(lambda: recorded(postgres, member)["logged_in"] >= logins[0], 40)
    time.sleep(1)
    assert recorded(postgres, member) == {"registered": 1, "logged_in": logins[0]}


def test_events_are_kept_once_when_servers_die(local_stack: LocalStack, member: Person) -> None:
    postgres = local_stack.stores.postgres
    logins = 1
    with away(postgres, "stop"):
        for server in local_stack.servers:
            for _ in range(3):
                assert member.login().status == 200
                logins += 1
            server.kill()
            server.start()
    for server in local_stack.servers[:2]:
        assert member.login().status == 200
        logins += 1
        server.kill()
        server.start()
    eventually(lambda: recorded(postgres, member)["logged_in"] >= logins, 60)
    time.sleep(1)
    assert recorded(postgres, member) == {"registered": 1, "logged_in": logins}


def test_events_survive_a_restart_of_redis(local_stack: LocalStack, member: Person) -> None:
    postgres, redis = local_stack.stores.postgres, local_stack.stores.redis
    with away(postgres, "stop"):
        assert member.login().status == 200
        redis.kill()
        redis.start()
        eventually(lambda: member.login().status == 200)
    eventually(lambda: recorded(postgres, member)["logged_in"] >= 3, 40)
    time.sleep(1)
    assert recorded(postgres, member) == {"registered": 1, "logged_in": 3}
