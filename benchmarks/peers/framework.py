"""This project."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.peers import options
from benchmarks.samples import HELLO, ROUTES, ROWS, SECRET, route
from framework.ioloop import IOLoop
from framework.web import Application, RequestHandler, StaticFileHandler

NAME = "framework"
REQUIREMENTS = ["httptools", "uvloop"]
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
        (r"/cookie", Cookie),
        (r"/table", Table),
        (r"/static/(.*)", StaticFileHandler, {"path": arguments.static}),
    ]
    if arguments.workload == "routes":
        routes += [(route(number) + "([0-9]+)", Item) for number in range(ROUTES)]
    template_path = os.path.join(os.path.dirname(__file__), "templates", "tornado")
    application = Application(
        routes, cookie_secret=SECRET, log_function=lambda handler: None, template_path=template_path
    )
    application.listen(arguments.port, "127.0.0.1")
    IOLoop.current().start()


if __name__ == "__main__":
    main()
