"""The rules of a WebSocket connection, the same for both sides, without I/O (RFC 6455 sections 5 to 7).

An owner gives it what arrives, takes one event after the other, and writes what it says:

    protocol.receive(data)
    while (event := protocol.next_event()) is not None:
        transport.write(protocol.take_output())
        ...

The states, and what leads from one to the other:

    state    event                         next state
    OPEN     a close frame is sent         CLOSING    no more is sent; messages are still received
    OPEN     a close frame is received     CLOSED     answered with one
    CLOSING  a close frame is received     CLOSED
    any      a violation by the peer       CLOSED     a close frame says which, unless one was sent before
    any      the end of the stream         CLOSED     after the events before it

What arrives in CLOSED is ignored. A `Close` is the last event, whatever led there: the owner writes the output
then, and ends the connection (a client may leave it to the server for a while).
"""

from __future__ import annotations

import enum
from codecs import utf_8_decode
from typing import Final

from framework.escape import utf8
from framework.websocket.deflate import Deflate
from framework.websocket.errors import ProtocolViolation, WebSocketClosedError
from framework.websocket.frames import BINARY, CLOSE, FIN, PING, PONG, RSV1, TEXT, FrameReader, encode, header
from framework.websocket.masking import mask, new_key

__all__ = ["Close", "Ping", "Pong", "Protocol", "State"]

_WHOLE_TEXT: Final = FIN | TEXT
_WHOLE_BINARY: Final = FIN | BINARY

# Pieces of a message shorter than this are put together as they come, longer ones in the end. An object for
# each of a million pieces of two bytes would be twenty times their size.
_SMALL_PIECE: Final = 1024

# RFC 6455 section 7.4: a close frame may have these and 3000 to 4999; the registry has added 1012 to 1014.
_CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)))


class State(enum.Enum):
    """How far a connection has come (the table above)."""

    OPEN = 1
    CLOSING = 2
    CLOSED = 3


class Ping:
    """A ping came; the pong to it is in the output already."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Pong:
    """A pong came, asked for or not."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Close:
    """The connection is over; the last event.

    ``clean`` says that the peer sent a close frame: ``code`` is its code (1005: it had none) and ``reason``.
    Otherwise the peer broke the protocol and ``code`` says how (1002, 1007, 1009), or it went away (1006).
    """

    __slots__ = ("clean", "code", "reason")

    def __init__(self, code: int, reason: str, clean: bool) -> None:
        self.code = code
        self.reason = reason
        self.clean = clean


# An attribute of an enumeration takes as long as several steps of the way of a small message.
_OPEN: Final = State.OPEN
_CLOSED: Final = State.CLOSED

Event = str | bytes | Ping | Pong | Close


