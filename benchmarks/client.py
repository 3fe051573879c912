"""A client of ours, where latencies of single requests are what is measured."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from benchmarks.errors import BenchmarkError
from benchmarks.load import Request

__all__ = ["Client"]


class Client:
    """One connection to a port of 127.0.0.1 that is kept alive; made again where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    async def ask(self, request: Request) -> tuple[int, bytes]:
        """Send a request and return the answer's status and body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        fields = {"Host": "localhost", "Content-Length": str(len(body)), **request.headers}
        lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status, length, close = _parse(head)
            content = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self._close()
            raise BenchmarkError(f"{request.path}: the connection ended before its answer") from error
        if close:
            self._close()
        return status, content

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _parse(head: bytes) -> tuple[int, int, bool]:
    """Return status, length of the body, and whether the connection ends with it."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if "content-length" not in fields:
        raise BenchmarkError(f"an answer without a length: {first}")
    return (
        int(first.split()[1]),
        int(fields["content-length"]),
        fields.get("connection", "").lower() == "close",
    )
