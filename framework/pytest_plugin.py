"""Fixtures and coroutine tests for pytest. Installed with the framework, pytest finds it by itself.

::

    @pytest.fixture
    def app():
        return make_app()

    async def test_front_page(fetch):
        response = await fetch("/")
        assert response.code == 200

Fixtures, each anew for each test:

- ``app``: what is served; a test module or a ``conftest.py`` defines it.
- ``http_server``: an `HTTPServer` for it at a free port of 127.0.0.1. ``http_port`` is the port and ``base_url``
  the URL without a path; ``app`` may ask for them. ``http_server_options``, to be overridden, gives the
  server's arguments.
- ``http_client``: an `AsyncHTTPClient`, with the server; ``fetch(path_or_url, **kwargs)`` uses it, and gives
  responses of any status unless ``raise_error=True``. In a plain test it returns the response, in a coroutine
  it is awaited.
- ``io_loop``: the `IOLoop` of all these, current during the test, closed after it.

Coroutine tests run as they are, in ``io_loop`` if they use it; so do coroutine and generator fixtures that ask
for ``io_loop`` themselves. Where pytest-asyncio runs a test, ``io_loop`` is the loop of pytest-asyncio. Tests
that are marked for another library, or use its loop, are left alone. The environment variable
``ASYNC_TEST_TIMEOUT`` limits coroutine tests to so many seconds.

Nothing of the framework is imported before a test asks for one of the fixtures or is a coroutine.
"""

from __future__ import annotations

import functools
import inspect
import os
import socket
from collections.abc import Callable, Generator, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import framework

if TYPE_CHECKING:
    from framework.httpclient import AsyncHTTPClient
    from framework.httpserver import HTTPServer
    from framework.ioloop import IOLoop

__all__: list[str] = []

# By these other plugins know the coroutine tests that are theirs.
OTHERS_MARKERS = ("anyio", "asyncio", "trio", "twisted")
OTHERS_FIXTURES = frozenset(("anyio_backend", "event_loop", "loop", "nursery"))


def pytest_configure(config: pytest.Config) -> None:
    """Adds what depends on the other plugins."""
    plugins = config.pluginmanager
    if not plugins.hasplugin("base_url"):
        # pytest-base-url has a fixture of this name for the whole session.
        plugins.register(BaseURL(), "framework_base_url")
    if plugins.hasplugin("asyncio"):
        plugins.register(_asyncio_loops(), "framework_asyncio_loops")


class BaseURL:
    """The fixture ``base_url``."""

    @pytest.fixture
    def base_url(self, http_port: int, http_server_options: dict[str, Any]) -> str:
        """The URL of the server, without a path."""
        return _base_url(http_port, http_server_options)


def _asyncio_loops() -> ModuleType:
    """A plugin with a fixture for each scope that a loop of pytest-asyncio can have: the `IOLoop` around it."""
    from pytest_asyncio import fixture

    def loop_fixture(scope: Any) -> Any:
        @fixture(loop_scope=scope)
        async def current_loop() -> IOLoop:
            loop: IOLoop = framework.ioloop.IOLoop.current()
            return loop

        return current_loop

    plugin = ModuleType("framework_asyncio_loops")
    for scope in ("function", "class", "module", "package", "session"):
        setattr(plugin, f"framework_loop_of_{scope}", loop_fixture(scope))
    return plugin


@pytest.fixture
def io_loop(request: pytest.FixtureRequest) -> Iterator[IOLoop]:
    """The event loop of the test."""
    test = request.node
    marker = test.get_closest_marker("asyncio")
    if marker is not None and inspect.iscoroutinefunction(getattr(test, "obj", None)):
        default = request.config.getini("asyncio_default_test_loop_scope") or "function"
        scope = marker.kwargs.get("loop_scope") or default
        yield request.getfixturevalue(f"framework_loop_of_{scope}")
        return
    for name in OTHERS_MARKERS:
        if name != "asyncio" and test.get_closest_marker(name) is not None:
            pytest.fail(f"the fixture io_loop cannot be used by a test marked {name}: it has another loop")
    loop = framework.ioloop.IOLoop(make_current=False)
    loop._set_current()
    yield loop
    loop.close(all_fds=True)


@pytest.fixture
def app() -> object:
    """What `http_server` serves: to be overridden."""
    raise pytest.UsageError("define a fixture named app that returns the application to be tested")


@pytest.fixture
def http_server_options() -> dict[str, Any]:
    """The arguments of `HTTPServer`: to be overridden."""
    return {}


