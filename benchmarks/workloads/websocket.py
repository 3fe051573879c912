"""Short messages that come back."""

from __future__ import annotations

from benchmarks.samples import SHORT
from benchmarks.socket_workload import SocketWorkload
from benchmarks.sockets_load import Messages
from benchmarks.websocket import Message

LOAD = Messages(Message(SHORT, text=True))

WORKLOAD = SocketWorkload("websocket", f"text of 32 bytes sent back, {LOAD.connections} connections", LOAD)
