"""aiohttp's WebSockets, on uvloop."""

from __future__ import annotations

import uvloop
from aiohttp import WSMsgType, web

from benchmarks.peers import options

MEMBERS = web.AppKey("members", set[web.WebSocketResponse])


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def everybody(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    members = request.app[MEMBERS]
    members.add(socket)
    try:
        async for message in socket:
            for member in list(members):
                await member.send_str(message.data)
    finally:
        members.discard(socket)
    return socket


if __name__ == "__main__":
    application = web.Application()
    application[MEMBERS] = set()
    application.add_routes([web.get("/echo", echo), web.get("/everybody", everybody)])
    loop = uvloop.new_event_loop()
    web.run_app(application, host="127.0.0.1", port=options().port, access_log=None, print=None, loop=loop)
