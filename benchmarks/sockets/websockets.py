"""websockets, on uvloop."""

from __future__ import annotations

import asyncio

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.peers import options

members: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    if connection.request is not None and connection.request.path == "/echo":
        async for message in connection:
            await connection.send(message)
        return
    members.add(connection)
    try:
        async for message in connection:
            broadcast(members, message)
    finally:
        members.discard(connection)


async def main() -> None:
    async with serve(handle, "127.0.0.1", options().port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
