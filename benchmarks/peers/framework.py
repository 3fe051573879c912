"""This project."""

from __future__ import annotations

import json
import os
from typing import Any

from benchmarks.peers import options
from benchmarks.samples import HELLO, IDLE_SECONDS, ROWS, SECRET, route, route_numbers
from framework.ioloop import IOLoop
from framework.session import SessionBaseHandler
from framework.web import Application, RequestHandler, StaticFileHandler, stream_request_body

NAME = "framework"
REQUIREMENTS = ["httptools", "uvloop", "redis", "hiredis"]
IMPORTS = "framework.web"
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "form",
    "form_json",
    "cookie",
    "session",
    "upload",
    "upload_stream",
    "routes",
    "routes_10",
    "connections",
    "startup",
    "tls",
    "pipelined",
    "iostream",
    "queue",
    "lock",
    "client",
    "static_1k",
    "static_1m",
    "template",
    "websocket",
    "websocket_64k",
    "websocket_broadcast",
    "websocket_idle",
]


class Hello(RequestHandler):
    def get(self) -> None:
        self.write(HELLO)


class HelloAsync(RequestHandler):
    async def get(self) -> None:
        self.write(HELLO)


class Json(RequestHandler):
    def get(self, number: str) -> None:
        self.write({"id": int(number), "q": self.get_query_argument("q"), "tags": ["a", "b"], "ok": True})


class Form(RequestHandler):
    def post(self) -> None:
        self.write(f"{self.get_body_argument('name')}, {self.get_body_argument('city')}")


class Cookie(RequestHandler):
    def get(self) -> None:
        value = self.get_signed_cookie("visitor")
        self.set_signed_cookie("visitor", value or b"ada")
        self.write(HELLO)


class FormJson(RequestHandler):
    def post(self) -> None:
        values = json.loads(self.request.body)
        self.write(f"{values['name']}, {values['city']}")


class Upload(RequestHandler):
    def post(self) -> None:
        for name, files in self.request.files.items():
            self.write(f"{name} {len(files[0]['body'])}")


@stream_request_body
class UploadStream(RequestHandler):
    def prepare(self) -> None:
        self.size = 0

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)

    def post(self) -> None:
        self.write(str(self.size))


class Visit(SessionBaseHandler):
    def get(self) -> None:
        self.session["visits"] = self.session.get("visits", 0) + 1
        self.write(f"visit {self.session['visits']}")


class Item(RequestHandler):
    def get(self, number: str) -> None:
        self.write(number)


class Table(RequestHandler):
    def get(self) -> None:
        self.render("table.html", rows=ROWS)


def main() -> None:
    arguments = options()
    routes: list[Any] = [
        (r"/hello", Hello),
        (r"/hello_async", HelloAsync),
        (r"/json/([0-9]+)", Json),
        (r"/form", Form),
        (r"/form_json", FormJson),
        (r"/upload", Upload),
        (r"/upload_stream", UploadStream),
        (r"/cookie", Cookie),
        (r"/table", Table),
        (r"/session", Visit),
        (r"/static/(.*)", StaticFileHandler, {"path": arguments.static}),
    ]
    routes += [(route(number) + "([0-9]+)", Item) for number in route_numbers(arguments.workload)]
    template_path = os.path.join(os.path.dirname(__file__), "templates", "tornado")
    settings: dict[str, Any] = {}
    if arguments.redis:
        settings["session"] = {"driver": "redis", "driver_settings": {"url": arguments.redis}}
    tls = {"certfile": arguments.certificate, "keyfile": arguments.key} if arguments.certificate else None
    application = Application(
        routes,
        cookie_secret=SECRET,
        log_function=lambda handler: None,
        template_path=template_path,
        **settings,
    )
    application.listen(arguments.port, "127.0.0.1", ssl_options=tls, idle_connection_timeout=IDLE_SECONDS)
    IOLoop.current().start()


if __name__ == "__main__":
    main()
