"""What a WebSocket costs on which nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.idle import allow_descriptors
from benchmarks.load import Sample
from benchmarks.peers import Peer
from benchmarks.setup import Setup
from benchmarks.socket_workload import WARM_UP_SECONDS, module
from benchmarks.sockets_load import opened
from benchmarks.turns import take_turns
from benchmarks.workloads.websocket import LOAD

IDLE = 5000


@dataclass(frozen=True, slots=True)
class IdleSockets:
    """How much a server grows by connections that have each sent a message and got it back."""

    name: str = "websocket_idle"
    title: str = f"memory of a connection, {IDLE:,} of them idle"
    unit: str = "kB each"
    more_is_better: bool = False

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each peer that takes part, in turns."""
        allow_descriptors(IDLE)
        return take_turns(self.name, setup, lambda peer: self._measure(setup, peer))

    def _measure(self, setup: Setup, peer: Peer) -> Sample:
        message = LOAD.message
        with setup.serve(peer, self.name, module=module(peer)) as server:
            # What is made once is there before.
            LOAD.run(server.port, WARM_UP_SECONDS)
            before = server.memory()
            with opened(server.port, "/echo", IDLE) as sockets:
                for connection in sockets:
                    message.exchange(connection)
                grown = server.memory() - before
                # They are all still there.
                for connection in sockets:
                    message.exchange(connection)
        return Sample(grown / 1000 / IDLE, {})


WORKLOAD = IdleSockets()
