"""WebSocket, server and client (RFC 6455), with compression (RFC 7692)."""

from __future__ import annotations

from framework.websocket.errors import WebSocketClosedError, WebSocketError

__all__ = ["WebSocketClosedError", "WebSocketError"]
