"""A forward proxy: tinyproxy, with a password where the test wants one."""

from __future__ import annotations

import os
import shutil

from tests.servers.process import NotInstalledError, ServerProcess

__all__ = ["TinyproxyServer"]

_CONFIGURATION = """\
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 50
LogLevel Connect
Allow 127.0.0.1
"""


class TinyproxyServer(ServerProcess):
    """`tinyproxy` in the foreground.

    Args:
        user, password: what it asks for; nothing when empty.
    """

    name = "tinyproxy"

    def __init__(
        self, username: str = "", password: str = "", port: int | None = None, *, shared: bool = True
    ) -> None:
        super().__init__(port, user="nobody", shared=shared)
        self.username = username
        self.password = password

    def command(self) -> list[str]:
        """Return the command line."""
        program = shutil.which("tinyproxy") or shutil.which("tinyproxy", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise NotInstalledError("tinyproxy", "the package tinyproxy-bin (Debian) or tinyproxy")
        path = os.path.join(self.folder, "tinyproxy.conf")
        with open(path, "w") as file:
            file.write(_CONFIGURATION.format(port=self.port))
            if self.username:
                file.write(f"BasicAuth {self.username} {self.password}\n")
        return [program, "-d", "-c", path]