@pytest.fixture
def framework_socket() -> Iterator[socket.socket]:
    """The socket that `http_server` listens with."""
    sock, _ = framework.testing.bind_unused_port()
    yield sock
    sock.close()


@pytest.fixture
def http_port(framework_socket: socket.socket) -> int:
    """The port of `http_server`."""
    port: int = framework_socket.getsockname()[1]
    return port


@pytest.fixture
def http_server(
    io_loop: IOLoop, app: Any, framework_socket: socket.socket, http_server_options: dict[str, Any]
) -> Iterator[HTTPServer]:
    """A server for `app`."""
    server: HTTPServer = framework.httpserver.HTTPServer(app, **http_server_options)

    async def start() -> None:
        server.add_sockets([framework_socket])

    async def stop() -> None:
        server.stop()
        await server.close_all_connections(timeout=0)

    io_loop.run_sync(start)
    yield server
    io_loop.run_sync(stop)


@pytest.fixture
def http_client(
    io_loop: IOLoop, http_server: HTTPServer, http_server_options: dict[str, Any]
) -> Iterator[AsyncHTTPClient]:
    """A client of the test's own. It takes any certificate if the server speaks TLS."""

    async def make() -> AsyncHTTPClient:
        defaults = {"validate_cert": False} if _tls(http_server_options) else None
        client: AsyncHTTPClient = framework.httpclient.AsyncHTTPClient(force_instance=True, defaults=defaults)
        return client

    client: AsyncHTTPClient = io_loop.run_sync(make)
    yield client
    client.close()


@pytest.fixture
def fetch(
    io_loop: IOLoop, http_client: AsyncHTTPClient, http_port: int, http_server_options: dict[str, Any]
) -> Callable[..., Any]:
    """A function that fetches from `http_server`, or any URL."""

    def fetch(url: str, *, raise_error: bool = False, **kwargs: Any) -> Any:
        if url.startswith("/"):
            url = _base_url(http_port, http_server_options) + url
        get = functools.partial(http_client.fetch, url, raise_error=raise_error, **kwargs)
        return get() if io_loop.asyncio_loop.is_running() else _run(io_loop, get)

    return fetch


def _tls(options: dict[str, Any]) -> bool:
    return options.get("ssl_options") is not None


def _base_url(port: int, options: dict[str, Any]) -> str:
    return f"{'https' if _tls(options) else 'http'}://127.0.0.1:{port}"


def _run(io_loop: IOLoop, function: Callable[[], Any]) -> Any:
    testing = framework.testing
    limited = testing.cases.TIMEOUT_VARIABLE in os.environ
    seconds = testing.get_async_test_timeout() if limited else None
    return testing.cases.run_showing_where(io_loop, function, seconds)


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine test, unless it is another plugin's."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    values: dict[str, Any] = pyfuncitem.funcargs
    io_loop: IOLoop | None = values.get("io_loop")
    if io_loop is None and (
        not OTHERS_FIXTURES.isdisjoint(values) or any(map(pyfuncitem.get_closest_marker, OTHERS_MARKERS))
    ):
        return None
    arguments = {name: values[name] for name in pyfuncitem._fixtureinfo.argnames}
    loop = framework.ioloop.IOLoop(make_current=False) if io_loop is None else io_loop
    try:
        _run(loop, functools.partial(test, **arguments))
    finally:
        if io_loop is None:
            loop.close(all_fds=True)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Lets a coroutine or asynchronous generator that asks for ``io_loop`` be a fixture."""
    function = fixturedef.func
    if "io_loop" in fixturedef.argnames:
        if inspect.iscoroutinefunction(function):
            fixturedef.func = _plain(function)  # type: ignore[misc]
        elif inspect.isasyncgenfunction(function):
            fixturedef.func = _plain_generator(function)  # type: ignore[misc]
    try:
        return (yield)
    finally:
        fixturedef.func = function  # type: ignore[misc]


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def fixture(*args: Any, io_loop: IOLoop, **kwargs: Any) -> Any:
        return io_loop.run_sync(functools.partial(function, *args, io_loop=io_loop, **kwargs))

    return fixture


def _plain_generator(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def fixture(*args: Any, io_loop: IOLoop, **kwargs: Any) -> Iterator[Any]:
        steps = function(*args, io_loop=io_loop, **kwargs)
        yield io_loop.run_sync(functools.partial(anext, steps))
        if io_loop.run_sync(functools.partial(anext, steps, _END)) is not _END:
            io_loop.run_sync(steps.aclose)
            pytest.fail(f"the fixture {function.__name__} yields more than once", pytrace=False)

    return fixture


_END = object()
