"""The stream that old programs look for behind a connection: what they ask it, and nothing to read or write with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.websocket.connection import WebSocketProtocol13

__all__ = ["ConnectionStream"]


class ConnectionStream:
    """``handler.ws_connection.stream``: the socket, whether it is closed, and closing it without a word."""

    __slots__ = ("_connection",)

    def __init__(self, connection: WebSocketProtocol13) -> None:
        self._connection = connection

    @property
    def socket(self) -> Any:
        """The socket; None when the connection is gone."""
        return self._connection.extra_info("socket")

    def fileno(self) -> int:
        """The number of its descriptor; -1 when the connection is gone."""
        sock = self.socket
        return -1 if sock is None else sock.fileno()

    def set_nodelay(self, value: bool) -> None:
        """As `WebSocketHandler.set_nodelay`."""
        self._connection.set_nodelay(value)

    def closed(self) -> bool:
        """Whether the connection is gone, or going."""
        return self._connection.is_gone()

    def close(self) -> None:
        """Ends the connection without a close frame."""
        self._connection.abort()
