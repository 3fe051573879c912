"""Runs the examples of the documents: in this process on a free port, or as programs of their own."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from framework.httpserver import HTTPServer
from framework.web import Application
from tests.servers.process import ServerProcess

__all__ = ["Answer", "Program", "Site"]

ROOT = Path(__file__).resolve().parents[2]

# Fragments leave out the imports. Those in a document's own words come on top of these.
_IMPORTS = """\
import functools
import json
import logging
import os
from os import environ

import framework.escape
import framework.gen
import framework.httpserver
import framework.ioloop
import framework.locale
import framework.options
import framework.platform.asyncio
import framework.web
from framework.httpserver import HTTPServer
from framework.options import define, options
from framework.web import Application, RequestHandler

"""


class Answer:
    """A response: `status`, `fields` in order (names in lower case), `body` as bytes and `text`."""

    __slots__ = ("body", "fields", "status")

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.fields = [(name.lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines)]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def field(self, name: str) -> str | None:
        """The values of a field, joined; None without."""
        return ", ".join(value for n, value in self.fields if n == name.lower()) or None

    def __repr__(self) -> str:
        return f"<{self.status} {self.fields} {self.body[:500]!r}>"


class Site:
    """An application made of examples, and a browser that asks it and keeps its cookies in `cookies`.

    Args:
        folder: where the examples' files are put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cookies: dict[str, str] = {}
        self.port = 0
        self._server: HTTPServer | None = None
        self._modules = 0

    def write(self, name: str, content: str | bytes) -> Path:
        """Put a file beside the program."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, *sources: str, **names: object) -> ModuleType:
        """Run examples as one module, which finds `names` defined, and return it."""
        self._modules += 1
        name = f"example_{self._modules}"
        path = self.write(f"{name}.py", _IMPORTS + "\n".join(sources))
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} can't be loaded")
        module = importlib.util.module_from_spec(spec)
        vars(module).update(names)
        spec.loader.exec_module(module)
        return module

    def serve(self, application: Application, **options: Any) -> None:
        """Serve an application in place of the one before."""
        if self._server is not None:
            self._server.stop()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._server = HTTPServer(application, **options)
        self._server.add_sockets([listener])

    async def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()

    async def request(
        self, method: str, path: str, body: bytes | Mapping[str, str] | None = None, **fields: str
    ) -> Answer:
        """Send a request on a connection of its own; a mapping is a form. In names of fields `_` is `-`."""
        if isinstance(body, Mapping):
            body = urlencode(body).encode()
            fields.setdefault("Content_Type", "application/x-www-form-urlencoded")
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b""))
            answer = Answer(await reader.read())
        finally:
            writer.close()
            await writer.wait_closed()
        for name, value in answer.fields:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer

    async def get(self, path: str, **fields: str) -> Answer:
        """Send a GET request."""
        return await self.request("GET", path, None, **fields)

    async def post(self, path: str, form: Mapping[str, str] | None = None, **fields: str) -> Answer:
        """Send a form."""
        return await self.request("POST", path, form or {}, **fields)


class Program(ServerProcess):
    """Examples as a program in a process of its own.

    The only change to what is written is that it listens on a free port of 127.0.0.1 in place of 8888.

    Args:
        command: arguments for Python, such as the name of a file in `files`.
        files: content by name.
        environment: variables beside those of this process; `{port}` and `{folder}` stand for themselves.
    """

    name = "example"

    def __init__(
        self, *command: str, files: Mapping[str, str], environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(shared=False)
        self._command = command
        self._files = files
        self._environment = environment or {}

    def prepare(self) -> None:
        """Write the files."""
        for name, text in self._files.items():
            path = Path(self.folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.rewritten(name, text), encoding="utf-8")

    def rewritten(self, name: str, text: str) -> str:
        """What a file gets for its text."""
        if not name.endswith(".py"):
            return text
        imports = "" if "__name__ ==" in text or "/" in name else _IMPORTS
        return imports + text.replace("listen(8888)", f'listen({self.port}, "127.0.0.1")')

    def command(self) -> list[str]:
        """Python with the arguments."""
        return [sys.executable, *(self._filled(word) for word in self._command)]

    def environment(self) -> dict[str, str]:
        """The environment of this process and what was given."""
        given = {name: self._filled(value) for name, value in self._environment.items()}
        ours = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}
        return {**os.environ, **ours, **given}

    def _filled(self, text: str) -> str:
        return text.replace("{port}", str(self.port)).replace("{folder}", self.folder)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"
