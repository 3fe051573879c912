"""The processes of a run: the suite's fuzzing client and server, and this project's on the other side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from tests.servers.process import ServerProcess, free_port

__all__ = ["AGENT", "HOME", "ROOT", "EchoServer", "FuzzingServer", "fuzz_server", "play_client"]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOME = os.path.join(ROOT, ".cache", "autobahn")
AGENT = "framework"


class EchoServer(ServerProcess):
    """The framework's server."""

    name = "echo-server"

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "tests.autobahn.echo_server", str(self.port)]

    def working_folder(self) -> str:
        """Return where the project is."""
        return ROOT


class FuzzingServer(ServerProcess):
    """The suite's server.

    Args:
        cases: which cases it plays.
        reports: the folder for its reports.
    """

    name = "fuzzing-server"

    def __init__(self, cases: Sequence[str], reports: str) -> None:
        super().__init__(free_port())
        self.cases = cases
        self.reports = reports

    def command(self) -> list[str]:
        """Return the command line."""
        spec = _spec(self.cases, self.reports) | {"url": f"ws://127.0.0.1:{self.port}"}
        path = _write(spec, self.reports)
        # Without the web page that it serves otherwise.
        return [os.path.join(HOME, "wstest"), "-m", "fuzzingserver", "-s", path, "-u", "0"]


def fuzz_server(port: int, cases: Sequence[str], reports: str) -> subprocess.Popen[bytes]:
    """Start the suite's client against the server at `port`; it ends when all is played and reported."""
    server = {"url": f"ws://127.0.0.1:{port}", "agent": AGENT}
    path = _write(_spec(cases, reports) | {"servers": [server]}, reports)
    return _start([os.path.join(HOME, "wstest"), "-m", "fuzzingclient", "-s", path], reports)


def play_client(port: int, reports: str) -> subprocess.Popen[bytes]:
    """Start the framework's client against the suite's server at `port`; it ends when all is played and reported."""
    return _start([sys.executable, "-m", "tests.autobahn.echo_client", str(port), AGENT], reports)


def _spec(cases: Sequence[str], reports: str) -> dict[str, object]:
    return {"outdir": reports, "cases": list(cases), "exclude-cases": [], "exclude-agent-cases": {}}


def _write(spec: dict[str, object], reports: str) -> str:
    path = f"{reports}.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(spec, file, indent=4)
    return path


def _start(command: list[str], reports: str) -> subprocess.Popen[bytes]:
    with open(f"{reports}.log", "wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
