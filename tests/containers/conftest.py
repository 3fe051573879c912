"""The stack that `STACK_COMPOSE` reaches (such as `docker compose`, its project in the environment)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.containers.compose import Compose
from tests.integration.client import Client, Person, eventually

COMMAND = os.environ.get("STACK_COMPOSE", "").split()

# Without a stack there is nothing here to test: `make test` starts none.
collect_ignore_glob = [] if COMMAND else ["test_*.py"]


@pytest.fixture(scope="session")
def whole_stack() -> Compose:
    """The stack as it was found."""
    return Compose(COMMAND)


@pytest.fixture
def stack(whole_stack: Compose) -> Iterator[Compose]:
    """The stack, with everything in it running before and after."""
    whole_stack.heal()
    yield whole_stack
    whole_stack.heal()


@pytest.fixture
def new_client(stack: Compose) -> Iterator[Callable[[], Client]]:
    """A function that makes clients of the site."""
    clients: list[Client] = []

    def make() -> Client:
        clients.append(Client(stack.base_url))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def member(new_client: Callable[[], Client]) -> Person:
    """Somebody who has an account and is logged in."""
    person = Person(new_client())
    assert person.register().status == 201
    # The test before may have left nginx with servers that it has to find again.
    eventually(lambda: person.login().status == 200)
    return person
