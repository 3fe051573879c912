"""BlackSheep on uvicorn with httptools and uvloop."""

from __future__ import annotations

from typing import Any

from blacksheep import Application, Cookie, Request, Response, html, json

from benchmarks.borrowed import VISITOR_SECONDS, render_table, sign, visitor
from benchmarks.on_uvicorn import serve
from benchmarks.peers import options
from benchmarks.samples import HELLO, route, route_numbers

NAME = "BlackSheep"
REQUIREMENTS = ["blacksheep", "uvicorn", "httptools", "uvloop", "itsdangerous", "jinja2"]
IMPORTS = "blacksheep, uvicorn"
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

application = Application()
get = application.router.get
post = application.router.post


@get("/hello")
@get("/hello_async")
async def hello() -> Response:
    return html(HELLO)


@get("/json/{number}")
async def answer(number: int, q: str) -> Response:
    return json({"id": number, "q": q, "tags": ["a", "b"], "ok": True})


@post("/form")
async def form(request: Request) -> Response:
    fields: Any = await request.form()
    return html(f"{fields['name']}, {fields['city']}")


@post("/form_json")
async def form_json(request: Request) -> Response:
    values = await request.json()
    return html(f"{values['name']}, {values['city']}")


@post("/upload")
async def upload(request: Request) -> Response:
    (file,) = await request.files()
    return html(f"{file.name.decode()} {file.size}")


@post("/upload_stream")
async def upload_stream(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return html(str(size))


@get("/cookie")
async def cookie(request: Request) -> Response:
    response = html(HELLO)
    response.set_cookie(Cookie("visitor", sign(visitor(request.cookies)), path="/", max_age=VISITOR_SECONDS))
    return response


async def item(number: str) -> Response:
    return html(number)


@get("/table")
async def table() -> Response:
    return html(render_table())


def main() -> None:
    arguments = options()
    application.serve_files(arguments.static, root_path="static", extensions={".txt"})
    for number in route_numbers(arguments.workload):
        application.router.add_get(route(number) + "{number}", item)
    serve(application)


if __name__ == "__main__":
    main()
