"""WebSocket, server and client (RFC 6455), with compression (RFC 7692)."""

from __future__ import annotations

from framework.websocket.base import WebSocketProtocol
from framework.websocket.client import WebSocketClientConnection, websocket_connect
from framework.websocket.connection import WebSocketProtocol13
from framework.websocket.errors import WebSocketClosedError, WebSocketError
from framework.websocket.handler import WebSocketHandler

__all__ = [
    "WebSocketClientConnection",
    "WebSocketClosedError",
    "WebSocketError",
    "WebSocketHandler",
    "WebSocketProtocol",
    "WebSocketProtocol13",
    "websocket_connect",
]
