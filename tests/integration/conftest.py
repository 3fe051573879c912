"""The stack for the tests of this folder: local processes, or the deployment that `BASE_URL` names."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator

import pytest

from tests.conftest import Servers
from tests.integration.client import Client, Person
from tests.integration.stack import LocalStack, RemoteStack

BASE_URL = os.environ.get("BASE_URL", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a hand on a process, where there is none, and say so."""
    for item in items:
        if BASE_URL and "local_stack" in getattr(item, "fixturenames", ()):
            item.add_marker(
                pytest.mark.skip(reason=f"starts and stops processes; {BASE_URL} can only be talked to")
            )


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Stores of this folder's own: the stack is up for the whole run, and other tests empty theirs."""
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def started_stack(servers: Servers) -> Iterator[LocalStack | RemoteStack]:
    """The stack, started once."""
    if BASE_URL:
        yield RemoteStack(BASE_URL)
        return
    stack = LocalStack(servers)
    stack.start()
    yield stack
    stack.close()


@pytest.fixture
def stack(started_stack: LocalStack | RemoteStack) -> LocalStack | RemoteStack:
    """The stack with everything in it running."""
    if isinstance(started_stack, LocalStack):
        started_stack.heal()
    return started_stack


@pytest.fixture
def local_stack(stack: LocalStack | RemoteStack) -> LocalStack:
    """The stack as processes that the test may stop, kill and pause."""
    assert isinstance(stack, LocalStack)
    return stack


@pytest.fixture
def new_client(stack: LocalStack | RemoteStack) -> Iterator[Callable[..., Client]]:
    """A function that makes clients; each has an address and a jar of its own."""
    clients: list[Client] = []

    def make(base_url: str | None = None) -> Client:
        address = stack.client_address()
        clients.append(Client(base_url or stack.base_url, address))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(new_client: Callable[..., Client]) -> Client:
    """A client of the site."""
    return new_client()


@pytest.fixture
def person(client: Client) -> Person:
    """Somebody without an account yet."""
    return Person(client)


@pytest.fixture
def member(person: Person) -> Person:
    """Somebody who has an account and is logged in."""
    answer = person.register()
    assert answer.status == 201, answer
    answer = person.login()
    assert answer.status == 200, answer
    return person


@pytest.fixture(autouse=True)
def logs_of_a_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print the ends of the servers' logs with a test that failed."""
    yield
    report = request.node.stash.get(REPORT, None)
    if report is not None and report.failed and "stack" in request.fixturenames:
        print(request.getfixturevalue("started_stack").tails())


REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the test's own report where the fixture above finds it."""
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report
