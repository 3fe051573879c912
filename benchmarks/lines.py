"""A load of lines for servers that send them back."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.exchange import SECONDS, exchange
from benchmarks.load import Sample

__all__ = ["LINE", "Lines"]

#: 32 bytes with its end.
LINE = b"a line of 32 bytes, sent around\n"


@dataclass(frozen=True, slots=True)
class Lines:
    """How much load: each connection sends its next line when the last one is back.

    Args:
        connections: how many at once.
    """

    connections: int = 64

    def run(self, port: int, seconds: float) -> Sample:
        """Send lines for some seconds, and return how many came back per second.

        Raises:
            BenchmarkError: something else came back, or nothing.
        """
        with ExitStack() as ends:
            sockets = [
                ends.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
                for _ in range(self.connections)
            ]
            return exchange(sockets, LINE, LINE, seconds)
