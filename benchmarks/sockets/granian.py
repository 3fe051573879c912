"""Granian's WebSockets, in Rust, with a bare ASGI function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops

from benchmarks.peers import options

Send = Callable[[dict[str, Any]], Awaitable[None]]

members: set[Send] = set()


async def application(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    """Serve both paths."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/everybody":
        members.add(send)
    while (message := await receive())["type"] == "websocket.receive":
        answer = {"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")}
        if scope["path"] == "/echo":
            await send(answer)
        else:
            for member in list(members):
                await member(answer)
    members.discard(send)


if __name__ == "__main__":
    Granian(
        "benchmarks.sockets.granian:application",
        address="127.0.0.1",
        port=options().port,
        interface=Interfaces.ASGINL,
        workers=1,
        runtime_threads=1,
        loop=Loops.uvloop,
        # So many connections at once; it takes 1,024 otherwise.
        backpressure=20_000,
        log_enabled=False,
        log_access=False,
    ).serve()
