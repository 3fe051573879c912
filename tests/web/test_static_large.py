"""Large static files, which are sent in pieces: over real connections, as threads take part."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from framework.httpserver import HTTPServer
from framework.netutil import bind_sockets
from framework.web import Application, StaticFileHandler, files
from tests.web.talk import Reply, get, parse, request

BIG = os.urandom(300_001)


def etag_of(content: bytes) -> str:
    return f'"{hashlib.new("sha512", content).hexdigest()}"'


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may be kept as soon as they are there."""
    monkeypatch.setattr(files, "SETTLED", -1e9)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    StaticFileHandler.reset()
    (tmp_path / "a.txt").write_bytes(b"0123456789")
    (tmp_path / "big.bin").write_bytes(BIG)
    return tmp_path


@pytest_asyncio.fixture
async def port(root: Path) -> AsyncIterator[int]:
    """A server on a port of its own."""
    server = HTTPServer(Application([], static_path=str(root), log_function=lambda handler: None))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    yield sockets[0].getsockname()[1]
    server.stop()
    await server.close_all_connections()
    await asyncio.get_running_loop().shutdown_default_executor()


async def fetch(port: int, raw: bytes, head_only: bool = False) -> Reply:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return next(parse(data, head_only))


@pytest.mark.both_loops
async def test_a_large_file_is_sent_in_pieces(port: int) -> None:
    reply = await fetch(port, get("/static/big.bin"))
    assert (reply.status, reply.body == BIG, reply.headers["Etag"]) == (200, True, etag_of(BIG))
    reply = await fetch(port, get("/static/big.bin", "Range: bytes=1-200000"))
    assert (reply.status, reply.body == BIG[1:200001]) == (206, True)
    assert (await fetch(port, request("/static/big.bin", "HEAD"), head_only=True)).headers[
        "Content-Length"
    ] == str(len(BIG))
    assert (await fetch(port, get("/static/big.bin", f"If-None-Match: {etag_of(BIG)}"))).status == 304


async def test_a_large_file_is_hashed_once(port: int, settled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    await fetch(port, get("/static/big.bin"))
    monkeypatch.setattr(hashlib, "sha512", None)
    assert (await fetch(port, get("/static/big.bin"))).headers["Etag"] == etag_of(BIG)


async def test_a_file_too_large_to_hash_has_no_entity_tag(
    port: int, monkeypatch: pytest.MonkeyPatch, settled: None
) -> None:
    monkeypatch.setattr(StaticFileHandler, "MAX_VERSION_CONTENT_SIZE", 5)
    for target in ("/static/big.bin", "/static/a.txt"):
        reply = await fetch(port, get(target))
        assert (reply.status, "Etag" in reply.headers, "Last-Modified" in reply.headers) == (200, False, True)


async def test_without_the_systems_help_a_thread_reads(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_NOWAIT", None)
    assert (await fetch(port, get("/static/big.bin"))).body == BIG


async def test_what_the_system_has_to_fetch_a_thread_reads(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def preadv(*args: Any) -> int:
        raise BlockingIOError(11, "would wait")

    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(files, "_NOWAIT", 8)
    assert (await fetch(port, get("/static/big.bin"))).body == BIG


async def test_a_disk_that_fails_breaks_the_answer_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def preadv(*args: Any) -> int:
        raise OSError(5, "broken")

    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(files, "_NOWAIT", 8)
    assert (await fetch(port, get("/static/big.bin"))).status == 500


def changes_after_the_first_piece(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    read = files.Reader.read

    async def read_and_change(self: files.Reader, size: int, position: int) -> bytes:
        piece = await read(self, size, position)
        if position == 0:
            change()
        return piece

    monkeypatch.setattr(files.Reader, "read", read_and_change)


async def test_a_file_that_shrinks_while_it_is_sent_is_broken_off(
    port: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes_after_the_first_piece(monkeypatch, lambda: os.truncate(root / "big.bin", 140_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(get("/static/big.bin"))
    data = b""
    with pytest.raises(ConnectionError):
        # The connection is reset, or just ends: in no case is the announced length reached.
        while chunk := await reader.read(65536):
            data += chunk
        raise ConnectionResetError
    writer.close()
    if data:
        head, _, body = data.partition(b"\r\n\r\n")
        assert b"Content-Length: 300001" in head
        assert BIG.startswith(body)
        assert len(body) < len(BIG)


async def test_a_file_that_grows_while_it_is_sent_ends_where_it_was_announced(
    port: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow() -> None:
        with open(root / "big.bin", "ab") as file:
            file.write(b"more" * 1000)

    changes_after_the_first_piece(monkeypatch, grow)
    reply = await fetch(port, get("/static/big.bin"))
    assert reply.body == BIG


async def test_a_client_that_goes_is_not_sent_the_rest(port: int, root: Path) -> None:
    (root / "huge.bin").touch()
    os.truncate(root / "huge.bin", 50_000_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(get("/static/huge.bin"))
    assert await reader.read(1000)
    writer.transport.abort()
    assert (await fetch(port, get("/static/a.txt"))).status == 200
