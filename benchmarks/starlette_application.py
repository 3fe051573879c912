"""The application of the peers that serve Starlette; one brings uvicorn, another Granian."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from benchmarks.borrowed import TEMPLATES, VISITOR_SECONDS, sign, unsign, visitor
from benchmarks.peers import options
from benchmarks.samples import HELLO, ROWS, route, route_numbers
from benchmarks.visits import LIFETIME, Visits

__all__ = ["application"]

templates = Jinja2Templates(TEMPLATES)


async def hello(request: Request) -> Response:
    return HTMLResponse(HELLO)


async def json(request: Request) -> Response:
    number = request.path_params["number"]
    return JSONResponse({"id": number, "q": request.query_params["q"], "tags": ["a", "b"], "ok": True})


async def form(request: Request) -> Response:
    async with request.form() as fields:
        return HTMLResponse(f"{fields['name']}, {fields['city']}")


async def cookie(request: Request) -> Response:
    response = HTMLResponse(HELLO)
    response.set_cookie("visitor", sign(visitor(request.cookies)), max_age=VISITOR_SECONDS)
    return response


async def form_json(request: Request) -> Response:
    values = await request.json()
    return HTMLResponse(f"{values['name']}, {values['city']}")


async def session(request: Request) -> Response:
    signed = request.cookies.get("sid")
    name, number = await request.app.state.visits.count(unsign(signed) if signed else None)
    response = HTMLResponse(f"visit {number}")
    if signed is None:
        response.set_cookie("sid", sign(name), max_age=LIFETIME)
    return response


async def upload(request: Request) -> Response:
    async with request.form() as fields:
        for name, file in fields.items():
            if isinstance(file, UploadFile):
                return HTMLResponse(f"{name} {file.size}")
    return HTMLResponse("no file", 400)


async def upload_stream(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return HTMLResponse(str(size))


async def item(request: Request) -> Response:
    return HTMLResponse(request.path_params["number"])


async def table(request: Request) -> Response:
    return templates.TemplateResponse(request, "table.html", {"rows": ROWS})


def application() -> Starlette:
    """Return the application that the command line asks for."""
    arguments = options()
    routes: list[BaseRoute] = [
        Route("/hello", hello),
        Route("/hello_async", hello),
        Route("/json/{number:int}", json),
        Route("/form", form, methods=["POST"]),
        Route("/form_json", form_json, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/upload_stream", upload_stream, methods=["POST"]),
        Route("/cookie", cookie),
        Route("/session", session),
        Route("/table", table),
        Mount("/static", StaticFiles(directory=arguments.static)),
    ]
    routes += [Route(route(number) + "{number}", item) for number in route_numbers(arguments.workload)]
    starlette = Starlette(routes=routes)
    starlette.state.visits = Visits(arguments.redis)
    return starlette
