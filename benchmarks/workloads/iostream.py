"""Streams without HTTP: lines that are sent back."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.lines import LINE, Lines
from benchmarks.load import Sample
from benchmarks.peers import Peer
from benchmarks.setup import Setup
from benchmarks.turns import take_turns

LOAD = Lines()
WARM_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class IOStreamWorkload:
    """The servers are in `benchmarks.echoes`."""

    name: str = "iostream"
    title: str = f"lines of {len(LINE)} bytes sent back, {LOAD.connections} connections"
    unit: str = "lines/s"
    more_is_better: bool = True

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each peer that takes part, in turns."""
        return take_turns(self.name, setup, lambda peer: self._measure(setup, peer))

    def _measure(self, setup: Setup, peer: Peer) -> Sample:
        with setup.serve(peer, self.name, module=f"benchmarks.echoes.{peer.key}") as server:
            LOAD.run(server.port, WARM_UP_SECONDS)
            before = server.cpu_seconds()
            sample = LOAD.run(server.port, setup.seconds)
            used = server.cpu_seconds() - before
            sample.details["CPU µs/line"] = used * 1e6 / (sample.value * setup.seconds)
            sample.details["memory MB"] = server.memory() / 1e6
            return sample


WORKLOAD = IOStreamWorkload()
