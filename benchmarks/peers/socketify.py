"""socketify: uWebSockets, a server in C++, called through cffi."""

from __future__ import annotations

from typing import Any

from socketify import App, AppOptions

from benchmarks.borrowed import VISITOR_SECONDS, render_table, sign, visitor
from benchmarks.peers import options
from benchmarks.samples import HELLO, HTML, route, route_numbers

NAME = "socketify"
REQUIREMENTS = ["socketify", "itsdangerous", "jinja2"]
IMPORTS = "socketify"
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "form",
    "form_json",
    "cookie",
    "routes",
    "routes_10",
    "connections",
    "startup",
    "tls",
    "pipelined",
    "static_1k",
    "template",
    "websocket",
    "websocket_64k",
    "websocket_broadcast",
    "websocket_idle",
]
WITHOUT = {
    "upload": "it reads no multipart forms",
    "static_1m": "its process aborts when a client leaves in the middle of a file",
    "upload_stream": "it has no way to wait for the next piece",
}
NATIVE = True

TYPE = HTML.encode()


def hello(response: Any, request: Any) -> None:
    response.send(HELLO, TYPE)


async def hello_async(response: Any, request: Any) -> None:
    response.cork_send(HELLO, TYPE)


def json(response: Any, request: Any) -> None:
    number = int(request.get_parameter(0))
    response.end({"id": number, "q": request.get_query("q"), "tags": ["a", "b"], "ok": True})


async def form(response: Any, request: Any) -> None:
    fields = await response.get_form_urlencoded()
    response.cork_send(f"{fields['name']}, {fields['city']}", TYPE)


async def form_json(response: Any, request: Any) -> None:
    values = await response.get_json()
    response.cork_send(f"{values['name']}, {values['city']}", TYPE)


def cookie(response: Any, request: Any) -> None:
    before = request.get_cookie("visitor")
    signed = sign(visitor({"visitor": before} if before else {}))
    response.set_cookie("visitor", signed, {"path": "/", "max-age": VISITOR_SECONDS})
    response.send(HELLO, TYPE)


def item(response: Any, request: Any) -> None:
    response.send(request.get_parameter(0), TYPE)


def table(response: Any, request: Any) -> None:
    response.send(render_table(), TYPE)


def main() -> None:
    arguments = options()
    tls = AppOptions(key_file_name=arguments.key, cert_file_name=arguments.certificate)
    # Without a store of responses a body that comes late finds its response gone, and the process aborts.
    application = App(tls if arguments.certificate else None, request_response_factory_max_items=10_000)
    application.get("/hello", hello)
    application.get("/hello_async", hello_async)
    application.get("/json/:number", json)
    application.post("/form", form)
    application.post("/form_json", form_json)
    application.get("/cookie", cookie)
    application.get("/table", table)
    application.static("/static", arguments.static)
    for number in route_numbers(arguments.workload):
        application.get(route(number) + ":number", item)
    application.listen({"port": arguments.port, "host": "127.0.0.1"}, lambda config: None)
    application.run()


if __name__ == "__main__":
    main()
