"""A WebSocket on a transport, the same for servers and clients.

What arrives goes into the rules (`framework.websocket.protocol`), and comes out of them as events, one at a time:
the next one is taken when the handler is done with the one before. Events wait (``blocked``) while

- the handler is opening, or waits for something (``_waiting``)
- the peer reads so slowly that answers to it pile up (``_choked``)
- others have their turn of the loop, after `_EVENTS` of this connection

and what arrives then is kept up to `_HELD` bytes, behind which the transport's reading is paused.

    state                     deadline
    open                      none here; see `framework.websocket.pinging`
    a close frame was sent    close_timeout for the answer
    over (``_over``)          close_timeout for the other side's end of the connection

A connection is over when both close frames are through, when the rules were violated, or when it is lost. The
handler is told then, once, behind all that came before.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Final

from framework._background import start
from framework._http1.deadlines import NEVER, Clock
from framework._http1.flow import half_close
from framework.gen import convert_yielded
from framework.log import gen_log
from framework.websocket.accept import accept
from framework.websocket.base import Delegate, Params
from framework.websocket.deflate import Deflate
from framework.websocket.errors import WebSocketClosedError
from framework.websocket.handshake import accept_value
from framework.websocket.idling import Idler
from framework.websocket.pinging import Pinger, ping_times
from framework.websocket.protocol import Close, Ping, Pong, Protocol, State
from framework.websocket.stream import ConnectionStream
from framework.websocket.writing import WebSocketWriter

__all__ = ["WebSocketProtocol13"]

# What may arrive while events wait.
_HELD: Final = 65536
# Events in a row, before other connections have their turn.
_EVENTS: Final = 256

_INTERNAL_ERROR: Final = 1011
_GOING_AWAY: Final = 1001
_LOST: Final = 1006

# The place of a server's, where there is none. Always empty.
_OF_NOBODY: set[Any] = set()


class WebSocketProtocol13(WebSocketWriter):
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
        "_choked",
        "_clock",
        "_closed",
        "_context",
        "_idler",
        "_opened",
        "_over",
        "_pinger",
        "_read_paused",
        "_subprotocol",
        "_unseen",
        "_waiting",
        "blocked",
        "connections",
        "deadline",
        "mask_outgoing",
    )

    handler: Delegate

    def __init__(self, handler: Any, mask_outgoing: bool, params: Params) -> None:
        super().__init__(handler, mask_outgoing, params)
        self.mask_outgoing = mask_outgoing
        # Those of the server, if there is one: it closes them when it ends.
        self.connections = _OF_NOBODY
        self.deadline = NEVER
        self._subprotocol: str | None = None
        self._context: Context = copy_context()
        self._clock: Clock | None = None
        self._pinger: Pinger | None = None
        self._idler: Idler | None = None
        self._closed: asyncio.Future[None] | None = None
        # Whether events wait; until it is opened, they do.
        self.blocked = True
        self._waiting: asyncio.Future[Any] | None = None
        self._choked = False
        # How much has come since all was seen that there was.
        self._unseen = 0
        self._read_paused = False
        self._opened = False
        self._over = False

    # -- the beginning

    async def accept_connection(self, handler: Any) -> None:
        """As `WebSocketProtocol.accept_connection`."""
        rest = accept(self, handler)
        if rest is not None:
            await rest

    @staticmethod
    def compute_accept_value(key: str | bytes) -> str:
        """The Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2)."""
        return accept_value(key)

    def begin(
        self,
        transport: asyncio.Transport,
        rest: bytes,
        opening: Callable[[], Awaitable[Any] | None],
        subprotocol: str | None = None,
        deflate: Deflate | None = None,
    ) -> None:
        """Takes a transport over, behind the opening handshake.

        :arg rest: what has come over it already.
        :arg opening: is called, and waited for, before the first event.
        """
        params = self.params
        self._transport = transport
        self._subprotocol = subprotocol
        if deflate is not None:
            self._rules = Protocol(
                self.mask_outgoing, max_message_size=params.max_message_size, deflate=deflate
            )
            self._idler = Idler(deflate, self.share)
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=params.write_high_water)
        if rest:
            self._rules.receive(rest)
        self._context.run(self._open, opening)
        self.start_pinging()

    def _open(self, opening: Callable[[], Awaitable[Any] | None]) -> None:
        try:
            result = opening()
            if result is not None and not self._settled(result):
                return
        except Exception:
            if self._failed():
                return
        self._opened = True
        self.blocked = False
        self._pump()

    @property
    def selected_subprotocol(self) -> str | None:
        """As `WebSocketProtocol.selected_subprotocol`."""
        return self._subprotocol

    def extra_info(self, name: str) -> Any:
        """What the transport knows under a name; None when it is gone."""
        return None if self._transport is None else self._transport.get_extra_info(name)

    @property
    def stream(self) -> ConnectionStream:
        """The connection as old programs ask for it."""
        return ConnectionStream(self)

    def set_nodelay(self, x: bool) -> None:
        """As `WebSocketProtocol.set_nodelay`; the loops have set it on TCP connections already."""
        sock = self.extra_info("socket")
        if sock is not None and sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(x))

    # -- what the transport calls

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._rules.receive(data)
        if not self.blocked:
            self._context.run(self._pump)
            return
        self._unseen += len(data)
        if self._unseen > _HELD and not self._read_paused:
            self._pause_reading()

    def eof_received(self) -> bool | None:
        if self._over or self._transport is None:
            return None
        self._rules.receive_eof()
        if self.blocked:
            # What came before is still to be answered, where half of the connection can stay open.
            return self._transport.get_extra_info("ssl_object") is None
        self._context.run(self._pump)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)
        if self._clock is not None:
            self._clock.discard(self)
        self._transport = None
        self._out.clear()
        self._stop_clocks()
        self._stop_waiting()
        if self._over:
            self._gone()
            return
        self._rules.receive_eof()
        if not self.blocked:
            self._context.run(self._pump)
        elif self._choked:
            self._context.run(self._unblock)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._pinger is not None:
            self._pinger.relieved = True
        if self._choked:
            self.share.loop.call_soon(self._unblock, context=self._context)

    def _pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._read_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        self._read_paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- events

    def _pump(self) -> None:
        """Hands on what has come, as far as nothing has to be waited for."""
        rules, delegate = self._rules, self.handler
        try:
            for _ in range(_EVENTS):
                event = rules.next_event()
                kind = type(event)
                if kind is str or kind is bytes:
                    result: Any = delegate.on_message(event)  # type: ignore[arg-type]  # it is one of these
                elif event is None:
                    self._unseen = 0
                    if self._read_paused:
                        self._resume_reading()
                    return
                else:
                    result = self._control(event)
                if result is not None and not self._settled(result):
                    return
                if self._over:
                    return
                if self._write_paused and self._leaves_unread():
                    self.blocked = self._choked = True
                    return
        except Exception:
            if self._failed():
                return
        self.blocked = True
        self.share.loop.call_soon(self._unblock, context=self._context)

    def _control(self, event: object) -> Any:
        """An event that is no message; the answer to it, if there is one, is sent first."""
        output = self._rules.take_output()
        if output:
            self._send(output)
        if isinstance(event, Ping):
            return self.handler.on_ping(event.data)
        if isinstance(event, Pong):
            if self._pinger is not None:
                self._pinger.ponged = True
            return self.handler.on_pong(event.data)
        if isinstance(event, Close):
            self._end(event)
        return None

    def _unblock(self) -> None:
        """Goes on with events that were waiting."""
        if self.blocked and self._waiting is None and not self._over and self._opened:
            self.blocked = self._choked = False
            self._pump()

    def _settled(self, result: Any) -> bool:
        """Whether there is nothing to wait for; raises what it ended with. Otherwise events wait until there is."""
        if isinstance(result, Coroutine):
            # One that never really waits is done by now.
            future: asyncio.Future[Any] = start(result, self.share.loop)
        else:
            future = convert_yielded(result)
        if future.done():
            future.result()
            return True
        self.blocked = True
        self._waiting = future
        future.add_done_callback(self._waited, context=self._context)
        return False

    def _waited(self, future: asyncio.Future[Any]) -> None:
        self._waiting = None
        try:
            future.result()
        except asyncio.CancelledError:
            self._fail()
            return
        except Exception:
            if self._failed():
                return
        self._opened = True
        if not self._over:
            self.blocked = False
            self._pump()

    def _failed(self) -> bool:
        """The handler has raised; whether that ends the connection."""
        kind, error, trace = sys.exc_info()
        if isinstance(error, WebSocketClosedError) and self.is_closing():
            # It could not know. What has come before the end is still handed on.
            gen_log.debug("A handler wrote to a WebSocket that is closing or lost")
            return False
        self.handler.log_exception(kind, error, trace)
        self._fail()
        return True

    def _fail(self) -> None:
        if not self._over:
            frame = self._rules.send_close(_INTERNAL_ERROR)
            if frame:
                self._send(frame)
            self._shut(violated=True)
            self._tell()

    # -- pings

    @property
    def ping_interval(self) -> float:
        """Seconds from one ping to the next; 0: there are none."""
        return ping_times(self.params)[0]

    @property
    def ping_timeout(self) -> float:
        """Seconds in which the answer has to come; 0: it need not come."""
        return ping_times(self.params)[1]

    def start_pinging(self) -> None:
        """As `WebSocketProtocol.start_pinging`."""
        if self.ping_interval > 0 and self._pinger is None and not self.is_closing():
            self._pinger = Pinger(self)

    def _stop_clocks(self) -> None:
        """Nothing more is sent but what closes the connection."""
        pinger, self._pinger = self._pinger, None
        if pinger is not None:
            pinger.stop()
        idler, self._idler = self._idler, None
        if idler is not None:
            idler.stop()

    async def periodic_ping(self) -> None:
        """Sends pings until the connection is over."""
        self.start_pinging()
        await self.wait_closed()

    @staticmethod
    def ping_sleep_time(*, last_ping_time: float, interval: float, now: float) -> float:
        """The seconds from now until the next ping."""
        return max(0, last_ping_time + interval - now)

    # -- the end

    @property
    def server_terminated(self) -> bool:
        """Whether this side has sent its close frame, or will send nothing more."""
        return self._rules.state is not State.OPEN

    @property
    def client_terminated(self) -> bool:
        """Whether the other side has sent its close frame."""
        return self._rules.close_received

    @property
    def close_code(self) -> int | None:
        """The code of the other side's close frame; None if there was none."""
        return self._rules.close_code

    @property
    def close_reason(self) -> str | None:
        """The reason in the other side's close frame; None if there was none."""
        return self._rules.close_reason

    def is_closing(self) -> bool:
        """As `WebSocketProtocol.is_closing`."""
        return self._rules.state is not State.OPEN or self.is_gone()

    def is_gone(self) -> bool:
        """Whether the transport is closed, or being closed."""
        return self._transport is None or self._transport.is_closing()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Sends a close frame, if none was sent. The other side has ``close_timeout`` to answer it."""
        frame = self._rules.send_close(code, reason)
        if frame and self._transport is not None:
            self._send(frame)
            self._stop_clocks()
            self._set_deadline()
            if self._choked:
                self.share.loop.call_soon(self._unblock, context=self._context)

    def close_when_idle(self) -> None:
        """The server ends."""
        self.close(_GOING_AWAY)

    def _set_deadline(self) -> None:
        clock = self._clock
        if clock is None:
            clock = self._clock = self.share.clock(self.params.close_timeout)
        clock.add(self)
        self.deadline = clock.after(self.params.close_timeout)

    def deadline_passed(self) -> None:
        """The other side does not do its part."""
        self.deadline = NEVER
        self.abort()

    def abort(self) -> None:
        """Ends the connection now, without a word."""
        if self._transport is not None:
            self._transport.abort()

    def on_connection_close(self) -> None:
        """As `WebSocketProtocol.on_connection_close`."""
        self.abort()

    async def wait_closed(self) -> None:
        """Waits until the transport is gone and the handler has been told."""
        if self._transport is not None or not self._over:
            if self._closed is None:
                self._closed = self.share.loop.create_future()
            await asyncio.shield(self._closed)

    def _end(self, event: Close) -> None:
        """The last event has come."""
        self._shut(violated=not event.clean and event.code != _LOST)
        self._tell()

    def _shut(self, violated: bool) -> None:
        """Ends the transport; the other way round than usual for a client (RFC 6455 section 7.1.1)."""
        self._over = True
        self._stop_clocks()
        self.send_output()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._read_paused:
            self._resume_reading()
        if violated and transport.can_write_eof():
            half_close(transport)
        elif violated or not self.mask_outgoing or not self._rules.close_received:
            transport.close()
        self._set_deadline()

    def _tell(self) -> None:
        """The handler is told, unless it was never opened."""
        if self._opened:
            try:
                self.handler.on_ws_connection_close(self.close_code, self.close_reason)
            except Exception:
                self.handler.log_exception(*sys.exc_info())
        self._stop_waiting()
        if self._transport is None:
            self._gone()

    def _gone(self) -> None:
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
