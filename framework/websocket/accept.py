"""The server's side of the opening handshake: the answer, and the way from HTTP to the WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from framework.websocket import deflate
from framework.websocket.base import make_codec
from framework.websocket.deflate import Deflate
from framework.websocket.handshake import accept_value, parse_subprotocols

if TYPE_CHECKING:
    from framework.websocket.connection import WebSocketProtocol13
    from framework.websocket.handler import WebSocketHandler

__all__ = ["accept"]


def accept(connection: WebSocketProtocol13, handler: WebSocketHandler) -> Coroutine[Any, Any, None] | None:
    """Answers a handshake that was found right, and gives the transport to ``connection``.

    :returns: the rest, where there is something to wait for.
    """
    headers = handler.request.headers
    offered = parse_subprotocols(headers.get("Sec-WebSocket-Protocol", ""))
    subprotocol = handler.select_subprotocol(offered) or None
    if subprotocol is not None:
        if subprotocol not in offered:
            raise ValueError(f"select_subprotocol() chose {subprotocol!r}, and the client offers {offered}")
        handler.set_header("Sec-WebSocket-Protocol", subprotocol)
    codec = _compression(handler, headers.get("Sec-WebSocket-Extensions", ""))
    handler.clear_header("Content-Type")
    handler.set_status(101)
    handler.set_header("Upgrade", "websocket")
    handler.set_header("Connection", "Upgrade")
    handler.set_header("Sec-WebSocket-Accept", accept_value(headers["Sec-WebSocket-Key"]))
    sent = handler.flush(include_footers=True)
    if not sent.done():
        # A session is being stored.
        return _take_over_later(connection, handler, subprotocol, codec, sent)
    sent.result()
    _take_over(connection, handler, subprotocol, codec)
    return None


def _compression(handler: WebSocketHandler, offered: str) -> Deflate | None:
    options = handler.get_compression_options()
    agreed = None if options is None else deflate.accept(offered)
    if options is None or agreed is None:
        return None
    parameters, answer = agreed
    codec = make_codec(parameters, False, options)
    handler.set_header("Sec-WebSocket-Extensions", answer)
    return codec


async def _take_over_later(
    connection: WebSocketProtocol13,
    handler: WebSocketHandler,
    subprotocol: str | None,
    codec: Deflate | None,
    sent: asyncio.Future[None],
) -> None:
    await sent
    _take_over(connection, handler, subprotocol, codec)


def _take_over(
    connection: WebSocketProtocol13, handler: WebSocketHandler, subprotocol: str | None, codec: Deflate | None
) -> None:
    exchange: Any = handler.request.connection
    transport, rest = exchange.detach_transport(connection)
    handler._upgraded(connection, subprotocol)
    connection.begin(transport, rest, handler._call_open, subprotocol, codec)
