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
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Final

from framework._background import start
from framework._http1.deadlines import NEVER, Clock
from framework._http1.flow import DrainWaiters
from framework.escape import json_encode, utf8
from framework.gen import convert_yielded
from framework.log import gen_log
from framework.websocket.accept import accept
from framework.websocket.base import CLOSE, DROP, Delegate, Params, WebSocketProtocol
from framework.websocket.deflate import Deflate
from framework.websocket.errors import WebSocketClosedError
from framework.websocket.handshake import accept_value
from framework.websocket.protocol import Close, Ping, Pong, Protocol, State
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

# The place of a server's, where there is none. Always empty.
_OF_NOBODY: set[Any] = set()


def _content(message: str | bytes | dict[str, Any], binary: bool) -> str | bytes:
    """A message as the rules take it: ``str`` for text, ``bytes`` for binary."""
    if isinstance(message, dict):
        message = json_encode(message)
    if isinstance(message, bytes):
        return message if binary else message.decode()
    if isinstance(message, str):
        return message.encode() if binary else message
    raise TypeError(f"Expected bytes, unicode, or None; got {type(message)!r}")


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
        "_opened",
        "_out",
        "_out_size",
        "_over",
        "_pinged",
        "_ponged",
        "_read_paused",
        "_rules",
        "_share",
        "_subprotocol",
        "_transport",
        "_unseen",
        "_unsent_then",
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
        self.connections = _OF_NOBODY
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
        self._opened = False
        self._pinged = False
        self._ponged = False
        # What was unsent when the ping was; one who takes it is alive.
        self._unsent_then = 0

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
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=params.write_high_water)
        if rest:
            self._rules.receive(rest)
        self._context.run(self._open, opening)
        if not self._over:
            self.start_pinging()

    def _open(self, opening: Callable[[], Awaitable[Any] | None]) -> None:
        try:
            result = opening()
            if result is not None and not self._settled(result):
                return
        except Exception:
            self._failed()
            return
        self._opened = True
        self._blocked = False
        self._pump()

    @property
    def selected_subprotocol(self) -> str | None:
        """As `WebSocketProtocol.selected_subprotocol`."""
        return self._subprotocol

    def set_nodelay(self, x: bool) -> None:
        """As `WebSocketProtocol.set_nodelay`; the loops have set it on TCP connections already."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is not None and sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(x))

    # -- what the transport calls

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._rules.receive(data)
        if not self._blocked:
            self._context.run(self._pump)
            return
        self._unseen += len(data)
        if self._unseen > _HELD and not self._read_paused:
            self._pause_reading()

    def eof_received(self) -> bool | None:
        if self._over or self._transport is None:
            return None
        self._rules.receive_eof()
        if self._blocked:
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
        if self._drain is not None:
            self._drain.fail(WebSocketClosedError())
        if self._over:
            self._gone()
            return
        self._rules.receive_eof()
        if not self._blocked:
            self._context.run(self._pump)
        elif self._choked:
            self._context.run(self._unblock)

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._drain is not None:
            self._drain.release()
        if self._choked:
            self._share.loop.call_soon(self._unblock, context=self._context)

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
                    self._blocked = self._choked = True
                    return
        except Exception:
            self._failed()
            return
        self._blocked = True
        self._share.loop.call_soon(self._unblock, context=self._context)

    def _control(self, event: object) -> Any:
        """An event that is no message; the answer to it, if there is one, is sent first."""
        output = self._rules.take_output()
        if output:
            self._send(output)
        if isinstance(event, Ping):
            return self.handler.on_ping(event.data)
        if isinstance(event, Pong):
            self._ponged = True
            return self.handler.on_pong(event.data)
        if isinstance(event, Close):
            self._end(event)
        return None

    def _unblock(self) -> None:
        """Goes on with events that were waiting."""
        if self._blocked and self._waiting is None and not self._over and self._opened:
            self._blocked = self._choked = False
            self._pump()

    def _settled(self, result: Any) -> bool:
        """Whether there is nothing to wait for; raises what it ended with. Otherwise events wait until there is."""
        if isinstance(result, Coroutine):
            # One that never really waits is done by now.
            future: asyncio.Future[Any] = start(result, self._share.loop)
        else:
            future = convert_yielded(result)
        if future.done():
            future.result()
            return True
        self._blocked = True
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
            self._failed()
            return
        self._opened = True
        if not self._over:
            self._blocked = False
            self._pump()

    def _failed(self) -> None:
        """The handler has raised."""
        self.handler.log_exception(*sys.exc_info())
        self._fail()

    def _fail(self) -> None:
        if not self._over:
            frame = self._rules.send_close(_INTERNAL_ERROR)
            if frame:
                self._send(frame)
            self._shut(violated=True)
            self._tell()

    # -- output

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Sends a message: text, unless ``binary``; a dict is sent as JSON.

        :returns: what to wait for before more is written.
        :raises WebSocketClosedError: nothing more can be written.
        """
        if binary or type(message) is not str:
            message = _content(message, binary)
        if self._transport is None:
            raise WebSocketClosedError
        if self._write_paused and not self._may_send():
            return self._share.done
        self._send(self._rules.send_message(message))
        return self._drained() if self._write_paused else self._share.done

    def write_ping(self, data: bytes) -> None:
        """Sends a ping with at most 125 bytes of ``data``; raises as `write_message` does."""
        if self._transport is None:
            raise WebSocketClosedError
        frame = self._rules.send_ping(utf8(data))
        if not self._write_paused or self._unsent() < self.params.max_write_buffer_size:
            self._send(frame)

    def _send(self, data: bytes) -> None:
        """Sends bytes that are framed already, at the end of this turn of the loop unless there are many of them."""
        out = self._out
        out.append(data)
        self._out_size += len(data)
        if self._out_size > _BATCH_BYTES or len(out) > _BATCH_COUNT:
            self.send_output()
        elif len(out) == 1:
            self._share.outbox.add(self)

    def send_output(self) -> None:
        """Sends what was written so far."""
        out = self._out
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._out_size = 0
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(data)

    def _drained(self) -> asyncio.Future[None]:
        if self._drain is None:
            self._drain = DrainWaiters(self._share.loop)
        return self._drain.wait()

    def _unsent(self) -> int:
        return self._out_size + (0 if self._transport is None else self._transport.get_write_buffer_size())

    def _leaves_unread(self) -> bool:
        return self._rules.state is State.OPEN and self._unsent() > _CHOKED * self.params.write_high_water

    def _may_send(self) -> bool:
        """Whether a message is sent although the peer hasn't taken those before it."""
        if self._rules.state is not State.OPEN:
            raise WebSocketClosedError
        policy = self.params.slow_reader
        if policy == DROP:
            self.dropped += 1
            return False
        if policy == CLOSE or self._unsent() > self.params.max_write_buffer_size:
            self.close(_TRY_AGAIN_LATER, "messages are not read fast enough")
            raise WebSocketClosedError
        return True

    # -- pings

    @property
    def ping_interval(self) -> float:
        """Seconds from one ping to the next; 0: there are none."""
        return self.params.ping_interval or 0

    @property
    def ping_timeout(self) -> float:
        """Seconds in which the answer has to come; 0: it need not come."""
        timeout, interval = self.params.ping_timeout, self.ping_interval
        return interval if timeout is None else min(timeout, interval)

    def start_pinging(self) -> None:
        """As `WebSocketProtocol.start_pinging`."""
        interval = self.ping_interval
        if interval <= 0:
            return
        timeout = self.params.ping_timeout
        if timeout is not None and timeout > interval:
            gen_log.warning(
                "The websocket_ping_timeout (%s) cannot be longer than the websocket_ping_interval (%s).\n"
                "Setting websocket_ping_timeout=%s",
                timeout,
                interval,
                interval,
            )
        self._pinged = False
        self._set_deadline(interval)

    async def periodic_ping(self) -> None:
        """Sends pings until the connection is over."""
        self.start_pinging()
        await self.wait_closed()

    @staticmethod
    def ping_sleep_time(*, last_ping_time: float, interval: float, now: float) -> float:
        """The seconds from now until the next ping."""
        return max(0, last_ping_time + interval - now)

    def _set_deadline(self, seconds: float) -> None:
        clock = self._clock
        if clock is None:
            shortest = min(self.ping_interval or seconds, self.ping_timeout or seconds, seconds)
            clock = self._clock = self._share.clock(shortest)
        clock.add(self)
        self.deadline = clock.after(seconds)

    def deadline_passed(self) -> None:
        """What was waited for did not come in time."""
        self.deadline = NEVER
        if self._over or self._rules.close_sent:
            self.abort()
        elif not self._pinged:
            self._ping()
        elif self._ponged or not self.ping_timeout or self._blocked or self._unsent() < self._unsent_then:
            left = self.ping_interval - (self.ping_timeout or self.ping_interval)
            if left > 0:
                self._pinged = False
                self._set_deadline(left)
            else:
                self._ping()
        else:
            self.close(reason="ping timed out")

    def _ping(self) -> None:
        self._pinged = True
        self._ponged = False
        self._unsent_then = self._unsent()
        self.write_ping(b"")
        self._set_deadline(self.ping_timeout or self.ping_interval)

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
        return self._rules.state is not State.OPEN or self._transport is None or self._transport.is_closing()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Sends a close frame, if none was sent. The other side has ``close_timeout`` to answer it."""
        frame = self._rules.send_close(code, reason)
        if frame and self._transport is not None:
            self._send(frame)
            self._set_deadline(self.params.close_timeout)
            if self._choked:
                self._share.loop.call_soon(self._unblock, context=self._context)

    def close_when_idle(self) -> None:
        """The server ends."""
        self.close(_GOING_AWAY)

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
                self._closed = self._share.loop.create_future()
            await asyncio.shield(self._closed)

    def _end(self, event: Close) -> None:
        """The last event has come."""
        self._shut(violated=not event.clean and event.code != _LOST)
        self._tell()

    def _shut(self, violated: bool) -> None:
        """Ends the transport; the other way round than usual for a client (RFC 6455 section 7.1.1)."""
        self._over = True
        self.send_output()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._read_paused:
            self._resume_reading()
        if violated and transport.can_write_eof():
            # Closing with input unread would reset the connection, and the close frame might be lost with it.
            transport.write_eof()
        elif violated or not self.mask_outgoing or not self._rules.close_received:
            transport.close()
        self._set_deadline(self.params.close_timeout)

    def _tell(self) -> None:
        """The handler is told, unless it was never opened."""
        if self._opened:
            try:
                self.handler.on_ws_connection_close(self.close_code, self.close_reason)
            except Exception:
                self.handler.log_exception(*sys.exc_info())
        if self._drain is not None:
            self._drain.fail(WebSocketClosedError())
        if self._transport is None:
            self._gone()

    def _gone(self) -> None:
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
