"""A client for one server: one connection per request, with cookies as a browser keeps them."""

from __future__ import annotations

import asyncio
from http.cookies import Morsel, SimpleCookie

__all__ = ["Answer", "Client"]


class Answer:
    """A response: `status`, `fields` (lower-case names, in order), `body`, `cookies` that it sets."""

    def __init__(self, raw: bytes) -> None:
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.fields = [(name.lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines)]
        self.body = body.decode()
        self.cookies: dict[str, Morsel[str]] = {}
        for name, value in self.fields:
            if name == "set-cookie":
                self.cookies.update(SimpleCookie(value))

    def field(self, name: str) -> str | None:
        """The values of a field, joined; None without."""
        return ", ".join(value for n, value in self.fields if n == name.lower()) or None


class Client:
    """Asks a server at `port` of 127.0.0.1 and keeps its cookies in `jar`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.jar: dict[str, str] = {}

    async def get(self, path: str, **fields: str) -> Answer:
        """Send a GET request and return the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if self.jar:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.jar.items()))
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = Answer(await reader.read())
        writer.close()
        await writer.wait_closed()
        for name, morsel in answer.cookies.items():
            if morsel.value:
                self.jar[name] = morsel.value
            else:
                self.jar.pop(name, None)
        return answer
