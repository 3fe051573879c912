"""Raw HTTP for tests: bytes to a server's socket, and what comes back read by the letter of RFC 9112."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

__all__ = ["PATIENCE", "Response", "WireClient", "get", "request", "until"]

# No test waits for this: it only turns an endless wait into a failure.
PATIENCE = 30.0


class Response:
    """A response: the parts of its status line, its fields in order, its body, and the chunks if any."""

    __slots__ = ("body", "chunks", "fields", "reason", "status", "version")

    def __init__(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, self.reason = lines[0].split(" ", 2)
        self.status = int(status)
        self.fields: list[tuple[str, str]] = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip():
                raise AssertionError(f"not a header line: {line!r}")
            self.fields.append((name.lower(), value.strip()))
        self.body = b""
        self.chunks: list[bytes] = []

    def __getitem__(self, name: str) -> str:
        """Return the one value of a field; "" when it is not there."""
        values = [value for field, value in self.fields if field == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"several {name}: {values}")
        return values[0] if values else ""

    def __repr__(self) -> str:
        return f"<{self.version} {self.status} {self.reason} {self.fields} {self.body[:200]!r}>"


class WireClient:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> WireClient:
        """Connect to a port of 127.0.0.1."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 24))

    async def __aenter__(self) -> WireClient:
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close, also one that the server has closed or reset already."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, each as a packet of its own as far as the system lets them be."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def head(self) -> Response:
        """Read a status line and a header."""
        async with asyncio.timeout(PATIENCE):
            data = await self.reader.readuntil(b"\r\n\r\n")
        return Response(data[:-4])

    async def response(self, method: str = "GET") -> Response:
        """Read a whole response; one that ends with the connection has to say so."""
        response = await self.head()
        async with asyncio.timeout(PATIENCE):
            if method == "HEAD" or response.status in (204, 304) or response.status < 200:
                return response
            if response["Transfer-Encoding"]:
                if response["Transfer-Encoding"] != "chunked" or response["Content-Length"]:
                    raise AssertionError(f"ambiguous: {response!r}")
                await self._chunks(response)
            elif response["Content-Length"]:
                response.body = await self.reader.readexactly(int(response["Content-Length"]))
            else:
                response.body = await self.reader.read()
        return response

    async def _chunks(self, response: Response) -> None:
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            chunk = await self.reader.readexactly(size)
            if await self.reader.readexactly(2) != b"\r\n":
                raise AssertionError("a chunk has no end")
            if not size:
                response.body = b"".join(response.chunks)
                return
            response.chunks.append(chunk)

    async def ask(self, *pieces: bytes, method: str = "GET") -> Response:
        """Send and read one response."""
        await self.send(*pieces)
        return await self.response(method)

    async def rest(self) -> bytes:
        """Return everything until the server closes."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


def get(path: str = "/", *lines: str, version: str = "1.1") -> bytes:
    """Return the bytes of a GET request."""
    return request("GET", path, lines, version=version)


def request(
    method: str, path: str, lines: Sequence[str] = (), body: bytes = b"", *, version: str = "1.1"
) -> bytes:
    """Return the bytes of a request with a Host line; a body gets its length."""
    head = [f"{method} {path} HTTP/{version}", "Host: localhost", *lines]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


async def until(check: Callable[[], object]) -> None:
    """Return when `check` gives something true."""
    async with asyncio.timeout(PATIENCE):
        # What is waited for happens in a server that knows nothing of events of a test.
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
