"""A load of lines for servers that send them back: ours, on bare sockets, as nothing knows what we send."""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.cores import LOAD_CORES, SERVER_CORE, Busy
from benchmarks.errors import BenchmarkError
from benchmarks.load import Sample

__all__ = ["LINE", "Lines"]

#: 32 bytes with its end.
LINE = b"a line of 32 bytes, sent around\n"
_SECONDS = 10.0


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
            poll = ends.enter_context(select.epoll())
            sockets = {}
            for _ in range(self.connections):
                connection = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
                ends.enter_context(connection)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                # Whoever is woken has something to read.
                connection.setblocking(False)
                sockets[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
            load, server = Busy(*LOAD_CORES), Busy(SERVER_CORE)
            waits = _exchange(poll, sockets, seconds)
            details = {"load core idle": 1 - load.share(), "server core busy": server.share()}
        percentiles = quantiles(waits, n=100)
        details |= {"p50 ms": percentiles[49] * 1000, "p99 ms": percentiles[98] * 1000}
        return Sample(len(waits) / seconds, details)


def _exchange(poll: select.epoll, sockets: dict[int, socket.socket], seconds: float) -> list[float]:
    """Return how many seconds each line took that came back in time."""
    clock = time.perf_counter
    waits: list[float] = []
    parts: dict[int, bytes] = {}
    sent = {}
    end = clock() + seconds
    for number, connection in sockets.items():
        sent[number] = clock()
        connection.send(LINE)
    while (now := clock()) < end:
        events = poll.poll(_SECONDS)
        if not events:
            raise BenchmarkError(f"nothing came back for {_SECONDS:.0f} s")
        for number, _ in events:
            connection = sockets[number]
            received = parts.pop(number, b"") + connection.recv(4096)
            if received != LINE:
                if len(received) >= len(LINE) or not LINE.startswith(received) or not received:
                    raise BenchmarkError(f"{received!r} came back, not {LINE!r}")
                parts[number] = received
                continue
            now = clock()
            waits.append(now - sent[number])
            sent[number] = now
            connection.send(LINE)
    return waits
