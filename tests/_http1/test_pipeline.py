"""Several requests on one connection: answered one after the other, in order, and no more held than may be."""

from __future__ import annotations

import pytest

from framework._http1.reader import SLICE
from framework._http1.request import WireRequest
from framework.iostream import StreamClosedError
from tests._http1.peer import Peer, Requests, answer, chunked, get, post


async def test_a_pipeline_is_answered_in_one_write() -> None:
    peer = Peer()
    assert peer.send(get(b"/a") + get(b"/b") + get(b"/c")) == answer(b"/a") + answer(b"/b") + answer(b"/c")
    assert peer.transport.writes == 1


async def test_a_long_pipeline_is_written_in_parts() -> None:
    peer = Peer()
    assert peer.send(get(b"/a") * 100) == answer(b"/a") * 100
    assert 1 < peer.transport.writes < 10


async def test_large_responses_are_written_as_they_come() -> None:
    def serve(request: WireRequest) -> None:
        peer.service.respond(request, b"x" * 100_000)

    peer = Peer(Requests(serve))
    peer.send(get() * 3)
    assert peer.transport.writes == 3


async def test_an_answer_that_takes_its_time_holds_back_the_others() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    assert peer.send(get(b"/a") + get(b"/b")) == b""
    assert peer.transport.reading
    # More of the pipeline is not read any more.
    peer.send(get(b"/c"))
    assert not peer.transport.reading
    for number in range(3):
        assert len(requests) == number + 1
        peer.service.respond(requests[number])
        assert await peer.settle() == answer(b"/" + b"abc"[number : number + 1])
    assert peer.transport.reading
    assert peer.send(get(b"/d")) == b""
    assert len(requests) == 4


async def test_the_wrong_request_cannot_be_answered() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    peer.send(get(b"/a"))
    peer.service.respond(requests[0])
    assert peer.send(get(b"/b")) == answer(b"/a")
    with pytest.raises(StreamClosedError):
        peer.service.respond(requests[0])
    peer.connection.set_max_body_size(requests[0], 1)
    peer.connection.set_body_timeout(requests[0], 1)
    peer.service.respond(requests[1])
    assert peer.transport.take() == answer(b"/b")


async def test_a_bad_request_behind_a_slow_one_is_refused_after_its_answer() -> None:
    for bad in (b"GET / HTTP/1.1\r\n\r\n", b"\x00", get(b"/", b"Content-Length: 1, 2"), get(version=b"3.0")):
        requests: list[WireRequest] = []
        peer = Peer(Requests(requests.append))
        assert peer.send(get(b"/a") + get(b"/b") + bad + get(b"/c")) == b""
        peer.service.respond(requests[0])
        assert await peer.settle() == answer(b"/a")
        peer.service.respond(requests[1])
        got = peer.transport.take()
        assert got.startswith((answer(b"/b") + b"HTTP/1.1 4", answer(b"/b") + b"HTTP/1.1 5"))
        assert peer.state == "half closed"
        assert len(requests) == 2


async def test_a_bad_request_behind_the_last_one_is_not_looked_at() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    peer.send(get(b"/a", b"Connection: close") + b"\x00")
    peer.service.respond(requests[0])
    assert peer.transport.take().count(b"HTTP/1.1") == 1


async def test_a_body_too_large_behind_a_slow_request() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append, open=lambda request: None), max_body_size=5)
    peer.send(get(b"/a") + post(b"123456") + get(b"/b"))
    peer.service.respond(requests[0])
    got = await peer.settle()
    assert got.startswith(answer(b"/a") + b"HTTP/1.1 413 ")
    assert peer.state == "half closed"
    assert len(requests) == 1


async def test_the_body_behind_a_slow_request_is_not_read() -> None:
    for service in (Requests(lambda r: None), Requests(lambda r: None, open=lambda r: None)):
        peer = Peer(service)
        peer.send(get(b"/a") + get(b"/b", b"Content-Length: 100000"), b"x" * 10)
        assert not peer.transport.reading
        peer.service.respond(peer.service.seen[0])
        assert await peer.settle() == answer(b"/a")
        assert peer.transport.reading
        peer.transport.feed(b"x" * 99_990)
        peer.service.respond(peer.service.seen[1])
        assert peer.transport.take() == answer(b"/b" + b"x" * 100_000)


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_the_length_of_a_pipeline(limit: int) -> None:
    for count in (limit, limit + 1):
        peer = Peer(max_pipelined_requests=limit)
        got = peer.send(get(b"/a") * count)
        assert got.startswith(answer(b"/a") * count)
        assert (b"HTTP/1.1 503 " in got) == (count > limit)
        assert peer.state == ("half closed" if count > limit else "open")


