"""Measures: `python -m benchmarks hello json`, or everything without a name."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import Any

from benchmarks import aims
from benchmarks.cores import LOAD_CORE, SERVER_CORE, pin
from benchmarks.environment import ROOT, Environment
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Machine
from benchmarks.peers import find_peers
from benchmarks.report import RESULTS, Report, Series
from benchmarks.setup import MANY_REQUESTS, Setup
from benchmarks.workloads import Workload, find_workloads

#: What draws the charts: in an environment of its own, as the peers are.
CHART_REQUIREMENTS = ("matplotlib",)


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
    # Modules are compiled once, as they are for those who install them; `startup` would measure that.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        setup = Setup.install(
            chosen, arguments.rounds, arguments.seconds, arguments.upgrade, arguments.requests
        )
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    machine = Machine.this()
    results: list[dict[str, Any]] = []
    failed = []
    for name in arguments.workloads or list(workloads):
        try:
            results.append(_measure(workloads[name], setup, machine))
        except BenchmarkError as error:
            print(f"\n{name}: {error}\n", file=sys.stderr)
            failed.append(name)
    _draw()
    print(f"{aims.table(results)}\n")
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(workload: Workload, setup: Setup, machine: Machine) -> dict[str, Any]:
    """Measure, print and save; return what was saved."""
    series = [Series(name, samples) for name, samples in workload.measure(setup).items()]
    if not series:
        raise BenchmarkError("none of the chosen peers takes part")
    report = Report(
        workload.name,
        workload.title,
        workload.unit,
        workload.more_is_better,
        series,
        machine,
        setup.versions(workload.name),
        setup.remarks(workload.name),
        setup.left_out(workload.name),
    )
    print(f"\n{report.table()}\n", flush=True)
    report.save()
    return report.values()


def _draw() -> None:
    """Draw all results that are there, also of earlier runs; without matplotlib there are no charts."""
    environment = Environment("chart")
    try:
        environment.install(CHART_REQUIREMENTS)
    except BenchmarkError as error:
        print(f"no charts: {error}", file=sys.stderr)
        return
    subprocess.run([environment.python, "-m", "benchmarks.chart", RESULTS], cwd=ROOT, check=False)


def _arguments(workloads: list[str], peers: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"one of: {', '.join(workloads)}")
    parser.add_argument("--list", action="store_true", help="say what the workloads are")
    parser.add_argument("--peers", nargs="+", choices=peers, metavar="PEER", help=f"of: {', '.join(peers)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each peer is measured (5)")
    parser.add_argument("--seconds", type=int, default=3, help="how long each time (3)")
    parser.add_argument("--upgrade", action="store_true", help="install newer releases of the peers first")
    help = f"how many `flat` has one process serve before it is compared with a fresh one ({MANY_REQUESTS})"
    parser.add_argument("--requests", type=int, default=MANY_REQUESTS, help=help)
    arguments = parser.parse_args()
    for name in arguments.workloads:
        if name not in workloads:
            parser.error(f"there is no workload {name}; there are: {', '.join(workloads)}")
    if arguments.rounds < 1 or arguments.seconds < 1:
        parser.error("at least one round of one second")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
