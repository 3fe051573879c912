"""The writing half of a connection: frames put together, sent, waited for, and bounded for a peer that reads slowly."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from framework._http1.flow import DrainWaiters
from framework.escape import json_encode, utf8
from framework.websocket.base import CLOSE, DROP, Params, WebSocketProtocol
from framework.websocket.errors import WebSocketClosedError
from framework.websocket.protocol import Protocol, State
from framework.websocket.shared import share_of

__all__ = ["WebSocketWriter"]

# Output of so many bytes, or so many pieces, does not wait for the end of the loop's turn.
_BATCH_BYTES: Final = 65536
_BATCH_COUNT: Final = 64
# A message of so many bytes, or characters, is not copied to be put together with others.
_LONG: Final = 16384
# A peer that leaves so many times `write_high_water` unread gets no answers to more.
_CHOKED: Final = 16
# What somebody who could wait takes, beside the bytes of the message.
_WAITER: Final = 256

_TRY_AGAIN_LATER: Final = 1013


def _content(message: str | bytes | dict[str, Any], binary: bool) -> str | bytes:
    """A message as the rules take it: ``str`` for text, ``bytes`` for binary."""
    if isinstance(message, dict):
        message = json_encode(message)
    if isinstance(message, bytes):
        return message if binary else message.decode()
    if isinstance(message, str):
        return message.encode() if binary else message
    raise TypeError(f"Expected bytes, unicode, or None; got {type(message)!r}")


class WebSocketWriter(WebSocketProtocol, asyncio.Protocol):
    """A connection that can write."""

    __slots__ = (
        "_drain",
        "_out",
        "_out_size",
        "_rules",
        "_transport",
        "_write_paused",
        "dropped",
        "params",
        "share",
    )

    def __init__(self, handler: Any, mask_outgoing: bool, params: Params) -> None:
        super().__init__(handler)
        self.params = params
        # Messages that were not sent as the peer was too slow.
        self.dropped = 0
        self._rules = Protocol(mask_outgoing, max_message_size=params.max_message_size)
        self.share = share_of(asyncio.get_running_loop())
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._out_size = 0
        self._write_paused = False
        # Those who may be waiting until the peer has read.
        self._drain: DrainWaiters | None = None

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
            return self.share.done
        if len(message) < _LONG:
            self._send(self._rules.send_message(message))
        else:
            for piece in self._rules.send_long(message):
                self._send(piece)
        return self._wait() if self._write_paused else self.share.done

    def write_ping(self, data: bytes) -> None:
        """Sends a ping with at most 125 bytes of ``data``; raises as `write_message` does."""
        if self._transport is None:
            raise WebSocketClosedError
        frame = self._rules.send_ping(utf8(data))
        if not self._write_paused or self.unsent() <= self.params.max_write_buffer_size:
            self._send(frame)

    def _send(self, data: bytes) -> None:
        """Sends bytes that are framed already, at the end of this turn of the loop unless there are many of them."""
        out = self._out
        out.append(data)
        self._out_size += len(data)
        if self._out_size > _BATCH_BYTES or len(out) > _BATCH_COUNT:
            self.send_output()
        elif len(out) == 1:
            self.share.outbox.add(self)

    def send_output(self) -> None:
        """Sends what was written so far."""
        out = self._out
        if out:
            long = self._out_size > _LONG
            self._out = []
            self._out_size = 0
            if self._transport is None or self._transport.is_closing():
                return
            if len(out) == 1:
                self._transport.write(out[0])
            elif long:
                self._transport.writelines(out)
                # That of asyncio in 3.12 and 3.13 doesn't look whether the buffer is full; this does.
                self._transport.set_write_buffer_limits(high=self.params.write_high_water)
            else:
                self._transport.write(b"".join(out))

    # -- a slow peer

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._drain is not None:
            self._drain.release()

    def _wait(self) -> asyncio.Future[None]:
        if self._drain is None:
            self._drain = DrainWaiters(self.share.loop)
        return self._drain.wait()

    def _stop_waiting(self) -> None:
        """Nobody will read any more."""
        if self._drain is not None:
            self._drain.fail(WebSocketClosedError())

    def unsent(self) -> int:
        """The bytes the peer has not taken."""
        return self._out_size + (0 if self._transport is None else self._transport.get_write_buffer_size())

    def is_full(self) -> bool:
        """Whether the peer has to read before more is written."""
        return self._write_paused

    def _leaves_unread(self) -> bool:
        """Whether the peer leaves so much unread that what it sends is not looked at."""
        return self._rules.state is State.OPEN and self.unsent() > _CHOKED * self.params.write_high_water

    def _may_send(self) -> bool:
        """Whether a message is sent although the peer hasn't taken those before it."""
        if self._rules.state is not State.OPEN:
            raise WebSocketClosedError
        policy = self.params.slow_reader
        if policy == DROP:
            self.dropped += 1
            return False
        taken = self.unsent() + _WAITER * len(self._drain or ())
        if policy == CLOSE or taken > self.params.max_write_buffer_size:
            self.close(_TRY_AGAIN_LATER, "messages are not read fast enough")
            raise WebSocketClosedError
        return True
