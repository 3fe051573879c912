"""Sanic in a single process, with its own server on uvloop."""

from __future__ import annotations

from sanic import HTTPResponse, Request, Sanic
from sanic.response import html
from sanic.response import json as as_json

from benchmarks.borrowed import VISITOR_SECONDS, render_table, sign, visitor
from benchmarks.peers import options
from benchmarks.samples import HELLO, IDLE_SECONDS, route, route_numbers

NAME = "Sanic"
REQUIREMENTS = ["sanic", "uvloop", "itsdangerous", "jinja2"]
IMPORTS = "sanic"
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "form",
    "form_json",
    "cookie",
    "upload",
    "upload_stream",
    "routes",
    "routes_10",
    "connections",
    "startup",
    "tls",
    "pipelined",
    "static_1k",
    "static_1m",
    "template",
]

application = Sanic("bench", configure_logging=False)


@application.get("/hello")
def hello(request: Request) -> HTTPResponse:
    return html(HELLO)


@application.get("/hello_async")
async def hello_async(request: Request) -> HTTPResponse:
    return html(HELLO)


@application.get("/json/<number:int>")
async def json(request: Request, number: int) -> HTTPResponse:
    return as_json({"id": number, "q": request.args.get("q"), "tags": ["a", "b"], "ok": True})


@application.post("/form")
async def form(request: Request) -> HTTPResponse:
    fields = request.form
    return html(f"{fields.get('name')}, {fields.get('city')}")


@application.post("/form_json")
async def form_json(request: Request) -> HTTPResponse:
    values = request.json
    return html(f"{values['name']}, {values['city']}")


@application.post("/upload")
async def upload(request: Request) -> HTTPResponse:
    ((name, files),) = request.files.items()
    return html(f"{name} {len(files[0].body)}")


@application.post("/upload_stream", stream=True)
async def upload_stream(request: Request) -> HTTPResponse:
    size = 0
    async for chunk in request.stream:
        size += len(chunk)
    return html(str(size))


@application.get("/cookie")
async def cookie(request: Request) -> HTTPResponse:
    response = html(HELLO)
    response.add_cookie("visitor", sign(visitor(request.cookies)), max_age=VISITOR_SECONDS, secure=False)
    return response


async def item(request: Request, number: str) -> HTTPResponse:
    return html(number)


@application.get("/table")
async def table(request: Request) -> HTTPResponse:
    return html(render_table())


def main() -> None:
    arguments = options()
    application.static("/static", arguments.static)
    for number in route_numbers(arguments.workload):
        application.add_route(item, route(number) + "<number>", name=f"item{number}")
    application.config.KEEP_ALIVE_TIMEOUT = IDLE_SECONDS
    tls = {"cert": arguments.certificate, "key": arguments.key} if arguments.certificate else None
    application.run("127.0.0.1", arguments.port, single_process=True, access_log=False, motd=False, ssl=tls)


if __name__ == "__main__":
    main()
