"""nginx, with what each of its configurations here has in common."""

from __future__ import annotations

import os
import shutil

from benchmarks.errors import BenchmarkError
from benchmarks.server import Server

__all__ = ["nginx"]

_CONFIGURATION = """
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
{http}
}}
"""


def nginx(folder: str, port: int, http: str, core: int | None = None) -> Server:
    """Return a server, to be entered, with one worker process.

    Args:
        folder: where it keeps what it has to keep.
        port: where `http` makes it listen.
        http: what it does, in the words of its configuration's block of that name.
        core: the one it is kept on; None: it has them all.

    Raises:
        BenchmarkError: it is not installed.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise BenchmarkError("this needs nginx, which is not installed: apt-get install nginx-light")
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w") as file:
        file.write(_CONFIGURATION.format(folder=folder, http=http))
    command = [program, "-e", "stderr", "-p", folder, "-c", path, "-g", "daemon off;"]
    return Server(command, port, core=core)
