"""Several processes: forking servers that share their listening sockets, and running other programs."""

from __future__ import annotations

import math
import os
import random
import signal
import sys
import threading
from types import FrameType
from typing import Any

from framework._subprocess import Subprocess
from framework.log import gen_log
from framework.platform.forking import release_loops, renew_loops

__all__ = ["Subprocess", "cpu_count", "fork_processes", "task_id"]

MAX_RESTARTS = 100

FORWARDED = (signal.SIGTERM, signal.SIGINT)

_task_id: int | None = None


def cpu_count() -> int:
    """How many processors this process may use: by its affinity and its container's limit, at least 1."""
    quota = _cgroup_quota("/")
    count = _usable_cpus()
    return count if quota is None else max(1, min(count, math.ceil(quota)))


def _usable_cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        # Only Linux knows affinities.
        return os.cpu_count() or 1


def _cgroup_quota(root: str) -> float | None:
    """The processors' share that control groups allow; None for no limit. `root` is where "/" is."""
    try:
        with open(os.path.join(root, "proc/self/cgroup"), encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    quotas: list[float] = []
    for line in lines:
        # "0::/path" for version 2, "4:cpu,cpuacct:/path" for version 1.
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            base = os.path.join(root, "sys/fs/cgroup")
        elif "cpu" in controllers.split(","):
            base = os.path.join(root, "sys/fs/cgroup/cpu")
        else:
            continue
        # A limit of any group above counts, too. Inside a container the path is often not visible: then
        # the mount's own root is the container's group.
        parts = [part for part in path.split("/") if part]
        for depth in range(len(parts), -1, -1):
            quota = _group_quota(os.path.join(base, *parts[:depth]))
            if quota is not None:
                quotas.append(quota)
    return min(quotas, default=None)


def _group_quota(directory: str) -> float | None:
    texts = _read(directory, "cpu.max").split() or [
        *_read(directory, "cpu.cfs_quota_us").split(),
        *_read(directory, "cpu.cfs_period_us").split(),
    ]
    try:
        quota, period = (int(text) for text in texts)
    except ValueError:
        # No files, or "max".
        return None
    return quota / period if quota > 0 and period > 0 else None


def _read(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name), encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def task_id() -> int | None:
    """The number of this process among those of `fork_processes`, from 0; None in any other process."""
    return _task_id


def fork_processes(num_processes: int | None, max_restarts: int | None = None) -> int:
    """Starts child processes and looks after them. It returns only in the children, with their `task_id`.

    A child that dies is started again; how it died is logged. The parent passes SIGTERM and SIGINT on to
    the children. It exits when all children have: with status 0 if they ended normally, with 128 + the
    signal's number if a child was killed by the signal that was passed on.

    Call it before anything is put into the event loop. A loop that exists but waits for nothing is
    replaced by a fresh one in each child.

    :arg num_processes: None, 0 or less means `cpu_count`.
    :arg max_restarts: how many restarts, of all children together; 100 unless told otherwise.
    :raises RuntimeError: this is a child already; the event loop runs or has something to wait for; or,
        in the parent, a child died once too often.
    """
    if _task_id is not None:
        raise RuntimeError(f"this is child process {_task_id}; only the parent can fork more")
    if num_processes is None or num_processes <= 0:
        num_processes = cpu_count()
    loops = release_loops()
    gen_log.info("Starting %d processes", num_processes)
    watch = _Parent(MAX_RESTARTS if max_restarts is None else max_restarts)
    number = watch.run(num_processes)
    renew_loops(loops)
    return number


class _Parent:
    """The parent of `fork_processes`: its children, and the signals that it passes on to them."""

    def __init__(self, max_restarts: int) -> None:
        self.restarts_left = max_restarts
        self.children: dict[int, int] = {}
        self.signal_passed: int | None = None
        self.failed = False
        self.old_handlers: dict[int, Any] = {}

    def run(self, count: int) -> int:
        """Returns a child's number in that child. The parent leaves by an exception."""
        # Only the main thread may handle signals; in others, children are on their own.
        if threading.current_thread() is threading.main_thread():
            for signum in FORWARDED:
                self.old_handlers[signum] = signal.signal(signum, self._pass_on)
        try:
            for number in range(count):
                if self._start(number):
                    return number
            while self.children:
                pid, status = os.wait()
                number_or_none = self.children.pop(pid, None)
                if number_or_none is not None and self._ended(number_or_none, pid, status):
                    return number_or_none
        finally:
            # In the parent only: a child has done so in `_start`.
            self._restore_handlers()
        if self.failed and self.signal_passed is not None:
            sys.exit(128 + self.signal_passed)
        # All children ended normally: so does the parent.
        sys.exit(0)

    def _start(self, number: int) -> bool:
        """True in the new child, False in the parent."""
        if self.signal_passed is not None:
            return False
        # A signal that came between fork and what follows would meet the parent's handler in the child, or
        # pass over a child that the parent does not know yet.
        old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        try:
            pid = os.fork()
            if pid:
                self.children[pid] = number
                return False
            self._restore_handlers()
            _become_child(number)
            return True
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)

    def _ended(self, number: int, pid: int, status: int) -> bool:
        """True in the child that takes the place of the one that ended."""
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            gen_log.info("child %d (pid %d) exited normally", number, pid)
            return False
        what = "killed by signal" if code < 0 else "exited with status"
        if self.signal_passed is not None:
            self.failed = True
            gen_log.warning("child %d (pid %d) %s %d", number, pid, what, abs(code))
            return False
        gen_log.warning("child %d (pid %d) %s %d, restarting", number, pid, what, abs(code))
        if not self.restarts_left:
            # The others would go on without a parent.
            self._signal_children(signal.SIGTERM)
            raise RuntimeError("Too many child restarts, giving up")
        self.restarts_left -= 1
        return self._start(number)

    def _pass_on(self, signum: int, frame: FrameType | None) -> None:
        self.signal_passed = signum
        if signum == signal.SIGINT and _at_terminal():
            # Ctrl-C went to the children as well; a second one would be "at once" to many programs.
            return
        self._signal_children(signum)

    def _signal_children(self, signum: int) -> None:
        for pid in self.children:
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                # It has just ended, and `os.wait` is about to say so.
                pass

    def _restore_handlers(self) -> None:
        for signum, handler in self.old_handlers.items():
            # None: it was set by other than Python, and cannot be put back.
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)
        self.old_handlers.clear()


def _become_child(number: int) -> None:
    global _task_id
    _task_id = number
    # The copies of one generator would give all children the same "random" numbers.
    random.seed(os.urandom(32))


def _at_terminal() -> bool:
    """Whether a terminal sends its signals to this process' group, and so to the children."""
    for fd in (0, 1, 2):
        try:
            return os.tcgetpgrp(fd) == os.getpgrp()
        except OSError:
            continue
    return False
