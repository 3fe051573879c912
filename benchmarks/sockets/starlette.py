"""Starlette's WebSockets on uvicorn, with the package websockets, which it takes by itself where that is installed."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.on_uvicorn import serve

members: set[WebSocket] = set()


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while (message := await socket.receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is not None:
            await socket.send_text(text)
        else:
            await socket.send_bytes(message["bytes"])


async def everybody(socket: WebSocket) -> None:
    await socket.accept()
    members.add(socket)
    try:
        while True:
            text = await socket.receive_text()
            for member in list(members):
                await member.send_text(text)
    except WebSocketDisconnect:
        members.discard(socket)


if __name__ == "__main__":
    serve(Starlette(routes=[WebSocketRoute("/echo", echo), WebSocketRoute("/everybody", everybody)]))
