"""The demo application as people run it: nginx in front of four processes, here with embedded stores."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from typing import Self

from benchmarks.nginx import nginx
from benchmarks.server import Server, free_port

__all__ = ["Stack"]

# What matters of nginx/http.conf for the time that a request takes.
_HTTP = """
    upstream frontends {{ server 127.0.0.1:{upstream}; keepalive 64; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Scheme $scheme;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://frontends; }}
    }}
"""


class Stack:
    """nginx and the demo; a context manager ends them. `port` is nginx's."""

    def __init__(self) -> None:
        self.port = free_port()
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="bench-stack-"))
            upstream = free_port()
            ends.enter_context(_demo(folder, upstream))
            http = _HTTP.format(upstream=upstream, port=self.port)
            ends.enter_context(nginx(folder, self.port, http))
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.close()


def _demo(folder: str, port: int) -> Server:
    environment = {
        "PATH_DATA": os.path.join(folder, "data"),
        "TORNADO_SERVER_PORT": str(port),
        "LOGGING_LOGGER_LEVEL": "ERROR",
        # The limits on tries are not what is measured.
        "LIMIT_LOGIN_PER_ACCOUNT": "1000000",
        "LIMIT_LOGIN_PER_ADDRESS": "1000000",
    }
    os.makedirs(environment["PATH_DATA"])
    return Server([sys.executable, "-m", "demo_app", "demo"], port, environment, core=None)
