"""The limit: a protocol on uvloop with httptools that answers a constant and knows no HTTP beyond that."""

from __future__ import annotations

import asyncio
from typing import cast

import httptools
import uvloop

from benchmarks.peers import options
from benchmarks.samples import HELLO, HTML

NAME = "the limit"
REQUIREMENTS = ["httptools", "uvloop"]
WORKLOADS = ["hello", "hello_async", "pipelined"]

RESPONSE = (
    f"HTTP/1.1 200 OK\r\nContent-Type: {HTML}\r\nContent-Length: {len(HELLO)}\r\n\r\n{HELLO}"
).encode()


class Constant(asyncio.Protocol):
    transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(RESPONSE)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", options().port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
