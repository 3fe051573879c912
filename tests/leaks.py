"""What a test may leave behind: nothing. These functions look, explain, and wait for what is about to end.

Looking costs tens of microseconds for a clean test; only a test that seems to leak is waited for.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time

from tests.servers.process import children_of, own_fds, own_pids

__all__ = ["Snapshot", "leaked_tasks"]

# How long something that is ending already (a thread that returns, a closed connection) may take to be gone.
GRACE_SECONDS = 10.0


class Snapshot:
    """The threads, child processes and file descriptors of this process at one moment."""

    __slots__ = ("fds", "pids", "threads")

    def __init__(self) -> None:
        self.threads = set(threading.enumerate())
        self.pids = set(children_of(os.getpid()))
        self.fds = _descriptors()

    def leaked(self) -> list[str]:
        """Return a line for each thing that is here now and was not at the snapshot."""
        found = self._compare()
        deadline = time.monotonic() + GRACE_SECONDS
        while found and time.monotonic() < deadline:
            # Something that only a reference cycle holds is no leak; unclosed sockets warn by themselves.
            gc.collect()
            time.sleep(0.01)
            found = self._compare()
        return found

    def _compare(self) -> list[str]:
        found = [f"thread {thread.name!r}" for thread in threading.enumerate() if thread not in self.threads]
        found += [
            f"child process {pid}: {_command_line(pid)}"
            for pid in set(children_of(os.getpid())) - self.pids - own_pids()
        ]
        own = own_fds()
        for fd, target in _descriptors().items():
            if self.fds.get(fd) != target and fd not in own:
                found.append(f"file descriptor {fd}: {target}{_peer(target)}")
        return found


async def leaked_tasks() -> list[str]:
    """Return a line for each task of this loop but the current one; those that are ending get some time."""
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if not tasks or time.monotonic() > deadline:
            return [f"task {task!r}" for task in tasks]
        await asyncio.sleep(0.001)


def _command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        words = ""
    return words or "(no command line: just started, or ended and not waited for)"


def _descriptors() -> dict[int, str]:
    descriptors = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            descriptors[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            # The one that the listing itself used.
            continue
    return descriptors


def _peer(target: str) -> str:
    """Return local and remote address of a TCP socket named as in /proc, for the explanation."""
    if not target.startswith("socket:["):
        return ""
    inode = target[len("socket:[") : -1]
    with open("/proc/self/net/tcp") as file:
        for line in file.read().splitlines()[1:]:
            fields = line.split()
            if fields[9] == inode:
                ports = [int(field.rpartition(":")[2], 16) for field in fields[1:3]]
                state = "listens" if fields[3] == "0A" else f"connected to port {ports[1]}"
                return f" (TCP port {ports[0]}, {state})"
    return " (not TCP over IPv4)"
