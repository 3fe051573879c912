"""Serves the site with one of the two packages: ``python serve.py framework|tornado``.

Prints one line of JSON, the ports by application; ends when its standard input does. The text of the site is
compiled with the package's name in place of ``framework``. The application ``control`` answers any request
with what was logged since the last one.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import re
import sys
import time
import types
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
# Modification times of the files that are served.
FILES_FROM = 1_500_000_000


class Records(logging.Handler):
    """Keeps what is logged, as text."""

    def __init__(self, package: str) -> None:
        super().__init__()
        self.package = package
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().replace(self.package + ".", "PACKAGE.")
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        self.lines.append(
            f"{record.name.removeprefix(self.package)} {record.levelname} {text} {kind}".strip()
        )


def load(package: str, name: str) -> types.ModuleType:
    """A module of the site for a package."""
    path = os.path.join(HERE, "site", name + ".py")
    with open(path, encoding="utf-8") as file:
        source = re.sub(r"^from framework import", f"from {package} import", file.read(), flags=re.MULTILINE)
    module = types.ModuleType(f"tests.differential.site.{name}")
    module.__file__ = path
    sys.modules[module.__name__] = module
    exec(compile(source, path, "exec"), module.__dict__)
    return module


def make_packages() -> None:
    """Stand-ins for the packages above the site, so that its modules find each other by name."""
    for name in ("tests", "tests.differential", "tests.differential.site"):
        sys.modules[name] = types.ModuleType(name)
    site: Any = sys.modules["tests.differential.site"]
    site.__path__ = []


async def serve(package: str) -> None:
    """Serves until the standard input ends."""
    records = Records(package)
    logging.getLogger().handlers = [records]
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    web = importlib.import_module(package + ".web")
    httpserver = importlib.import_module(package + ".httpserver")
    netutil = importlib.import_module(package + ".netutil")
    make_packages()
    site: Any = sys.modules["tests.differential.site"]
    for name in ("common", "outputs", "failures", "state", "inside", "statics", "handlers", "apps"):
        setattr(site, name, load(package, name))
    for folder, _, names in os.walk(os.path.join(HERE, "site", "static")):
        for name in names:
            os.utime(os.path.join(folder, name), (FILES_FROM, FILES_FROM))

    class Control(web.RequestHandler):  # type: ignore[name-defined, misc]
        async def get(self) -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            lines, records.lines = records.lines, []
            self.finish(json.dumps(lines))

    site.apps.prepare()
    applications = {name: make() for name, make in site.apps.APPLICATIONS.items()}
    applications["control"] = web.Application([(r"/.*", Control)], log_function=lambda handler: None)
    ports = {}
    servers = []
    for name, application in applications.items():
        server = httpserver.HTTPServer(application, xheaders=name == "main", max_body_size=100_000)
        (socket,) = netutil.bind_sockets(0, "127.0.0.1")
        server.add_sockets([socket])
        servers.append(server)
        ports[name] = socket.getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.stop()


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(serve(sys.argv[1]))
