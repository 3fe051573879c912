"""An nginx with a configuration that the test gives it."""

from __future__ import annotations

import os
import shutil
import signal

from tests.servers.process import NotInstalledError, ServerProcess

__all__ = ["NginxServer"]

_MAIN = """\
worker_processes 1;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}
}}
"""


class NginxServer(ServerProcess):
    """`nginx` in the foreground.

    Args:
        http: the content of the `http` block; it has to listen on `port`.
    """

    name = "nginx"
    stop_signal = signal.SIGQUIT

    def __init__(self, http: str = "", port: int | None = None, *, shared: bool = True) -> None:
        super().__init__(port, user="nobody", shared=shared)
        self.http = http

    def command(self) -> list[str]:
        """Return the command line."""
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise NotInstalledError("nginx", "the package nginx or nginx-light")
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(_MAIN.format(folder=self.folder, http=self.http))
        return [program, "-e", "stderr", "-p", self.folder, "-c", path, "-g", "daemon off;"]
