"""Bodies in pieces, in both directions, by both clients."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from framework import gen
from framework.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from framework.httputil import HTTPOutputError
from framework.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError
from tests.httpclient.peer import HANG, OK, Peer, chunked, response

Write = Callable[[bytes], Awaitable[None]]

here: ContextVar[str] = ContextVar("here", default="nowhere")


async def test_pieces_go_to_the_callback_and_not_into_the_response(
    client: AsyncHTTPClient, peer: Peer
) -> None:
    pieces: list[bytes] = []
    peer.will(chunked(b"one", b"two"))
    got = await client.fetch(peer.url(), streaming_callback=pieces.append)
    assert (b"".join(pieces), got.body) == (b"onetwo", b"")
    peer.will(response(b"gone", 404))
    got = await client.fetch(peer.url(), streaming_callback=pieces.append, raise_error=False)
    assert (pieces[-1], got.code) == (b"gone", 404)
    # What a callback returns is none of the client's business, unless it can be waited for.
    assert (await client.fetch(peer.url(), streaming_callback=lambda piece: len(piece))).code == 200


async def test_pieces_come_unpacked_and_one_after_the_other(client: AsyncHTTPClient, peer: Peer) -> None:
    text = bytes(range(256)) * 2000
    peer.will(response(gzip.compress(text), 200, "Content-Encoding: gzip"))
    pieces: list[bytes] = []
    inside = 0

    async def slowly(piece: bytes) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        await asyncio.sleep(0)
        pieces.append(piece)
        inside -= 1

    got = await client.fetch(peer.url(), streaming_callback=slowly)
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= 65536
    assert got.headers["X-Consumed-Content-Encoding"] == "gzip"


async def test_no_more_is_read_than_the_callback_takes(client: AsyncHTTPClient, peer: Peer) -> None:
    size = 64 << 20
    release = asyncio.Event()
    got = 0

    async def wait(piece: bytes) -> None:
        nonlocal got
        got += len(piece)
        await release.wait()

    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        piece = bytes(1 << 16)
        while sent < size:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
        writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    future = client.fetch(f"http://127.0.0.1:{port}/", streaming_callback=wait)
    before = -1
    while sent != before or not got:
        before = sent
        for _ in range(200):
            await asyncio.sleep(0)
    assert sent < size / 2
    assert got <= 1 << 20
    release.set()
    await future
    assert got == size
    server.close()


async def test_callbacks_run_in_the_context_of_the_caller(client: AsyncHTTPClient, peer: Peer) -> None:
    seen: list[str] = []

    async def produce(write: Write) -> None:
        seen.append(here.get())
        await write(b"x")

    async def fetch(place: str) -> None:
        here.set(place)
        await client.fetch(
            peer.url(),
            method="POST",
            body_producer=produce,
            header_callback=lambda line: seen.append(here.get()),
            streaming_callback=lambda piece: seen.append(here.get()),
        )

    for place in ("one", "two"):
        # Each in a context of its own; the second meets a connection that the first has made.
        await asyncio.create_task(fetch(place))
        assert set(seen) == {place}
        seen.clear()


@pytest.mark.parametrize("which", ["header_callback", "streaming_callback"])
async def test_a_callback_that_fails_ends_the_fetch(
    client: AsyncHTTPClient, peer: Peer, which: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise KeyError("mine")

    async def fail_later(_: object) -> None:
        await asyncio.sleep(0)
        raise KeyError("mine")

    for callback in (fail, fail_later) if which == "streaming_callback" else (fail,):
        caplog.clear()
        with pytest.raises(HTTPStreamClosedError, match="a callback raised KeyError") as caught:
            await client.fetch(HTTPRequest(peer.url(), **{which: callback}))  # type: ignore[arg-type]
        assert isinstance(caught.value.__cause__, KeyError)
        assert "Uncaught exception" in caplog.text
    assert (await client.fetch(peer.url())).body == b"ok"


async def test_a_body_can_be_produced(client: AsyncHTTPClient, peer: Peer) -> None:
    async def produce(write: Write) -> None:
        await write(b"one")
        await write(b"")
        await asyncio.sleep(0)
        await write(b"two")

    def at_once(write: Write) -> None:
        write(b"three")

    @gen.coroutine
    def generator(write: Write) -> Any:
        yield write(b"fo")
        yield write(b"ur")

    for producer, length in ((produce, None), (at_once, None), (generator, None), (produce, "6")):
        headers = {"Content-Length": length} if length else None
        await client.fetch(peer.url(), method="POST", body_producer=producer, headers=headers)
    assert [request.body for request in peer.requests] == [b"onetwo", b"three", b"four", b"onetwo"]
    assert [request["Transfer-Encoding"] for request in peer.requests] == ["chunked"] * 3 + [None]
    assert peer.requests[3]["Content-Length"] == "6"


async def test_a_producer_waits_for_the_server(client: AsyncHTTPClient, peer: Peer) -> None:
    written = 0

    async def produce(write: Write) -> None:
        nonlocal written
        for _ in range(64):
            await write(bytes(1 << 16))
            written += 1 << 16

    got = await client.fetch(peer.url(), method="PUT", body_producer=produce)
    assert got.body == b"ok"
    assert len(peer.requests[0].body) == written == 4 << 20


@pytest.mark.parametrize(("length", "message"), [("5", "more data than"), ("7", "1 bytes less than")])
async def test_a_producer_keeps_its_promise(
    client: AsyncHTTPClient, peer: Peer, length: str, message: str
) -> None:
    async def produce(write: Write) -> None:
        await write(b"onetwo")

    with pytest.raises(HTTPOutputError, match=message):
        await client.fetch(
            peer.url(),
            method="POST",
            body_producer=produce,
            headers={"Content-Length": length},
        )
    with pytest.raises(ValueError, match="Content-Length must be a number"):
        await client.fetch(
            peer.url(),
            method="POST",
            body_producer=produce,
            headers={"Content-Length": "six"},
        )


async def test_what_a_producer_raises_is_raised(client: AsyncHTTPClient, peer: Peer) -> None:
    async def produce(write: Write) -> None:
        await write(b"one")
        raise KeyError("mine")

    def at_once(write: Write) -> None:
        raise KeyError("mine")

    for producer in (produce, at_once):
        with pytest.raises(KeyError, match="mine"):
            await client.fetch(peer.url(), method="POST", body_producer=producer)


async def test_a_producer_ends_with_its_fetch(client: AsyncHTTPClient, peer: Peer) -> None:
    ended = asyncio.Event()

    async def produce(write: Write) -> None:
        try:
            await write(b"one")
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = client.fetch(peer.url(), method="POST", body_producer=produce)
    await peer.until_requests(1)
    future.cancel()
    await ended.wait()
    await peer.until_gone(1)


async def test_a_body_that_is_asked_for(client: AsyncHTTPClient, peer: Peer) -> None:
    async def produce(write: Write) -> None:
        await write(b"produced")

    await client.fetch(peer.url(), method="POST", body=b"given", expect_100_continue=True)
    await client.fetch(peer.url(), method="POST", body_producer=produce, expect_100_continue=True)
    assert [request.body for request in peer.requests] == [b"given", b"produced"]
    assert [request["Expect"] for request in peer.requests] == ["100-continue"] * 2
    await client.fetch(peer.url(), method="POST", body=b"", expect_100_continue=True)
    assert peer.requests[2]["Expect"] is None


async def test_a_body_that_is_not_wanted(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.asks_for_body = False
    peer.will(response(b"too big", 413), close=True)
    got = await client.fetch(
        peer.url(), method="POST", body=b"given", expect_100_continue=True, raise_error=False
    )
    assert (got.code, got.body) == (413, b"too big")
    assert peer.requests[0].body == b""
    assert (await client.fetch(peer.url())).body == b"ok"
    # The connection was left in the middle of a request.
    assert peer.requests[1].connection == 1


async def test_a_response_can_be_read_while_it_comes(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 6\r\n\r\none", HANG, b"two")
    async with client.stream(peer.url()) as got:
        assert (got.code, got.reason, got.headers["A"]) == (200, "OK", "b")
        assert await anext(got) == b"one"
        peer.release.set()
        assert [piece async for piece in got] == [b"two"]
        assert [piece async for piece in got] == []
    async with client.stream(HTTPRequest(peer.url())) as got:
        assert await got.read() == b"ok"
    assert peer.connections == 1


async def test_redirects_and_interim_responses_are_not_streamed(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 103 X\r\nLink: x\r\n\r\n" + response(b"no", 302, "Location: /next"))
    peer.will(b"HTTP/1.1 103 X\r\nLink: x\r\n\r\n" + OK)
    async with client.stream(peer.url()) as got:
        assert (got.code, "Link" in got.headers) == (200, False)
        assert await got.read() == b"ok"


async def test_leaving_a_stream_early_closes_its_connection(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none", HANG)
    async with client.stream(peer.url()) as got:
        assert await anext(got) == b"one"
    await peer.until_gone(1)
    with pytest.raises(StopAsyncIteration):
        await anext(got)
    assert (await client.fetch(peer.url())).body == b"ok"


async def test_a_stream_that_breaks_off_says_so(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none", close=True)
    async with client.stream(peer.url()) as got:
        with pytest.raises(HTTPClientError):
            await got.read()


async def test_a_stream_of_an_error_status(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(response(b"gone", 404, reason="Gone")).will(response(b"gone", 404))
    with pytest.raises(HTTPClientError, match="HTTP 404: Gone") as caught:
        async with client.stream(peer.url()):
            pytest.fail("the block was entered")
    assert caught.value.response is not None
    assert caught.value.response.code == 404
    async with client.stream(peer.url(), raise_error=False) as got:
        assert (got.code, await got.read()) == (404, b"gone")


async def test_a_stream_of_nothing(client: AsyncHTTPClient, peer: Peer) -> None:
    with pytest.raises(ValueError, match="Unsupported url scheme"):
        async with client.stream("ftp://x/"):
            pytest.fail("the block was entered")
    with pytest.raises(HTTPTimeoutError, match="Timeout"):
        async with client.stream(peer.will(HANG).url(), request_timeout=0.01):
            pytest.fail("the block was entered")


async def test_cancelling_who_waits_for_a_stream(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(HANG)

    async def wait() -> None:
        async with client.stream(peer.url()):
            pytest.fail("the block was entered")

    task = asyncio.create_task(wait())
    await peer.until_requests(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await peer.until_gone(1)


async def test_arguments_of_stream(client: AsyncHTTPClient, peer: Peer) -> None:
    with pytest.raises(ValueError, match="kwargs can't be used"):
        client.stream(HTTPRequest(peer.url()), method="GET")
    with pytest.raises(ValueError, match="takes the place of streaming_callback"):
        client.stream(peer.url(), streaming_callback=print)
