"""The load of what is sent back: ours, on bare sockets, with messages that were made before."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from statistics import quantiles

from benchmarks.cores import LOAD_CORES, SERVER_CORE, Busy
from benchmarks.errors import BenchmarkError
from benchmarks.load import Sample

__all__ = ["SECONDS", "exchange", "watch"]

#: Who answers nothing for so long answers no more.
SECONDS = 10.0


def exchange(connections: Iterable[socket.socket], sent: bytes, back: bytes, seconds: float) -> Sample:
    """Send on each connection as soon as the last answer is there, and return the answers per second.

    Args:
        connections: which.
        sent: what is sent, again and again.
        back: what has to come each time.
        seconds: for how long.

    Raises:
        BenchmarkError: something else came, or nothing.
    """
    with ExitStack() as ends:
        poll = ends.enter_context(select.epoll())
        sockets = watch(poll, connections)
        load, server = Busy(*LOAD_CORES), Busy(SERVER_CORE)
        waits = _exchange(poll, sockets, sent, back, seconds)
        details = {"load core idle": 1 - load.share(), "server core busy": server.share()}
    percentiles = quantiles(waits, n=100)
    details |= {"p50 ms": percentiles[49] * 1000, "p99 ms": percentiles[98] * 1000}
    return Sample(len(waits) / seconds, details)


def watch(poll: select.epoll, connections: Iterable[socket.socket]) -> dict[int, socket.socket]:
    """Have `poll` tell when there is something to read, and return the connections by their numbers."""
    sockets = {}
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Whoever is woken has something to read.
        connection.setblocking(False)
        sockets[connection.fileno()] = connection
        poll.register(connection, select.EPOLLIN)
    return sockets


def _exchange(
    poll: select.epoll, sockets: dict[int, socket.socket], sent: bytes, back: bytes, seconds: float
) -> list[float]:
    """Return how many seconds each answer took that came in time."""
    clock = time.perf_counter
    waits: list[float] = []
    parts: dict[int, bytes] = {}
    began = {}
    # One more than there may be.
    most = len(back) + 1
    end = clock() + seconds
    for number, connection in sockets.items():
        began[number] = clock()
        _send(connection, sent)
    while (now := clock()) < end:
        events = poll.poll(SECONDS)
        if not events:
            raise BenchmarkError(f"nothing came back for {SECONDS:.0f} s")
        for number, _ in events:
            connection = sockets[number]
            piece = connection.recv(most)
            received = parts.pop(number, b"") + piece
            if received != back:
                if len(received) >= len(back) or not back.startswith(received) or not piece:
                    raise BenchmarkError(f"{received[:100]!r} came back, not {back[:100]!r}")
                parts[number] = received
                continue
            now = clock()
            waits.append(now - began[number])
            began[number] = now
            _send(connection, sent)
    return waits


def _send(connection: socket.socket, sent: bytes) -> None:
    """Send all of it, if need be at the pace at which it is taken."""
    done = connection.send(sent)
    if done < len(sent):
        connection.settimeout(SECONDS)
        connection.sendall(memoryview(sent)[done:])
        connection.setblocking(False)
