"""Litestar on uvicorn with httptools and uvloop."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from benchmarks.borrowed import TEMPLATES, VISITOR_SECONDS, sign, visitor
from benchmarks.on_uvicorn import serve
from benchmarks.peers import options
from benchmarks.samples import HELLO, ROWS, route, route_numbers

NAME = "Litestar"
REQUIREMENTS = ["litestar", "uvicorn", "httptools", "uvloop", "itsdangerous", "jinja2"]
IMPORTS = "litestar, uvicorn"
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


@get("/hello", media_type=MediaType.HTML, sync_to_thread=False)
def hello() -> str:
    return HELLO


@get("/hello_async", media_type=MediaType.HTML)
async def hello_async() -> str:
    return HELLO


@get("/json/{number:int}")
async def json(number: int, q: str) -> dict[str, Any]:
    return {"id": number, "q": q, "tags": ["a", "b"], "ok": True}


@post("/form", media_type=MediaType.HTML, status_code=200)
async def form(
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> str:
    return f"{data['name']}, {data['city']}"


@post("/form_json", media_type=MediaType.HTML, status_code=200)
async def form_json(data: dict[str, str]) -> str:
    return f"{data['name']}, {data['city']}"


@post("/upload", media_type=MediaType.HTML, status_code=200)
async def upload(
    data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> str:
    ((name, file),) = data.items()
    return f"{name} {len(await file.read())}"


@post("/upload_stream", media_type=MediaType.HTML, status_code=200)
async def upload_stream(request: Request[Any, Any, Any]) -> str:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return str(size)


@get("/cookie", media_type=MediaType.HTML)
async def cookie(request: Request[Any, Any, Any]) -> Response[str]:
    response = Response(HELLO, media_type=MediaType.HTML)
    response.set_cookie(key="visitor", value=sign(visitor(request.cookies)), max_age=VISITOR_SECONDS)
    return response


async def item(number: str) -> str:
    return number


@get("/table")
async def table() -> Template:
    return Template("table.html", context={"rows": ROWS})


def main() -> None:
    arguments = options()
    handlers: list[Any] = [
        hello,
        hello_async,
        json,
        form,
        form_json,
        upload,
        upload_stream,
        cookie,
        table,
    ]
    handlers.append(create_static_files_router("/static", [arguments.static]))
    if paths := [route(number) + "{number:str}" for number in route_numbers(arguments.workload)]:
        handlers.append(get(paths, media_type=MediaType.HTML)(item))
    templates = TemplateConfig(directory=TEMPLATES, engine=JinjaTemplateEngine)
    limit = 2 * 10_000_000
    serve(Litestar(handlers, openapi_config=None, template_config=templates, request_max_body_size=limit))


if __name__ == "__main__":
    main()
