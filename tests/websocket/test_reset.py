"""A connection that the peer resets while it is being ended."""

from __future__ import annotations

import errno
from typing import Any

from framework.websocket import WebSocketProtocol13
from framework.websocket.base import Params
from tests.fakes import FakeTransport
from tests.websocket.wire import frame


class ResetTransport(FakeTransport):
    """Half of it cannot be closed any more, which asyncio's transports raise."""

    def write_eof(self) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")


class Told:
    def __init__(self) -> None:
        self.ends: list[tuple[Any, ...]] = []

    def on_ws_connection_close(self, *said: Any) -> None:
        self.ends.append(said)


async def test_a_violation_by_a_peer_that_is_gone_already_is_the_end_all_the_same() -> None:
    told, transport = Told(), ResetTransport()
    connection = WebSocketProtocol13(told, True, Params())
    connection.begin(transport, b"", lambda: None)
    connection.data_received(frame(0xF1, b"reserved bits", None))
    assert told.ends == [(None, None)]
    assert transport.aborted
    connection.connection_lost(None)
    await connection.wait_closed()