async def test_one_read_of_many_requests_gives_others_their_turn() -> None:
    peer = Peer()
    count = 10_000
    data = get(b"/a") * count
    assert len(data) > 10 * SLICE
    peer.transport.feed(data)
    first = peer.transport.take().count(b"HTTP/1.1")
    assert 0 < first <= SLICE // len(get(b"/a")) + 1
    assert not peer.transport.reading
    total = first
    while not peer.transport.reading:
        total += (await peer.settle()).count(b"HTTP/1.1")
    assert total == count
    assert peer.send(get(b"/b")) == answer(b"/b")


async def test_many_requests_behind_a_body() -> None:
    peer = Peer()
    data = post(b"x" * 60_000) + get(b"/a") * 5000
    peer.transport.feed(data[:10])
    peer.transport.feed(data[10:])
    total = 0
    while True:
        got = (await peer.settle()).count(b"HTTP/1.1 200")
        if not got:
            break
        total += got
    assert total == 5001
    assert peer.state == "open"


async def test_what_is_read_ahead_is_thrown_away_with_the_connection() -> None:
    peer = Peer(Requests(lambda request: None))
    peer.send(get(b"/a") + get(b"/b"), get(b"/c"))
    peer.transport.deliver_close()
    await peer.settle()
    assert peer.service.paths == ["GET /a"]


async def test_a_client_that_does_not_read_gets_no_further_request_served() -> None:
    def serve(request: WireRequest) -> None:
        peer.service.respond(request)
        if request.path == "/b":
            peer.connection.write(b"")
            peer.transport.choke()

    peer = Peer(Requests(serve))
    peer.send(get(b"/a") + get(b"/b") + get(b"/c"))
    assert peer.service.paths == ["GET /a", "GET /b"]
    assert peer.send(get(b"/d")) == b""
    assert not peer.transport.reading
    peer.transport.relieve()
    assert await peer.settle() == answer(b"/c") + answer(b"/d")
    assert peer.transport.reading


async def test_a_refusal_behind_a_client_that_does_not_read() -> None:
    def serve(request: WireRequest) -> None:
        peer.service.respond(request)
        peer.transport.choke()

    peer = Peer(Requests(serve))
    got = peer.send(get(b"/a") + get(b"/b") + b"\x00")
    peer.transport.relieve()
    got += await peer.settle()
    assert got.startswith(answer(b"/a") + answer(b"/b"))
    peer.transport.relieve()
    await peer.settle()
    assert peer.state == "half closed"


async def test_continue_is_said_when_it_is_the_requests_turn() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    expecting = get(b"/b", b"Expect: 100-continue", b"Content-Length: 4", method=b"POST")
    assert peer.send(get(b"/a") + expecting) == b""
    peer.service.respond(requests[0])
    assert await peer.settle() == answer(b"/a") + b"HTTP/1.1 100 Continue\r\n\r\n"
    peer.send(b"body")
    peer.service.respond(requests[1])
    assert peer.transport.take() == answer(b"/bbody")
    # One that has not waited is not told.
    peer.send(expecting + b"body")
    peer.service.respond(requests[2])
    assert peer.transport.take() == answer(b"/bbody")
    # Nor is HTTP/1.0.
    peer.send(get(b"/c", b"Expect: 100-continue", b"Content-Length: 4", version=b"1.0"), b"body")
    peer.service.respond(requests[3])
    assert peer.transport.take() == answer(b"/cbody")


async def test_chunks_behind_requests() -> None:
    peer = Peer()
    data = get(b"/a") + chunked(b"abc", path=b"/b") + get(b"/c")
    assert peer.send(data) == answer(b"/a") + answer(b"/babc") + answer(b"/c")
