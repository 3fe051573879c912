"""As much of WebSocket (RFC 6455) as a load needs that sends what was made before. Standard library only."""

from __future__ import annotations

import base64
import hashlib
import socket
from dataclasses import dataclass, field

from benchmarks.errors import BenchmarkError
from benchmarks.exchange import SECONDS

__all__ = ["Message", "frame", "join"]

_KEY = base64.b64encode(b"nobody's secrets").decode()
_ACCEPT = base64.b64encode(
    hashlib.sha1(f"{_KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
)
_MASK = b"\x9a\x3c\x51\xe7"
#: A frame of a message as large as any here fits into the kernel at once.
_SEND_BUFFER = 1 << 18


def frame(payload: bytes, *, text: bool, mask: bytes = b"") -> bytes:
    """Return a message in one frame (RFC 6455 section 5.2); clients mask theirs."""
    size, masked = len(payload), 0x80 if mask else 0
    head = bytes([0x81 if text else 0x82])
    if size < 126:
        head += bytes([masked | size])
    elif size < 1 << 16:
        head += bytes([masked | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + size.to_bytes(8, "big")
    if mask:
        stream = (mask * (size // 4 + 1))[:size]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
    return head + mask + payload


@dataclass(frozen=True, slots=True)
class Message:
    """A message, and the bytes that it is on the wire.

    Args:
        payload: its content.
        text: whether it is text.
    """

    payload: bytes
    text: bool
    #: As a client sends it.
    sent: bytes = field(init=False)
    #: As a server does.
    back: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sent", frame(self.payload, text=self.text, mask=_MASK))
        object.__setattr__(self, "back", frame(self.payload, text=self.text))

    def exchange(self, connection: socket.socket) -> None:
        """Send it on a connection that blocks, and wait until it is back.

        Raises:
            BenchmarkError: something else came back.
        """
        connection.sendall(self.sent)
        received = b""
        while len(received) < len(self.back):
            piece = connection.recv(len(self.back) - len(received))
            if not piece:
                break
            received += piece
        if received != self.back:
            raise BenchmarkError(f"{received[:100]!r} came back, not {self.back[:100]!r}")


def join(connection: socket.socket, path: str) -> None:
    """Make a TCP connection a WebSocket without extensions.

    Raises:
        BenchmarkError: the server answers something else.
    """
    connection.settimeout(SECONDS)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {_KEY}", "Sec-WebSocket-Version: 13"]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        received = connection.recv(4096)
        if not received:
            raise BenchmarkError(f"the connection ended in its handshake, after {answer!r}")
        answer += received
    status, *fields = answer.split(b"\r\n")
    values = dict(field.split(b":", 1) for field in fields if field)
    told = {name.strip().lower(): value.strip() for name, value in values.items()}
    if b" 101 " not in status + b" " or told.get(b"sec-websocket-accept") != _ACCEPT:
        raise BenchmarkError(f"this is no handshake of a WebSocket: {answer!r}")
    if b"sec-websocket-extensions" in told:
        raise BenchmarkError(f"nobody asked for extensions: {answer!r}")
