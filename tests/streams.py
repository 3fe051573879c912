"""Streams in tests: pairs of connected ends that are closed when the test is over, and waiting without a clock."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from framework.iostream import IOStream, StreamClosedError

__all__ = ["Ends", "closed_port", "ends", "real_error", "reset", "turns", "until"]


async def turns(count: int = 5) -> None:
    """Let the loop go round: what is there by now has been noticed then."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], Any]) -> None:
    """Let the loop go round until something is true."""
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


def closed_port() -> tuple[socket.socket, tuple[str, int]]:
    """A port that refuses connections for as long as the socket is open, and its address."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, taken.getsockname()


async def real_error(awaitable: Any) -> BaseException | None:
    """What closed the stream that a read or write fails on."""
    with pytest.raises(StreamClosedError, match="Stream is closed") as caught:
        await awaitable
    return caught.value.real_error


def reset(sock: socket.socket) -> None:
    """Close a TCP connection by breaking it off."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Ends:
    """Makes connections, and closes all of them in the end."""

    def __init__(self) -> None:
        self.opened: list[Any] = []

    def keep(self, *things: Any) -> Any:
        """Have something closed with the test."""
        self.opened.extend(things)
        return things[0] if len(things) == 1 else things

    def sockets(self) -> tuple[socket.socket, socket.socket]:
        """Two connected sockets, non-blocking."""
        first, second = socket.socketpair()
        first.setblocking(False)
        second.setblocking(False)
        self.keep(first, second)
        return first, second

    def stream(self, **options: Any) -> tuple[IOStream, socket.socket]:
        """A stream and the socket at its other end."""
        first, second = self.sockets()
        stream = IOStream(first, **options)
        self.keep(stream)
        return stream, second

    def streams(self, **options: Any) -> tuple[IOStream, IOStream]:
        """A stream at either end."""
        first, second = self.sockets()
        return self.keep(IOStream(first, **options), IOStream(second, **options))  # type: ignore[no-any-return]

    async def connection(self, **options: Any) -> tuple[IOStream, socket.socket]:
        """A stream by TCP, and the socket that was accepted for it."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            stream = IOStream(self.keep(socket.socket()), **options)
            self.keep(stream)
            connected = stream.connect(listening.getsockname())
            accepted, _ = listening.accept()
            self.keep(accepted)
            assert await connected is stream
        return stream, accepted

    def close(self) -> None:
        """Close all of them."""
        for thing in reversed(self.opened):
            thing.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Connections for a test."""
    made = Ends()
    yield made
    made.close()
