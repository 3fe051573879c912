"""What the server itself answers: to HEAD without a body."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests._http1.peer import HOST, Peer, Requests

# What comes behind the method, and the status it is refused with.
REFUSED = {
    "no host": (b" / HTTP/1.1\r\n\r\n", 400),
    "a broken line": (b" / HTTP/1.1\r\n" + HOST + b"broken\x00line\r\n\r\n", 400),
    "a long target": (b" /" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "a long header": (b" / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 5000 + b"\r\n\r\n", 431),
    "a header without an end": (b" / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000, 431),
    "a large body": (b" / HTTP/1.1\r\n" + HOST + b"Content-Length: 1001\r\n\r\n", 413),
    "chunks that are none": (b" / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    "another expectation": (b" / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nExpect: more\r\n\r\n", 417),
}


def parts(sent: bytes) -> tuple[bytes, bytes]:
    """The first line and the body."""
    head, _, body = sent.partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0], body


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
@pytest.mark.parametrize("name", list(REFUSED))
async def test_only_an_answer_to_head_is_without_a_body(name: str, method: bytes) -> None:
    rest, status = REFUSED[name]
    peer = Peer(max_header_size=4000, max_body_size=1000)
    line, body = parts(peer.send(method + rest))
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert bool(body) is (method == b"GET")


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
@pytest.mark.parametrize(
    "begun", [b" / HTTP/1.1\r\n" + HOST, b" / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n"]
)
async def test_a_request_that_never_ends(begun: bytes, method: bytes) -> None:
    peer = Peer()
    peer.send(method + begun)
    peer.clock.advance(100)
    line, body = parts(peer.transport.take())
    assert line == b"HTTP/1.1 408 Request Timeout"
    assert bool(body) is (method == b"GET")


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
async def test_a_service_that_fails(method: bytes) -> None:
    peer = Peer(Requests(lambda request: request._wire.failed(request, asyncio.CancelledError())))
    line, body = parts(peer.send(method + b" / HTTP/1.1\r\n" + HOST + b"\r\n"))
    assert line == b"HTTP/1.1 500 Internal Server Error"
    assert bool(body) is (method == b"GET")


async def test_a_method_that_is_none_has_a_body_in_its_answer() -> None:
    line, body = parts(Peer().send(b"HEAD\x00 / HTTP/1.1\r\n\r\n"))
    assert line == b"HTTP/1.1 400 Bad Request"
    assert body


async def test_the_stream_of_a_connection_is_there_between_requests() -> None:
    peer = Peer()
    peer.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    connection: Any = peer.service.seen[0].server_connection
    stream = connection.stream
    assert not stream.closed()
    stream.set_close_callback(lambda: None)
    stream.close()
    assert stream.closed()
