from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import pytest

from framework import gen, ioloop
from framework.concurrent import Future
from framework.ioloop import IOLoop
from framework.platform.asyncio import AsyncIOLoop, AsyncIOMainLoop


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair()
    yield a, b
    a.close()
    b.close()


def in_thread(function: Callable[[], Any]) -> Any:
    """Calls `function` in a new thread, which has no loop, and returns its result."""
    with futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result(timeout=10)


# Whose loop


def test_current_makes_a_loop_in_a_thread_without_one() -> None:
    def check() -> None:
        assert IOLoop.current(instance=False) is None
        loop = IOLoop.current()
        assert isinstance(loop, AsyncIOMainLoop)
        assert IOLoop.current() is loop
        assert IOLoop.instance() is loop
        assert IOLoop.current(instance=False) is loop
        assert asyncio.get_event_loop() is loop.asyncio_loop
        loop.close()
        assert IOLoop.current(instance=False) is None

    in_thread(check)


def test_current_wraps_a_loop_set_by_others() -> None:
    def check() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        assert IOLoop.current(instance=False) is None
        assert IOLoop.current().asyncio_loop is loop
        assert IOLoop.current().run_sync(lambda: gen.sleep(0)) is None
        IOLoop.current().close()
        assert loop.is_closed()

    in_thread(check)


def test_current_wraps_the_running_loop() -> None:
    async def main() -> IOLoop:
        loop = IOLoop.current()
        assert loop.asyncio_loop is asyncio.get_running_loop()
        assert IOLoop.current() is loop
        await gen.sleep(0)
        return loop

    first, second = in_thread(lambda: (asyncio.run(main()), asyncio.run(main())))
    assert first is not second
    assert first.asyncio_loop not in IOLoop._of_asyncio_loop


def test_new_loop_becomes_current_and_the_old_one_comes_back() -> None:
    def check() -> None:
        first = IOLoop()
        assert type(first) is AsyncIOLoop
        second = IOLoop(make_current=True)
        assert IOLoop.current() is second
        third = IOLoop(make_current=False)
        assert IOLoop.current() is second
        third.close()
        second.close()
        assert IOLoop.current() is first
        first.close()
        assert IOLoop.current(instance=False) is None

    in_thread(check)


def test_old_loop_does_not_come_back_closed() -> None:
    def check() -> None:
        first = IOLoop()
        second = IOLoop()
        first.close()
        assert IOLoop.current() is second
        second.close()
        assert IOLoop.current(instance=False) is None

    in_thread(check)


def test_make_current_and_clear_current_work_and_warn() -> None:
    def check() -> None:
        first, second = IOLoop(), IOLoop(make_current=False)
        with pytest.warns(DeprecationWarning, match="make_current is deprecated"):
            second.make_current()
        assert IOLoop.current() is second
        with pytest.warns(DeprecationWarning, match="clear_current is deprecated"):
            IOLoop.clear_current()
        assert IOLoop.current() is first
        with pytest.warns(DeprecationWarning):
            second.install()
        with pytest.warns(DeprecationWarning):
            IOLoop.clear_instance()
        second.close()
        first.close()
        with pytest.warns(DeprecationWarning):
            IOLoop.clear_current()

    in_thread(check)


def test_configure_chooses_the_class() -> None:
    class Own(AsyncIOLoop):
        pass

    IOLoop.configure(Own)
    try:
        assert IOLoop.configured_class() is Own
        loop = IOLoop(make_current=False)
        assert type(loop) is Own
        loop.close()
    finally:
        IOLoop.configure(None)
    IOLoop.configure("framework.platform.asyncio.AsyncIOLoop")
    assert IOLoop.configured_class() is AsyncIOLoop
    IOLoop.configure(None)


# Start and stop


def test_stop_ends_start(io_loop: IOLoop) -> None:
    log: list[int] = []
    io_loop.add_callback(io_loop.stop)
    io_loop.add_callback(log.append, 1)
    io_loop.start()
    assert log == [1]


