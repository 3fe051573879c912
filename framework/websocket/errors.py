"""The errors of `framework.websocket`.

WebSocketError          anything that goes wrong with a WebSocket
+- WebSocketClosedError written to a connection that is closed, or closing
+- ProtocolViolation    the peer broke the protocol: the close code that says so, and why (not public)
"""

from __future__ import annotations

__all__ = ["ProtocolViolation", "WebSocketClosedError", "WebSocketError"]


class WebSocketError(Exception):
    """The root of the errors of this package."""


class WebSocketClosedError(WebSocketError):
    """Raised by operations on a closed connection."""


class ProtocolViolation(WebSocketError):
    """The peer did what it must not: ``code`` is the close code for it (RFC 6455 section 7.4), ``reason`` says why.

    The reason goes into a close frame, so it is short.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
