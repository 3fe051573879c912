"""Twisted and this framework together, in processes of their own: a process has one reactor."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from typing import Any

import pytest

pytest.importorskip("twisted", reason="Twisted is not installed")

from framework import gen
from framework.ioloop import IOLoop
from framework.platform import twisted as subject

INSTALL = """\
import sys
import framework.platform.twisted
from framework.ioloop import IOLoop
from framework import gen
framework.platform.twisted.install()
from twisted.internet import defer, endpoints, protocol, reactor, task, threads
"""


def run(program: str, loop: str = "asyncio", prelude: str = INSTALL) -> list[str]:
    """The lines that a program writes."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", prelude + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "FRAMEWORK_LOOP": loop},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


on_loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])

STARTS = {
    "IOLoop.start": "IOLoop.current().add_callback(main)\nIOLoop.current().start()",
    "reactor.run": "reactor.callWhenRunning(main)\nreactor.run()",
}


@on_loops
@pytest.mark.parametrize("start", STARTS)
def test_either_starts_and_the_reactor_ends_both(loop: str, start: str) -> None:
    program = """
        reactor.addSystemEventTrigger("before", "shutdown", lambda: print("shutdown"))

        @gen.coroutine
        def main():
            print((yield task.deferLater(reactor, 0.001, lambda: "later")))
            print((yield threads.deferToThread(lambda: "in a thread")))
            yield gen.sleep(0.001)
            reactor.stop()
    """
    assert run(textwrap.dedent(program) + STARTS[start] + "\nprint('end')", loop) == [
        "later",
        "in a thread",
        "shutdown",
        "end",
    ]


@on_loops
def test_a_program_ends_also_without_the_reactor_being_stopped(loop: str) -> None:
    program = """
        @gen.coroutine
        def main():
            print((yield threads.deferToThread(lambda: "in a thread")))

        IOLoop.current().run_sync(main)
        IOLoop.current().run_sync(main)
    """
    assert run(program, loop) == ["in a thread"] * 2


@on_loops
def test_within_asyncio_run(loop: str) -> None:
    program = """
        import asyncio
        import framework.platform.twisted
        from framework.gen import convert_yielded
        from framework.platform.loops import new_asyncio_loop

        async def main():
            framework.platform.twisted.install()
            from twisted.internet import reactor, threads
            print(await convert_yielded(threads.deferToThread(lambda: "in a thread")))

        with asyncio.Runner(loop_factory=new_asyncio_loop) as runner:
            runner.run(main())
    """
    assert run(program, loop, prelude="") == ["in a thread"]


@on_loops
def test_servers_and_clients_of_both_talk_to_each_other(loop: str) -> None:
    program = """
        import logging
        from framework.httpclient import AsyncHTTPClient
        from framework.httpserver import HTTPServer
        from framework.testing import bind_unused_port
        from framework.web import Application, RequestHandler
        from twisted.web import resource, server

        class Hello(RequestHandler):
            @gen.coroutine
            def get(self):
                text = yield task.deferLater(reactor, 0.001, lambda: "hello of the framework")
                self.write(text)

        class Page(resource.Resource):
            isLeaf = True
            def render_GET(self, request):
                def answer():
                    request.write(b"hello of Twisted")
                    request.finish()
                IOLoop.current().call_later(0.001, answer)
                return server.NOT_DONE_YET

        class Fetch(protocol.Protocol):
            def connectionMade(self):
                self.data = b""
                self.done = defer.Deferred()
                self.transport.write(b"GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n")
            def dataReceived(self, data):
                self.data += data
            def connectionLost(self, reason):
                self.done.callback(self.data)

        @gen.coroutine
        def main():
            sock, port = bind_unused_port()
            ours = HTTPServer(Application([("/", Hello)], log_function=lambda handler: None))
            ours.add_sockets([sock])
            point = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
            fetching = yield endpoints.connectProtocol(point, Fetch())
            print((yield fetching.done).decode().splitlines()[-1])
            theirs = reactor.listenTCP(0, server.Site(Page()), interface="127.0.0.1")
            response = yield AsyncHTTPClient().fetch(f"http://127.0.0.1:{theirs.getHost().port}/")
            print(response.body.decode())
            ours.stop()
            yield ours.close_all_connections()
            yield theirs.stopListening()
            reactor.stop()

        IOLoop.current().add_callback(main)
        IOLoop.current().start()
    """
    assert run(program, loop) == ["hello of the framework", "hello of Twisted"]


def test_a_second_reactor_is_refused() -> None:
    program = """
        from twisted.internet import reactor
        import framework.platform.twisted
        try:
            framework.platform.twisted.install()
        except Exception as error:
            print(type(error).__name__)
    """
    assert run(program, prelude="") == ["ReactorAlreadyInstalledError"]


def test_importing_the_module_installs_nothing() -> None:
    program = """
        import sys
        import framework.platform.twisted
        print("twisted.internet.reactor" in sys.modules)
    """
    assert run(program, prelude="") == ["False"]


# Deferreds need no reactor


async def test_a_deferred_becomes_a_future() -> None:
    from twisted.internet.defer import Deferred, fail, succeed

    assert await gen.convert_yielded(succeed(5)) == 5
    with pytest.raises(KeyError, match="of a Deferred"):
        await gen.convert_yielded(fail(KeyError("of a Deferred")))
    later: Deferred[str] = Deferred()
    asyncio.get_running_loop().call_soon(later.callback, "later")
    assert await gen.with_timeout(IOLoop.current().time() + 60, later) == "later"


async def test_coroutines_yield_deferreds_also_in_lists_and_dicts() -> None:
    from twisted.internet.defer import succeed

    @gen.coroutine
    def main() -> Any:
        one = yield succeed(1)
        several = yield [succeed(2), gen.sleep(0), succeed(3)]
        named = yield {"a": succeed(4)}
        return one, several, named

    assert await main() == (1, [2, None, 3], {"a": 4})


async def test_cancelling_the_future_cancels_the_deferred() -> None:
    from twisted.internet.defer import CancelledError, Deferred

    cancelled: list[object] = []
    deferred: Deferred[Any] = Deferred(cancelled.append)
    future = gen.convert_yielded(deferred)
    failures: list[type[BaseException] | None] = []
    deferred.addErrback(lambda failure: failures.append(failure.type))
    future.cancel()
    await asyncio.sleep(0)
    assert cancelled == [deferred]
    assert future.cancelled()
    assert failures in ([], [CancelledError])


@pytest.mark.may_leak("a reactor keeps the pipe that wakes it")
def test_install_makes_the_threads_loop_the_reactors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the programs above show, where coverage sees it."""
    installed: list[Any] = []
    monkeypatch.setattr(subject, "installReactor", installed.append)
    loop = asyncio.SelectorEventLoop()
    monkeypatch.setattr(subject, "current_loop", lambda: loop)
    try:
        subject.install()
        (reactor,) = installed
        ran: list[int] = []
        reactor.callWhenRunning(ran.append, 1)
        reactor.callLater(0.001, loop.stop)
        loop.run_forever()
        assert reactor.running
        assert ran == [1]
        subject._start(reactor)
        reactor.stop()
        loop.run_forever()
        assert not reactor.running
    finally:
        loop.close()
