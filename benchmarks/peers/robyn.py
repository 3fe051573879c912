"""Robyn: a server and router in Rust that calls functions of Python."""

from __future__ import annotations

import sys
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, unquote_plus

from benchmarks.peers import options

# Robyn reads the command line as well, as soon as it is imported.
arguments = options()
sys.argv[1:] = ["--log-level", "ERROR", "--disable-openapi"]

from robyn import Headers, Request, Response, Robyn, jsonify  # noqa: E402

from benchmarks.borrowed import VISITOR_SECONDS, render_table, sign, visitor  # noqa: E402
from benchmarks.samples import HELLO, HTML, IDLE_SECONDS, route, route_numbers  # noqa: E402

NAME = "Robyn"
REQUIREMENTS = ["robyn", "uvloop", "itsdangerous", "jinja2"]
IMPORTS = "robyn"
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "form",
    "form_json",
    "cookie",
    "upload",
    "routes",
    "routes_10",
    "connections",
    "startup",
    "pipelined",
    "static_1k",
    "static_1m",
    "template",
]
WITHOUT = {
    "tls": "it leaves TLS to a proxy",
    "upload_stream": "it has the body whole when a handler is called",
}
NATIVE = True
REMARK = "threads of its runtime beside that of Python; the handler decodes forms, query and cookies"

application = Robyn(__file__)


def html(text: str) -> Response:
    return Response(200, Headers({"Content-Type": HTML}), text)


@application.get("/hello")
def hello() -> Response:
    return html(HELLO)


@application.get("/hello_async")
async def hello_async() -> Response:
    return html(HELLO)


@application.get("/json/:number")
async def json(request: Request) -> Response:
    number = int(request.path_params["number"])
    text = jsonify(
        {"id": number, "q": unquote_plus(request.query_params.get("q", "")), "tags": ["a", "b"], "ok": True}
    )
    return Response(200, Headers({"Content-Type": "application/json"}), text)


@application.post("/form")
async def form(request: Request) -> Response:
    # Of forms it only reads those with files.
    fields = dict(parse_qsl(request.body, keep_blank_values=True))
    return html(f"{fields['name']}, {fields['city']}")


@application.post("/form_json")
async def form_json(request: Request) -> Response:
    values = request.json()
    return html(f"{values['name']}, {values['city']}")


@application.post("/upload")
async def upload(request: Request) -> Response:
    ((_, content),) = request.files.items()
    # It keeps a file by the file's name, not by the field's.
    return html(f"file {len(content)}")


@application.get("/cookie")
async def cookie(request: Request) -> Response:
    header = SimpleCookie(request.headers.get("cookie") or "")
    cookies = {name: morsel.value for name, morsel in header.items()}
    response = html(HELLO)
    response.set_cookie("visitor", sign(visitor(cookies)), max_age=VISITOR_SECONDS)
    return response


async def item(request: Request) -> Response:
    return html(request.path_params["number"])


@application.get("/table")
async def table() -> Response:
    return html(render_table())


def main() -> None:
    application.serve_directory("/static", arguments.static)
    for number in route_numbers(arguments.workload):
        application.get(route(number) + ":number")(item)
    application.start("127.0.0.1", arguments.port, keep_alive_timeout=IDLE_SECONDS)


if __name__ == "__main__":
    main()
