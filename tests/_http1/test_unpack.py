"""Packed request bodies, as a whole and piece by piece."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework._http1.framing import Fields, Refused
from framework._http1.unpack import UnpackingDelegate, is_packed, unpack
from framework.httputil import HTTPMessageDelegate
from tests._http1.peer import Peer, answer, chunked, get, post

GZIP = b"Content-Encoding: gzip"


def test_what_counts_as_packed() -> None:
    for value in (b"gzip", b"GZip"):
        fields: Fields = {b"content-encoding": value}
        assert is_packed(fields)
        assert fields == {b"x-consumed-content-encoding": value}
    others: list[Fields] = [
        {},
        {b"content-encoding": b"x-gzip"},
        {b"content-encoding": b"gzip, gzip"},
        {b"content-encoding": [b"gzip", b"gzip"]},
    ]
    for fields in others:
        before = dict(fields)
        assert not is_packed(fields)
        assert fields == before


@given(st.binary(max_size=2000))
def test_a_body_comes_back_as_it_was(body: bytes) -> None:
    assert unpack(gzip.compress(body), len(body)) == body
    assert unpack(gzip.compress(body) + gzip.compress(body), 2 * len(body)) == body + body


@pytest.mark.parametrize("size", [1, 1000, 65536, 1_000_000])
def test_the_limit_is_that_of_the_unpacked_body(size: int) -> None:
    packed = gzip.compress(bytes(size))
    assert len(unpack(packed, size + 1)) == size
    assert len(unpack(packed, size)) == size
    with pytest.raises(Refused) as caught:
        unpack(packed, size - 1)
    assert caught.value.status == 413


@pytest.mark.parametrize(
    "body",
    [b"junk", gzip.compress(b"abc")[:-1], gzip.compress(b"abc") + b"junk", b"\x1f"],
    ids=["junk", "truncated", "junk behind", "one byte"],
)
def test_a_damaged_body_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        unpack(body, 1000)
    assert caught.value.status == 400


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else(body: bytes) -> None:
    try:
        unpack(body, 100)
    except Refused as error:
        assert error.status in (400, 413)


async def test_a_bomb_is_not_unpacked_as_a_whole() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    peer = Peer(decompress_request=True, max_body_size=1_000_000)
    tracemalloc.start()
    try:
        peer.transport.feed(post(bomb[:-1] + b"x", GZIP)[:16_000])
        peer.transport.feed(post(bomb, GZIP)[16_000:])
        await peer.settle()
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert peer.state == "half closed"
    assert not peer.service.seen


async def test_packed_bodies_are_unpacked_where_the_server_is_told_to() -> None:
    body = b"some body " * 100
    packed = gzip.compress(body)
    for data in (
        post(packed, GZIP),
        chunked(packed[:10], packed[10:]).replace(b"\r\n\r\n", b"\r\n" + GZIP + b"\r\n\r\n", 1),
    ):
        peer = Peer(decompress_request=True)
        assert peer.send(data[:70], data[70:], get(b"/b")) == answer(b"/" + body) + answer(b"/b")
        headers = peer.service.seen[0].headers
        assert headers["X-Consumed-Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in headers

        peer = Peer()
        assert peer.send(data[:70], data[70:]) == answer(b"/" + packed)
        assert peer.service.seen[0].headers["Content-Encoding"] == "gzip"


async def test_an_empty_body_is_that_packed_too() -> None:
    peer = Peer(decompress_request=True)
    assert peer.send(post(b"", GZIP)) == answer(b"/")
    assert peer.service.seen[0].headers["X-Consumed-Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "status"), [(b"junk", 400), (gzip.compress(bytes(1001)), 413)], ids=["junk", "too large"]
)
async def test_packed_bodies_that_are_refused(body: bytes, status: int) -> None:
    peer = Peer(decompress_request=True, max_body_size=1000)
    peer.transport.feed(get(b"/a") + post(body, GZIP) + get(b"/b"))
    assert peer.refused == status
    assert peer.service.paths == ["GET /a"]


async def test_the_other_steps_are_passed_on() -> None:
    told: list[str] = []

    class Told(HTTPMessageDelegate):
        def on_connection_close(self) -> None:
            told.append("gone")

    UnpackingDelegate(Told(), lambda: 10).on_connection_close()
    assert told == ["gone"]
