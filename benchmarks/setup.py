"""What a measurement is made with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from benchmarks.environment import CACHE, Environment
from benchmarks.errors import BenchmarkError
from benchmarks.peers import Peer
from benchmarks.server import Server, free_port

__all__ = ["MANY_REQUESTS", "Setup", "static_files"]

MANY_REQUESTS = 1_000_000

_FILES = {"1k.txt": 1000, "1m.txt": 1_000_000}
#: The peer without which there is nothing to compare.
_FIRST = "framework"


@dataclass(frozen=True, slots=True)
class Setup:
    """The peers that take part and how long they are measured.

    Args:
        peers: who takes part.
        rounds: how often each is measured.
        seconds: how long each time.
        requests: how many a process is made to serve that is compared with a fresh one.
    """

    peers: list[Peer]
    rounds: int
    seconds: int
    requests: int = MANY_REQUESTS
    _reasons: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def install(
        cls,
        peers: Iterable[Peer],
        rounds: int,
        seconds: int,
        upgrade: bool = False,
        requests: int = MANY_REQUESTS,
    ) -> Self:
        """Install the peers; one for which that fails is left out, with the reason.

        Raises:
            BenchmarkError: what this project itself needs could not be installed.
        """
        setup = cls(list(peers), rounds, seconds, requests)
        for peer in list(setup.peers):
            try:
                Environment(peer.key).install(peer.requirements, upgrade)
            except BenchmarkError as error:
                for workload in peer.workloads:
                    setup.leave_out(peer, workload, error)
                setup.peers.remove(peer)
        return setup

    def leave_out(self, peer: Peer, workload: str, error: BenchmarkError) -> None:
        """Go on without a peer that fails, and keep the reason for the report.

        Raises:
            BenchmarkError: the error, if it is this project that fails.
        """
        if peer.key == _FIRST:
            raise error
        print(f"{workload}: without {peer.name}: {error}", file=sys.stderr)
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # What failed; and the end of a traceback or a log, which says why.
        self._reasons[workload, peer.name] = " ... ".join(dict.fromkeys([lines[0], lines[-1]]))

    def left_out(self, workload: str) -> dict[str, str]:
        """Return why peers do not take part in a workload, by their names."""
        reasons = {peer.name: peer.without[workload] for peer in self.peers if workload in peer.without}
        return reasons | {name: reason for (of, name), reason in self._reasons.items() if of == workload}

    def command(self, peer: Peer, workload: str, port: int, module: str = "") -> list[str]:
        """Return the command line that starts a peer, or another `module` in its environment."""
        command = [Environment(peer.key).python, "-m", module or peer.module, "--port", str(port)]
        return [*command, "--workload", workload, "--static", static_files()]

    def serve(self, peer: Peer, workload: str, more: Sequence[str] = (), module: str = "") -> Server:
        """Return a server of a peer, to be entered.

        Args:
            peer: whose.
            workload: what for.
            more: further arguments.
            module: what to run instead of the peer's own module.
        """
        port = free_port()
        return Server([*self.command(peer, workload, port, module), *more], port)

    def versions(self, workload: str) -> dict[str, dict[str, str]]:
        """Return the versions of what the peers in a workload consist of, by the peers' names."""
        return {
            peer.name: Environment(peer.key).versions(peer.requirements)
            for peer in self.peers
            if workload in peer.workloads and (workload, peer.name) not in self._reasons
        }

    def remarks(self, workload: str) -> dict[str, str]:
        """Return what the figures of a workload's peers are to be read with, by the peers' names."""
        peers = [peer for peer in self.peers if workload in peer.workloads and peer.remark]
        return {peer.name: peer.remark for peer in peers}


def static_files() -> str:
    """Return a folder with files of known sizes."""
    folder = os.path.join(CACHE, "bench-static")
    os.makedirs(folder, exist_ok=True)
    for name, size in _FILES.items():
        path = os.path.join(folder, name)
        if not os.path.exists(path) or os.path.getsize(path) != size:
            with open(path, "wb") as file:
                file.write((b"0123456789abcdef" * (size // 16 + 1))[:size])
    return folder
