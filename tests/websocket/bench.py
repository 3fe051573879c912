"""A connection on a transport without a network, and a handler that notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from framework.websocket import WebSocketProtocol13
from framework.websocket.base import Params
from framework.websocket.deflate import Deflate
from tests.fakes import FakeTransport

__all__ = ["Bench", "Handler", "gate", "turns"]

TOO_MUCH = 16 * 65536


class Handler:
    """Notes what it is told; ``answer`` is called with each message."""

    def __init__(self, answer: Callable[[Any], Awaitable[Any] | None] = lambda message: None) -> None:
        self.seen: list[Any] = []
        self.errors: list[BaseException | None] = []
        self.answer = answer

    def on_message(self, message: str | bytes) -> Awaitable[Any] | None:
        self.seen.append(message)
        return self.answer(message)

    def on_ping(self, data: bytes) -> None:
        self.seen.append(("ping", data))

    def on_pong(self, data: bytes) -> None:
        self.seen.append(("pong", data))

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        self.seen.append(("close", close_code, close_reason))

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.errors.append(value)


class Bench:
    """A connection, its handler and its transport."""

    def __init__(
        self,
        handler: Handler | None = None,
        client: bool = False,
        opening: Callable[[], Awaitable[Any] | None] = lambda: None,
        rest: bytes = b"",
        deflate: Deflate | None = None,
        ssl_object: object | None = None,
        **params: Any,
    ) -> None:
        self.handler = handler or Handler()
        self.connection = WebSocketProtocol13(self.handler, client, Params(**params))
        self.transport = FakeTransport(ssl_object=ssl_object)
        self.transport.before_look = self.connection.send_output
        self.connection.begin(self.transport, rest, opening, "chat", deflate)

    def feed(self, *frames: bytes) -> None:
        """Delivers bytes in one piece."""
        self.transport.feed(b"".join(frames))

    def take(self) -> bytes:
        """What was written since the last look."""
        return self.transport.take()

    def ping_deadline(self) -> None:
        """The time of the next ping, or of its answer, has come."""
        pinger = self.connection._pinger
        assert pinger is not None
        pinger.deadline_passed()

    def lose(self) -> None:
        """The transport is gone."""
        self.connection.connection_lost(None)

    def flood(self, *, until: int = TOO_MUCH) -> None:
        """The peer reads nothing, and so much is written to it."""
        self.transport.choke()
        while self.transport.get_write_buffer_size() <= until:
            self.connection.write_message(b"x" * 65536, binary=True)
            self.connection.send_output()

    @property
    def seen(self) -> list[Any]:
        """What the handler was told."""
        return self.handler.seen


def gate() -> asyncio.Future[None]:
    """Something to wait for."""
    return asyncio.get_running_loop().create_future()


async def turns(count: int = 5) -> None:
    """Lets the loop go on."""
    for _ in range(count):
        await asyncio.sleep(0)
