"""Starlette on uvicorn with httptools and uvloop."""

from __future__ import annotations

import os

import uvicorn
from itsdangerous import BadSignature, TimestampSigner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from benchmarks.peers import options
from benchmarks.samples import HELLO, ROUTES, ROWS, SECRET, route

NAME = "Starlette on uvicorn"
REQUIREMENTS = ["starlette", "uvicorn", "httptools", "uvloop", "itsdangerous", "jinja2", "python-multipart"]
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
    "template",
]

signer = TimestampSigner(SECRET)
templates = Jinja2Templates(os.path.join(os.path.dirname(__file__), "templates", "jinja2"))


async def hello(request: Request) -> Response:
    return HTMLResponse(HELLO)


async def json(request: Request) -> Response:
    number = request.path_params["number"]
    return JSONResponse({"id": number, "q": request.query_params["q"], "tags": ["a", "b"], "ok": True})


async def form(request: Request) -> Response:
    async with request.form() as fields:
        return HTMLResponse(f"{fields['name']}, {fields['city']}")


async def cookie(request: Request) -> Response:
    try:
        value = signer.unsign(request.cookies["visitor"], max_age=31 * 86400).decode()
    except (KeyError, BadSignature):
        value = "ada"
    response = HTMLResponse(HELLO)
    response.set_cookie("visitor", signer.sign(value).decode(), max_age=30 * 86400)
    return response


async def item(request: Request) -> Response:
    return HTMLResponse(request.path_params["number"])


async def table(request: Request) -> Response:
    return templates.TemplateResponse(request, "table.html", {"rows": ROWS})


def main() -> None:
    arguments = options()
    routes: list[BaseRoute] = [
        Route("/hello", hello),
        Route("/hello_async", hello),
        Route("/json/{number:int}", json),
        Route("/form", form, methods=["POST"]),
        Route("/cookie", cookie),
        Route("/table", table),
        Mount("/static", StaticFiles(directory=arguments.static)),
    ]
    if arguments.workload == "routes":
        routes += [Route(route(number) + "{number}", item) for number in range(ROUTES)]
    uvicorn.run(
        Starlette(routes=routes),
        host="127.0.0.1",
        port=arguments.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="error",
    )


if __name__ == "__main__":
    main()
