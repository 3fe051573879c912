"""What serves the ASGI applications among the peers: uvicorn with httptools and uvloop."""

from __future__ import annotations

from typing import Any

import uvicorn

from benchmarks.peers import options
from benchmarks.samples import IDLE_SECONDS

__all__ = ["serve"]


def serve(application: Any) -> None:
    """Serve an application as the command line says, until the process is ended."""
    arguments = options()
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=arguments.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="error",
        ssl_certfile=arguments.certificate or None,
        ssl_keyfile=arguments.key or None,
        timeout_keep_alive=IDLE_SECONDS,
    )
