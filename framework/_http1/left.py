"""What is left of a connection for the request that took it away, as a WebSocket does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework._http1.exchange import ServerExchange
from framework.iostream.errors import StreamClosedError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from framework._http1.request import WireRequest
    from framework._http1.server import ServerConnection

__all__ = ["Left"]


class Left:
    """Says where the request came from, as the connection did, and that nothing can be answered any more.

    In place of the connection, so that a WebSocket doesn't keep a parser for HTTP: half of what one takes.
    """

    __slots__ = ("peer", "scheme", "settings", "transport")

    def __init__(self, connection: ServerConnection) -> None:
        self.peer = connection.peer
        self.scheme = connection.scheme
        self.settings = connection.settings
        self.transport: asyncio.Transport = connection.transport

    def exchange(self, request: WireRequest) -> ServerExchange:
        """The answer, which can't be given."""
        return ServerExchange(self, request)  # type: ignore[arg-type]  # it has what is asked for then

    def check_answering(self, request: WireRequest) -> None:
        """Raises `StreamClosedError`."""
        raise StreamClosedError()

    def is_answering(self, request: WireRequest) -> bool:
        """No."""
        return False

    def set_close_callback(self, request: WireRequest, callback: Callable[[], None] | None) -> None:
        """Whoever took the connection hears of its end in another way."""
