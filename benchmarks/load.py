"""The load: wrk, a thread on each core that the server does not have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field

from benchmarks.cores import LOAD_CORES, SERVER_CORE, Busy
from benchmarks.errors import BenchmarkError

__all__ = ["Load", "Request", "Sample"]


#: How long an answer may take: uploads do, where the server is slow. (wrk gives up after 2 seconds.)
_PATIENCE = "20s"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked again and again."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | bytes = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: its value in the workload's unit, and what else was seen beside it."""

    value: float
    details: dict[str, float]


@dataclass(frozen=True, slots=True)
class Load:
    """How much load.

    Args:
        connections: how many at once.
        seconds: for how long.
        pipeline: requests sent at once on each connection.
        tls: whether over TLS; no certificate is checked.
    """

    connections: int = 64
    seconds: int = 3
    pipeline: int = 1
    tls: bool = False

    def run(self, port: int, request: Request, seconds: int | None = None) -> Sample:
        """Ask for `seconds` (or the load's own) and return requests per second.

        Raises:
            BenchmarkError: an answer was missing or told of an error.
        """
        load, server = Busy(*LOAD_CORES), Busy(SERVER_CORE)
        output = self._wrk(port, request, seconds or self.seconds)
        details = {"load core idle": 1 - load.share(), "server core busy": server.share()}
        return _parse(output, details)

    def _wrk(self, port: int, request: Request, seconds: int) -> str:
        wrk = shutil.which("wrk")
        if wrk is None:
            raise BenchmarkError("the load comes from wrk, which is not installed: apt-get install wrk")
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "request.lua")
            with open(script, "w") as file:
                file.write(self._script(request))
                if isinstance(request.body, bytes):
                    file.write(_read_body(folder, request.body))
            cores = LOAD_CORES[: self.connections]
            command = ["taskset", "-c", ",".join(map(str, cores)), wrk, "--latency", "--timeout", _PATIENCE]
            command += [f"-t{len(cores)}", f"-c{self.connections}", f"-d{seconds}s", "-s", script]
            command.append(f"{'https' if self.tls else 'http'}://127.0.0.1:{port}{request.path}")
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"wrk failed: {done.stderr or done.stdout}")
        return done.stdout

    def _script(self, request: Request) -> str:
        lines = [f"wrk.method = {_lua(request.method)}"]
        lines += [f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in request.headers.items()]
        if request.body and isinstance(request.body, str):
            lines.append(f"wrk.body = {_lua(request.body)}")
        if self.pipeline > 1:
            # Made once: the load must not be what is measured.
            lines += [
                "local all",
                f"init = function(args) all = string.rep(wrk.format(), {self.pipeline}) end",
                "request = function() return all end",
            ]
        return "\n".join(lines) + "\n"


def _read_body(folder: str, body: bytes) -> str:
    """Put a body, which may be large, into a file, and return the line of Lua that reads it."""
    path = os.path.join(folder, "body")
    with open(path, "wb") as file:
        file.write(body)
    return f'wrk.body = assert(io.open({_lua(path)}, "rb")):read("*a")\n'


def _lua(text: str) -> str:
    return '"' + "".join(char if char.isalnum() else f"\\{ord(char):03d}" for char in text) + '"'


def _parse(output: str, details: dict[str, float]) -> Sample:
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    if rate is None or float(rate[1]) == 0:
        raise BenchmarkError(f"wrk counted no answer:\n{output}")
    if wrong := re.search(r"Non-2xx or 3xx responses: (\d+)", output):
        raise BenchmarkError(f"{wrong[1]} answers told of an error")
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    if errors and any(int(count) for count in errors.groups()):
        raise BenchmarkError(errors[0])
    for percent in ("50", "99"):
        found = re.search(rf"^\s+{percent}%\s+([0-9.]+)(us|ms|s)$", output, re.MULTILINE)
        # It gives 0 where it could not tell, as with pipelines.
        if found and float(found[1]):
            details[f"p{percent} ms"] = float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
    return Sample(float(rate[1]), details)
