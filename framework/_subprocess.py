"""Other programs as child processes: streams to talk to them by, and word of their end."""

from __future__ import annotations

import os
import subprocess
import threading
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from framework.concurrent import Future
from framework.ioloop import IOLoop
from framework.iostream import PipeIOStream

__all__ = ["Subprocess"]


class Subprocess:
    """A child process: `subprocess.Popen`, and streams.

    The arguments are those of `subprocess.Popen`. ``stdin``, ``stdout`` and ``stderr`` may be `Subprocess.STREAM`
    as well: the attribute of that name is a `PipeIOStream` then, for the caller to close.

    The attribute ``proc`` is the `subprocess.Popen`, ``pid`` its process id, and ``returncode`` its exit status, or
    the negative number of the signal that killed it, once one has heard of its end here; None before.

    What tells of the end is a descriptor of the process (a thread where the system has no such thing), not SIGCHLD:
    it works in any thread and on any loop, and is in nobody's way.
    """

    STREAM: ClassVar[object] = object()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.io_loop = IOLoop.current()
        self.stdin: Any = None
        self.stdout: Any = None
        self.stderr: Any = None
        theirs: list[int] = []
        ours: dict[str, int] = {}
        try:
            for name in ("stdin", "stdout", "stderr"):
                if kwargs.get(name) is Subprocess.STREAM:
                    reading, writing = os.pipe()
                    their_end, ours[name] = (reading, writing) if name == "stdin" else (writing, reading)
                    theirs.append(their_end)
                    kwargs[name] = their_end
            self.proc: subprocess.Popen[Any] = subprocess.Popen(*args, **kwargs)  # noqa: S603
        except BaseException:
            for fd in ours.values():
                os.close(fd)
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        self.pid = self.proc.pid
        for name in ("stdin", "stdout", "stderr"):
            setattr(self, name, PipeIOStream(ours[name]) if name in ours else getattr(self.proc, name))
        self.returncode: int | None = None
        self._callback: Callable[[int], Any] | None = None
        self._waiting: list[tuple[Future[int], bool]] = []
        self._stop_watching: Callable[[], None] | None = None

    def set_exit_callback(self, callback: Callable[[int], Any]) -> None:
        """Has ``callback(returncode)`` called in the loop when the process has ended, if it hasn't already.

        A later call replaces the callback.
        """
        self._callback = callback
        self._watch()

    def wait_for_exit(self, raise_error: bool = True) -> Future[int]:
        """A future with the exit status.

        :arg raise_error: makes it a `subprocess.CalledProcessError` unless the status is 0.
        """
        future: Future[int] = self.io_loop.asyncio_loop.create_future()
        self._waiting.append((future, raise_error))
        self._watch()
        return future

    @classmethod
    def initialize(cls) -> None:
        """Does nothing. Kept for programs that name the loop for a handler of SIGCHLD, which is not needed."""

    @classmethod
    def uninitialize(cls) -> None:
        """Does nothing, as `initialize`."""

    def _watch(self) -> None:
        if self._stop_watching is not None:
            return
        if self.proc.poll() is not None:
            self._stop_watching = lambda: None
            self.io_loop.add_callback(self._ended)
            return
        try:
            fd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            self._watch_by_thread()
            return
        loop = self.io_loop.selector_loop
        release = weakref.finalize(self, os.close, fd)

        def stop() -> None:
            loop.remove_reader(fd)
            release()

        self._stop_watching = stop
        loop.add_reader(fd, self._ended)

    def _watch_by_thread(self) -> None:
        ended, io_loop, pid = self._ended, self.io_loop, self.pid

        def wait() -> None:
            try:
                # Leaves the status to be fetched by `poll`.
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                # Somebody has fetched it.
                pass
            io_loop.add_callback(ended)

        thread = threading.Thread(target=wait, name=f"waits for process {pid}", daemon=True)
        self._stop_watching = thread.join
        thread.start()

    def _ended(self) -> None:
        status = self.proc.poll()
        if status is None or self._stop_watching is None:
            return
        self._stop_watching()
        self._stop_watching = None
        self.returncode = status
        waiting, self._waiting = self._waiting, []
        for future, raise_error in waiting:
            if future.done():
                continue
            if raise_error and status != 0:
                future.set_exception(subprocess.CalledProcessError(status, self.proc.args))
            else:
                future.set_result(status)
        callback, self._callback = self._callback, None
        if callback is not None:
            self.io_loop.add_callback(callback, status)
