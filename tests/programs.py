"""Programs that a test starts, reads line by line, and edits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["PATIENCE", "Program", "write"]

# A program that says nothing for so long is taken to hang, and killed: the test then fails.
PATIENCE = 60.0


class Program:
    """A program in a directory, and the lines that it writes."""

    def __init__(self, directory: Path, *command: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        )
        self.seen: list[str] = []
        self.watchdog = threading.Timer(PATIENCE, self.process.kill)
        self.watchdog.start()

    def line(self, start: str) -> str:
        """The rest of the next line that begins with `start`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen.append(line.rstrip("\n"))
            if line.startswith(start):
                return line.rstrip("\n")[len(start) :].strip()
        raise AssertionError(f"no line begins with {start!r}; there were:\n" + "\n".join(self.seen))

    def end(self) -> int:
        """Reads until the program ends by itself, and gives its status."""
        assert self.process.stdout is not None
        self.seen += [line.rstrip("\n") for line in self.process.stdout]
        return self.process.wait()

    def close(self) -> None:
        self.watchdog.cancel()
        self.watchdog.join()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def write(directory: Path, name: str, text: str) -> Path:
    """Writes a file as editors do: another one that takes its place."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + "~")
    fresh.write_text(text)
    fresh.replace(path)
    return path
