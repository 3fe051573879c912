"""This project answers what each workload expects of a peer."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.lines import Lines
from benchmarks.peer_workload import PeerWorkload
from benchmarks.server import Server, free_port
from benchmarks.setup import static_files
from benchmarks.surroundings import nothing
from benchmarks.workloads import find_workloads

ALL = [workload for workload in find_workloads().values() if isinstance(workload, PeerWorkload)]


def serve(workload: str, more: Sequence[str] = ()) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.framework", "--port", str(port)]
    return Server([*command, "--workload", workload, "--static", static_files(), *more], port, core=None)


def test_workloads_that_need_nothing_more() -> None:
    with serve("routes") as server:
        for workload in ALL:
            if workload.needs is nothing and workload.name != "routes_10":
                workload._checked("framework", server)


def test_workloads_that_have_something_run_beside_them() -> None:
    needy = [workload for workload in ALL if workload.needs is not nothing]
    assert {"session", "tls"} <= {workload.name for workload in needy}
    for workload in needy:
        with workload.needs() as more, serve(workload.name, more) as server:
            workload._checked("framework", server)


def test_lines_are_sent_back() -> None:
    port = free_port()
    with Server([sys.executable, "-m", "benchmarks.echoes.framework", "--port", str(port)], port, core=None):
        assert Lines(connections=3).run(port, 0.1).value > 0
