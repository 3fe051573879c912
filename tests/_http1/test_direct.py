"""Bodies of known length that come in several reads: they go round the parser, by the same rules."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from framework._http1.request import WireRequest
from framework.httputil.pieces import Pieces
from tests._http1.peer import Peer, Requests, answer, chunked, get, post

BODY = bytes(range(256)) * 400
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%b\r\n'
    b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\nx\r\n--b--\r\n' % BODY
)


class Deaf:
    """In the place of a parser that is to hear nothing."""

    def feed_data(self, data: bytes) -> None:
        """Complain."""
        raise AssertionError(f"the parser got {data[:20]!r}")


def kept() -> tuple[Peer, list[WireRequest]]:
    """A peer whose requests are kept as they are, and answered without a look at them."""
    seen: list[WireRequest] = []

    def serve(request: WireRequest) -> None:
        seen.append(request)
        request._wire.respond(request, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", b"")

    return Peer(Requests(serve=serve, open=lambda request: None)), seen


async def test_the_parser_sees_nothing_of_the_rest() -> None:
    peer = Peer()
    data = post(BODY)
    peer.send(data[:1000])
    deaf: Any = Deaf()
    peer.connection._parser = deaf
    assert peer.send(data[1000:50000], data[50000:]) == answer(b"/" + BODY)
    assert peer.send(get(b"/next")) == answer(b"/next")


@pytest.mark.parametrize("end", [b"", get(b"/2"), get(b"/2")[:10], get(b"/2", method=b"BREW"), b"\r\n"])
async def test_what_stands_behind_it_is_the_next_request(end: bytes) -> None:
    data = post(b"body")
    rest = get(b"/2")[len(end) :] if end == get(b"/2")[:10] else b""
    expected = answer(b"/body") + (answer(b"/2") if len(end) > 2 else b"")
    peer = Peer()
    sent = peer.send(data[:-2], data[-2:] + end, rest) if rest else peer.send(data[:-2], data[-2:] + end)
    if b"BREW" in end:
        # Its method is unknown to the parser, and its first bytes are no longer at hand.
        assert sent.startswith(answer(b"/body") + b"HTTP/1.1 400 Bad Request\r\n")
    else:
        assert sent == expected


async def test_another_body_behind_it() -> None:
    first, second = post(BODY, path=b"/1"), post(BODY, path=b"/2")
    peer = Peer()
    sent = peer.send(first[:500], first[500:] + second[:70000])
    # What stands behind one request is for another turn of the loop.
    sent += await peer.settle()
    sent += peer.send(second[70000:])
    assert sent == answer(b"/1" + BODY) + answer(b"/2" + BODY)
    data = chunked(b"abc", b"def")
    assert peer.send(data[:-9], data[-9:]) == answer(b"/abcdef")


async def test_garbage_behind_it_is_refused() -> None:
    data = post(b"body")
    peer = Peer()
    sent = peer.send(data[:-2], data[-2:] + b"\0garbage\r\n\r\n")
    assert sent.startswith(answer(b"/body") + b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_packed_body_that_is_damaged_is_refused() -> None:
    data = post(gzip.compress(b"x" * 100)[:-4] + b"none", b"Content-Encoding: gzip")
    peer = Peer(decompress_request=True)
    assert peer.send(data[:-3], data[-3:]).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_packed_body_is_unpacked() -> None:
    data = post(gzip.compress(BODY), b"Content-Encoding: gzip")
    peer = Peer(decompress_request=True)
    assert peer.send(data[:300], data[300:310], data[310:]) == answer(b"/" + BODY)


async def test_a_body_that_asks_for_another_protocol_stays_with_the_parser() -> None:
    data = post(BODY, b"Connection: upgrade", b"Upgrade: something")
    peer = Peer()
    sent = peer.send(data[:200], data[200:60000], data[60000:])
    assert sent == answer(b"/" + BODY)
    assert peer.send(get(b"/next")) == answer(b"/next")


async def test_a_large_body_stays_in_its_pieces_until_it_is_read() -> None:
    peer, seen = kept()
    data = post(BODY)
    peer.send(*[data[at : at + 10000] for at in range(0, len(data), 10000)])
    (request,) = seen
    assert isinstance(request._body_as_is(), Pieces)
    assert request.body_size() == len(BODY)
    assert request.body == BODY
    assert request.body is request._body_as_is()
    request.body = b"other"
    assert request.body == b"other"


@pytest.mark.parametrize("size", [37, 5000, 60000])
async def test_a_form_is_taken_apart_in_its_pieces(size: int) -> None:
    peer, seen = kept()
    data = post(FORM, b"Content-Type: multipart/form-data; boundary=b")
    peer.send(*[data[at : at + size] for at in range(0, len(data), size)])
    (request,) = seen
    files: Any = request.files
    assert files["file"][0].body == BODY
    assert request.arguments == {"t": [b"x"]}
    assert isinstance(request._body_as_is(), Pieces)


async def test_a_limit_set_for_a_body_that_is_there_counts_its_pieces() -> None:
    def serve(request: WireRequest) -> None:
        request._wire.set_max_body_size(request, 1000)

    peer = Peer(Requests(serve=serve, open=lambda request: None))
    data = post(BODY)
    assert peer.send(data[:500], data[500:]).startswith(b"HTTP/1.1 413 ")
