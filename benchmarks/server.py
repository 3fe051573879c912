"""A server process for the time of a measurement."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Self

from benchmarks.cores import SERVER_CORE, pin, unpin
from benchmarks.environment import ROOT
from benchmarks.errors import BenchmarkError

__all__ = ["Server", "free_port"]

START_SECONDS = 30.0
# Some peers wait for their clients to go.
STOP_SECONDS = 3.0
POLL_SECONDS = 0.002


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A command that listens on a port, on the server's core; a context manager ends it and its children.

    Args:
        command: the command line.
        port: where it will listen.
        environment: variables beside those of this process.
        core: the one it is kept on; None: it has them all.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        environment: Mapping[str, str] | None = None,
        core: int | None = SERVER_CORE,
    ) -> None:
        self.port = port
        self._command = list(command)
        self._environment = {**os.environ, "PYTHONPATH": ROOT, **(environment or {})}
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=self._environment,
            start_new_session=True,
            preexec_fn=self._choose_cores,
        )
        try:
            self._wait(self._process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        process = self._process
        if process is None:
            return
        self._signal(process, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        # Whatever it has started and left behind.
        self._signal(process, signal.SIGKILL)
        process.wait()
        self._log.close()

    def log(self) -> str:
        """Return the end of what the server has written."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 4000))
        return self._log.read().decode(errors="replace")

    def memory(self) -> int:
        """Return the bytes of memory of the server's processes; what they share is counted once."""
        total = 0
        for pid in self._processes():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
            except OSError:
                continue
        return total

    def threads(self) -> int:
        """Return how many threads the server's processes have."""
        total = 0
        for pid in self._processes():
            try:
                total += len(os.listdir(f"/proc/{pid}/task"))
            except OSError:
                continue
        return total

    def cpu_seconds(self) -> float:
        """Return the processor time that the server's processes have used."""
        ticks = sum(int(fields[11]) + int(fields[12]) for fields in self._processes().values())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _processes(self) -> dict[str, list[str]]:
        """Return the process and those it has started: what `/proc/PID/stat` says, by their ids."""
        if self._process is None:
            raise BenchmarkError("the server does not run")
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    # After the name, which may hold anything: state, parent, group, session, ...
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self._process.pid:
                found[pid] = fields
        return found

    def _choose_cores(self) -> None:
        if self._core is None:
            unpin()
        else:
            pin(self._core)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(POLL_SECONDS)
        raise BenchmarkError(f"{' '.join(self._command)} does not listen on {self.port}:\n{self.log()}")

    def _signal(self, process: subprocess.Popen[bytes], number: int) -> None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
