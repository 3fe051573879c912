"""A server whose answer to a handshake is a script, and a proxy that opens tunnels."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from types import TracebackType
from typing import Any, Self

from tests.websocket.wire import masked

__all__ = ["CLOSE", "HANG", "SWITCH", "Proxy", "Scripted", "unmasked"]

# Pieces of a script that are no bytes: end the connection; wait until the client goes.
CLOSE, HANG = "close", "hang"
# ``@`` is replaced by the right Sec-WebSocket-Accept.
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n"


def accept_for(head: str) -> bytes:
    """The answer to the key in a request (RFC 6455 section 4.2.2)."""
    key = head.partition("Sec-Websocket-Key: ")[2].partition("\r\n")[0]
    text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest())


def unmasked(data: bytes) -> list[tuple[int, bytes]]:
    """Short frames of a client: first byte and payload."""
    frames = []
    while data:
        size = data[1] & 0x7F
        frames.append((data[0], masked(data[2:6], data[6 : 6 + size])))
        data = data[6 + size :]
    return frames


class Listener:
    """A server whose connections are all over when its block is."""

    port = 0

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._server: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        try:
            await self.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raise NotImplementedError


class Scripted(Listener):
    """Answers a handshake with the pieces given, and keeps what it is sent: ``head``, and ``received`` behind it."""

    def __init__(self, *pieces: bytes | str, context: ssl.SSLContext | None = None) -> None:
        super().__init__(context)
        self.pieces = pieces
        self.head = ""
        self.received = b""
        self.gone = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'wss://localhost' if self._context else 'ws://127.0.0.1'}:{self.port}/path?query"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        for piece in self.pieces:
            if isinstance(piece, bytes):
                writer.write(piece.replace(b"@", accept_for(self.head)))
            elif piece == CLOSE:
                writer.close()
                await writer.wait_closed()
        try:
            while data := await reader.read(65536):
                self.received += data
        finally:
            self.gone.set()


class Proxy(Listener):
    """Opens a tunnel to wherever it is told, or refuses to."""

    def __init__(self, refuse: bytes = b"") -> None:
        super().__init__()
        self.refuse = refuse
        self.head = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if self.refuse:
            writer.write(self.refuse)
            await reader.read()
            return
        host, _, port = self.head.split()[1].rpartition(":")
        there, back = await asyncio.open_connection("127.0.0.1" if host == "localhost" else host, int(port))
        self._writers.append(back)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(self._relay(reader, back), self._relay(there, writer), return_exceptions=True)
        back.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()
