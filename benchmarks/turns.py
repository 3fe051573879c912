"""Peers take turns, so that what happens to the machine meanwhile happens to all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.errors import BenchmarkError
from benchmarks.load import Sample
from benchmarks.peers import Peer
from benchmarks.setup import Setup

__all__ = ["take_turns"]


def take_turns(workload: str, setup: Setup, measure: Callable[[Peer], Sample]) -> dict[str, list[Sample]]:
    """Measure each peer that takes part in a workload, one after the other, `setup.rounds` times.

    One that fails is left out from then on, and the reason kept.

    Raises:
        BenchmarkError: it is this project that fails.
    """
    peers = [peer for peer in setup.peers if workload in peer.workloads]
    series: dict[str, list[Sample]] = {peer.name: [] for peer in peers}
    for number in range(setup.rounds):
        for peer in list(peers):
            print(f"{workload}: round {number + 1}, {peer.name}", file=sys.stderr)
            try:
                series[peer.name].append(measure(peer))
            except BenchmarkError as error:
                setup.leave_out(peer, workload, error)
                peers.remove(peer)
                del series[peer.name]
    return series
