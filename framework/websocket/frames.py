"""Frames to and from bytes (RFC 6455 section 5.2), without I/O and without knowledge of messages."""

from __future__ import annotations

from typing import Final

from framework.websocket.errors import ProtocolViolation
from framework.websocket.masking import mask, unmask

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "FIN",
    "PING",
    "PONG",
    "RSV1",
    "TEXT",
    "FrameReader",
    "encode",
    "header",
]

# Opcodes.
CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

# Bits of the first byte beside the opcode.
FIN: Final = 0x80
RSV1: Final = 0x40

_MASKED: Final = 0x80
_MOST_CONTROL: Final = 125

# What the first byte of a frame can be: control frames are never fragmented, and a reserved bit is there for
# those who agreed upon its meaning. Compression marks the first frame of a message (RFC 7692 section 6).
_DATA = frozenset(fin | opcode for fin in (0, FIN) for opcode in (CONTINUATION, TEXT, BINARY))
_CONTROL = frozenset(FIN | opcode for opcode in (CLOSE, PING, PONG))
_COMPRESSED = frozenset(fin | RSV1 | opcode for fin in (0, FIN) for opcode in (TEXT, BINARY))

_FIRSTS = _DATA | _CONTROL
_FIRSTS_WITH_COMPRESSION = _FIRSTS | _COMPRESSED

# The whole header of an unmasked frame of up to 125 bytes, by first byte and length.
_HEADERS = {
    first: tuple(bytes((first, length)) for length in range(_MOST_CONTROL + 1))
    for first in _FIRSTS_WITH_COMPRESSION
}


def encode(
    opcode: int, payload: bytes, *, fin: bool = True, rsv1: bool = False, key: bytes | None = None
) -> bytes:
    """One frame.

    ``key`` (4 bytes) masks it, as clients must; servers give none. More than 125 bytes in a control frame are a
    ``ValueError``.
    """
    first = opcode | (FIN if fin else 0) | (RSV1 if rsv1 else 0)
    length = len(payload)
    if opcode >= CLOSE and length > _MOST_CONTROL:
        raise ValueError("control frame payloads may not exceed 125 bytes")
    if key is None:
        if length <= _MOST_CONTROL:
            return _HEADERS[first][length] + payload
        if length < 0x10000:
            return b"%c\x7e%b%b" % (first, length.to_bytes(2, "big"), payload)
        return b"%c\x7f%b%b" % (first, length.to_bytes(8, "big"), payload)
    if length <= _MOST_CONTROL:
        return b"%c%c%b%b" % (first, _MASKED | length, key, mask(key, payload))
    if length < 0x10000:
        return b"%c\xfe%b%b%b" % (first, length.to_bytes(2, "big"), key, mask(key, payload))
    return b"%c\xff%b%b%b" % (first, length.to_bytes(8, "big"), key, mask(key, payload))


def header(opcode: int, length: int, *, rsv1: bool = False, key: bytes | None = None) -> bytes:
    """What goes before a payload of ``length`` bytes in a data frame that is a whole message."""
    first = FIN | opcode | (RSV1 if rsv1 else 0)
    masked = 0 if key is None else _MASKED
    if length <= _MOST_CONTROL:
        head = bytes((first, masked | length))
    elif length < 0x10000:
        head = bytes((first, masked | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, masked | 127)) + length.to_bytes(8, "big")
    return head if key is None else head + key


