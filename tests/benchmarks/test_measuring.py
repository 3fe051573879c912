"""Whole measurements of this project, with one request instead of wrk's many: servers, turns and values."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import cores
from benchmarks.ask import ask
from benchmarks.environment import Environment
from benchmarks.errors import BenchmarkError
from benchmarks.lines import Lines
from benchmarks.load import Load, Request, Sample
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.peers import Peer, find_peers
from benchmarks.setup import Setup
from benchmarks.sockets_load import Everybody, Messages
from benchmarks.workloads import connections, find_workloads, flat, iostream, stack, startup, websocket_idle

WORKLOADS = find_workloads()


@pytest.fixture(autouse=True)
def one_request_as_load(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Ask once where wrk would ask again and again, and be satisfied with what it tells."""
    asked = []

    def run(self: Load, port: int, request: Request, seconds: int | None = None) -> Sample:
        answer, _ = ask(port, request, self.tls)
        assert answer.status == 200
        asked.append(request)
        return Sample(1000.0, {"p99 ms": 1.0, "load core idle": 0.5})

    monkeypatch.setattr(Load, "run", run)
    return asked


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Setup:
    """This project alone, one round, from the environment that the tests run in; on any core."""

    def init(self: Environment, name: str) -> None:
        self.python = sys.executable

    monkeypatch.setattr(Environment, "__init__", init)
    return Setup([peer for peer in find_peers() if peer.key == "framework"], 1, 1, requests=1)


def test_requests(setup: Setup, one_request_as_load: list[Request]) -> None:
    (sample,) = WORKLOADS["session"].measure(setup)["framework"]
    assert sample.value == 1000.0
    assert sample.details["memory MB"] > 1
    assert sample.details["CPU µs/request"] >= 0
    # To warm up, and to measure: with the cookie of the first answer.
    assert len(one_request_as_load) == 2
    assert all(request.headers["Cookie"].startswith("sid=") for request in one_request_as_load)


def test_an_answer_that_is_wrong_is_told(setup: Setup) -> None:
    wrong = PeerWorkload("hello", "", Request("/no-such-page"), Expected(b"Hello, world!"))
    with pytest.raises(BenchmarkError, match="framework answers 404 text/html, not 200 text/html"):
        wrong.measure(setup)


def test_connections(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE", 50)
    (sample,) = connections.WORKLOAD.measure(setup)["framework"]
    assert sample.value < 1000
    assert sample.details["requests/s"] == 1000.0


def test_startup(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "STARTS", 1)
    (sample,) = startup.WORKLOAD.measure(setup)["framework"]
    # Both are times of one process each: which of them is longer is for the benchmark to say.
    assert sample.details["import ms"] > 0
    assert sample.value > 0


def test_an_import_that_fails_is_told(setup: Setup) -> None:
    with pytest.raises(BenchmarkError, match=r"(?s)importing framework\.nowhere failed.*No module named"):
        startup._import(Peer("framework", "", "framework", (), frozenset(), imports="framework.nowhere"))


def test_flat(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "MANY_IDLE", 50)
    # Too little is done for the clock of processes, which has steps of 10 ms.
    monkeypatch.setattr(flat, "_cost", lambda server, request, setup: Sample(20.0, {"rate": 1000.0}))
    series = flat.WORKLOAD.measure(setup)
    assert [name.rpartition(", ")[2] for name in series][-2:] == ["speed", "memory"]
    assert len(series) == 4
    assert all(0.5 < sample.value < 2 for (sample,) in series.values())


def test_cost_is_processor_time_per_request(setup: Setup) -> None:
    with setup.serve(setup.peers[0], "hello") as server:
        sample = flat._cost(server, flat.HELLO, setup)
    assert sample.value >= 0
    assert sample.details == {"rate": 1000.0}


def test_lines(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Lines.run
    monkeypatch.setattr(Lines, "run", lambda self, port, seconds: run(self, port, 0.1))
    (sample,) = iostream.WORKLOAD.measure(setup)["framework"]
    assert sample.value > 0
    assert sample.details["memory MB"] > 1


@pytest.mark.parametrize(
    ("name", "load"),
    [("websocket", Messages), ("websocket_64k", Messages), ("websocket_broadcast", Everybody)],
)
def test_websockets(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, name: str, load: type[Messages | Everybody]
) -> None:
    run: Any = load.run
    monkeypatch.setattr(load, "run", lambda self, port, seconds: run(replace(self, connections=3), port, 0.1))
    (sample,) = WORKLOADS[name].measure(setup)["framework"]
    assert sample.value > 0
    assert sample.details["CPU µs/message"] >= 0
    assert sample.details["memory MB"] > 1


def test_idle_websockets(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_idle, "IDLE", 50)
    monkeypatch.setattr(websocket_idle, "WARM_UP_SECONDS", 0.1)
    (sample,) = websocket_idle.WORKLOAD.measure(setup)["framework"]
    assert sample.value < 1000


def test_the_stack(setup: Setup, one_request_as_load: list[Request], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "LOGINS", 2)
    pinned: list[int] = []
    monkeypatch.setattr(stack, "pin", pinned.append)
    series = stack.WORKLOAD.measure(setup)
    assert [request.path for request in one_request_as_load] == ["/isLogined"]
    assert list(series) == ["/isLogined", "/login"]
    (logins,) = series["/login"]
    assert logins.value > 1
    assert 0 < logins.details["live p99 ms"] <= logins.details["live greatest ms"]
    # What is measured next finds the load where it was.
    assert pinned == [cores.LOAD_CORE]
