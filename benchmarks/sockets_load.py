"""The load of WebSockets: messages that come back, and messages that go to everybody."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.cores import LOAD_CORES, SERVER_CORE, Busy
from benchmarks.errors import BenchmarkError
from benchmarks.exchange import SECONDS, exchange, watch
from benchmarks.idle import connect
from benchmarks.load import Sample
from benchmarks.websocket import Message, join

__all__ = ["Everybody", "Messages", "opened"]


@contextmanager
def opened(port: int, path: str, count: int) -> Iterator[list[socket.socket]]:
    """Open WebSockets, and close them in the end.

    Raises:
        BenchmarkError: one could not be opened.
    """
    with ExitStack() as ends:
        sockets = []
        for number in range(count):
            connection = ends.enter_context(socket.socket())
            try:
                connect(connection, port, number)
                join(connection, path)
            except OSError as error:
                raise BenchmarkError(f"connection {number + 1:,} of {count:,}: {error}") from error
            sockets.append(connection)
        yield sockets


@dataclass(frozen=True, slots=True)
class Messages:
    """How much load: each connection sends its message again when it is back.

    Args:
        message: what is sent to `/echo`.
        connections: how many at once.
    """

    message: Message
    connections: int = 64

    def run(self, port: int, seconds: float) -> Sample:
        """Return how many messages came back per second.

        Raises:
            BenchmarkError: something else came back, or nothing.
        """
        with opened(port, "/echo", self.connections) as sockets:
            return exchange(sockets, self.message.sent, self.message.back, seconds)


@dataclass(frozen=True, slots=True)
class Everybody:
    """How much load: one connection sends its message again when all have got it.

    Args:
        message: what is sent to `/everybody`, and comes to everybody there, who sent it too.
        connections: how many these are.
    """

    message: Message
    connections: int = 1000

    def run(self, port: int, seconds: float) -> Sample:
        """Return how many messages were delivered per second.

        Raises:
            BenchmarkError: something else came, or nothing.
        """
        with opened(port, "/everybody", self.connections) as sockets, select.epoll() as poll:
            members = watch(poll, sockets)
            load, server = Busy(*LOAD_CORES), Busy(SERVER_CORE)
            rounds, lasted = self._rounds(poll, members, seconds)
            details = {"load core idle": 1 - load.share(), "server core busy": server.share()}
        details["ms to all"] = lasted * 1000 / rounds
        return Sample(rounds * self.connections / lasted, details)

    def _rounds(
        self, poll: select.epoll, members: dict[int, socket.socket], seconds: float
    ) -> tuple[int, float]:
        sent, back = self.message.sent, self.message.back
        most = len(back) + 1
        speaker = next(iter(members.values()))
        rounds = 0
        began = now = time.perf_counter()
        while now < began + seconds:
            speaker.send(sent)
            waiting = len(members)
            while waiting:
                events = poll.poll(SECONDS, waiting)
                if not events:
                    raise BenchmarkError(f"{waiting} of {len(members)} got nothing for {SECONDS:.0f} s")
                for number, _ in events:
                    # It is so short that it never comes in pieces.
                    received = members[number].recv(most)
                    if received != back:
                        raise BenchmarkError(f"{received!r} came, not {back!r}")
                waiting -= len(events)
            rounds += 1
            now = time.perf_counter()
        return rounds, now - began
