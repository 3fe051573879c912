"""Falcon's ASGI application on uvicorn with httptools and uvloop."""

from __future__ import annotations

import falcon
from falcon.asgi import App, Request, Response

from benchmarks.borrowed import VISITOR_SECONDS, render_table, sign, visitor
from benchmarks.on_uvicorn import serve
from benchmarks.peers import options
from benchmarks.samples import HELLO, route, route_numbers

NAME = "Falcon"
REQUIREMENTS = ["falcon", "uvicorn", "httptools", "uvloop", "itsdangerous", "jinja2"]
IMPORTS = "falcon.asgi, uvicorn"
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


def html(response: Response, text: str) -> None:
    response.content_type = falcon.MEDIA_HTML
    response.text = text


class Hello:
    async def on_get(self, request: Request, response: Response) -> None:
        html(response, HELLO)


class Json:
    async def on_get(self, request: Request, response: Response, number: int) -> None:
        response.media = {"id": number, "q": request.get_param("q"), "tags": ["a", "b"], "ok": True}


class Form:
    async def on_post(self, request: Request, response: Response) -> None:
        fields = await request.get_media()
        html(response, f"{fields['name']}, {fields['city']}")


class Upload:
    async def on_post(self, request: Request, response: Response) -> None:
        async for part in await request.get_media():
            size = 0
            async for chunk in part.stream:
                size += len(chunk)
            html(response, f"{part.name} {size}")


class UploadStream:
    async def on_post(self, request: Request, response: Response) -> None:
        size = 0
        async for chunk in request.stream:
            size += len(chunk)
        html(response, str(size))


class Cookie:
    async def on_get(self, request: Request, response: Response) -> None:
        response.set_cookie(
            "visitor", sign(visitor(request.cookies)), max_age=VISITOR_SECONDS, path="/", secure=False
        )
        html(response, HELLO)


class Item:
    async def on_get(self, request: Request, response: Response, number: str) -> None:
        html(response, number)


class Table:
    async def on_get(self, request: Request, response: Response) -> None:
        html(response, render_table())


def main() -> None:
    arguments = options()
    application = App()
    application.add_route("/hello", Hello())
    application.add_route("/hello_async", Hello())
    application.add_route("/json/{number:int}", Json())
    application.add_route("/form", Form())
    application.add_route("/form_json", Form())
    application.add_route("/upload", Upload())
    application.add_route("/upload_stream", UploadStream())
    application.add_route("/cookie", Cookie())
    application.add_route("/table", Table())
    application.add_static_route("/static", arguments.static)
    for number in route_numbers(arguments.workload):
        application.add_route(route(number) + "{number}", Item())
    serve(application)


if __name__ == "__main__":
    main()
