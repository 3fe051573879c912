"""How long a process takes until it answers."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

from benchmarks.ask import ask
from benchmarks.cores import SERVER_CORE
from benchmarks.environment import ROOT, Environment
from benchmarks.errors import BenchmarkError
from benchmarks.load import Request, Sample
from benchmarks.peers import Peer
from benchmarks.setup import Setup
from benchmarks.turns import take_turns

REQUEST = Request("/hello")
#: Each time takes a moment only.
STARTS = 5

_IMPORT = """
import time
began = time.perf_counter()
import {module}
print(time.perf_counter() - began)
"""


@dataclass(frozen=True, slots=True)
class Startup:
    """From the start of the process to its first answer; and the import of what an application needs."""

    name: str = "startup"
    title: str = "from the start of a process to its first answer"
    unit: str = "ms"
    more_is_better: bool = False

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each peer that takes part, in turns."""
        return take_turns(self.name, setup, lambda peer: self._measure(setup, peer))

    def _measure(self, setup: Setup, peer: Peer) -> Sample:
        # The first may have to compile modules and to read the disk.
        self._start(setup, peer)
        times = sorted(self._start(setup, peer) for _ in range(STARTS))
        details = {"least ms": times[0]}
        if peer.imports:
            details["import ms"] = sorted(_import(peer) for _ in range(STARTS))[STARTS // 2]
        return Sample(times[STARTS // 2], details)

    def _start(self, setup: Setup, peer: Peer) -> float:
        began = time.perf_counter()
        with setup.serve(peer, self.name) as server:
            answer, _ = ask(server.port, REQUEST)
            lasted = time.perf_counter() - began
            if answer.status != 200:
                raise BenchmarkError(f"{peer.name} answers {answer.status}")
        return lasted * 1000


WORKLOAD = Startup()


def _import(peer: Peer) -> float:
    """Return the milliseconds that importing takes in a fresh process, without the interpreter's start."""
    command = ["taskset", "-c", str(SERVER_CORE), Environment(peer.key).python, "-c"]
    command.append(_IMPORT.format(module=peer.imports))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise BenchmarkError(f"{peer.name}: importing {peer.imports} failed: {done.stderr}")
    return float(done.stdout) * 1000
