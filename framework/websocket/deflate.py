"""The extension permessage-deflate: what is negotiated, and the codec (RFC 7692)."""

from __future__ import annotations

import zlib
from typing import Any, Final

from framework.websocket.errors import ProtocolViolation, WebSocketError
from framework.websocket.extensions import parse_extensions

__all__ = ["Deflate", "Parameters", "accept", "check_answer", "offer"]

_NAME: Final = "permessage-deflate"

# What ends each message's compressed data, and is not sent (RFC 7692 section 7.2.1).
_TAIL: Final = b"\x00\x00\xff\xff"

# So many ended streams of compressed data are taken in one message (RFC 7692 section 7.2.3.4): one is what anybody
# sends. Each costs as much as decompressing kilobytes.
_MOST_ENDS: Final = 16

# RFC 7692 sections 7.1.2.1 and 7.1.2.2: no leading zeros.
_WINDOW_BITS = {str(bits): bits for bits in range(8, 16)}


class Parameters:
    """What two sides agreed upon (RFC 7692 section 7.1).

    ``server_no_context_takeover`` and ``client_no_context_takeover``: that side compresses each message by
    itself. ``server_max_window_bits`` and ``client_max_window_bits`` (8 to 15): it refers back no further than
    so many bits can say.
    """

    __slots__ = (
        "client_max_window_bits",
        "client_no_context_takeover",
        "server_max_window_bits",
        "server_no_context_takeover",
    )

    def __init__(
        self,
        *,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int = 15,
        client_max_window_bits: int = 15,
    ) -> None:
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.client_max_window_bits = client_max_window_bits


def offer() -> str:
    """What a client that wants compression sends as Sec-WebSocket-Extensions."""
    return f"{_NAME}; client_max_window_bits"


def accept(header: str) -> tuple[Parameters, str] | None:
    """A server's choice among a client's offers: what is agreed upon, and the answer's Sec-WebSocket-Extensions.

    ``header`` is the request's Sec-WebSocket-Extensions, lines joined by commas. The first offer without anything
    unknown or wrong in it is taken, as it is; None if there is none.
    """
    try:
        offers = parse_extensions(header)
    except ValueError:
        return None
    for name, fields in offers:
        try:
            if name == _NAME:
                return _parameters(fields, bits_needed=False), _answer(fields)
        except ValueError:
            continue
    return None


def check_answer(header: str) -> Parameters | None:
    """What a server agreed to of `offer`, by its Sec-WebSocket-Extensions; None if that is empty.

    Raises `WebSocketError` if it answered what was not offered, or is not known.
    """
    try:
        extensions = parse_extensions(header)
        if not extensions:
            return None
        (name, fields), *more = extensions
        if name != _NAME or more:
            raise ValueError(f"only {_NAME} was offered, and once")
        return _parameters(fields, bits_needed=True)
    except ValueError as error:
        raise WebSocketError(f"the server answered with extensions {header!r}: {error}") from error


def _parameters(fields: list[tuple[str, str | None]], bits_needed: bool) -> Parameters:
    values: dict[str, Any] = {}
    for name, value in fields:
        if name in values:
            raise ValueError(f"{name} is there twice")
        if name in ("server_no_context_takeover", "client_no_context_takeover") and value is None:
            values[name] = True
        elif name in ("server_max_window_bits", "client_max_window_bits") and value in _WINDOW_BITS:
            values[name] = _WINDOW_BITS[value]
        elif name == "client_max_window_bits" and value is None and not bits_needed:
            # It can be told how many; all are welcome.
            values[name] = 15
        else:
            raise ValueError(f"{name} with value {value} is no parameter")
    return Parameters(**values)


def _answer(fields: list[tuple[str, str | None]]) -> str:
    # All that was asked for is done. A parameter of the client's without a value asks for nothing.
    return "; ".join(
        [
            _NAME,
            *(
                name if value is None else f"{name}={value}"
                for name, value in fields
                if _is_answered(name, value)
            ),
        ]
    )


def _is_answered(name: str, value: str | None) -> bool:
    return name != "client_max_window_bits" or value is not None


class Deflate:
    """Compresses and decompresses the messages of one connection, as agreed upon.

    ``client`` says which side this is. ``compression_level`` (0 to 9, -1 for zlib's choice) and ``mem_level`` (1 to
    9) are zlib's; others are a ``ValueError``. zlib's state (some 40 kB to receive with, up to 260 kB to send with)
    is made with the first message that needs it. ``used`` is set by each message that leaves something to `release`.
    """

    __slots__ = (
        "_compressor",
        "_decompressor",
        "_ends",
        "_forgets_received",
        "_forgets_sent",
        "_level",
        "_mem_level",
        "_receive_bits",
        "_send_bits",
        "used",
    )

    def __init__(
        self, parameters: Parameters, *, client: bool, compression_level: int = 6, mem_level: int = 8
    ) -> None:
        if not -1 <= compression_level <= 9:
            raise ValueError(f"compression_level is from 0 to 9, or -1, not {compression_level}")
        if not 1 <= mem_level <= 9:
            raise ValueError(f"mem_level is from 1 to 9, not {mem_level}")
        self._level = compression_level
        self._mem_level = mem_level
        server = (parameters.server_max_window_bits, parameters.server_no_context_takeover)
        peer = (parameters.client_max_window_bits, parameters.client_no_context_takeover)
        if client:
            server, peer = peer, server
        send_bits, self._forgets_sent = server
        self._receive_bits, self._forgets_received = peer
        # zlib has no window of 8 bits to compress with. But it never refers back further than a window less
        # 262 bytes: with 9 bits 250, which is within the 256 of 8 bits.
        self._send_bits = max(send_bits, 9)
        self._compressor: Any = None
        self._decompressor: Any = None
        self._ends = 0
        self.used = False

    def compress(self, message: bytes) -> bytes:
        """The payload for a message."""
        if not message:
            # zlib flushes nothing the second time. An empty block is what means nothing (section 7.2.3.6).
            return b"\x00"
        compressor = self._compressor
        if compressor is None:
            compressor = zlib.compressobj(self._level, zlib.DEFLATED, -self._send_bits, self._mem_level)
            if not self._forgets_sent:
                self._compressor = compressor
        self.used = True
        packed: bytes = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
        return packed[: -len(_TAIL)]

    def decompress(self, piece: bytes, final: bool, max_size: int) -> bytes:
        """The next piece of a message decompressed; ``final`` says that it is the last.

        Raises `ProtocolViolation`: 1009 for one that would be more than ``max_size`` bytes, 1007 if damaged.
        """
        data = piece + _TAIL if final else piece
        size = 0
        parts: list[bytes] = []
        try:
            while True:
                decompressor = self._decompressor
                if decompressor is None:
                    decompressor = self._decompressor = zlib.decompressobj(-self._receive_bits)
                # One byte more tells whether there is more.
                part = decompressor.decompress(data, max_size - size + 1)
                size += len(part)
                if size > max_size:
                    raise ProtocolViolation(1009, "message too big")
                parts.append(part)
                if not decompressor.eof:
                    break
                self._ends += 1
                if self._ends > _MOST_ENDS:
                    raise ProtocolViolation(1007, "compressed data that ends too often")
                data = decompressor.unused_data
                self._decompressor = None
        except zlib.error as error:
            raise ProtocolViolation(1007, "damaged compressed data") from error
        if final:
            self._ends = 0
            if self._forgets_received:
                self._decompressor = None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self) -> None:
        """Gives back the memory used for sending: the next message starts anew."""
        self._compressor = None
