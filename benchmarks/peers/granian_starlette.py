"""Starlette on Granian, a server in Rust."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces, Loops

from benchmarks.peers import options

NAME = "Starlette on Granian"
REQUIREMENTS = [
    "granian",
    "starlette",
    "uvloop",
    "itsdangerous",
    "jinja2",
    "python-multipart",
    "redis",
    "hiredis",
]
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
    "pipelined",
    "static_1k",
    "static_1m",
    "template",
]
NATIVE = True
REMARK = "a supervisor process, and threads of its runtime beside that of Python; all on the one core"


def main() -> None:
    server = Granian(
        "benchmarks.starlette_application:application",
        factory=True,
        address="127.0.0.1",
        port=options().port,
        interface=Interfaces.ASGI,
        workers=1,
        runtime_threads=1,
        # So many connections at once; it takes 1,024 otherwise.
        backpressure=20_000,
        loop=Loops.uvloop,
        log_enabled=False,
        log_access=False,
    )
    server.serve()


if __name__ == "__main__":
    main()
