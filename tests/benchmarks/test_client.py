"""The client that measures single requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.client import Client
from benchmarks.errors import BenchmarkError
from benchmarks.load import Request


class Web:
    """Answers each request with these bytes in turn, and remembers requests and connections."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                writer.write(answer)
                if b"close" in answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def serve(*answers: bytes) -> AsyncIterator[tuple[Web, Client]]:
    web = Web(*answers)
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0)
    async with server:
        async with Client(server.sockets[0].getsockname()[1]) as client:
            yield web, client
        server.close()


async def test_a_connection_is_kept_for_several_requests() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with serve(answer, answer.replace(b"200", b"404")) as (web, client):
        assert await client.ask(Request("/a", "POST", {"X-A": "b"}, "été")) == (200, b"ok")
        assert await client.ask(Request("/b", "POST", body=b"\xff")) == (404, b"ok")
    assert web.connections == 1
    assert web.requests[0].startswith(b"POST /a HTTP/1.1\r\n")
    assert b"\r\nX-A: b\r\n" in web.requests[0]
    assert web.requests[0].endswith("\r\n\r\nété".encode())
    assert web.requests[1].endswith(b"\r\n\r\n\xff")


async def test_a_connection_that_the_server_ends_is_made_again() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with serve(answer, answer) as (web, client):
        assert [await client.ask(Request("/")) for _ in range(2)] == [(200, b"ok")] * 2
    assert web.connections == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "an answer without a length: HTTP/1.1 200 OK"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nok", "/: the connection ended"),
    ],
)
async def test_answers_that_cannot_be_measured_are_errors(answer: bytes, message: str) -> None:
    async with serve(answer) as (_, client):
        with pytest.raises(BenchmarkError, match=message):
            await client.ask(Request("/"))
