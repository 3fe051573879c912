"""A request's connection as applications look at it: `request.connection.stream`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from framework.ioloop import IOLoop

if TYPE_CHECKING:
    from framework._http1.request import WireRequest
    from framework._http1.server import ServerConnection

__all__ = ["RequestStream"]


class RequestStream:
    """The state of a connection and its socket. Nothing is read or written by it: HTTP does not run on streams."""

    __slots__ = ("_request", "_wire")

    # What broke the connection; told to those who write, not here.
    error: BaseException | None = None

    def __init__(self, wire: ServerConnection, request: WireRequest | None) -> None:
        self._wire = wire
        self._request = request

    @property
    def _transport(self) -> Any:
        return self._wire.transport

    @property
    def socket(self) -> Any:
        """The socket, to be asked and configured; None where there is none."""
        return self._transport.get_extra_info("socket")

    @property
    def io_loop(self) -> IOLoop:
        """The loop of the connection."""
        return IOLoop.current()

    def fileno(self) -> int:
        """The socket's descriptor; -1 where there is none."""
        return -1 if self.socket is None else int(self.socket.fileno())

    def closed(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return bool(self._transport.is_closing())

    def writing(self) -> bool:
        """Whether there is output that has not been sent."""
        return bool(self._transport.get_write_buffer_size())

    def close(self) -> None:
        """Closes the connection when what has been written is sent."""
        self._wire.send_output()
        self._transport.close()

    def set_nodelay(self, value: bool) -> None:
        """Whether small pieces are sent at once (TCP_NODELAY); they are unless told otherwise."""
        if self.socket is not None and self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1 if value else 0)

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Calls back if the client goes away before the response is complete."""
        if self._request is not None:
            self._wire.set_close_callback(self._request, callback)
