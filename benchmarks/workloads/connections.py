"""What a connection costs that is kept alive and asks for nothing, and those who do ask meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.idle import Idle, allow_descriptors
from benchmarks.load import Load, Request, Sample
from benchmarks.peer_workload import WARM_UP_SECONDS
from benchmarks.peers import Peer
from benchmarks.setup import Setup
from benchmarks.turns import take_turns

IDLE = 10_000
REQUEST = Request("/hello")
ACTIVE = Load(connections=64)


@dataclass(frozen=True, slots=True)
class Connections:
    """How much a server grows by 10,000 connections that have asked once, and how fast 64 others are served."""

    name: str = "connections"
    title: str = f"memory of a connection, {IDLE:,} of them idle; beside it, {ACTIVE.connections} active ones"
    unit: str = "kB each"
    more_is_better: bool = False

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each peer that takes part, in turns."""
        allow_descriptors(IDLE)
        return take_turns(self.name, setup, lambda peer: self._measure(setup, peer))

    def _measure(self, setup: Setup, peer: Peer) -> Sample:
        with setup.serve(peer, self.name) as server:
            # What is made once, and the memory that 64 busy connections take, is there before.
            ACTIVE.run(server.port, REQUEST, WARM_UP_SECONDS)
            before = server.memory()
            with Idle(server.port, IDLE, REQUEST) as idle:
                grown = server.memory() - before
                active = ACTIVE.run(server.port, REQUEST, setup.seconds)
                idle.check()
        return Sample(grown / 1000 / IDLE, {"requests/s": active.value, **active.details})


WORKLOAD = Connections()
