"""The limit: a bare protocol on uvloop that sends back whatever comes."""

from __future__ import annotations

import asyncio
from typing import cast

from benchmarks.peers import options
from benchmarks.program import run


class Echo(asyncio.Protocol):
    transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", options().port)
    await server.serve_forever()


if __name__ == "__main__":
    run(main)
