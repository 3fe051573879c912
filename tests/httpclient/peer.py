"""A server that answers as a test says, byte by byte, and notes what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["HANG", "NOW", "OK", "Answer", "Peer", "Received", "chunked", "response"]

# Pieces of an answer that are no bytes: wait until the client goes or the test says so; close without reading first.
HANG = "hang"
NOW = "now"


def response(body: bytes = b"", code: int = 200, *lines: str, reason: str = "OK") -> bytes:
    """A response with a length."""
    head = [f"HTTP/1.1 {code} {reason}", *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*chunks: bytes, lines: Sequence[str] = ()) -> bytes:
    """A response in chunks."""
    head = ["HTTP/1.1 200 OK", *lines, "Transfer-Encoding: chunked"]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + framed + b"0\r\n\r\n"


OK = response(b"ok")


@dataclass(slots=True)
class Answer:
    """What a request is answered with: pieces, and whether the connection is closed behind them."""

    pieces: Sequence[bytes | str]
    close: bool = False


@dataclass(slots=True)
class Received:
    """A request."""

    line: str
    fields: list[tuple[str, str]]
    body: bytes
    # The number of its connection, from 0.
    connection: int
    head: bytes = b""

    @property
    def method(self) -> str:
        """The method."""
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        """What stands behind the method."""
        return self.line.split(" ")[1]

    def __getitem__(self, name: str) -> str | None:
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"{name} came {len(values)} times: {values}")
        return values[0] if values else None


@dataclass(slots=True)
class Peer:
    """A server of scripted answers; ``OK`` where the script is over."""

    answers: deque[Answer] = field(default_factory=deque)
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    # Clients that went while they were being answered.
    gone: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)
    # Whether the body of "Expect: 100-continue" is asked for.
    asks_for_body: bool = True
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: Any = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def will(self, *pieces: bytes | str, close: bool = False) -> Peer:
        """Adds an answer to the script."""
        self.answers.append(Answer(pieces, close))
        return self

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """An address of this server."""
        return f"{scheme}://{host}:{self.port}{path}"

    async def start(self, context: ssl.SSLContext | None = None) -> Peer:
        """Listens."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Stops, and lets go of all connections."""
        self.release.set()
        self._server.close()
        for writer in list(self.open):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def until_requests(self, number: int) -> None:
        """Returns when so many requests have come."""
        while len(self.requests) < number:
            self._changed.clear()
            await self._changed.wait()

    async def until_gone(self, number: int) -> None:
        """Returns when so many clients have gone in the middle of an answer."""
        while self.gone < number:
            self._changed.clear()
            await self._changed.wait()

    async def until_closed(self) -> None:
        """Returns when no connection is open."""
        while self.open:
            self._changed.clear()
            await self._changed.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number = self.connections
        self.connections += 1
        self.open.add(writer)
        try:
            await self._serve(reader, writer, number)
        except (OSError, asyncio.IncompleteReadError):
            self.gone += 1
        finally:
            self.open.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()
            self._changed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            if self.answers and self.answers[0].pieces[:1] == (NOW,):
                answer = self.answers.popleft()
                writer.writelines([piece for piece in answer.pieces[1:] if isinstance(piece, bytes)])
                await writer.drain()
                return
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise
                return
            request = _parse(head, number)
            self.requests.append(request)
            self._changed.set()
            if request["Expect"] == "100-continue":
                if not self.asks_for_body:
                    await self._answer(reader, writer)
                    return
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.body = await _body(request, reader)
            if await self._answer(reader, writer):
                return

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        answer = self.answers.popleft() if self.answers else Answer((OK,))
        for piece in answer.pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
                # The client should see the pieces one by one.
                await asyncio.sleep(0)
            else:
                await self._hang(reader)
        return answer.close

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        gone = asyncio.ensure_future(reader.read(1))
        released = asyncio.ensure_future(self.release.wait())
        try:
            await asyncio.wait((gone, released), return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not gone.result():
                raise ConnectionResetError("the client went")
        finally:
            gone.cancel()
            released.cancel()
            await asyncio.wait((gone, released))


def _parse(head: bytes, connection: int) -> Received:
    line, *lines = head[:-4].decode("latin-1").split("\r\n")
    fields = []
    for one in lines:
        name, colon, value = one.partition(":")
        assert colon, one
        fields.append((name, value.strip()))
    return Received(line, fields, b"", connection, head)


async def _body(request: Received, reader: asyncio.StreamReader) -> bytes:
    if request["Transfer-Encoding"] == "chunked":
        assert request["Content-Length"] is None
        body = b""
        while True:
            size = int(await reader.readuntil(b"\r\n"), 16)
            body += await reader.readexactly(size)
            assert await reader.readexactly(2) == b"\r\n"
            if not size:
                return body
    return await reader.readexactly(int(request["Content-Length"] or "0"))
