"""The limit: a protocol on uvloop with httptools that answers a constant and knows no HTTP beyond that."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

import httptools
import uvloop

from benchmarks.peers import options
from benchmarks.samples import HELLO, HTML

NAME = "the limit"
REQUIREMENTS = ["httptools", "uvloop"]
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "pipelined",
    "connections",
    "startup",
    "tls",
    "iostream",
    "websocket",
    "websocket_64k",
    "websocket_broadcast",
    "websocket_idle",
]

JSON = '{"id": 42, "q": "caf\\u00e9 au lait", "tags": ["a", "b"], "ok": true}'


def constant(type: str, body: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class Constant(asyncio.Protocol):
    transport: asyncio.WriteTransport

    def __init__(self, response: bytes) -> None:
        self.response = response

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(self.response)


async def main() -> None:
    arguments = options()
    response = constant("application/json", JSON) if arguments.workload == "json" else constant(HTML, HELLO)
    tls = None
    if arguments.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(arguments.certificate, arguments.key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Constant(response), "127.0.0.1", arguments.port, ssl=tls)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
