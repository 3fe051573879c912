"""A small HTTP client that keeps cookies, one connection per request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage, parse_headers
from io import BytesIO
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Response:
    """An answer."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> int:
        code: int = self.json["code"]
        return code


@dataclass
class Client:
    """Somebody's browser or curl."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        return await self.request("GET", path, headers)

    async def post(self, path: str, headers: Mapping[str, str] | None = None, /, **fields: str) -> Response:
        sent = {"Content-Type": "application/x-www-form-urlencoded"} | dict(headers or {})
        return await self.request("POST", path, sent, urlencode(fields).encode())

    async def post_json(self, path: str, value: object) -> Response:
        return await self.request(
            "POST", path, {"Content-Type": "application/json"}, json.dumps(value).encode()
        )

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        sent = {"Host": f"{self.host}:{self.port}", "Connection": "close", "User-Agent": "client/1"}
        if body or method == "POST":
            sent["Content-Length"] = str(len(body))
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in (sent | dict(headers or {})).items())]
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            received = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        head, _, content = received.partition(b"\r\n\r\n")
        status_line, _, fields = head.partition(b"\r\n")
        parsed = parse_headers(BytesIO(fields + b"\r\n\r\n"))
        for cookie in parsed.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            if value.strip('"'):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return Response(int(status_line.split()[1]), parsed, content)
