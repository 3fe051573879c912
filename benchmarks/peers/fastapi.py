"""FastAPI on uvicorn with httptools and uvloop."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from benchmarks.borrowed import TEMPLATES, VISITOR_SECONDS, sign, visitor
from benchmarks.on_uvicorn import serve
from benchmarks.peers import options
from benchmarks.samples import HELLO, ROWS, route, route_numbers

NAME = "FastAPI"
REQUIREMENTS = ["fastapi", "uvicorn", "httptools", "uvloop", "itsdangerous", "jinja2", "python-multipart"]
IMPORTS = "fastapi, uvicorn"
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

application = FastAPI(openapi_url=None)
templates = Jinja2Templates(TEMPLATES)


@application.get("/hello")
@application.get("/hello_async")
async def hello() -> HTMLResponse:
    return HTMLResponse(HELLO)


@application.get("/json/{number}")
async def json(number: int, q: str) -> dict[str, Any]:
    return {"id": number, "q": q, "tags": ["a", "b"], "ok": True}


@application.post("/form")
async def form(name: Annotated[str, Form()], city: Annotated[str, Form()]) -> HTMLResponse:
    return HTMLResponse(f"{name}, {city}")


@application.post("/form_json")
async def form_json(name: Annotated[str, Body()], city: Annotated[str, Body()]) -> HTMLResponse:
    return HTMLResponse(f"{name}, {city}")


@application.post("/upload")
async def upload(file: UploadFile) -> HTMLResponse:
    return HTMLResponse(f"file {file.size}")


@application.post("/upload_stream")
async def upload_stream(request: Request) -> HTMLResponse:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return HTMLResponse(str(size))


@application.get("/cookie")
async def cookie(request: Request) -> HTMLResponse:
    response = HTMLResponse(HELLO)
    response.set_cookie("visitor", sign(visitor(request.cookies)), max_age=VISITOR_SECONDS)
    return response


async def item(number: str) -> HTMLResponse:
    return HTMLResponse(number)


@application.get("/table")
async def table(request: Request) -> Response:
    return templates.TemplateResponse(request, "table.html", {"rows": ROWS})


def main() -> None:
    arguments = options()
    application.mount("/static", StaticFiles(directory=arguments.static))
    for number in route_numbers(arguments.workload):
        application.get(route(number) + "{number}")(item)
    serve(application)


if __name__ == "__main__":
    main()
