"""The process that ends what a test run leaves behind, also when the run itself is killed.

It reads lines from its standard input, which is a pipe that only the test run holds open: `+ PID` for a
started server, `- PID` for an ended one, `/ PATH` for a folder to remove. When the pipe ends, so has the test
run, and whatever is still listed is killed and removed. (A parent-death signal would not do: it is bound to
the thread that started the server, and tests start servers from threads that end earlier.)
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys


def main() -> None:
    """Read until the end of the input, then kill and remove."""
    # An interrupt from the keyboard goes to the whole group; the pipe says when the test run is really over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pids: set[int] = set()
    folders: set[str] = set()
    for line in sys.stdin:
        what, _, value = line.rstrip("\n").partition(" ")
        if what == "+":
            pids.add(int(value))
        elif what == "-":
            pids.discard(int(value))
        elif what == "/":
            folders.add(value)
    for pid in pids:
        # Each server leads a process group of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
