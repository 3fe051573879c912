"""The limit: a bare protocol on uvloop that knows how long a message is, and answers a constant."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import cast

from benchmarks.peers import options
from benchmarks.program import run
from benchmarks.samples import LONG, SHORT
from benchmarks.websocket import Message

MESSAGE = Message(LONG, text=False) if options().workload == "websocket_64k" else Message(SHORT, text=True)
WHOLE = len(MESSAGE.sent)


class Constant(asyncio.Protocol):
    transport: asyncio.WriteTransport
    members: set[asyncio.WriteTransport] = set()  # noqa: RUF012
    path = ""
    came = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.members.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        if not self.path:
            self.join(data)
        elif self.path == "/echo":
            self.came += len(data)
            if self.came == WHOLE:
                self.came = 0
                self.transport.write(MESSAGE.back)
        else:
            for member in self.members:
                member.write(MESSAGE.back)

    def join(self, data: bytes) -> None:
        self.path = data.split()[1].decode()
        found = re.search(rb"Sec-WebSocket-Key: (\S+)", data)
        key = found[1] if found else b""
        accept = base64.b64encode(
            hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
        )
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
        self.transport.write(b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + accept, b"", b""]))
        if self.path == "/everybody":
            self.members.add(self.transport)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", options().port)
    await server.serve_forever()


if __name__ == "__main__":
    run(main)
