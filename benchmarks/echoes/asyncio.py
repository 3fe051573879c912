"""asyncio's streams, on uvloop."""

from __future__ import annotations

import asyncio

from benchmarks.peers import options
from benchmarks.program import run


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", options().port)
    await server.serve_forever()


if __name__ == "__main__":
    run(main)
