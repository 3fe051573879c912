"""A load of WebSockets for each peer in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from benchmarks.errors import BenchmarkError
from benchmarks.idle import allow_descriptors
from benchmarks.load import Sample
from benchmarks.peers import Peer
from benchmarks.setup import Setup
from benchmarks.turns import take_turns

__all__ = ["SocketWorkload", "module"]

WARM_UP_SECONDS = 0.5


class SocketLoad(Protocol):
    """What brings the load, and checks all that comes."""

    @property
    def connections(self) -> int:
        """How many at once."""

    def run(self, port: int, seconds: float) -> Sample:
        """Return how many messages came per second."""


def module(peer: Peer) -> str:
    """Return the module that is the peer's server of WebSockets."""
    return f"benchmarks.sockets.{peer.key}"


@dataclass(frozen=True, slots=True)
class SocketWorkload:
    """The servers are in `benchmarks.sockets`.

    Args:
        name: what it is called on the command line; peers name it among their `WORKLOADS`.
        title: what it is, in a line.
        load: what is sent, and by how many.
    """

    name: str
    title: str
    load: SocketLoad
    unit: str = "messages/s"
    more_is_better: bool = True

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each peer that takes part, in turns."""
        allow_descriptors(self.load.connections)
        return take_turns(self.name, setup, lambda peer: self._measure(setup, peer))

    def _measure(self, setup: Setup, peer: Peer) -> Sample:
        with setup.serve(peer, self.name, module=module(peer)) as server:
            try:
                self.load.run(server.port, WARM_UP_SECONDS)
                before = server.cpu_seconds()
                sample = self.load.run(server.port, setup.seconds)
            except (BenchmarkError, OSError) as error:
                raise BenchmarkError(f"{error}\n{server.log()}") from error
            used = server.cpu_seconds() - before
            sample.details["CPU µs/message"] = used * 1e6 / (sample.value * setup.seconds)
            sample.details["memory MB"] = server.memory() / 1e6
            return sample
