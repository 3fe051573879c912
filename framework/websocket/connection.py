"""A WebSocket on a transport, the same for servers and clients.

What arrives goes into the rules (`framework.websocket.protocol`), and comes out of them as events, one at a time:
the next one is taken when the handler is done with the one before. Events wait (``_blocked``) while

- the handler is opening, or waits for something (``_waiting``)
- the peer reads so slowly that answers to it pile up (``_choked``)
- others have their turn of the loop, after `_EVENTS` of this connection

and what arrives then is kept up to `_HELD` bytes, behind which the transport's reading is paused.

    state                              deadline                        when it passes
    open, with pings                   the next ping                   one is sent
    open, a ping was sent              ping_timeout                    closed, unless a pong has come
    a close frame was sent             close_timeout for the answer    aborted
    over (``_over``)                   close_timeout for the other     aborted
                                       side's end of the connection

A connection is over when both close frames are through, when the rules were violated, or when it is lost. The
handler is told then, once, behind all that came before.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import sys
from collections.abc import Awaitable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Final

from framework._background import start
from framework._http1.deadlines import NEVER, Clock
from framework._http1.flow import DrainWaiters
from framework.escape import json_encode, utf8
from framework.gen import convert_yielded
from framework.iostream.errors import fail
from framework.log import gen_log
from framework.websocket.base import CLOSE, DROP, Delegate, Params, WebSocketProtocol
from framework.websocket.deflate import Deflate
from framework.websocket.errors import WebSocketClosedError
from framework.websocket.protocol import Close, Ping, Protocol, State
from framework.websocket.shared import share_of

__all__ = ["WebSocketProtocol13"]

# Output of so many bytes, or so many pieces, does not wait for the end of the loop's turn.
_BATCH_BYTES: Final = 65536
_BATCH_COUNT: Final = 64
# What may arrive while events wait.
_HELD: Final = 65536
# Events in a row, before other connections have their turn.
_EVENTS: Final = 256
# A peer that leaves so many times `write_high_water` unread gets no answers to more.
_CHOKED: Final = 16

_TRY_AGAIN_LATER: Final = 1013
_INTERNAL_ERROR: Final = 1011
_GOING_AWAY: Final = 1001
_LOST: Final = 1006


class WebSocketProtocol13(WebSocketProtocol, asyncio.Protocol):
    """A connection by version 13 of the protocol, that of RFC 6455.

    :arg handler: a `Delegate`.
    :arg mask_outgoing: whether this is the client's side.
    """

    FIN = 0x80
    RSV1 = 0x40
    RSV2 = 0x20
    RSV3 = 0x10
    RSV_MASK = RSV1 | RSV2 | RSV3
    OPCODE_MASK = 0x0F

    __slots__ = (
        "_blocked",
        "_choked",
        "_clock",
        "_closed",
        "_context",
        "_drain",
        "_linger",
        "_out",
        "_out_size",
        "_over",
        "_paused",
        "_pinged",
        "_ponged",
        "_read_paused",
        "_rules",
        "_share",
        "_subprotocol",
        "_transport",
        "_unseen",
        "_waiting",
        "_write_paused",
        "connections",
        "deadline",
        "dropped",
        "handler",
        "mask_outgoing",
        "params",
    )

    handler: Delegate

    def __init__(self, handler: Any, mask_outgoing: bool, params: Params) -> None:
        super().__init__(handler)
        self.mask_outgoing = mask_outgoing
        self.params = params
        # Messages that were not sent as the peer was too slow.
        self.dropped = 0
        # Those of the server, if there is one: it closes them when it ends.
        self.connections: set[Any] | None = None
        self.deadline = NEVER
        self._rules = Protocol(mask_outgoing, max_message_size=params.max_message_size)
        self._share = share_of(asyncio.get_running_loop())
        self._transport: asyncio.Transport | None = None
        self._subprotocol: str | None = None
        self._context: Context = copy_context()
        self._clock: Clock | None = None
        self._closed: asyncio.Future[None] | None = None
        self._out: list[bytes] = []
        self._out_size = 0
        self._write_paused = False
        self._drain: DrainWaiters | None = None
        # Until it is opened.
        self._blocked = True
        self._waiting: asyncio.Future[Any] | None = None
        self._choked = False
        self._unseen = 0
        self._read_paused = False
        self._over = False
        self._linger = False
        self._pinged = False
        self._ponged = False

    # -- the beginning

    def begin(
        self,
        transport: asyncio.Transport,
        rest: bytes,
        opened: Awaitable[Any] | None,
        subprotocol: str | None = None,
        deflate: Deflate | None = None,
    ) -> None:
        """Takes a transport over, behind the opening handshake.

        :arg rest: what has come over it already.
        :arg opened: what to wait for before the first event.
        """
