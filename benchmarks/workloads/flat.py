"""What a request costs does not grow: with routes, with connections, with what a process has served before.

This project alone. Two processes of it at a time, measured alternately; the values are the ratios of their
costs, where 1 is flat and 1.1 the most that is all right.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError
from benchmarks.idle import Idle, allow_descriptors
from benchmarks.load import Load, Request, Sample
from benchmarks.peer_workload import WARM_UP_SECONDS
from benchmarks.peers import Peer
from benchmarks.samples import FEW_ROUTES, ROUTES, route
from benchmarks.server import Server
from benchmarks.setup import Setup

FEW_IDLE = 10
MANY_IDLE = 10_000
HELLO = Request("/hello")
LOAD = Load(connections=64)
#: At a time, while a process is made to serve many requests.
BLOCK_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Flat:
    """Ratios of processor time per request, and of memory."""

    name: str = "flat"
    title: str = "cost with many to cost with few: processor time per request, and memory"
    unit: str = "many / few"
    more_is_better: bool = False

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each pair `setup.rounds` times."""
        peer = next((peer for peer in setup.peers if peer.key == "framework"), None)
        if peer is None:
            raise BenchmarkError("this measures framework alone, which is not among the chosen peers")
        routes = f"{ROUTES:,} routes to {FEW_ROUTES}"
        connections = f"{MANY_IDLE:,} idle connections to {FEW_IDLE}"
        return {
            routes: _routes(setup, peer),
            connections: _connections(setup, peer),
            **_served(setup, peer),
        }


WORKLOAD = Flat()


def _routes(setup: Setup, peer: Peer) -> list[Sample]:
    with setup.serve(peer, "routes_10") as few, setup.serve(peer, "routes") as many:
        requests = [(few, Request(route(FEW_ROUTES - 1) + "7")), (many, Request(route(ROUTES - 1) + "7"))]
        for server, request in requests:
            LOAD.run(server.port, request, WARM_UP_SECONDS)
        samples = []
        for number in range(setup.rounds):
            _tell("routes", number)
            samples.append(_ratio(*[_cost(server, request, setup) for server, request in requests]))
        return samples


def _connections(setup: Setup, peer: Peer) -> list[Sample]:
    allow_descriptors(MANY_IDLE)
    with ExitStack() as ends:
        servers = [ends.enter_context(setup.serve(peer, "connections")) for _ in range(2)]
        idle = [
            ends.enter_context(Idle(server.port, count, HELLO))
            for server, count in zip(servers, (FEW_IDLE, MANY_IDLE), strict=True)
        ]
        for server in servers:
            LOAD.run(server.port, HELLO, WARM_UP_SECONDS)
        samples = []
        for number in range(setup.rounds):
            _tell("connections", number)
            samples.append(_ratio(*[_cost(server, HELLO, setup) for server in servers]))
        for connections in idle:
            connections.check()
        return samples


def _served(setup: Setup, peer: Peer) -> dict[str, list[Sample]]:
    """Compare a process that has served many requests with fresh ones."""
    speed, memory = [], []
    with setup.serve(peer, "hello") as old:
        served = _serve_many(old, setup.requests)
        for number in range(setup.rounds):
            _tell("requests served", number)
            with setup.serve(peer, "hello") as fresh:
                LOAD.run(fresh.port, HELLO, WARM_UP_SECONDS)
                costs = [_cost(server, HELLO, setup) for server in (fresh, old)]
                sizes = [server.memory() / 1e6 for server in (fresh, old)]
            speed.append(_ratio(*costs))
            memory.append(Sample(sizes[1] / sizes[0], {"few MB": sizes[0], "many MB": sizes[1]}))
    name = f"{served / 1e6:.1f} million requests served to none"
    return {f"{name}, speed": speed, f"{name}, memory": memory}


def _serve_many(server: Server, requests: int) -> int:
    served = 0
    while served < requests:
        print(f"flat: {served:,} of {requests:,} requests served", file=sys.stderr)
        served += round(LOAD.run(server.port, HELLO, BLOCK_SECONDS).value * BLOCK_SECONDS)
    return served


def _cost(server: Server, request: Request, setup: Setup) -> Sample:
    """Return microseconds of processor time per request, with the rate."""
    before = server.cpu_seconds()
    rate = LOAD.run(server.port, request, setup.seconds).value
    used = server.cpu_seconds() - before
    return Sample(used * 1e6 / (rate * setup.seconds), {"rate": rate})


def _ratio(few: Sample, many: Sample) -> Sample:
    details = {"few µs": few.value, "many µs": many.value}
    details |= {"few requests/s": few.details["rate"], "many requests/s": many.details["rate"]}
    return Sample(many.value / few.value, details)


def _tell(what: str, number: int) -> None:
    print(f"flat: {what}, round {number + 1}", file=sys.stderr)
