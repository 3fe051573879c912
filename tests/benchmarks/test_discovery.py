"""Peers and workloads are found by being there, and fit each other."""

from __future__ import annotations

from benchmarks.peer_workload import PeerWorkload
from benchmarks.peers import find_peers
from benchmarks.workloads import find_workloads


def test_this_project_is_the_first_peer() -> None:
    peers = find_peers()
    assert peers[0].key == "framework"
    assert {"Tornado", "aiohttp", "the limit"} <= {peer.name for peer in peers}
    assert len({peer.name for peer in peers}) == len(peers)


def test_workloads_and_peers_know_each_other() -> None:
    workloads = find_workloads()
    asked = {name for name, workload in workloads.items() if isinstance(workload, PeerWorkload)}
    named = {name for peer in find_peers() for name in peer.workloads}
    assert asked <= named <= set(workloads)
    assert asked <= set(find_peers()[0].workloads)


def test_a_peer_is_read_without_what_it_imports() -> None:
    (granian,) = [peer for peer in find_peers() if peer.key == "granian"]
    assert granian.module == "benchmarks.peers.granian"
    assert "granian" in granian.requirements
    assert "hello" in granian.workloads
