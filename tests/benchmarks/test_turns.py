"""Peers in turns."""

from __future__ import annotations

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.load import Sample
from benchmarks.peers import Peer
from benchmarks.setup import Setup
from benchmarks.turns import take_turns


def peer(key: str, *workloads: str) -> Peer:
    return Peer(key, f"benchmarks.peers.{key}", key.title(), (), frozenset(workloads))


OURS, OTHER, ABSENT = peer("framework", "hello"), peer("other", "hello"), peer("absent", "json")


def test_each_round_has_every_peer_that_takes_part_once() -> None:
    order: list[str] = []

    def measure(peer: Peer) -> Sample:
        order.append(peer.key)
        return Sample(len(order), {})

    series = take_turns("hello", Setup([OURS, OTHER, ABSENT], 2, 1), measure)
    assert order == ["framework", "other", "framework", "other"]
    assert {name: [sample.value for sample in samples] for name, samples in series.items()} == {
        "Framework": [1, 3],
        "Other": [2, 4],
    }


def test_a_peer_that_fails_is_left_out_with_its_reason() -> None:
    def measure(peer: Peer) -> Sample:
        if peer is OTHER:
            raise BenchmarkError("it does not listen\na log\nits last line")
        return Sample(1, {})

    setup = Setup([OURS, OTHER], 3, 1)
    assert list(take_turns("hello", setup, measure)) == ["Framework"]
    assert setup.left_out("hello") == {"Other": "it does not listen ... its last line"}


def test_without_this_project_there_is_no_measurement() -> None:
    def measure(peer: Peer) -> Sample:
        raise BenchmarkError("broken")

    with pytest.raises(BenchmarkError, match="broken"):
        take_turns("hello", Setup([OURS, OTHER], 1, 1), measure)
