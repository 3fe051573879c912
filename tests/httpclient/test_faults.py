"""A server that stops, stalls, cuts off or lies at every place of a response: the right error, nothing left behind."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from typing import Any

import pytest

from framework.httpclient import AsyncHTTPClient, HTTPClientError
from framework.httpclient.simple import SimpleAsyncHTTPClient
from framework.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError
from tests.httpclient.conftest import MakeClient
from tests.httpclient.peer import HANG, Peer, chunked, response


@dataclass(frozen=True, slots=True)
class Case:
    """A response, and from which place on it is whole."""

    data: bytes
    body: bytes
    # Places where a response that ends with the connection may end.
    may_end_from: int | None = None


PACKED = gzip.compress(b"packed " * 20, mtime=0)
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nto the end"

CASES = {
    "length": Case(response(b"0123456789", 200, "X: y"), b"0123456789"),
    "empty": Case(response(b""), b""),
    "no body": Case(b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", b""),
    "chunks": Case(chunked(b"one", b"twotwotwotwo", b"three"), b"onetwotwotwotwothree"),
    "trailer": Case(chunked(b"one")[:-2] + b"T: x\r\n\r\n", b"one"),
    "interim": Case(b"HTTP/1.1 103 Hints\r\nL: x\r\n\r\n" + response(b"ok"), b"ok"),
    "until close": Case(UNTIL_CLOSE, b"to the end", UNTIL_CLOSE.index(b"to the end")),
    "packed": Case(response(PACKED, 200, "Content-Encoding: gzip"), b"packed " * 20),
    "bare LF": Case(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok"),
}


def places(case: Case) -> range:
    """Every place where something of the response is missing."""
    return range(len(case.data))


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    """A response."""
    return CASES[request.param]


async def test_a_response_cut_off_anywhere_is_an_error(
    make_client: MakeClient, peer: Peer, case: Case
) -> None:
    client = make_client(max_clients=100)

    async def fetch(place: int) -> None:
        peer.will(case.data[:place], close=True)
        if case.may_end_from is not None and place >= case.may_end_from:
            got = await client.fetch(peer.url())
            assert got.body == case.body[: place - case.may_end_from]
            return
        with pytest.raises(HTTPClientError) as caught:
            await client.fetch(peer.url())
        assert (caught.value.code, caught.value.response) == (599, None), place

    for place in places(case):
        await fetch(place)
    assert len(peer.requests) == len(places(case))
    peer.will(case.data, close=True)
    assert (await client.fetch(peer.url())).body == case.body


async def test_the_same_while_it_is_streamed(make_client: MakeClient, peer: Peer, case: Case) -> None:
    client = make_client()
    for place in places(case):
        if case.may_end_from is not None and place >= case.may_end_from:
            continue
        peer.will(case.data[:place], close=True)
        got: list[bytes] = []
        with pytest.raises(HTTPClientError):
            await client.fetch(peer.url(), streaming_callback=got.append)
        assert case.body.startswith(b"".join(got))


async def test_a_response_in_pieces_of_one_byte_is_whole(
    make_client: MakeClient, peer: Peer, case: Case
) -> None:
    client = make_client()
    peer.will(*[case.data[place : place + 1] for place in places(case)], close=True)
    assert (await client.fetch(peer.url())).body == case.body


async def test_a_response_that_stalls_anywhere_ends_in_time(
    make_client: MakeClient, peer: Peer, case: Case
) -> None:
    number = len(places(case))
    client = make_client(max_clients=number)
    for place in places(case):
        peer.will(case.data[:place], HANG)
    # The time is over for all of them at once, when all of them wait.
    futures = [client.fetch(peer.url(), request_timeout=1000.0) for _ in places(case)]
    await peer.until_requests(number)
    for _ in range(20):
        await asyncio.sleep(0)
    fetches: Any = client._fetches  # type: ignore[attr-defined]
    assert len(fetches) == number
    for fetch in list(fetches):
        fetch.deadline = fetch._request_deadline = 0.0
        fetch.deadline_passed()
    for future in futures:
        with pytest.raises(HTTPTimeoutError, match=r"^Timeout during request$"):
            await future
    await peer.until_gone(number)
    assert not fetches
    if isinstance(client, SimpleAsyncHTTPClient):
        assert (len(client._pool), client._line.inside) == (0, 0)


LIES = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a page without a header": b"<html>hello</html>",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "code of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "code of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "code below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nfoo\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nA: b\0\r\nContent-Length: 0\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nabc",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
    "length with a sign": b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
    "endless length": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\nabc",
    "204 with a body": b"HTTP/1.1 204 OK\r\nContent-Length: 3\r\n\r\nabc",
    "204 in chunks": b"HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown transfer coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunk size that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "negative chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n",
    "endless chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab",
    "chunk that is longer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "interim for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + response(b"ok"),
    "name without an end": b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000,
    "value without an end": b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000,
    "header without an end": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000,
    "trailer without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    + b"A: b\r\n" * 20_000,
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_an_error_and_ends_the_connection(
    simple: AsyncHTTPClient, peer: Peer, lie: str
) -> None:
    # Without the end of the connection: what is wrong must be seen in what has come.
    peer.will(LIES[lie], HANG)
    with pytest.raises(HTTPStreamClosedError, match=r"^Connection closed: ."):
        await simple.fetch(peer.url(), raise_error=False)
    await peer.until_gone(1)
    assert (await simple.fetch(peer.url())).body == b"ok"
    assert peer.connections == 2


# libcurl is more forgiving here: an end, a folded line or a length that are not quite right.
FORGIVEN = {"code of two digits", "space before the colon", "folded", "trailer without an end", "HTTP/0.9"}


@pytest.mark.parametrize("lie", sorted(set(LIES) - FORGIVEN))
async def test_a_lie_does_not_get_past_libcurl(
    make_client: MakeClient, kind: str, peer: Peer, lie: str
) -> None:
    client = make_client()
    peer.will(LIES[lie], close=True)
    with pytest.raises(HTTPClientError) as caught:
        await client.fetch(peer.url(), raise_error=False)
    assert caught.value.code == 599
    assert (await client.fetch(peer.url())).body == b"ok"


@pytest.mark.parametrize(
    "lengths",
    [
        "Content-Length: 2\r\nContent-Length: 2",
        "Content-Length: 2, 2",
        "content-length:2,2\r\nX: y\r\nContent-Length: 2",
    ],
)
async def test_lengths_that_agree_are_one(simple: AsyncHTTPClient, peer: Peer, lengths: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\nA: b\r\n{lengths}\r\nC: d\r\n\r\nok".encode()
    for pieces in (
        (answer,),
        (answer[:30], answer[30:]),
        tuple(answer[i : i + 1] for i in range(len(answer))),
    ):
        peer.will(*pieces)
        got = await simple.fetch(peer.url())
        assert (got.body, got.headers["A"], got.headers["C"], got.headers["Content-Length"]) == (
            b"ok",
            "b",
            "d",
            "2",
        )
    peer.will(answer + b"!")
    assert (await simple.fetch(peer.url())).body == b"ok"
