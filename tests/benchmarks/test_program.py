"""Programs that measure themselves."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from benchmarks import program
from benchmarks.environment import ROOT, Environment
from benchmarks.errors import BenchmarkError
from benchmarks.peers import Peer
from benchmarks.program import CONCURRENCY, fetch_on_and_on
from benchmarks.self_measured import SelfMeasured
from benchmarks.setup import Setup

PEER = Peer("framework", "", "this", (), frozenset({"queue", "broken"}))


@pytest.mark.parametrize("workload", ["queue", "lock"])
@pytest.mark.parametrize("peer", ["framework", "asyncio"])
def test_queues_and_locks_are_measured(workload: str, peer: str) -> None:
    command = [sys.executable, "-m", "benchmarks.waiting", "--workload", workload, "--peer", peer]
    done = subprocess.run(
        [*command, "--seconds", "0.01"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    outcome = json.loads(done.stdout)
    assert outcome["value"] > 0
    assert set(outcome["details"]) == {"CPU µs each", "memory MB"}


class Fetches:
    """Instead of a client: counts how many are under way, and gives these bodies in turn."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)
        self.now = self.most = 0

    async def __call__(self, url: str) -> bytes:
        assert url == "http://127.0.0.1/1k.txt"
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]


@pytest.fixture
def short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["--workload", "client", "--peer", "x", "--seconds", "0.01", "--url", "http://127.0.0.1/1k.txt"]
    monkeypatch.setattr(sys, "argv", ["client", *given])
    monkeypatch.setattr(program, "WARM_UP_SECONDS", 0.01)


async def test_64_fetches_are_under_way_at_a_time(
    short_run: None, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch = Fetches(b"x" * 1000)
    await fetch_on_and_on(fetch)
    assert fetch.most == CONCURRENCY == 64
    assert json.loads(capsys.readouterr().out)["value"] > 0


@pytest.mark.parametrize(
    ("bodies", "message"),
    [([b"short"], "has 5 bytes, not 1000"), ([b"x" * 1000, b"y" * 1000], "another body came")],
)
async def test_wrong_bodies_are_not_counted(short_run: None, bodies: list[bytes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        await fetch_on_and_on(Fetches(*bodies))


@pytest.fixture
def this_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the peer's environment be the one that the tests run in."""

    def init(self: Environment, name: str) -> None:
        self.python = sys.executable

    monkeypatch.setattr(Environment, "__init__", init)


def test_what_a_program_prints_is_the_sample(this_interpreter: None) -> None:
    workload = SelfMeasured("queue", "", "items/s", "benchmarks.waiting")
    (sample,) = workload.measure(Setup([PEER], 1, 1))["this"]
    assert sample.value > 0
    assert sample.details["CPU µs each"] > 0


def test_why_a_program_failed_is_told(this_interpreter: None) -> None:
    workload = SelfMeasured("broken", "", "items/s", "benchmarks.clients.no_such_{key}")
    with pytest.raises(BenchmarkError, match=r"(?s)this failed.*no_such_framework"):
        workload.measure(Setup([PEER], 1, 1))
