"""Watching file descriptors for a loop that cannot: `select.select` in a thread of its own.

The proactor loop of Windows has no `add_reader`. A thread waits for the descriptors and tells the loop.
"""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from framework.log import app_log

__all__ = ["AddThreadSelectorEventLoop", "SelectorThread"]


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


class SelectorThread:
    """Calls callbacks in `real_loop` when descriptors are ready to be read or written.

    The thread starts with the first descriptor. It hands over what is ready and waits until the loop has
    called the callbacks before it looks again, so that readiness is never reported twice.

    All methods are called in the loop's thread.
    """

    def __init__(self, real_loop: asyncio.AbstractEventLoop) -> None:
        self._real_loop = real_loop
        self._readers: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        self._writers: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        # What the thread is to select next; None while the loop deals with its last answer.
        self._wanted: tuple[list[int], list[int]] | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        # Written to, it wakes the thread from select.
        self._waker_r, self._waker_w = socket.socketpair()
        self._waker_r.setblocking(False)
        self._waker_w.setblocking(False)
        self._readers[self._waker_r.fileno()] = (self._drain_waker, ())

    def close(self) -> None:
        """Ends the thread and closes what woke it."""
        if self._closing:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._wake()
        if self._thread is not None:
            self._thread.join()
        self._readers.clear()
        self._writers.clear()
        self._waker_r.close()
        self._waker_w.close()

    def add_reader(self, fd: Any, callback: Callable[..., None], *args: Any) -> None:
        """As `asyncio.loop.add_reader`."""
        self._readers[_number(fd)] = (callback, args)
        self._rethink()

    def add_writer(self, fd: Any, callback: Callable[..., None], *args: Any) -> None:
        """As `asyncio.loop.add_writer`."""
        self._writers[_number(fd)] = (callback, args)
        self._rethink()

    def remove_reader(self, fd: Any) -> bool:
        """As `asyncio.loop.remove_reader`."""
        return self._remove(self._readers, fd)

    def remove_writer(self, fd: Any) -> bool:
        """As `asyncio.loop.remove_writer`."""
        return self._remove(self._writers, fd)

    def _remove(self, entries: dict[int, Any], fd: Any) -> bool:
        found = entries.pop(_number(fd), None) is not None
        if found:
            self._rethink()
        return found

    def _rethink(self) -> None:
        """Makes the thread look at the descriptors that are registered now."""
        if self._closing:
            raise RuntimeError("this selector thread is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="framework selector")
            self._thread.start()
            self._ask()
        else:
            self._wake()

    def _wake(self) -> None:
        try:
            self._waker_w.send(b"a")
        except OSError:
            # Full: the thread is woken already. Closed: there is nobody to wake.
            pass

    def _drain_waker(self) -> None:
        try:
            self._waker_r.recv(1024)
        except OSError:
            pass

    def _ask(self) -> None:
        with self._changed:
            self._wanted = (list(self._readers), list(self._writers))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._wanted is None and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                (readers, writers), self._wanted = self._wanted or ([], []), None
            try:
                # Windows tells a failed connect as an exceptional condition of the writer.
                readable, writable, failed = select.select(readers, writers, writers)
            except OSError as error:
                # A descriptor was closed under select: the loop has removed it, or will hear of it.
                if error.errno not in (errno.EBADF, getattr(errno, "WSAENOTSOCK", errno.EBADF)):
                    raise
                readable, writable, failed = [], [], []
            except ValueError:
                readable, writable, failed = [], [], []
            try:
                self._real_loop.call_soon_threadsafe(self._answer, readable, writable + failed)
            except RuntimeError:
                # The loop was closed.
                return

    def _answer(self, readable: list[int], writable: list[int]) -> None:
        for ready, entries in ((readable, self._readers), (set(writable), self._writers)):
            for fd in ready:
                entry = entries.get(fd)
                if entry is None:
                    continue
                callback, args = entry
                try:
                    callback(*args)
                except Exception:
                    app_log.error("Exception in callback %r", callback, exc_info=True)
        if not self._closing:
            self._ask()


class AddThreadSelectorEventLoop(asyncio.AbstractEventLoop):
    """`real_loop` with `add_reader`, `add_writer` and their opposites by a `SelectorThread`.

    Everything else is the real loop's. Closing it closes both.
    """

    MY_ATTRIBUTES: ClassVar[set[str]] = {
        "_real_loop",
        "_selector",
        "add_reader",
        "add_writer",
        "close",
        "remove_reader",
        "remove_writer",
    }

    def __getattribute__(self, name: str) -> Any:
        # AbstractEventLoop defines every method, so that __getattr__ would never be asked.
        if name in AddThreadSelectorEventLoop.MY_ATTRIBUTES:
            return super().__getattribute__(name)
        return getattr(super().__getattribute__("_real_loop"), name)

    def __init__(self, real_loop: asyncio.AbstractEventLoop) -> None:
        self._real_loop = real_loop
        self._selector = SelectorThread(real_loop)

    def close(self) -> None:
        """Ends the thread, then closes the real loop."""
        self._selector.close()
        self._real_loop.close()

    def add_reader(self, fd: Any, callback: Callable[..., None], *args: Any) -> None:  # type: ignore[override]
        """As `asyncio.loop.add_reader`."""
        self._selector.add_reader(fd, callback, *args)

    def add_writer(self, fd: Any, callback: Callable[..., None], *args: Any) -> None:  # type: ignore[override]
        """As `asyncio.loop.add_writer`."""
        self._selector.add_writer(fd, callback, *args)

    def remove_reader(self, fd: Any) -> bool:
        """As `asyncio.loop.remove_reader`."""
        return self._selector.remove_reader(fd)

    def remove_writer(self, fd: Any) -> bool:
        """As `asyncio.loop.remove_writer`."""
        return self._selector.remove_writer(fd)
