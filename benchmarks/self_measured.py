"""A workload of programs that do something as often as they can, count, and say how often: no servers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.cores import LOAD_CORES, SERVER_CORE, Busy
from benchmarks.environment import ROOT, Environment
from benchmarks.errors import BenchmarkError
from benchmarks.load import Sample
from benchmarks.peers import Peer
from benchmarks.setup import Setup
from benchmarks.surroundings import nothing
from benchmarks.turns import take_turns

__all__ = ["SelfMeasured"]

#: Beside the time that it is to measure.
SECONDS = 60


@dataclass(frozen=True, slots=True)
class SelfMeasured:
    """A workload of one program for each peer, or one for all.

    Args:
        name: what it is called on the command line; peers name it among their `WORKLOADS`.
        title: what it is, in a line.
        unit: what the values are.
        module: the program; `{key}` in it stands for the peer's. See `benchmarks.program` for what it gets and
            what it prints.
        needs: what has to run or be there meanwhile; gives further arguments for the program.
    """

    name: str
    title: str
    unit: str
    module: str
    needs: Callable[[], AbstractContextManager[Sequence[str]]] = nothing
    more_is_better: bool = True

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Have each peer that takes part measure itself on the server's core, in turns."""
        with self.needs() as more:
            return take_turns(self.name, setup, lambda peer: self._measure(setup, peer, more))

    def _measure(self, setup: Setup, peer: Peer, more: Sequence[str]) -> Sample:
        command = ["taskset", "-c", str(SERVER_CORE), Environment(peer.key).python]
        command += ["-m", self.module.format(key=peer.key), "--workload", self.name, "--peer", peer.key]
        command += ["--seconds", str(setup.seconds), *more]
        load = Busy(*LOAD_CORES)
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd=ROOT,
                timeout=setup.seconds + SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise BenchmarkError(f"{peer.name} does not end") from error
        if done.returncode:
            raise BenchmarkError(f"{peer.name} failed:\n{done.stderr[-4000:]}")
        outcome = json.loads(done.stdout.splitlines()[-1])
        details = {"load core idle": 1 - load.share()} if more else {}
        return Sample(outcome["value"], details | outcome["details"])
