"""What the tests of connections talk with: a server, a client made of bytes, handlers that note what they see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Self

from framework.httpserver import HTTPServer
from framework.websocket import WebSocketHandler
from tests.streams import until
from tests.websocket.wire import close, frame

__all__ = ["ACCEPT", "Noting", "RawClient", "Server", "ask", "close", "frame", "until"]

TEXT, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A
# RFC 6455 section 1.3.
NONCE, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def ask(path: str = "/", *lines: str, method: str = "GET", version: str = "HTTP/1.1", **fields: str) -> bytes:
    """The bytes of an opening handshake; a field that is empty is left out."""
    header = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": NONCE,
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    all_lines = [
        f"{method} {path} {version}",
        *(f"{name}: {value}" for name, value in header.items() if value),
    ]
    return "\r\n".join([*all_lines, *lines, "", ""]).encode()


class RawClient:
    """A connection whose every byte the test chooses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = ""

    @classmethod
    async def connect(cls, port: int) -> RawClient:
        """Connects."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def open(self, request: bytes = b"", behind: bytes = b"") -> Self:
        """Sends a handshake, and what is to come in one piece with it; notes the answer's head."""
        self.send((request or ask()) + behind)
        self.head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        return self

    def send(self, *pieces: bytes) -> None:
        """Sends bytes."""
        self.writer.write(b"".join(pieces))

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        return await self.reader.readexactly(size)

    async def frame(self) -> tuple[int, bytes]:
        """The first byte and the payload of a frame; they are not masked."""
        first, length = await self.read(2)
        if length >= 126:
            length = int.from_bytes(await self.read(2 if length == 126 else 8), "big")
        return first, await self.read(length)

    async def rest(self) -> bytes:
        """What comes until the connection's end."""
        return await self.reader.read()

    async def close(self) -> None:
        """Ends the connection."""
        self.writer.transport.abort()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()


class Server:
    """A server that a fixture closes, and the clients of it."""

    def __init__(self, http_server: HTTPServer, port: int) -> None:
        self.http_server = http_server
        self.port = port
        self.url = f"ws://127.0.0.1:{port}"
        self._clients: list[RawClient] = []

    async def connect(self) -> RawClient:
        """A connection, before its handshake."""
        client = await RawClient.connect(self.port)
        self._clients.append(client)
        return client

    async def open(self, request: bytes = b"", behind: bytes = b"") -> RawClient:
        """A connection with the handshake done."""
        return await (await self.connect()).open(request, behind)

    async def ask(self, request: bytes) -> str:
        """The whole answer to a handshake that is refused, and a connection that is kept alive."""
        client = await self.open(request)
        size = [line for line in client.head.split("\r\n") if line.lower().startswith("content-length")]
        return client.head + (await client.read(int(size[0].split(":")[1]))).decode()

    async def close(self) -> None:
        """Stops, and breaks off what is there."""
        self.http_server.stop()
        for client in self._clients:
            await client.close()
        await self.http_server.close_all_connections(timeout=0)


class Noting(WebSocketHandler):
    """Notes what happens, in the order in which it does; echoes messages.

    Each subclass has notes of its own.
    """

    seen: ClassVar[list[Any]]
    made: ClassVar[list[Any]]

    def __init_subclass__(cls) -> None:
        cls.seen = []
        cls.made = []

    def _open(self, *args: str, **kwargs: str) -> Any:
        self.made.append(self)
        self.seen.append(("open", *args, *sorted(kwargs.items())))

    # A subclass has the arguments of its route.
    open: Callable[..., Any] = _open

    def on_message(self, message: str | bytes) -> Any:
        self.seen.append(message)
        return self.write_message(message, binary=isinstance(message, bytes))

    def on_ping(self, data: bytes) -> None:
        self.seen.append(("ping", data))

    def on_pong(self, data: bytes) -> None:
        self.seen.append(("pong", data))

    def on_close(self) -> None:
        self.seen.append(("close", self.close_code, self.close_reason))