class Protocol:
    """One side of one connection: ``client`` says which.

    ``max_message_size`` is in bytes, of the decompressed message where compression was agreed upon; then
    ``deflate`` is the codec. ``close_code`` and ``close_reason`` are what the peer's close frame said, None
    without one and where it said nothing; ``close_sent`` and ``close_received`` tell of the frames.
    """

    __slots__ = (
        "_client",
        "_compressed",
        "_deflate",
        "_eof",
        "_in_frame",
        "_max_message_size",
        "_opcode",
        "_output",
        "_pieces",
        "_reader",
        "_size",
        "_undecoded",
        "close_code",
        "close_reason",
        "close_received",
        "close_sent",
        "state",
    )

    def __init__(self, client: bool, *, max_message_size: int, deflate: Deflate | None = None) -> None:
        self.state = State.OPEN
        self.close_sent = False
        self.close_received = False
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._client = client
        self._max_message_size = max_message_size
        self._deflate = deflate
        self._reader = FrameReader(masked=not client, compression=deflate is not None)
        self._output: list[bytes] = []
        self._eof = False
        # Of a message that is not all there: its opcode (0 if there is none), what has come of it and how many
        # bytes that is, whether the frame we are in goes on, and the beginning of a character at its end.
        self._opcode = 0
        self._compressed = False
        self._in_frame = False
        self._pieces: list[bytes | bytearray] = []
        self._size = 0
        self._undecoded = b""

    # Receiving

    def receive(self, data: bytes) -> None:
        """Takes what arrived."""
        if self.state is not _CLOSED:
            self._reader.feed(data)

    def receive_eof(self) -> None:
        """The peer sends no more; known to be so after the events before it."""
        self._eof = True

    def next_event(self) -> Event | None:
        """The next message (``str`` or ``bytes``), `Ping`, `Pong`, or `Close`; None until more has arrived.

        `take_output` may have something to write after each call.
        """
        if self.state is _CLOSED:
            return None
        try:
            while (frame := self._reader.next()) is not None:
                first, payload, rest = frame
                # Most messages are one frame that is all there.
                if not rest and not self._opcode and len(payload) <= self._max_message_size:
                    if first == _WHOLE_TEXT:
                        return str(payload, "utf-8")
                    if first == _WHOLE_BINARY:
                        return payload
                event = self._control(first, payload) if first & 0x08 else self._data(first, payload, rest)
                if event is not None:
                    return event
        except ProtocolViolation as violation:
            return self._fail(violation.code, violation.reason)
        except UnicodeDecodeError:
            return self._fail(1007, "text that is not UTF-8")
        if self._eof:
            self._end()
            return Close(1006, "", False)
        return None

    def _data(self, first: int, payload: bytes, rest: int) -> str | bytes | None:
        if not self._in_frame:
            self._begin_frame(first, len(payload) + rest)
        self._in_frame = rest > 0
        final = first >= FIN and not rest
        if self._compressed and self._deflate is not None:
            payload = self._deflate.decompress(payload, final, self._max_message_size - self._size)
        self._size += len(payload)
        text = self._opcode == TEXT
        if not final:
            if text:
                self._check_text(payload)
            self._keep(payload)
            return None
        whole = b"".join([*self._pieces, payload]) if self._pieces else payload
        self._forget_message()
        return str(whole, "utf-8") if text else whole

    def _begin_frame(self, first: int, length: int) -> None:
        opcode = first & 0x0F
        if opcode:
            if self._opcode:
                raise ProtocolViolation(1002, "new message inside a fragmented one")
            self._opcode = opcode
            self._compressed = bool(first & RSV1)
        elif not self._opcode:
            raise ProtocolViolation(1002, "continuation of no message")
        # What compressed data comes to, only decompressing tells.
        if not self._compressed and self._size + length > self._max_message_size:
            raise ProtocolViolation(1009, "message too big")

    def _check_text(self, payload: bytes) -> None:
        data = self._undecoded + payload if self._undecoded else payload
        self._undecoded = begun = data[utf_8_decode(data, "strict", False)[1] :]
        # The decoder wants a third byte before it says that these two are half of a surrogate pair.
        if begun >= b"\xed\xa0" and begun[0] == 0xED:
            raise ProtocolViolation(1007, "text that is not UTF-8")

    def _keep(self, piece: bytes) -> None:
        pieces = self._pieces
        if len(piece) >= _SMALL_PIECE:
            pieces.append(piece)
        elif piece:
            if pieces and isinstance(pieces[-1], bytearray):
                pieces[-1] += piece
            else:
                pieces.append(bytearray(piece))

    def _forget_message(self) -> None:
        self._opcode = self._size = 0
        if self._pieces:
            self._pieces = []
        self._undecoded = b""
        self._in_frame = False

    def _control(self, first: int, payload: bytes) -> Ping | Pong | Close:
        opcode = first & 0x0F
        if opcode == PING:
            if self.state is _OPEN:
                self._output.append(self._encode(PONG, payload))
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)
        code = 1005
        reason = ""
        if payload:
            code = int.from_bytes(payload[:2], "big")
            if len(payload) == 1 or code not in _CLOSE_CODES:
                raise ProtocolViolation(1002, "close frame without a valid code")
            reason = str(payload[2:], "utf-8")
            self.close_code = code
            self.close_reason = reason or None
        self.close_received = True
        if not self.close_sent:
            self._output.append(self._encode(CLOSE, payload[:2]))
            self.close_sent = True
        self._end()
        return Close(code, reason, True)

    def _fail(self, code: int, reason: str) -> Close:
        if not self.close_sent:
            self._output.append(self._close_frame(code, reason))
            self.close_sent = True
        self._end()
        return Close(code, reason, False)

    def _end(self) -> None:
        self.state = _CLOSED
        self._reader.clear()
        self._forget_message()
        self._deflate = None

    # Sending

    def take_output(self) -> bytes:
        """What is to be written by itself: pongs, and the close frame that answers one or a violation."""
        if not self._output:
            return b""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def send_message(self, message: str | bytes) -> bytes:
        """The bytes of a message: a ``str`` is sent as text, ``bytes`` as binary.

        Raises `WebSocketClosedError` once a close frame was sent or received, or the connection is lost.
        """
        if self.state is not _OPEN:
            raise WebSocketClosedError
        if isinstance(message, str):
            opcode = TEXT
            message = message.encode()
        else:
            opcode = BINARY
        if self._deflate is None:
            return encode(opcode, message, key=new_key() if self._client else None)
        message = self._deflate.compress(message)
        return encode(opcode, message, rsv1=True, key=new_key() if self._client else None)

    def send_long(self, message: str | bytes) -> tuple[bytes, bytes]:
        """As `send_message`, with the payload apart from what goes before it: so it need not be copied."""
        if self.state is not _OPEN:
            raise WebSocketClosedError
        opcode = TEXT if isinstance(message, str) else BINARY
        payload = message.encode() if isinstance(message, str) else message
        compressed = self._deflate is not None
        if self._deflate is not None:
            payload = self._deflate.compress(payload)
        key = new_key() if self._client else None
        head = header(opcode, len(payload), rsv1=compressed, key=key)
        return head, payload if key is None else mask(key, payload)

    def send_ping(self, data: bytes = b"") -> bytes:
        """The bytes of a ping with up to 125 bytes of ``data``; raises as `send_message` does."""
        return self._send_control(PING, data)

    def send_pong(self, data: bytes = b"") -> bytes:
        """The bytes of a pong nobody asked for, with up to 125 bytes of ``data``; raises as `send_message` does."""
        return self._send_control(PONG, data)

    def send_close(self, code: int | None = None, reason: str | bytes | None = None) -> bytes:
        """The bytes of a close frame; none if one has been sent.

        ``reason`` has 123 bytes of UTF-8 at most; without a ``code`` it goes with 1000. Which codes mean something
        says RFC 6455 section 7.4; a peer may answer others with 1002.
        """
        if self.close_sent or self.state is _CLOSED:
            return b""
        frame = self._close_frame(code, reason)
        self.close_sent = True
        self.state = State.CLOSING
        return frame

    def _send_control(self, opcode: int, data: bytes) -> bytes:
        if self.state is not _OPEN:
            raise WebSocketClosedError
        return self._encode(opcode, data)

    def _close_frame(self, code: int | None, reason: str | bytes | None) -> bytes:
        if code is None and reason is None:
            return self._encode(CLOSE, b"")
        code = 1000 if code is None else code
        if not 0 <= code <= 0xFFFF:
            raise ValueError(
                f"a close code has two bytes, {code} does not fit; 1000 and 3000 to 4999 are for anybody"
            )
        return self._encode(CLOSE, code.to_bytes(2, "big") + utf8(reason or b""))

    def _encode(self, opcode: int, payload: bytes) -> bytes:
        return encode(opcode, payload, key=new_key() if self._client else None)
