"""A server process of the test run: start, stop, kill, pause, restart; its log; its certain end."""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Self

__all__ = ["NotInstalledError", "ServerProcess", "children_of", "free_port", "own_fds", "own_pids"]

START_SECONDS = 60.0
STOP_SECONDS = 30.0

_given_ports: set[int] = set()
_alive: list[ServerProcess] = []
_reaper: subprocess.Popen[str] | None = None
_lock = threading.RLock()


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on and that was not given before in this run.

    It is below the range from which the kernel takes clients' ports, so that a server which is down for a
    while finds its port free when it comes back.
    """
    while True:
        port = random.randint(20000, 32000)
        if port in _given_ports:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given_ports.add(port)
        return port


class NotInstalledError(Exception):
    """A server that the tests need is missing: a failure that names the package, never a silent skip."""

    def __init__(self, server: str, package: str) -> None:
        super().__init__(f"the tests need {server}, which is not installed here: install {package}")


def own_pids() -> set[int]:
    """Return the processes that live for the whole run, which no single test has leaked."""
    pids = {server.pid for server in _alive if server.shared}
    if _reaper is not None:
        pids.add(_reaper.pid)
    return pids


def own_fds() -> set[int]:
    """Return the file descriptors of this module that live for the whole run."""
    return {_reaper.stdin.fileno()} if _reaper is not None and _reaper.stdin is not None else set()


def _tell_reaper(line: str) -> None:
    global _reaper
    with _lock:
        if _reaper is None:
            _reaper = subprocess.Popen(
                [sys.executable, "-I", "-S", os.path.join(os.path.dirname(__file__), "reaper.py")],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            atexit.register(_end_all)
        if _reaper.stdin is not None:
            _reaper.stdin.write(line + "\n")
            _reaper.stdin.flush()


def _end_all() -> None:
    while _alive:
        _alive[-1].close()
    if _reaper is not None and _reaper.stdin is not None:
        _reaper.stdin.close()
        _reaper.wait()


class ServerProcess:
    """One process that listens on `port` of 127.0.0.1, with a folder of its own.

    A subclass says the command line, what has to be prepared once, and what asking it a first question is.

    Args:
        port: where it listens; a free one when None.
        user: the account it runs under when the tests run as root; None keeps root.
        shared: it serves the whole run, so a test that leaves it running has leaked nothing.
    """

    name = "server"
    stop_signal = signal.SIGTERM

    def __init__(self, port: int | None = None, *, user: str | None = None, shared: bool = True) -> None:
        self.host = "127.0.0.1"
        self.port = free_port() if port is None else port
        self.shared = shared
        self.folder = tempfile.mkdtemp(prefix=f"test-{self.name}-")
        _tell_reaper(f"/ {self.folder}")
        self.log_path = os.path.join(self.folder, "log")
        self._uid: int | None = None
        self._gid: int | None = None
        self._groups: list[int] | None = None
        account = _account(user)
        if account is not None:
            self._uid, self._gid = account
            self._groups = []
            os.chown(self.folder, *account)
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    # What a subclass says.

    def command(self) -> Sequence[str]:
        """Return the command line."""
        raise NotImplementedError(f"{type(self).__name__} must say its command line")

    def environment(self) -> Mapping[str, str] | None:
        """Return the whole environment of the process; None inherits."""
        return None

    def prepare(self) -> None:
        """Do what comes once, before the first start."""

    def answers(self) -> bool:
        """Ask the server something and return whether it answered; OSError counts as no."""
        with socket.create_connection((self.host, self.port), timeout=1):
            return True

    # What a test does.

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        """Whether the process is there (a paused one is)."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """How the last process ended; None while it runs."""
        return self._process.poll() if self._process is not None else None

    def start(self, *, wait: bool = True) -> Self:
        """Start, and return when it answers."""
        if self.running:
            return self
        if not self._prepared:
            self.prepare()
            self._prepared = True
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                list(self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.working_folder(),
                env=self.environment(),
                start_new_session=True,
                user=self._uid,
                group=self._gid,
                extra_groups=self._groups,
            )
        _alive.append(self)
        _tell_reaper(f"+ {self._process.pid}")
        if wait:
            self.wait_until_answers()
        return self

    def working_folder(self) -> str:
        """Return the folder the process starts in."""
        return self.folder

    def wait_until_answers(self, seconds: float = START_SECONDS) -> None:
        """Return when the server answers; fail with the end of its log when it ends or stays silent."""
        deadline = time.monotonic() + seconds
        pause = 0.01
        while time.monotonic() < deadline:
            if not self.running:
                raise RuntimeError(f"{self.name} ended with {self.returncode} while starting{self._tail()}")
            with contextlib.suppress(OSError):
                if self.answers():
                    return
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
        raise TimeoutError(f"{self.name} gave no answer on port {self.port} in {seconds} s{self._tail()}")

    def ensure(self) -> Self:
        """Bring it back when an earlier test has left it stopped or paused."""
        if self.running:
            self.resume()
            self.wait_until_answers()
        else:
            self.start()
        return self

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask the process to end and wait; kill it and fail when it does not. Returns its exit status."""
        if self._process is None:
            return 0
        self.resume()
        self.signal(self.stop_signal)
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.name} did not stop within {seconds} s{self._tail()}") from None
        self._ended()
        return status

    def kill(self) -> None:
        """End the process and its children at once, as a crash would."""
        if self._process is None:
            return
        # Frozen first: whose parent has died is found no more.
        for pid in self._signal_all(signal.SIGSTOP):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._ended()

    def restart(self) -> Self:
        """Stop and start on the same port with the same data."""
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Freeze the process and its children: connections stay open and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let what is frozen go on."""
        self._signal_all(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """Send a signal to the process, not to its children."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the process to end by itself and return its exit status."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        status = self._process.wait(seconds)
        self._ended()
        return status

    def log(self) -> str:
        """Return everything the process has written."""
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def close(self) -> None:
        """End it for good and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        if kind is not None:
            print(self._tail())
        self.close()

    # What subclasses and the above use.

    def _signal_all(self, number: int) -> list[int]:
        """Send a signal to the process and all below it, and return them.

        Its process group would not do: those of PostgreSQL lead groups of their own.
        """
        if not self.running:
            return []
        # The parent first, so that it starts no more of them.
        family = [self.pid]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            family += children_of(pid)
        return family

    def _ended(self) -> None:
        if self in _alive:
            _alive.remove(self)
            _tell_reaper(f"- {self.pid}")

    def _tail(self, lines: int = 30) -> str:
        tail = "\n".join(self.log().splitlines()[-lines:])
        return f"\n--- the end of the log of {self.name} on port {self.port} ---\n{tail}\n---"

    def _run(self, *command: str, env: Mapping[str, str] | None = None) -> str:
        """Run a command to its end under the server's account and return its output."""
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=env,
            timeout=START_SECONDS,
            check=False,
            user=self._uid,
            group=self._gid,
            extra_groups=self._groups,
        )
        output = done.stdout.decode(errors="replace")
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{output}{self._tail()}")
        return output


def children_of(pid: int) -> list[int]:
    """Return the child processes of a process; none where it has ended or the kernel does not tell."""
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                children += map(int, file.read().split())
    return children


def _account(user: str | None) -> tuple[int, int] | None:
    """Return uid and gid of `user`, or of nobody where there is no such account; None unless run as root."""
    if user is None or os.geteuid() != 0:
        return None
    for name in (user, "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise RuntimeError(f"{user} and nobody are both missing, and {user} must not run as root")
