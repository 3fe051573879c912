"""Long messages that come back."""

from __future__ import annotations

from benchmarks.samples import LONG
from benchmarks.socket_workload import SocketWorkload
from benchmarks.sockets_load import Messages
from benchmarks.websocket import Message

LOAD = Messages(Message(LONG, text=False), connections=16)

WORKLOAD = SocketWorkload("websocket_64k", f"64 kB sent back, {LOAD.connections} connections", LOAD)
