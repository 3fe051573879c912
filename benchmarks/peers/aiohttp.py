"""aiohttp, on uvloop."""

from __future__ import annotations

import os
import ssl
from typing import Any

import uvloop
from aiohttp import web

from benchmarks.borrowed import VISITOR_SECONDS, render_table, sign, unsign, visitor
from benchmarks.peers import options
from benchmarks.samples import HELLO, IDLE_SECONDS, route, route_numbers
from benchmarks.visits import LIFETIME, Visits

NAME = "aiohttp"
REQUIREMENTS = ["aiohttp", "itsdangerous", "jinja2", "uvloop", "redis", "hiredis"]
IMPORTS = "aiohttp.web"
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "form",
    "form_json",
    "cookie",
    "session",
    "upload",
    "upload_stream",
    "routes",
    "routes_10",
    "connections",
    "startup",
    "tls",
    "pipelined",
    "client",
    "static_1k",
    "static_1m",
    "template",
    "websocket",
    "websocket_64k",
    "websocket_broadcast",
    "websocket_idle",
]

VISITS = web.AppKey("visits", Visits)


def html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", charset="UTF-8")


async def hello(request: web.Request) -> web.Response:
    return html(HELLO)


async def json(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    return web.json_response({"id": number, "q": request.query["q"], "tags": ["a", "b"], "ok": True})


async def form(request: web.Request) -> web.Response:
    fields: Any = await request.post()
    return html(f"{fields['name']}, {fields['city']}")


async def cookie(request: web.Request) -> web.Response:
    response = html(HELLO)
    response.set_cookie("visitor", sign(visitor(request.cookies)), max_age=VISITOR_SECONDS)
    return response


async def form_json(request: web.Request) -> web.Response:
    values = await request.json()
    return html(f"{values['name']}, {values['city']}")


async def session(request: web.Request) -> web.Response:
    signed = request.cookies.get("sid")
    name, number = await request.app[VISITS].count(unsign(signed) if signed else None)
    response = html(f"visit {number}")
    if signed is None:
        response.set_cookie("sid", sign(name), max_age=LIFETIME)
    return response


async def upload(request: web.Request) -> web.Response:
    for name, file in (await request.post()).items():
        if isinstance(file, web.FileField):
            return html(f"{name} {file.file.seek(0, os.SEEK_END)}")
    raise web.HTTPBadRequest


async def upload_stream(request: web.Request) -> web.Response:
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
    return html(str(size))


async def table(request: web.Request) -> web.Response:
    return html(render_table())


async def item(request: web.Request) -> web.Response:
    return html(request.match_info["number"])


def main() -> None:
    arguments = options()
    application = web.Application(client_max_size=100_000_000)
    application[VISITS] = Visits(arguments.redis)
    application.add_routes(
        [
            web.get("/hello", hello),
            web.get("/hello_async", hello),
            web.get("/json/{number:[0-9]+}", json),
            web.post("/form", form),
            web.post("/form_json", form_json),
            web.post("/upload", upload),
            web.post("/upload_stream", upload_stream),
            web.get("/cookie", cookie),
            web.get("/session", session),
            web.get("/table", table),
            web.static("/static", arguments.static),
        ]
    )
    numbers = route_numbers(arguments.workload)
    application.add_routes([web.get(route(number) + "{number:[0-9]+}", item) for number in numbers])
    tls = None
    if arguments.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(arguments.certificate, arguments.key)
    loop = uvloop.new_event_loop()
    web.run_app(
        application,
        host="127.0.0.1",
        port=arguments.port,
        ssl_context=tls,
        keepalive_timeout=IDLE_SECONDS,
        access_log=None,
        print=None,
        loop=loop,
    )


if __name__ == "__main__":
    main()
