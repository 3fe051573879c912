"""What a connection is to those who use it: its settings, whom it tells of what comes, and its public face."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, Protocol

from framework.websocket.deflate import Deflate, Parameters

__all__ = [
    "CLOSE",
    "DEFAULT_MAX_MESSAGE_SIZE",
    "DROP",
    "POLICIES",
    "WAIT",
    "Delegate",
    "Params",
    "WebSocketProtocol",
    "make_codec",
]

#: The largest message that is taken unless somebody says otherwise, in bytes.
DEFAULT_MAX_MESSAGE_SIZE: Final = 10 * 1024 * 1024

# What becomes of messages for a peer that doesn't read as fast as they are written.
WAIT: Final = "wait"
DROP: Final = "drop"
CLOSE: Final = "close"
POLICIES: Final = (WAIT, DROP, CLOSE)


class Params(NamedTuple):
    """How a connection behaves; see `WebSocketHandler` for what the fields mean. Seconds and bytes."""

    ping_interval: float | None = None
    ping_timeout: float | None = None
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE
    slow_reader: Literal["wait", "drop", "close"] = WAIT
    write_high_water: int = 65536
    max_write_buffer_size: int = 16 * 1024 * 1024
    close_timeout: float = 5.0


def make_codec(parameters: Parameters, client: bool, options: dict[str, Any]) -> Deflate:
    """A codec for what was agreed upon, with the options that `get_compression_options` returns."""
    return Deflate(
        parameters,
        client=client,
        compression_level=options.get("compression_level", 6),
        mem_level=options.get("mem_level", 8),
    )


class Delegate(Protocol):
    """Who is told of what comes over a connection. What a method returns is waited for before the next is called."""

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """A message has come."""

    def on_ping(self, data: bytes) -> None:
        """A ping has come, and been answered."""

    def on_pong(self, data: bytes) -> None:
        """A pong has come."""

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """The connection is over. Called once, and nothing after it. Code and reason are those the peer gave."""

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """One of the others has raised."""


class WebSocketProtocol:
    """A connection by some version of the protocol. There is one: `WebSocketProtocol13`."""

    __slots__ = ("handler",)

    handler: Any

    def __init__(self, handler: Any) -> None:
        self.handler = handler

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was agreed upon; None: none."""
        raise self._missing("selected_subprotocol")

    async def accept_connection(self, handler: Any) -> None:
        """Answers a server's handler's request, and takes its connection over."""
        raise self._missing("accept_connection")

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Sends a message."""
        raise self._missing("write_message")

    def write_ping(self, data: bytes) -> None:
        """Sends a ping."""
        raise self._missing("write_ping")

    def start_pinging(self) -> None:
        """Begins to send pings, and to look for the answers."""
        raise self._missing("start_pinging")

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begins the closing handshake."""
        raise self._missing("close")

    def is_closing(self) -> bool:
        """Whether no more can be written."""
        raise self._missing("is_closing")

    def on_connection_close(self) -> None:
        """The connection is gone without a word."""
        raise self._missing("on_connection_close")

    def set_nodelay(self, x: bool) -> None:
        """Whether small messages are sent at once, in place of being collected by the system."""
        raise self._missing("set_nodelay")

    def _missing(self, name: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not define {name}()")
