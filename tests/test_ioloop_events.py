from __future__ import annotations

import asyncio
import datetime
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from framework.concurrent import Future
from framework.ioloop import IOLoop


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair()
    a.setblocking(False)
    b.setblocking(False)
    yield a, b
    a.close()
    b.close()


# Timeouts


async def test_timeouts_of_every_kind() -> None:
    loop, log = IOLoop.current(), list[Any]()

    def note(*args: Any, **kwargs: Any) -> None:
        log.append((*args, *kwargs.values()))

    loop.call_later(0.004, note, "later", key=1)
    loop.call_at(loop.time() + 0.008, note, "at")
    loop.add_timeout(loop.time() + 0.012, note, "deadline", key=2)
    loop.add_timeout(datetime.timedelta(milliseconds=16), note, "span")
    loop.add_timeout(loop.time() - 10, note, "past")
    loop.call_later(-1, note, "negative")
    await asyncio.sleep(0.05)
    assert log == [("past",), ("negative",), ("later", 1), ("at",), ("deadline", 2), ("span",)]


async def test_removed_timeouts_do_not_happen() -> None:
    loop, log = IOLoop.current(), list[int]()
    handle = loop.call_later(0.001, log.append, 1)
    loop.remove_timeout(handle)
    loop.remove_timeout(handle)
    await asyncio.sleep(0.005)
    assert log == []


async def test_deadlines_are_numbers_or_spans() -> None:
    with pytest.raises(TypeError, match="Unsupported deadline 'x'"):
        IOLoop.current().add_timeout("x", print)  # type: ignore[arg-type]
    assert abs(IOLoop.current().time() - time.time()) < 5


# File descriptors


def test_constants() -> None:
    assert (IOLoop.NONE, IOLoop.READ, IOLoop.WRITE, IOLoop.ERROR) == (0, 1, 4, 24)


async def test_handler_gets_what_was_registered(pair: tuple[socket.socket, socket.socket]) -> None:
    loop, (a, b) = IOLoop.current(), pair
    ready: Future[Any] = Future()

    def by_object(fd: Any, events: int) -> None:
        loop.remove_handler(fd)
        ready.set_result((fd, events))

    loop.add_handler(a, by_object, IOLoop.READ)
    b.send(b"x")
    assert await asyncio.wait_for(ready, 5) == (a, IOLoop.READ)
    ready = Future()
    loop.add_handler(a.fileno(), by_object, IOLoop.WRITE)
    assert await asyncio.wait_for(ready, 5) == (a.fileno(), IOLoop.WRITE)
    assert (loop.handlers, loop.readers, loop.writers) == ({}, set(), set())


async def test_update_handler_changes_the_events(pair: tuple[socket.socket, socket.socket]) -> None:
    loop, (a, b) = IOLoop.current(), pair
    seen: list[int] = []
    loop.add_handler(a, lambda fd, events: seen.append(events), IOLoop.NONE)
    b.send(b"x")
    await asyncio.sleep(0.005)
    assert seen == []
    for events, expected in (
        (IOLoop.READ, {IOLoop.READ}),
        (IOLoop.WRITE, {IOLoop.WRITE}),
        (IOLoop.READ | IOLoop.WRITE, {IOLoop.READ, IOLoop.WRITE}),
        (IOLoop.READ | IOLoop.WRITE, {IOLoop.READ, IOLoop.WRITE}),
        (IOLoop.NONE, set()),
    ):
        loop.update_handler(a, events)
        seen.clear()
        await asyncio.sleep(0.005)
        assert set(seen) == expected
    loop.remove_handler(a)
    with pytest.raises(ValueError, match="has no handler to update"):
        loop.update_handler(a, IOLoop.READ)
    loop.remove_handler(a)


async def test_handler_cannot_be_added_twice(pair: tuple[socket.socket, socket.socket]) -> None:
    loop, (a, _) = IOLoop.current(), pair
    loop.add_handler(a, print, IOLoop.READ)
    for fd in (a, a.fileno()):
        with pytest.raises(ValueError, match=f"fd {a.fileno()} added twice"):
            loop.add_handler(fd, print, IOLoop.READ)
    loop.remove_handler(a)


async def test_handler_that_cannot_be_watched_is_forgotten() -> None:
    loop = IOLoop.current()
    with pytest.raises((OSError, ValueError, RuntimeError)):
        loop.add_handler(-1, print, IOLoop.READ)
    assert -1 not in loop.handlers
    assert loop.split_fd(5) == (5, 5)


async def test_handler_of_a_closed_object_can_be_removed() -> None:
    loop = IOLoop.current()
    a, b = socket.socketpair()
    loop.add_handler(a, print, IOLoop.READ)
    fd = a.detach()
    loop.remove_handler(a)
    assert loop.handlers == {}
    loop.remove_handler(b)
    os.close(fd)
    b.close()
    loop.remove_handler(b)


async def test_errors_in_handlers_are_logged(
    pair: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    loop, (a, b) = IOLoop.current(), pair

    def handler(fd: Any, events: int) -> None:
        loop.remove_handler(fd)
        raise KeyError("in handler")

    loop.add_handler(a, handler, IOLoop.READ)
    b.send(b"x")
    await asyncio.sleep(0.01)
    assert caplog.text.count("KeyError: 'in handler'") == 1


async def test_handler_removed_by_another_one_is_not_called(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop, (a, b) = IOLoop.current(), pair
    calls: list[Any] = []

    def handler(fd: Any, events: int) -> None:
        calls.append(fd)
        loop.remove_handler(a)
        loop.remove_handler(b)

    loop.add_handler(a, handler, IOLoop.WRITE)
    loop.add_handler(b, handler, IOLoop.WRITE)
    await asyncio.sleep(0.005)
    assert len(calls) == 1
    # A readiness that the loop had collected before the removal.
    loop._handle_event(a.fileno(), IOLoop.WRITE)
    assert len(calls) == 1
