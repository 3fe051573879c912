"""Starlette on uvicorn with httptools and uvloop."""

from __future__ import annotations

from benchmarks.on_uvicorn import serve
from benchmarks.starlette_application import application

NAME = "Starlette on uvicorn"
REQUIREMENTS = [
    "starlette",
    "uvicorn",
    "httptools",
    "uvloop",
    "itsdangerous",
    "jinja2",
    "python-multipart",
    "redis",
    "hiredis",
    "websockets",
]
IMPORTS = "starlette.applications, uvicorn"
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
    "static_1k",
    "static_1m",
    "template",
    "websocket",
    "websocket_64k",
    "websocket_broadcast",
    "websocket_idle",
]


if __name__ == "__main__":
    serve(application())
