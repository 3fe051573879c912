"""Measures: `python -m benchmarks hello json`, or everything without a name."""

from __future__ import annotations

import argparse
import sys

from benchmarks.cores import LOAD_CORE, SERVER_CORE, pin
from benchmarks.environment import Environment
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Machine
from benchmarks.peers import find_peers
from benchmarks.report import Report, Series
from benchmarks.setup import Setup
from benchmarks.workloads import Workload, find_workloads


def main() -> int:
    """Read the command line, measure, print and save."""
    workloads = find_workloads()
    peers = find_peers()
    arguments = _arguments(list(workloads), [peer.key for peer in peers])
    if arguments.list:
        for workload in workloads.values():
            print(f"{workload.name:14} {workload.title}")
        return 0
    chosen = [peer for peer in peers if not arguments.peers or peer.key in arguments.peers]
    if SERVER_CORE == LOAD_CORE:
        print("only one core: server and load share it, and the figures are worth little", file=sys.stderr)
    pin(LOAD_CORE)
    environment = Environment()
    try:
        requirements = [requirement for peer in chosen for requirement in peer.requirements]
        environment.install(requirements)
        setup = Setup(chosen, environment, arguments.rounds, arguments.seconds)
        machine = Machine.this(environment.versions(requirements))
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    failed = []
    for name in arguments.workloads or list(workloads):
        try:
            _measure(workloads[name], setup, machine)
        except BenchmarkError as error:
            print(f"\n{name}: {error}\n", file=sys.stderr)
            failed.append(name)
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(workload: Workload, setup: Setup, machine: Machine) -> None:
    series = [Series(name, samples) for name, samples in workload.measure(setup).items()]
    report = Report(workload.name, workload.title, workload.unit, workload.more_is_better, series, machine)
    print(f"\n{report.table()}\n", flush=True)
    report.save()


def _arguments(workloads: list[str], peers: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"one of: {', '.join(workloads)}")
    parser.add_argument("--list", action="store_true", help="say what the workloads are")
    parser.add_argument("--peers", nargs="+", choices=peers, metavar="PEER", help=f"of: {', '.join(peers)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each peer is measured (5)")
    parser.add_argument("--seconds", type=int, default=3, help="how long each time (3)")
    arguments = parser.parse_args()
    for name in arguments.workloads:
        if name not in workloads:
            parser.error(f"there is no workload {name}; there are: {', '.join(workloads)}")
    if arguments.rounds < 1 or arguments.seconds < 1:
        parser.error("at least one round of one second")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
