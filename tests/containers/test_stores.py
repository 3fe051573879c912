"""Stores that end, as the servers in their containers meet them: no name, no address, no answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.containers.compose import Compose
from tests.integration.client import Answer, Client, Person, eventually

# What the design promises for an answer during an outage, and a little for two shared cores.
SECONDS = 2.5

AWAY = pytest.mark.parametrize("how", [Compose.stop, Compose.pause])


@contextmanager
def away(stack: Compose, service: str, how: Callable[[Compose, str], None]) -> Iterator[None]:
    """Take a store away for a while."""
    how(stack, service)
    try:
        yield
    finally:
        stack.heal()


def check(answers: dict[str, Answer], *statuses: int) -> None:
    """Check that the answers came in time, with these statuses in turn."""
    assert [answer.status for answer in answers.values()] == list(statuses), answers
    late = {name: answer.seconds for name, answer in answers.items() if answer.seconds > SECONDS}
    assert not late
    for answer in answers.values():
        assert answer.status != 503 or int(answer.headers["Retry-After"]) >= 1


@AWAY
def test_without_postgresql(
    stack: Compose, new_client: Callable[[], Client], how: Callable[[Compose, str], None]
) -> None:
    person = Person(new_client())
    with away(stack, "postgres", how):
        answers = {
            "live": person.client.get("/health/live"),
            "register": person.register(),
            "login": person.login(),
            "isLogined": person.client.get("/isLogined"),
            "info": person.client.get("/account/info"),
        }
        check(answers, 200, 201, 200, 200, 503)
    kinds = eventually(
        lambda: len(person.events()) >= 2 and Counter(event["kind"] for event in person.events())
    )
    assert kinds == {"registered": 1, "logged_in": 1}


@AWAY
def test_without_mongodb(
    stack: Compose, member: Person, new_client: Callable[[], Client], how: Callable[[Compose, str], None]
) -> None:
    newcomer = Person(new_client())
    with away(stack, "mongo", how):
        answers = {
            "live": member.client.get("/health/live"),
            "isLogined": member.client.get("/isLogined"),
            "register": newcomer.register(),
            "login": newcomer.login(),
            "logout": member.client.post("/logout"),
        }
        check(answers, 200, 200, 503, 503, 200)
    eventually(lambda: newcomer.register().status == 201)
    eventually(lambda: member.login().status == 200)


@AWAY
def test_without_redis(stack: Compose, member: Person, how: Callable[[Compose, str], None]) -> None:
    with away(stack, "redis", how):
        answers = {
            "live": member.client.get("/health/live"),
            "robots": member.client.get("/robots.txt"),
            "isLogined": member.client.get("/isLogined"),
            "login": member.login(),
            "info": member.client.get("/account/info"),
        }
        check(answers, 200, 200, 503, 503, 503)
    # The session has outlived it.
    eventually(member.logged_in)
