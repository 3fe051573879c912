"""Granian with a bare ASGI function: a server in Rust, and no framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops

from benchmarks.peers import options
from benchmarks.samples import HELLO, HTML

NAME = "Granian, bare ASGI"
REQUIREMENTS = ["granian", "uvloop"]
WORKLOADS = [
    "hello",
    "hello_async",
    "pipelined",
    "connections",
    "startup",
    "tls",
    "websocket",
    "websocket_64k",
    "websocket_broadcast",
    "websocket_idle",
]
NATIVE = True
REMARK = "a supervisor process, and threads of its runtime beside that of Python; all on the one core"

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", HTML.encode()), (b"content-length", str(len(HELLO)).encode())],
}
BODY = {"type": "http.response.body", "body": HELLO.encode(), "more_body": False}


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer everything alike."""
    await send(START)
    await send(BODY)


def main() -> None:
    arguments = options()
    server = Granian(
        "benchmarks.peers.granian:application",
        address="127.0.0.1",
        port=arguments.port,
        interface=Interfaces.ASGINL,
        workers=1,
        runtime_threads=1,
        loop=Loops.uvloop,
        # So many connections at once; it takes 1,024 otherwise.
        backpressure=20_000,
        ssl_cert=Path(arguments.certificate) if arguments.certificate else None,
        ssl_key=Path(arguments.key) if arguments.key else None,
        log_enabled=False,
        log_access=False,
    )
    server.serve()


if __name__ == "__main__":
    main()
