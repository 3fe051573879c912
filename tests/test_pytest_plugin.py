"""The plugin in a pytest of its own, with and without pytest-asyncio."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

# Imported here, they stay: a pytest within this one forgets what it has imported itself, but for the attributes
# of packages.
import framework.httpclient
import framework.testing
import framework.web  # noqa: F401

pytest_plugins = ["pytester"]

APP = """
import asyncio, contextvars, os, sys, unittest
import pytest

@pytest.fixture
def app():
    from framework.web import Application, RequestHandler

    class Hello(RequestHandler):
        def get(self):
            self.write(f"hello by {self.request.protocol}")

        post = put = get

    class Gone(RequestHandler):
        def get(self):
            self.send_error(410)

    class Hang(RequestHandler):
        async def get(self):
            await asyncio.Event().wait()

    handlers = [("/", Hello), ("/gone", Gone), ("/hang", Hang)]
    return Application(handlers, log_function=lambda handler: None)
"""

ALONE = ("-p", "no:asyncio")
STRICT = ("-o", "asyncio_mode=strict")
AUTO = ("-o", "asyncio_mode=auto")
SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")
everywhere = pytest.mark.parametrize(
    "options", [ALONE, STRICT + SCOPE, AUTO + SCOPE], ids=["alone", "strict", "auto"]
)


class Outcome:
    """What became of the tests, and what pytest said."""

    def __init__(self, result: pytest.RunResult) -> None:
        self.counts = result.parseoutcomes()
        self.text = result.stdout.str() + result.stderr.str()

    def passed(self, number: int) -> None:
        self.counts.pop("deselected", None)
        assert self.counts == {"passed": number}, self.text


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("ASYNC_TEST_TIMEOUT", raising=False)

    def run(text: str, *options: str, app: bool = True) -> Outcome:
        pytester.makepyfile((APP if app else "import pytest\n") + text)
        loaded = () if "framework.pytest_plugin" in options else plugin()
        return Outcome(pytester.runpytest_inprocess("-W", "error", "-q", *loaded, *options))

    return run


def plugin() -> tuple[str, ...]:
    """The option that loads the plugin where it has not been installed with the package."""
    # Not `entry_points`: of several places that know the package it asks one.
    installed = any(
        point.value == "framework.pytest_plugin"
        for distribution in distributions(name="framework")
        for point in distribution.entry_points
    )
    return () if installed else ("-p", "framework.pytest_plugin")


Run = Callable[..., Outcome]


@everywhere
def test_coroutine_tests_fetch_from_the_application(run: Run, options: tuple[str, ...]) -> None:
    run(
        """
async def test_fetch(fetch, base_url, http_port, http_server, http_client, io_loop):
    from framework.httpclient import HTTPClientError
    from framework.ioloop import IOLoop
    assert IOLoop.current() is io_loop
    assert asyncio.get_running_loop() is io_loop.asyncio_loop
    response = await fetch("/")
    assert (response.code, response.body) == (200, b"hello by http")
    assert base_url == f"http://127.0.0.1:{http_port}"
    assert (await fetch(base_url + "/")).code == 200
    assert (await fetch("/", method="PUT", body="")).code == 200
    assert (await fetch("/gone")).code == 410
    assert (await fetch("/nothing")).code == 404
    with pytest.raises(HTTPClientError):
        await fetch("/gone", raise_error=True)
    assert (await http_client.fetch(base_url)).code == 200

class TestClass:
    async def test_method(self, fetch):
        assert (await fetch("/")).code == 200

@pytest.mark.parametrize("path", ["/", "/?x"])
async def test_parameters(fetch, path):
    assert (await fetch(path)).code == 200

def test_another_server_each_time(http_port, seen=[]):
    assert http_port not in seen
    seen.append(http_port)
""",
        *options,
    ).passed(5)


@everywhere
def test_plain_tests_fetch_without_waiting(run: Run, options: tuple[str, ...]) -> None:
    run(
        """
def test_fetch(fetch, io_loop):
    from framework.ioloop import IOLoop
    assert fetch("/").body == b"hello by http"
    assert IOLoop.current() is io_loop
    assert io_loop.run_sync(lambda: asyncio.sleep(0, "done")) == "done"

async def test_coroutine(fetch):
    assert (await fetch("/")).code == 200
""",
        *options,
    ).passed(2)


@everywhere
def test_tls_and_other_arguments_of_the_server(run: Run, options: tuple[str, ...]) -> None:
    run(
        """
@pytest.fixture
def http_server_options():
    from framework.testing import AsyncHTTPSTestCase
    return {"ssl_options": AsyncHTTPSTestCase.default_ssl_options()}

async def test_fetch(fetch, base_url, http_port):
    assert (await fetch("/")).body == b"hello by https"
    assert base_url == f"https://127.0.0.1:{http_port}"
""",
        *options,
    ).passed(1)


@everywhere
def test_coroutine_fixtures(run: Run, options: tuple[str, ...]) -> None:
    run(
        """
events = []

@pytest.fixture
async def value(io_loop):
    await asyncio.sleep(0)
    assert asyncio.get_running_loop() is io_loop.asyncio_loop
    return "value"

@pytest.fixture(params=[1, 2])
async def resource(request, io_loop, value):
    events.append("open")
    yield f"{value} {request.param}"
    assert asyncio.get_running_loop() is io_loop.asyncio_loop
    events.append("close")

async def test_coroutine(value, resource, io_loop):
    assert (value, resource[:-1]) == ("value", "value ")
    events.append("test")

def test_afterwards(resource):
    assert events[:6] == ["open", "test", "close", "open", "test", "close"]