class FrameReader:
    """Finds frames in what it is fed, and hands them out one at a time, unmasked.

    The payload of a data frame is handed out as far as it is there, so nothing of it is held back and looked
    at again: an unfinished header, or an unfinished control frame, is all that waits for more. ``masked`` says
    whether frames have to be masked (clients' frames) or must not be (servers'); ``compression``, whether one
    may be marked as compressed.
    """

    __slots__ = (
        "_at",
        "_data",
        "_first",
        "_firsts",
        "_key",
        "_mask_bit",
        "_pending",
        "_pending_size",
        "_rest",
        "_shortest",
    )

    def __init__(self, *, masked: bool, compression: bool = False) -> None:
        # What is being read, and from where on; and what has come since.
        self._data = b""
        self._at = 0
        self._pending: list[bytes] = []
        self._pending_size = 0
        # What the second byte of each frame has, and how long the header of a small one is.
        self._mask_bit = _MASKED if masked else 0
        self._shortest = 6 if masked else 2
        self._firsts = _FIRSTS_WITH_COMPRESSION if compression else _FIRSTS
        # Of a data frame that is not all there: its first byte, how much is missing, the key turned to that place.
        self._first = 0
        self._rest = 0
        self._key = b""

    def feed(self, data: bytes) -> None:
        """Takes what was received."""
        if self._data or self._pending:
            self._pending.append(data)
            self._pending_size += len(data)
        else:
            self._data = data

    def clear(self) -> None:
        """Forgets what has not been handed out."""
        self._data = b""
        self._at = self._rest = self._pending_size = 0
        self._pending.clear()

    @property
    def buffered(self) -> int:
        """How many bytes have not been handed out."""
        return len(self._data) - self._at + self._pending_size

    def next(self) -> tuple[int, bytes, int] | None:
        """The next frame or piece of one, None if there is nothing more.

        Returns the frame's first byte (`FIN`, `RSV1`, opcode), payload, and how many bytes of the frame's payload
        are still to come. The first piece of a frame that is not all there may be empty. Raises
        `ProtocolViolation`; what follows is then meaningless.
        """
        if self._rest:
            return self._more()
        data = self._data
        at = self._at
        # Small and all there, as most are. This special case makes them cost a seventh less, a third without masks.
        start = at + self._shortest
        if start <= len(data):
            first = data[at]
            length = data[at + 1] - self._mask_bit
            end = start + length
            if 0 <= length <= _MOST_CONTROL and end <= len(data) and first in self._firsts:
                if end == len(data):
                    self._data = b""
                    self._at = 0
                else:
                    self._at = end
                if self._mask_bit:
                    return first, mask(data[start - 4 : start], data[start:end]), 0
                return first, data[start:end], 0
        elif not data and not self._pending:
            return None
        return self._any()

    def _any(self) -> tuple[int, bytes, int] | None:
        frame = self._begin()
        # Joined only where what there is does not do, so that no byte is joined twice.
        while frame is None and self._pending:
            self._join()
            frame = self._begin()
        return frame

    def _join(self) -> None:
        self._data = b"".join([self._data[self._at :], *self._pending])
        self._at = self._pending_size = 0
        self._pending.clear()

    def _begin(self) -> tuple[int, bytes, int] | None:
        data, at = self._data, self._at
        available = len(data) - at
        if not available:
            return None
        first = data[at]
        if first not in self._firsts:
            raise _first_violation(first)
        if available < 2:
            return None
        second = data[at + 1]
        if second & _MASKED != self._mask_bit:
            raise ProtocolViolation(
                1002, "masked frame from a server" if second >= _MASKED else "unmasked frame"
            )
        length = second & 0x7F
        start = at + 2
        if length > _MOST_CONTROL:
            if first in _CONTROL:
                raise ProtocolViolation(1002, "control frame of more than 125 bytes")
            start += 2 if length == 126 else 8
            if len(data) < start:
                return None
            length = _extended(data[at + 2 : start])
        if self._mask_bit:
            start += 4
        if len(data) < (start + length if first in _CONTROL else start):
            return None
        key = data[start - 4 : start] if self._mask_bit else b""
        return self._hand_out(first, key, start, length)

    def _more(self) -> tuple[int, bytes, int] | None:
        if not self._data:
            if not self._pending:
                return None
            self._join()
        return self._hand_out(self._first, self._key, self._at, self._rest)

    def _hand_out(self, first: int, key: bytes, start: int, length: int) -> tuple[int, bytes, int]:
        data = self._data
        end = min(start + length, len(data))
        payload = unmask(key, data, start, end) if key else data[start:end]
        if end < len(data):
            self._at = end
        else:
            self._data = b""
            self._at = 0
        rest = length - len(payload)
        if rest:
            turn = len(payload) % 4
            self._first = first
            self._key = key[turn:] + key[:turn]
        self._rest = rest
        return first, payload, rest


def _first_violation(first: int) -> ProtocolViolation:
    opcode = first & 0x0F
    if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        return ProtocolViolation(1002, f"reserved opcode {opcode}")
    if first & 0x70:
        return ProtocolViolation(1002, "reserved bit without an extension for it")
    return ProtocolViolation(1002, "fragmented control frame")


def _extended(field: bytes) -> int:
    length = int.from_bytes(field, "big")
    if len(field) == 8 and length >> 63:
        raise ProtocolViolation(1002, "length with its highest bit set")
    # RFC 6455 section 5.2: the minimal number of bytes has to be used.
    if length < (126 if len(field) == 2 else 0x10000):
        raise ProtocolViolation(1002, "length in more bytes than it needs")
    return length
