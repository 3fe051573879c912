from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from concurrent import futures
from typing import Any

import pytest

from framework import gen
from framework.concurrent import Future
from framework.ioloop import IOLoop
from framework.platform import asyncio as subject
from framework.platform.asyncio import (
    AsyncIOLoop,
    AsyncIOMainLoop,
    BaseAsyncIOLoop,
    to_asyncio_future,
    to_tornado_future,
)


def in_thread(function: Callable[[], Any]) -> Any:
    with futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result(timeout=10)


def test_every_name_is_there() -> None:
    for name in subject.__all__:
        assert getattr(subject, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = subject.nothing


def test_main_loop_is_around_the_threads_loop() -> None:
    def check() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        main = AsyncIOMainLoop()
        main.install()
        assert IOLoop.current() is main
        assert main.asyncio_loop is loop
        with pytest.raises(RuntimeError, match="already associated with asyncio loop"):
            AsyncIOMainLoop()
        main.close()

    in_thread(check)


def test_documented_use_with_asyncio() -> None:
    """The documents' program: install, then asyncio starts the loop and the other API runs in it."""

    def program() -> int:
        AsyncIOMainLoop().install()
        log: list[int] = []

        @gen.coroutine
        def generator() -> Any:
            yield asyncio.sleep(0)
            log.append(1)
            return 2

        loop = asyncio.get_event_loop()
        log.append(loop.run_until_complete(to_asyncio_future(generator())))
        IOLoop.current().close()
        return sum(log)

    assert in_thread(program) == 3


def test_loop_of_ones_own_asyncio_loop() -> None:
    def check() -> None:
        asyncio_loop = asyncio.new_event_loop()
        loop = AsyncIOLoop(asyncio_loop=asyncio_loop)
        assert loop.asyncio_loop is asyncio_loop
        assert isinstance(loop, BaseAsyncIOLoop)
        assert IOLoop.current() is loop
        with pytest.raises(RuntimeError, match="already associated"):
            AsyncIOLoop(asyncio_loop=asyncio_loop)
        assert not asyncio_loop.is_closed()
        loop.close()
        assert asyncio_loop.is_closed()

    in_thread(check)


def test_base_needs_an_asyncio_loop() -> None:
    with pytest.raises(TypeError, match="asyncio_loop"):
        BaseAsyncIOLoop()


def test_wrong_arguments_leave_no_loop_open() -> None:
    with pytest.raises(TypeError):
        AsyncIOLoop(nonsense=1)


def test_loop_without_add_reader_gets_a_selector_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    # As on Windows, whose proactor loop cannot watch descriptors.
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(asyncio, "ProactorEventLoop", asyncio.SelectorEventLoop, raising=False)
    loop = AsyncIOLoop(asyncio_loop=asyncio.SelectorEventLoop(), make_current=False)
    assert isinstance(loop.selector_loop, subject.AddThreadSelectorEventLoop)
    loop.close()


async def test_future_conversions() -> None:
    future: Future[int] = Future()
    assert to_tornado_future(future) is future
    assert to_asyncio_future(future) is future
    assert await to_asyncio_future([gen.maybe_future(1)]) == [1]
    with pytest.raises(gen.BadYieldError):
        to_asyncio_future(5)


def test_any_thread_policy_makes_loops_in_threads() -> None:
    with warnings.catch_warnings():
        # Python 3.14 warns of every policy.
        warnings.simplefilter("ignore", DeprecationWarning)
        policy = subject.AnyThreadEventLoopPolicy()
        assert subject.AnyThreadEventLoopPolicy is type(policy)

    def check() -> None:
        loop = policy.get_event_loop()
        assert policy.get_event_loop() is loop
        loop.close()

    in_thread(check)
