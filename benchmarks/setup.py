"""What a measurement is made with."""

from __future__ import annotations

import os
from dataclasses import dataclass

from benchmarks.environment import CACHE, Environment
from benchmarks.peers import Peer
from benchmarks.server import Server, free_port

__all__ = ["Setup"]

_FILES = {"1k.txt": 1000, "1m.txt": 1_000_000}


@dataclass(frozen=True, slots=True)
class Setup:
    """The peers that take part and how long they are measured.

    Args:
        peers: who takes part.
        environment: where they are installed.
        rounds: how often each is measured.
        seconds: how long each time.
    """

    peers: list[Peer]
    environment: Environment
    rounds: int
    seconds: int

    def serve(self, peer: Peer, workload: str) -> Server:
        """Return a server of a peer, to be entered."""
        port = free_port()
        command = [self.environment.python, "-m", peer.module, "--port", str(port)]
        command += ["--workload", workload, "--static", static_files()]
        return Server(command, port)


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
