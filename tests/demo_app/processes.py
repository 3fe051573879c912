"""The application as processes of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.demo_app.client import Client
from tests.servers import free_port


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-W", "error", "-m", "demo_app", *arguments]
    environ = {"PATH": os.environ["PATH"]} | environ
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


class Process:
    """A running `python -m demo_app`."""

    def __init__(self, folder: Path, *arguments: str, port: int | None = None, **environ: str) -> None:
        self.log = folder / "log"
        self.port = port or free_port()
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "demo_app", *arguments, f"--port={self.port}"],
                env={"PATH": os.environ["PATH"], "PATH_DATA": str(folder / "data")} | environ,
                stderr=log,
            )

    async def started(self, processes: int = 1) -> Client:
        while self.log.read_text().count(f"serving on port {self.port}") < processes:
            assert self.popen.poll() is None, self.log.read_text()
            await asyncio.sleep(0.02)
        return Client(self.port)

    def stop(self) -> int:
        if self.popen.poll() is None:
            self.popen.terminate()
        return self.popen.wait(20)