def test_stop_before_start_lets_start_return(io_loop: IOLoop) -> None:
    log: list[int] = []
    io_loop.add_callback(log.append, 1)
    io_loop.stop()
    io_loop.start()
    assert log == [1]


def test_start_refuses_a_running_loop(io_loop: IOLoop) -> None:
    with pytest.raises(RuntimeError, match="already running"):
        io_loop.run_sync(io_loop.start)
    with pytest.raises(RuntimeError, match="This event loop is already running"):
        io_loop.run_sync(lambda: io_loop.run_sync(lambda: None))


def test_run_sync_gives_the_result(io_loop: IOLoop) -> None:
    async def native(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @gen.coroutine
    def generator() -> Any:
        yield gen.moment
        return 2

    assert io_loop.run_sync(lambda: native(1)) == 1
    assert io_loop.run_sync(generator) == 2
    assert io_loop.run_sync(lambda: [native(3)]) == [3]
    assert io_loop.run_sync(lambda: None) is None
    assert io_loop.run_sync(lambda: gen.moment) is None


def test_run_sync_raises_errors(io_loop: IOLoop) -> None:
    def plain() -> None:
        raise KeyError(1)

    async def native() -> None:
        raise KeyError(1)

    for function in (plain, native):
        with pytest.raises(KeyError):
            io_loop.run_sync(function)
    with pytest.raises(gen.BadYieldError, match="yielded unknown object 5"):
        io_loop.run_sync(lambda: 5)


def test_run_sync_times_out_and_cancels(io_loop: IOLoop) -> None:
    log: list[str] = []

    async def never() -> None:
        try:
            await Future()
        finally:
            log.append("cancelled")

    with pytest.raises(ioloop.TimeoutError, match=r"Operation timed out after 0.005 seconds"):
        io_loop.run_sync(never, timeout=0.005)
    assert log == ["cancelled"]
    assert io_loop.run_sync(lambda: gen.sleep(0), timeout=30) is None


def test_run_sync_tells_that_the_loop_was_stopped(io_loop: IOLoop) -> None:
    async def stops() -> None:
        io_loop.stop()
        await Future()

    async def is_cancelled() -> None:
        raise asyncio.CancelledError

    for function in (stops, is_cancelled):
        with pytest.raises(RuntimeError, match=r"Event loop stopped before Future completed\."):
            io_loop.run_sync(function)


def test_run_sync_that_is_interrupted_leaves_nothing_scheduled(io_loop: IOLoop) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        io_loop.run_sync(interrupt, timeout=0.001)
    # The timeout of the first run must not stop the second one.
    assert io_loop.run_sync(lambda: gen.sleep(0.005)) is None


# Close


def test_close_ends_tasks_generators_and_threads(io_loop: IOLoop) -> None:
    log: list[str] = []

    async def waits() -> None:
        try:
            await Future()
        finally:
            log.append("task")

    async def generates() -> Any:
        try:
            yield 1
            yield 2
        finally:
            log.append("generator")

    kept: list[Any] = []

    async def main() -> None:
        kept.append(asyncio.ensure_future(waits()))
        generator = generates()
        kept.append(generator)
        await anext(generator)
        await io_loop.run_in_executor(None, int)

    io_loop.run_sync(main)
    io_loop.close()
    io_loop.close()
    assert sorted(log) == ["generator", "task"]
    assert io_loop.asyncio_loop.is_closed()


def test_close_tells_of_errors_and_of_tasks_that_go_on(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.platform.closing.CLOSE_SECONDS", 0.01)
    released: list[Future[None]] = []

    async def fails() -> None:
        try:
            await Future()
        finally:
            raise KeyError("in cleanup")

    async def stays() -> None:
        while not released:
            try:
                await Future()
            except asyncio.CancelledError:
                pass

    tasks: list[Any] = []

    async def main() -> None:
        tasks.extend([asyncio.ensure_future(fails()), asyncio.ensure_future(stays())])
        await asyncio.sleep(0)

    io_loop.run_sync(main)
    io_loop.close()
    assert "KeyError: 'in cleanup'" in caplog.text
    assert "did not end when it was cancelled" in caplog.text
    # The task is garbage of a closed loop; its coroutine must not be destroyed unseen.
    stuck = tasks[1]
    stuck._log_destroy_pending = False
    released.append(stuck)
    with pytest.raises((StopIteration, RuntimeError)):
        stuck.get_coro().throw(asyncio.CancelledError)


def test_close_can_close_what_handlers_watch(
    io_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    a, b = pair
    io_loop.add_handler(a, print, IOLoop.READ)
    fd = os.dup(b.fileno())
    io_loop.add_handler(fd, print, IOLoop.READ)
    io_loop.close(all_fds=True)
    assert a.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    io_loop.close_fd(fd)


def test_close_within_another_running_loop(io_loop: IOLoop) -> None:
    async def main() -> None:
        other = IOLoop(make_current=False)
        other.close()
        assert other.asyncio_loop.is_closed()

    io_loop.run_sync(main)


def test_closed_loop_takes_callbacks_silently() -> None:
    loop = IOLoop(make_current=False)
    loop.close()
    loop.add_callback(print)
    loop.add_callback_from_signal(print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.start()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_later(1, print)


# Callbacks


async def test_callbacks_keep_their_order_and_take_arguments() -> None:
    loop, log = IOLoop.current(), []

    def note(*args: Any, **kwargs: Any) -> None:
        log.append((args, kwargs))

    loop.add_callback(note, 1, key=2)
    loop.spawn_callback(note, 3)
    loop.add_callback_from_signal(note, 4, key=5)
    assert log == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == [((1,), {"key": 2}), ((3,), {}), ((4,), {"key": 5})]


async def test_callback_may_be_a_coroutine() -> None:
    done: Future[int] = Future()

    async def callback(x: int) -> None:
        done.set_result(x)

    IOLoop.current().add_callback(callback, 3)
    assert await asyncio.wait_for(done, 5) == 3


async def test_callback_errors_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    loop = IOLoop.current()

    async def native() -> None:
        raise ValueError("native")

    def plain() -> None:
        raise KeyError("plain")

    def cancelled() -> None:
        raise asyncio.CancelledError

    failed: Future[None] = Future()
    failed.set_exception(TypeError("done before"))
    loop.add_callback(native)
    loop.spawn_callback(plain)
    loop.add_callback(cancelled)
    loop.add_callback(lambda: 7)
    loop.call_later(0, lambda: failed)
    await asyncio.sleep(0.005)
    assert len(caplog.records) == 3
    assert {record.name for record in caplog.records} == {"framework.application"}
    assert all(record.getMessage().startswith("Exception in callback <function") for record in caplog.records)
    for text in ("ValueError: native", "KeyError: 'plain'", "TypeError: done before"):
        assert caplog.text.count(text) == 1


def test_callback_from_a_thread_wakes_the_loop(io_loop: IOLoop) -> None:
    threads: list[threading.Thread] = []

    async def main() -> threading.Thread:
        done: Future[threading.Thread] = Future()
        thread = threading.Thread(
            target=io_loop.add_callback, args=(lambda: done.set_result(threading.current_thread()),)
        )
        threads.append(thread)
        thread.start()
        return await done

    assert io_loop.run_sync(main, timeout=10) is threading.current_thread()
    threads[0].join()


async def test_callbacks_run_in_the_context_they_were_added_in() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    found: list[int] = []
    variable.set(3)
    IOLoop.current().add_callback(lambda: found.append(variable.get()))
    variable.set(4)
    await asyncio.sleep(0)
    assert found == [3]


class BrokenLoop(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        raise RuntimeError("broken")


def test_errors_of_an_open_loop_are_not_swallowed() -> None:
    loop = AsyncIOLoop(asyncio_loop=BrokenLoop(), make_current=False)
    for add in (loop.add_callback, loop.add_callback_from_signal):
        with pytest.raises(RuntimeError, match="broken"):
            add(print)
    loop.close()


async def test_add_future_calls_back_in_this_loop() -> None:
    loop, log = IOLoop.current(), []
    future: Future[int] = Future()
    threaded: futures.Future[int] = futures.Future()
    loop.add_future(future, lambda done: log.append(done.result()))
    loop.add_future(threaded, lambda done: log.append(done.result()))
    loop.add_future(gen.moment, lambda done: log.append(done.result()))
    future.set_result(1)
    in_thread(lambda: threaded.set_result(2))
    async with asyncio.timeout(10):
        while len(log) < 3:  # noqa: ASYNC110 - three things at once
            await asyncio.sleep(0)
    assert sorted(log, key=str) == [1, 2, None]
    with pytest.raises(TypeError, match="a future is needed, not 3"):
        loop.add_future(3, print)  # type: ignore[arg-type]


def test_add_future_of_another_loop(io_loop: IOLoop) -> None:
    other = IOLoop(make_current=False)
    future = other.asyncio_loop.create_future()
    found: list[asyncio.AbstractEventLoop] = []

    def done(_: Any) -> None:
        found.append(asyncio.get_running_loop())
        io_loop.stop()

    io_loop.add_future(future, done)
    other.add_callback(future.set_result, 1)
    other.run_sync(lambda: gen.sleep(0))
    io_loop.start()
    assert found == [io_loop.asyncio_loop]
    other.close()


async def test_executor() -> None:
    loop = IOLoop.current()
    assert await loop.run_in_executor(None, threading.current_thread) is not threading.current_thread()
    with futures.ThreadPoolExecutor(1, "own") as own:
        assert (await loop.run_in_executor(own, threading.current_thread)).name.startswith("own")
        assert await loop.run_in_executor(own, divmod, 7, 2) == (3, 1)


def test_default_executor_can_be_set(io_loop: IOLoop) -> None:
    with futures.ThreadPoolExecutor(1, "own") as own:
        io_loop.set_default_executor(own)
        thread = io_loop.run_sync(lambda: io_loop.run_in_executor(None, threading.current_thread))
        assert thread.name.startswith("own")


# Signals


def test_add_signal_calls_in_the_loop(io_loop: IOLoop) -> None:
    async def main() -> Any:
        done: Future[tuple[Any, ...]] = Future()

        async def handler(*args: Any) -> None:
            await asyncio.sleep(0)
            done.set_result(args)

        io_loop.add_signal(signal.SIGUSR1, handler, 1, 2)
        os.kill(os.getpid(), signal.SIGUSR1)
        result = await done
        assert io_loop.remove_signal(signal.SIGUSR1)
        assert not io_loop.remove_signal(signal.SIGUSR1)
        return result

    assert io_loop.run_sync(main, timeout=10) == (1, 2)
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_signal_before_the_start_is_not_lost(io_loop: IOLoop) -> None:
    io_loop.add_signal(signal.SIGUSR1, io_loop.stop)
    os.kill(os.getpid(), signal.SIGUSR1)
    io_loop.start()
    io_loop.close()
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_signal_wakes_a_loop_that_waits(io_loop: IOLoop) -> None:
    io_loop.add_signal(signal.SIGINT, io_loop.stop)
    killer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    killer.start()
    io_loop.start()
    killer.join()
    assert io_loop.remove_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_signals_are_for_the_main_thread(io_loop: IOLoop) -> None:
    with pytest.raises(ValueError, match="main thread"):
        in_thread(lambda: io_loop.add_signal(signal.SIGUSR1, print))


def test_add_callback_from_signal_in_a_python_handler(io_loop: IOLoop) -> None:
    old = signal.signal(signal.SIGUSR1, lambda *_: io_loop.add_callback_from_signal(io_loop.stop))
    try:
        io_loop.add_callback(os.kill, os.getpid(), signal.SIGUSR1)
        io_loop.start()
    finally:
        signal.signal(signal.SIGUSR1, old)
