"""aiohttp, on uvloop."""

from __future__ import annotations

import uvloop
from aiohttp import web
from itsdangerous import BadSignature, TimestampSigner

from benchmarks.peers import options
from benchmarks.samples import HELLO, ROUTES, SECRET, route

NAME = "aiohttp"
REQUIREMENTS = ["aiohttp", "itsdangerous", "uvloop"]
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "form",
    "cookie",
    "routes",
    "pipelined",
    "static_1k",
    "static_1m",
]

signer = TimestampSigner(SECRET)


def html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", charset="UTF-8")


async def hello(request: web.Request) -> web.Response:
    return html(HELLO)


async def json(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    return web.json_response({"id": number, "q": request.query["q"], "tags": ["a", "b"], "ok": True})


async def form(request: web.Request) -> web.Response:
    fields = await request.post()
    return html(f"{fields['name']}, {fields['city']}")


async def cookie(request: web.Request) -> web.Response:
    try:
        value = signer.unsign(request.cookies["visitor"], max_age=31 * 86400).decode()
    except (KeyError, BadSignature):
        value = "ada"
    response = html(HELLO)
    response.set_cookie("visitor", signer.sign(value).decode(), max_age=30 * 86400)
    return response


async def item(request: web.Request) -> web.Response:
    return html(request.match_info["number"])


def main() -> None:
    arguments = options()
    application = web.Application()
    application.add_routes(
        [
            web.get("/hello", hello),
            web.get("/hello_async", hello),
            web.get("/json/{number:[0-9]+}", json),
            web.post("/form", form),
            web.get("/cookie", cookie),
            web.static("/static", arguments.static),
        ]
    )
    if arguments.workload == "routes":
        application.add_routes([web.get(route(number) + "{number:[0-9]+}", item) for number in range(ROUTES)])
    loop = uvloop.new_event_loop()
    web.run_app(application, host="127.0.0.1", port=arguments.port, access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    main()
