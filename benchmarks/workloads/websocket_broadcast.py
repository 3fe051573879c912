"""Messages that come to everybody."""

from __future__ import annotations

from benchmarks.samples import SHORT
from benchmarks.socket_workload import SocketWorkload
from benchmarks.sockets_load import Everybody
from benchmarks.websocket import Message

LOAD = Everybody(Message(SHORT, text=True))

WORKLOAD = SocketWorkload(
    "websocket_broadcast", f"text of 32 bytes from one to all of {LOAD.connections:,} connections", LOAD
)
