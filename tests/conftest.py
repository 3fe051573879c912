"""What every test gets: an event loop of the chosen kind, the check for leaks, and real servers on demand.

The loop is uvloop's where it is installed and asyncio's with `FRAMEWORK_LOOP=asyncio`. A test or module
marked `both_loops` runs on each in any case: use it where bytes meet the loop.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import pytest_asyncio

from framework.ioloop import IOLoop
from tests.browser import browser as browser
from tests.browser import page as page
from tests.leaks import Snapshot, leaked_tasks
from tests.servers import MongoServer, PostgresServer, RedisServer

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def _loops() -> dict[str, LoopFactory]:
    loops: dict[str, LoopFactory] = {"asyncio": asyncio.SelectorEventLoop}
    try:
        import uvloop
    except ImportError:
        return loops
    return {"uvloop": uvloop.new_event_loop, **loops}


LOOPS = _loops()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and make what is made once per process before a test could seem to leak it."""
    config.addinivalue_line("markers", "both_loops: run on uvloop and on asyncio's loop")
    config.addinivalue_line(
        "markers", "may_leak(reason): do not look for leaks; the reason is for the reader"
    )
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # The tests run in the background of a shell; the programs that they interrupt would not hear of it either.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = os.environ.get("FRAMEWORK_LOOP")
    if wanted and wanted not in LOOPS:
        raise pytest.UsageError(f"FRAMEWORK_LOOP is {wanted!r}; it can be one of: {', '.join(LOOPS)}")
    for factory in LOOPS.values():
        loop = factory()
        loop.run_until_complete(loop.getaddrinfo("127.0.0.1", 80))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Say on which loops a test runs; called by pytest-asyncio."""
    if item.get_closest_marker("both_loops"):
        return LOOPS
    name = os.environ.get("FRAMEWORK_LOOP") or next(iter(LOOPS))
    return {name: LOOPS[name]}


@pytest.fixture(autouse=True)
def leak_check(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process, a socket or another file descriptor open.

    It looks after all other fixtures of the test are gone and its loop is closed.
    """
    if request.node.get_closest_marker("may_leak"):
        yield
        return
    before = Snapshot()
    yield
    leaked = before.leaked()
    if leaked:
        pytest.fail("the test has left behind:\n  " + "\n  ".join(leaked), pytrace=False)


@pytest_asyncio.fixture
async def loop_leak_check() -> AsyncIterator[None]:
    """Fail an asynchronous test that leaves tasks on its loop; `task_leak_check` asks for it."""
    yield
    leaked = await leaked_tasks()
    if leaked:
        pytest.fail("the test has left behind:\n  " + "\n  ".join(leaked), pytrace=False)


@pytest.fixture(autouse=True)
def task_leak_check(request: pytest.FixtureRequest, leak_check: None) -> None:
    """Look for left tasks, only where there is a loop: a plain test is not given one."""
    asynchronous = inspect.iscoroutinefunction(getattr(request, "function", None))
    if asynchronous and not request.node.get_closest_marker("may_leak"):
        request.getfixturevalue("loop_leak_check")


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """A loop that is run by the test itself."""
    loop = IOLoop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of a certificate for "localhost", signed by itself, and of its key."""
    directory = tmp_path_factory.mktemp("tls")
    cert, key = str(directory / "cert.pem"), str(directory / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", "-keyout", key, "-out", cert, "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


class Servers:
    """The stores of this test run, each started when first asked for and ended with the run."""

    def __init__(self) -> None:
        self._started: dict[type, MongoServer | PostgresServer | RedisServer] = {}

    @property
    def redis(self) -> RedisServer:
        """Redis, with a password."""
        server = self._started.get(RedisServer) or RedisServer(password="redis-password")
        self._started[RedisServer] = server
        assert isinstance(server, RedisServer)
        return server.ensure()

    @property
    def mongo(self) -> MongoServer:
        """MongoDB."""
        server = self._started.get(MongoServer) or MongoServer()
        self._started[MongoServer] = server
        assert isinstance(server, MongoServer)
        return server.ensure()

    @property
    def postgres(self) -> PostgresServer:
        """PostgreSQL, with a database that its user owns."""
        server = self._started.get(PostgresServer) or PostgresServer()
        self._started[PostgresServer] = server
        assert isinstance(server, PostgresServer)
        return server.ensure()

    def close(self) -> None:
        """End what was started."""
        for server in self._started.values():
            server.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The stores as attributes: `servers.redis`, `servers.mongo`, `servers.postgres`."""
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture
def redis_server(servers: Servers) -> RedisServer:
    """A real Redis that answers now; shared by the run, so use keys of your own."""
    return servers.redis


@pytest.fixture
def mongo_server(servers: Servers) -> MongoServer:
    """A real MongoDB that answers now; shared by the run, so use a database of your own."""
    return servers.mongo


@pytest.fixture
def postgres_server(servers: Servers) -> PostgresServer:
    """A real PostgreSQL that answers now; shared by the run, so use tables of your own."""
    return servers.postgres


@pytest.fixture
def empty_postgres(servers: Servers) -> PostgresServer:
    """The same, without the tables of the demo that other tests have left."""
    servers.postgres.query("DROP TABLE IF EXISTS account_events, schema_migrations, one, two")
    return servers.postgres
