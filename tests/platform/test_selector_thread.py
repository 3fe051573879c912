from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from framework.concurrent import Future
from framework.platform.selector_thread import AddThreadSelectorEventLoop, SelectorThread

pytestmark = pytest.mark.both_loops


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair()
    a.setblocking(False)
    b.setblocking(False)
    yield a, b
    a.close()
    b.close()


@pytest_asyncio.fixture
async def selector() -> AsyncIterator[SelectorThread]:
    selector = SelectorThread(asyncio.get_running_loop())
    yield selector
    selector.close()


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition knows no event
            await asyncio.sleep(0.001)


async def test_reader_is_called_in_the_loop(
    selector: SelectorThread, pair: tuple[socket.socket, socket.socket]
) -> None:
    a, b = pair
    received: list[bytes] = []

    def read(sock: socket.socket) -> None:
        assert asyncio.get_running_loop() is selector._real_loop
        received.append(sock.recv(100))

    selector.add_reader(a, read, a)
    for sent in (b"one", b"two"):
        b.send(sent)
        await until(lambda sent=sent: received[-1:] == [sent])
    assert selector.remove_reader(a)
    assert not selector.remove_reader(a.fileno())
    b.send(b"three")
    await asyncio.sleep(0.01)
    assert received == [b"one", b"two"]


async def test_writer_is_called_while_there_is_room(
    selector: SelectorThread, pair: tuple[socket.socket, socket.socket]
) -> None:
    a, b = pair
    calls: list[int] = []

    def read() -> None:
        b.recv(100_000)

    selector.add_reader(b, read)
    selector.add_writer(a.fileno(), calls.append, 1)
    await until(lambda: len(calls) > 3)
    assert selector.remove_writer(a)
    assert not selector.remove_writer(a)
    await asyncio.sleep(0.01)
    count = len(calls)
    await asyncio.sleep(0.01)
    assert len(calls) == count


async def test_errors_in_callbacks_are_logged(
    selector: SelectorThread, pair: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    a, _ = pair

    def fails() -> None:
        selector.remove_writer(a)
        raise KeyError("in callback")

    selector.add_writer(a, fails)
    await until(lambda: "KeyError: 'in callback'" in caplog.text)


async def test_callback_may_remove_another_one(
    selector: SelectorThread, pair: tuple[socket.socket, socket.socket]
) -> None:
    a, b = pair
    called: Future[None] = Future()

    def only_one() -> None:
        selector.remove_writer(a)
        selector.remove_writer(b)
        called.set_result(None)

    selector._writers[b.fileno()] = (only_one, ())
    selector.add_writer(a, only_one)
    await asyncio.wait_for(called, 10)


async def test_a_descriptor_closed_meanwhile_is_survived(
    selector: SelectorThread, pair: tuple[socket.socket, socket.socket]
) -> None:
    a, _ = pair
    read, write = os.pipe()
    os.close(write)
    os.close(read)
    calls: list[int] = []
    selector.add_reader(read, calls.append, 0)
    selector.add_writer(a, calls.append, 1)
    await asyncio.sleep(0.01)
    selector.remove_reader(read)
    await until(lambda: 1 in calls)
    selector.add_reader(-1, calls.append, 0)
    await asyncio.sleep(0.01)
    selector.remove_reader(-1)
    calls.clear()
    await until(lambda: 1 in calls)
    selector.remove_writer(a)


async def test_closed_selector_takes_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    selector = SelectorThread(asyncio.get_running_loop())
    selector.close()
    selector.close()
    selector._wake()
    selector._drain_waker()
    with pytest.raises(RuntimeError, match="closed"):
        selector.add_reader(pair[0], print)


async def test_other_errors_of_select_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    selector = SelectorThread(asyncio.get_running_loop())

    def fails(*_: Any) -> Any:
        raise OSError(5, "hardware")

    monkeypatch.setattr(select, "select", fails)
    selector._ask()
    with pytest.raises(OSError, match="hardware"):
        selector._run()
    selector.close()


def test_thread_ends_with_a_closed_loop() -> None:
    loop = asyncio.new_event_loop()
    selector = SelectorThread(loop)
    loop.close()
    a, b = socket.socketpair()
    selector.add_writer(a, print)
    assert selector._thread is not None
    selector._thread.join(10)
    assert not selector._thread.is_alive()
    selector.close()
    a.close()
    b.close()


def test_wrapped_loop_is_the_real_one_with_readers(pair: tuple[socket.socket, socket.socket]) -> None:
    a, b = pair
    real = asyncio.new_event_loop()
    loop: Any = AddThreadSelectorEventLoop(real)  # type: ignore[abstract]

    async def main() -> bytes:
        received: Future[bytes] = Future()

        def read() -> None:
            loop.remove_reader(a)
            received.set_result(a.recv(10))

        def write() -> None:
            assert loop.remove_writer(b)
            b.send(b"x")

        loop.add_reader(a, read)
        loop.add_writer(b, write)
        assert loop.time() >= 0
        return await received

    assert loop.run_until_complete(main()) == b"x"
    loop.close()
    assert real.is_closed()
