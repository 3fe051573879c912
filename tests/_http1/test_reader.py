"""Bytes to requests: every cut, every limit at its value and beside it, and garbage."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework._http1.reader import SLICE, RequestReader
from framework._http1.settings import ServerSettings
from tests._http1.peer import HOST, ManualClock, Peer, Requests, answer, chunked, get, post

PIPELINE = (
    get(b"/1", b"X: y")
    + post(b"body", path=b"/2")
    + chunked(b"a", b"bc", b"x" * 20, path=b"/3", trailer=b"T: t\r\n")
    + b"\r\n"
    + get(b"/4", method=b"HEAD")
    + post(b"", path=b"/5")
    + get(b"/6")
)
ANSWERS = (
    answer(b"/1")
    + answer(b"/2body")
    + answer(b"/3abc" + b"x" * 20)
    + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    + answer(b"/5")
    + answer(b"/6")
)


def both(**limits: Any) -> list[Peer]:
    """Peers of a service that looks at requests before their body is there, and of one that does not."""
    return [Peer(Requests(), **limits), Peer(Requests(open=lambda request: None), **limits)]


# -- cuts


async def test_requests_cut_at_every_position() -> None:
    for at in range(len(PIPELINE) + 1):
        for peer in both():
            assert peer.send(PIPELINE[:at], PIPELINE[at:]) == ANSWERS


async def test_requests_byte_by_byte() -> None:
    for peer in both():
        assert peer.send(*[PIPELINE[at : at + 1] for at in range(len(PIPELINE))]) == ANSWERS


names = st.from_regex(rb"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True).filter(
    lambda name: (
        name.lower()
        not in (b"host", b"connection", b"upgrade", b"expect", b"content-length", b"transfer-encoding", b"te")
    )
)
values = st.from_regex(rb"[!-~]([\t -~\x80-\xff]{0,20}[!-~])?|", fullmatch=True)


@st.composite
def request_bytes(draw: st.DrawFn) -> bytes:
    """A valid request."""
    lines = [name + b":" + value for name, value in draw(st.lists(st.tuples(names, values), max_size=4))]
    path = b"/" + draw(st.from_regex(rb"[a-z0-9/?=&%]{0,30}", fullmatch=True))
    body = draw(st.binary(max_size=100))
    kind = draw(st.sampled_from(["none", "length", "chunks", "other"]))
    if kind == "none":
        return get(path, *lines)
    if kind == "other":
        return get(path, *lines, method=b"BREW")
    if kind == "length":
        return post(body, *lines, path=path)
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=4)))
    chunks = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    return chunked(*[chunk for chunk in chunks if chunk], path=path)


@settings(max_examples=200, deadline=None)
@given(data=request_bytes(), cuts=st.lists(st.integers(0, 400), max_size=6))
async def test_any_request_cut_anywhere_gives_the_same_answer(data: bytes, cuts: list[int]) -> None:
    whole = Peer()
    expected = whole.send(data)
    assert expected.startswith(b"HTTP/1.1 200 OK")
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places) if a < b]
    for peer in both():
        assert peer.send(*pieces) == expected
        (request,), (other,) = whole.service.seen, peer.service.seen
        assert (request.method, request.uri, request.body) == (other.method, other.uri, other.body)
        assert list(request.headers.get_all()) == list(other.headers.get_all())
        assert peer.send(get(b"/next")) == answer(b"/next")


mutated = st.tuples(
    st.just(PIPELINE), st.integers(0, len(PIPELINE) - 1), st.binary(max_size=4), st.integers(0, 4)
)


@settings(max_examples=300, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=50).map(lambda junk: b"GET / HTTP/1.1\r\n" + HOST + junk),
        mutated.map(lambda m: m[0][: m[1]] + m[2] + m[0][m[1] + m[3] :]),
    ),
    cut=st.integers(0, 200),
)
async def test_garbage_ends_in_an_error_and_a_close_or_waits_for_more(data: bytes, cut: int) -> None:
    for peer in both():
        got = peer.send(data[:cut], data[cut:])
        await peer.settle()
        if peer.state == "open":
            # Still a valid beginning: it has a deadline.
            peer.clock.advance(1000)
            got += peer.transport.take()
        assert peer.state != "open"
        statuses = [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]]
        assert all(status == 200 for status in statuses[:-1])
        assert all(status == 200 or 400 <= status < 600 for status in statuses[-1:])


# -- sizes of headers


def header_of(size: int, lines: int = 1) -> bytes:
    """A request whose header counts as so many bytes, in so many lines beside Host."""
    # Of target, names and values, and four for each line.
    rest = size - len(b"/") - len(b"HostX") - 4 - 5 * lines
    values = [b"v" * (rest // lines)] * (lines - 1)
    values.append(b"v" * (rest - sum(map(len, values))))
    return get(b"/", *[b"X:" + value for value in values])


@pytest.mark.parametrize("limit", [100, 4096, SLICE, 65536, 200_000])
async def test_the_size_of_a_header(limit: int) -> None:
    for size, status in [(limit - 1, None), (limit, None), (limit + 1, 431)]:
        for step in (len(header_of(size)), 1000 if limit > 1000 else 7, SLICE):
            data = header_of(size)
            peer = Peer(max_header_size=limit)
            got = b""
            for at in range(0, len(data), step):
                if peer.transport.is_reading():
                    got += peer.send(data[at : at + step])
                    if not peer.transport.reading:
                        got += await peer.settle()
            assert got.startswith(b"HTTP/1.1 %d" % (status or 200)), (size, step)


async def test_the_size_of_a_header_behind_others() -> None:
    for size, status in [(4096, 200), (4097, 431)]:
        peer = Peer(max_header_size=4096)
        peer.send(get(b"/a") * 3 + header_of(size))
        peer = Peer(max_header_size=4096)
        data = post(b"x" * 3000) + header_of(size)
        got = peer.send(data[:2000], data[2000:5000], data[5000:])
        assert got.rpartition(b"HTTP/1.1 ")[2].startswith(b"%d" % status)


async def test_a_header_that_does_not_end() -> None:
    for piece in (b"v" * 1000, b"v: w\r\n" * 200):
        peer = Peer(max_header_size=5000, max_header_count=100_000)
        peer.transport.feed(b"GET / HTTP/1.1\r\n" + HOST + b"X: y")
        sent = 0
        while peer.transport.reading and peer.state == "open":
            peer.transport.feed(piece)
            sent += len(piece)
        assert peer.refused == 431
        assert sent < 8000


async def test_a_header_that_does_not_end_within_one_read() -> None:
    peer = Peer(max_header_size=5000)
    peer.transport.feed(b"GET / HTTP/1.1\r\nX: " + b"v" * 7000)
    assert peer.refused == 431
    peer = Peer(max_header_size=5000)
    peer.transport.feed(b"GET /" + b"v" * 7000)
    assert peer.refused == 414


async def test_a_long_header_with_a_short_one_behind() -> None:
    # What the long one has used up is not counted for the next.
    peer = Peer(max_header_size=5000)
    data = header_of(4900) + header_of(4900)
    for at in range(0, len(data), 700):
        peer.transport.feed(data[at : at + 700])
    assert peer.transport.take() == answer(b"/") * 2


async def test_the_length_of_a_target() -> None:
    for size, status in [(4999, None), (5000, None), (5001, 414)]:
        peer = Peer(max_header_size=5000)
        peer.transport.feed(b"GET /" + b"a" * (size - 1) + b" HTTP/1.0\r\n\r\n")
        assert peer.refused == status
        assert len(peer.service.seen) == (status is None)


@pytest.mark.parametrize("limit", [1, 2, 20, 128])
async def test_the_number_of_header_lines(limit: int) -> None:
    for names in ([b"X%d: y" % number for number in range(limit)], [b"X: y"] * limit, [b"X:"] * limit):
        # Host is one more.
        for count, status in [(limit - 2, None), (limit - 1, None), (limit, 431)]:
            if count >= 0:
                peer = Peer(max_header_count=limit)
                peer.transport.feed(get(b"/", *names[:count]))
                assert peer.refused == status
                assert len(peer.service.seen) == (status is None)


async def test_repeated_lines_are_counted_for_each_request() -> None:
    peer = Peer(max_header_count=10)
    data = get(b"/", *[b"X: y"] * 9)
    assert peer.send(data * 3, data) == answer(b"/") * 4
    peer.transport.feed(get(b"/", *[b"X: y"] * 1000))
    assert peer.refused == 431


async def test_white_space_around_values() -> None:
    peer = Peer()
    peer.send(get(b"/", b"A:b", b"B: \t b c \t ", b"C:", b"D:  ", b"E: x ", b"E:\t y\t"))
    headers = peer.service.seen[0].headers
    assert list(headers.get_all())[1:] == [
        ("A", "b"),
        ("B", "b c"),
        ("C", ""),
        ("D", ""),
        ("E", "x"),
        ("E", "y"),
    ]


# -- sizes of bodies


@pytest.mark.parametrize("limit", [1, 10, 5000, SLICE, 100_000])
async def test_the_size_of_a_body(limit: int) -> None:
    for size, status in [(limit - 1, None), (limit, None), (limit + 1, 413)]:
        body = b"x" * size
        for data in (post(body), chunked(*[body[at : at + 777] for at in range(0, size, 777)])):
            for step in (len(data), 1000):
                for peer in both(max_body_size=limit):
                    for at in range(0, len(data), step):
                        if peer.transport.is_reading():
                            peer.transport.feed(data[at : at + step])
                    seen = [len(request.body) for request in peer.service.seen]
                    if status is None:
                        assert peer.transport.take() == answer(b"/" + body)
                        assert seen == [size]
                    else:
                        assert peer.refused == status
                        assert seen == []
                        assert peer.state == "half closed"


async def test_a_body_that_is_announced_too_large_is_refused_before_it_is_there() -> None:
    for peer in both(max_body_size=100):
        peer.transport.feed(get(b"/", b"Content-Length: 101", b"Expect: 100-continue"))
        assert peer.refused == 413
        assert peer.state == "half closed"


async def test_a_body_in_tiny_chunks_takes_no_more_memory_than_its_size() -> None:
    for peer in both():
        peer.transport.feed(get(b"/", b"Transfer-Encoding: chunked", method=b"POST"))
        for _ in range(50):
            peer.transport.feed(b"2\r\nab\r\n" * 1000)
        request = peer.connection._request
        assert request is not None
        assert request.chunks is not None
        assert len(request.chunks) < 5
        assert peer.send(b"0\r\n\r\n") == answer(b"/" + b"ab" * 50_000)


async def test_small_pieces_and_large_ones_keep_their_order() -> None:
    parts = [b"a", b"b" * 2000, b"c", b"d", b"e" * 5000, b"f" * 1023, b"g" * 1024]
    for peer in both():
        assert peer.send(chunked(*parts)) == answer(b"/" + b"".join(parts))


async def test_what_chunks_bring_beside_their_data_is_bounded() -> None:
    head = get(b"/", b"Transfer-Encoding: chunked", method=b"POST")
    for endless in (
        b"5;" + b"a" * 200_000,
        b"1;" + b"a" * 2000 + b"\r\nx\r\n",
        b"0\r\n" + b"X: y\r\n" * 50_000,
        b"0\r\nX: " + b"y" * 200_000,
    ):
        peer = Peer(max_header_size=4096)
        peer.transport.feed(head)
        data = endless * 100
        sent = 0
        while peer.state == "open":
            peer.transport.feed(data[sent : sent + 1000])
            sent += 1000
            assert sent < 60_000
        assert peer.refused == 431
        assert peer.service.seen == []


async def test_ordinary_extensions_and_trailers_are_none_of_that() -> None:
    signature = b";chunk-signature=" + b"0" * 64
    chunks = (b"2710" + signature + b"\r\n" + b"x" * 10_000 + b"\r\n") * 50
    peer = Peer(max_header_size=4096)
    data = get(b"/", b"Transfer-Encoding: chunked", method=b"POST") + chunks + b"0\r\nX-Sum: 1\r\n\r\n"
    for at in range(0, len(data), SLICE):
        peer.transport.feed(data[at : at + SLICE])
    assert len(peer.service.seen[0].body) == 500_000
    # Nor do trailers change the header.
    assert "X-Sum" not in peer.service.seen[0].headers


# -- what is refused


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (get(b"/#fragment"), 400),
        (get(version=b"2.0"), 505),
        (get(version=b"0.9"), 505),
        (get(version=b"1.2"), 400),
        (get(b"/", b"Transfer-Encoding: gzip, chunked"), 501),
        (get(b"/", b"Transfer-Encoding: chunked", version=b"1.0"), 400),
        (get(b"/", b"Expect: wonders", b"Content-Length: 1"), 417),
        (get(b"/", b"Expect: 100-continue", b"Expect: 100-continue", b"Content-Length: 1"), 417),
        (get(b"/", b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
        (get(b"/", b"X : y"), 400),
        (get(b"/", b"X: \0"), 400),
    ],
)
async def test_what_is_refused(data: bytes, status: int) -> None:
    for peer in both():
        peer.transport.feed(data + get(b"/smuggled"))
        assert peer.refused == status
        assert peer.state == "half closed"
        assert peer.service.seen == []


async def test_a_host_that_was_good_once_is_checked_again_when_it_is_missing() -> None:
    peer = Peer()
    keep = b"Connection: keep-alive\r\n\r\n"
    assert b"200" in peer.send(b"GET / HTTP/1.0\r\n" + keep)
    peer.transport.feed(b"GET / HTTP/1.1\r\n" + keep)
    assert peer.refused == 400


async def test_an_expectation_without_a_body_is_none() -> None:
    peer = Peer()
    assert peer.send(get(b"/", b"Expect: wonders"), get(b"/", b"Expect: 100-continue")) == answer(b"/") * 2


async def test_the_halves_of_a_connection_need_each_other() -> None:
    reader = RequestReader(ServerSettings(), ManualClock(), False)
    with pytest.raises(NotImplementedError, match="_refuse"):
        reader._refuse(400, "")
    with pytest.raises(NotImplementedError, match="_hold"):
        reader._hold(b"")
    # Nothing to put a body into.
    reader.on_body(b"x")
    reader.on_message_complete()