""",
        *options,
    ).passed(4)


@everywhere
def test_what_is_left_is_broken_off(run: Run, options: tuple[str, ...]) -> None:
    run(
        """
async def test_hang(fetch, http_server):
    task = asyncio.ensure_future(fetch("/hang"))
    while not http_server.connections:
        await asyncio.sleep(0)
    test_hang.task = task

def test_afterwards():
    assert test_hang.task.done()
""",
        *options,
        "-p",
        "no:logging",
    ).passed(2)


def test_coroutine_tests_need_no_fixture_and_no_other_plugin(run: Run) -> None:
    for options, number in (((*ALONE, "-k", "not marked"), 4), (STRICT + SCOPE, 6)):
        run(
            """
async def test_sleep():
    await asyncio.sleep(0)

async def test_ioloop():
    from framework.ioloop import IOLoop
    assert IOLoop.current().asyncio_loop is asyncio.get_running_loop()

@pytest.mark.asyncio
async def test_marked():
    await asyncio.sleep(0)

@pytest.mark.asyncio
async def test_marked_and_served(fetch):
    assert (await fetch("/")).code == 200

def test_plain():
    pass

class TestCase(unittest.IsolatedAsyncioTestCase):
    async def test_method(self):
        await asyncio.sleep(0)
""",
            *options,
        ).passed(number)


def test_failures_of_coroutine_tests(run: Run) -> None:
    outcome = run(
        """
async def test_fails():
    await asyncio.sleep(0)
    assert 1 == 2

async def test_skips():
    pytest.skip("no reason")

@pytest.mark.xfail(strict=True)
async def test_expected():
    raise KeyError
""",
        *ALONE,
    )
    assert outcome.counts == {"failed": 1, "skipped": 1, "xfailed": 1}
    assert "assert 1 == 2" in outcome.text


def test_a_time_limit_by_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
@pytest.fixture
def limited(monkeypatch):
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "0.05")

async def test_hangs(limited):
    await asyncio.Event().wait()  # it hangs here

def test_fetch(limited, fetch):
    fetch("/hang")
"""
    outcome = run(text, *ALONE, "-p", "no:logging")
    assert outcome.counts == {"failed": 2}
    assert outcome.text.count("TimeoutError: Operation timed out after 0.05 seconds") >= 2
    assert "it hangs here" in outcome.text


def test_an_application_has_to_be_defined(run: Run) -> None:
    outcome = run("def test(fetch): pass\n", *ALONE, app=False)
    assert outcome.counts == {"errors": 1}
    assert "define a fixture named app" in outcome.text


def test_a_generator_fixture_yields_once(run: Run) -> None:
    text = """
@pytest.fixture
async def twice(io_loop):
    yield 1
    yield 2

def test(twice):
    assert twice == 1
"""
    outcome = run(text, *ALONE)
    assert outcome.counts == {"passed": 1, "errors": 1}
    assert "the fixture twice yields more than once" in outcome.text


def test_tests_of_other_libraries_are_left_alone(run: Run) -> None:
    text = """
@pytest.fixture
def event_loop():
    return None

@pytest.mark.trio
async def test_marked():
    pass

async def test_with_their_loop(event_loop):
    pass

@pytest.mark.anyio
async def test_with_two_loops(io_loop):
    pass
"""
    outcome = run(text, *ALONE, "-p", "no:anyio", "-o", "markers=trio\nanyio")
    assert outcome.counts == {"failed": 2, "errors": 1}
    assert "async def functions are not natively supported" in outcome.text
    assert "cannot be used by a test marked anyio: it has another loop" in outcome.text


def test_a_base_url_of_another_plugin_comes_first(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        base_url_plugin="""
import pytest
@pytest.fixture(scope="session", autouse=True)
def base_url():
    return "theirs"
def pytest_addhooks(pluginmanager):
    pluginmanager.register(object(), "base_url")
"""
    )
    pytester.syspathinsert()
    run("def test(base_url):\n    assert base_url == 'theirs'\n", *ALONE, "-p", "base_url_plugin").passed(1)


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_loops_of_pytest_asyncio_with_other_scopes(run: Run, scope: str) -> None:
    text = f"""
pytestmark = pytest.mark.asyncio(loop_scope="{scope}")

class Test:
    loops = []
    async def test_one(self, io_loop, fetch):
        assert (await fetch("/")).code == 200
        assert asyncio.get_running_loop() is io_loop.asyncio_loop
        self.loops.append(io_loop)
    async def test_two(self, io_loop, fetch):
        assert (await fetch("/")).code == 200
        assert self.loops == [io_loop]
"""
    run(text, *STRICT, *SCOPE).passed(2)


def test_a_default_scope_of_pytest_asyncio(run: Run) -> None:
    text = """
loops = []
async def test_one(io_loop):
    loops.append(io_loop)
async def test_two(io_loop, fetch):
    assert (await fetch("/")).code == 200
    assert loops == [io_loop]
"""
    run(text, *AUTO, *SCOPE, "-o", "asyncio_default_test_loop_scope=module").passed(2)


def test_loading_the_plugin_loads_nothing_else(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
def test_plain():
    import sys
    loaded = {name for name in sys.modules if name.startswith("framework.")}
    assert loaded == {"framework.pytest_plugin"}
    # (pytest itself brings it along from Python 3.14 on, by pdb.)
    assert "asyncio" not in sys.modules or sys.version_info >= (3, 14)
"""
    )
    result = pytester.runpytest_subprocess(
        "-q", *plugin(), *ALONE, "-p", "no:anyio", "-p", "no:hypothesispytest"
    )
    assert result.ret == 0, result.stdout.str()


def test_pytest_finds_the_plugin_by_itself() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["pytest11"] == {"framework": "framework.pytest_plugin"}
