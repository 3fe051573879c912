"""The demo application as people run it: nginx in front of four processes, here with embedded stores."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from typing import Self

from benchmarks.errors import BenchmarkError
from benchmarks.server import Server, free_port

__all__ = ["Stack"]

# What matters of nginx/http.conf for the time that a request takes.
_NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
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
            ends.enter_context(_nginx(folder, upstream, self.port))
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
    return Server([sys.executable, "-m", "demo_app", "demo"], port, environment, pinned=False)


def _nginx(folder: str, upstream: int, port: int) -> Server:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise BenchmarkError("the stack needs nginx, which is not installed: apt-get install nginx-light")
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w") as file:
        file.write(_NGINX.format(folder=folder, upstream=upstream, port=port))
    command = [program, "-e", "stderr", "-p", folder, "-c", path, "-g", "daemon off;"]
    return Server(command, port, pinned=False)
