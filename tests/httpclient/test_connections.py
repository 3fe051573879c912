"""Connections: kept, shared, stale, queued for, timed, and given back."""

from __future__ import annotations

import asyncio
import gc
import random
from typing import Any

import pytest

from framework.httpclient import AsyncHTTPClient, pool
from framework.httpclient.simple import SimpleAsyncHTTPClient
from framework.simple_httpclient import HTTPStreamClosedError
from tests.httpclient.conftest import MakeClient, MakePeer
from tests.httpclient.peer import HANG, NOW, OK, Peer

CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

both_loops = pytest.mark.both_loops


@both_loops
async def test_requests_to_one_origin_share_a_connection(client: AsyncHTTPClient, peer: Peer) -> None:
    for _ in range(5):
        await client.fetch(peer.url())
    await client.fetch(peer.url(), headers={"A": "b"}, method="HEAD", raise_error=False)
    assert peer.connections == 1


async def test_origins_do_not_share(client: AsyncHTTPClient, make_peer: MakePeer) -> None:
    one, two = await make_peer(), await make_peer()
    for _ in range(2):
        await client.fetch(one.url())
        await client.fetch(two.url())
        await client.fetch(two.url(host="localhost"))
    assert (one.connections, two.connections) == (1, 2)


@pytest.mark.parametrize(
    "answer",
    [
        CLOSE,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_was_announced_to_close_is_not_used(
    client: AsyncHTTPClient, peer: Peer, answer: bytes
) -> None:
    for _ in range(2):
        assert (await client.fetch(peer.will(answer).url())).body == b"ok"
    assert peer.connections == 2


async def test_a_connection_of_http_1_0_may_be_kept(simple: AsyncHTTPClient, peer: Peer) -> None:
    for _ in range(2):
        peer.will(b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok")
        await simple.fetch(peer.url())
    assert peer.connections == 1
    peer.will(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )
    assert (await simple.fetch(peer.url())).body == b"ok"
    await simple.fetch(peer.url())
    assert peer.connections == 2


async def test_a_connection_with_something_behind_the_response_is_not_used(
    simple: AsyncHTTPClient, peer: Peer
) -> None:
    # A response that nobody asked for would answer the next request.
    for answer in (OK + OK, OK + b"garbage", b"HTTP/1.1 304 X\r\n\r\nbody"):
        peer.will(answer)
        assert (await simple.fetch(peer.url(), raise_error=False)).code in (200, 304)
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
    assert (await simple.fetch(peer.url(), method="HEAD")).body == b""
    await simple.fetch(peer.url())
    assert peer.connections == 5


async def test_what_comes_unasked_ends_a_connection(simple: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(OK, HANG, OK)
    await simple.fetch(peer.url())
    peer.release.set()
    await peer.until_closed()
    assert (await simple.fetch(peer.url())).body == b"ok"
    assert peer.connections == 2


async def test_a_request_that_finds_the_connection_closed_is_sent_once_more(
    simple: AsyncHTTPClient, peer: Peer
) -> None:
    # The server closes when the next request is on its way.
    peer.will(OK).will(close=True).will(OK)
    await simple.fetch(peer.url("/first"))
    got = await simple.fetch(peer.url("/second"), method="PUT", body=b"x")
    assert got.body == b"ok"
    assert [(r.target, r.connection, r.body) for r in peer.requests] == [
        ("/first", 0, b""),
        ("/second", 0, b"x"),
        ("/second", 1, b"x"),
    ]


async def test_it_is_sent_once_more_only(simple: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(OK).will(close=True).will(close=True)
    await simple.fetch(peer.url())
    with pytest.raises(HTTPStreamClosedError, match="Stream closed"):
        await simple.fetch(peer.url())
    assert len(peer.requests) == 3


async def test_a_request_on_a_new_connection_is_sent_once(simple: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(close=True)
    with pytest.raises(HTTPStreamClosedError, match="Stream closed"):
        await simple.fetch(peer.url())
    assert len(peer.requests) == 1


async def test_a_request_that_was_answered_in_part_is_sent_once(simple: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(OK).will(b"HTTP/1.1 2", close=True)
    await simple.fetch(peer.url())
    with pytest.raises(HTTPStreamClosedError, match="in the middle of a header"):
        await simple.fetch(peer.url())
    assert len(peer.requests) == 2


async def _produce(write: Any) -> None:
    await write(b"x")


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "POST", "body": b"x"},
        {"method": "PATCH", "body": b"x"},
        {"method": "BREW", "allow_nonstandard_methods": True},
        {"method": "PUT", "body_producer": _produce},
    ],
)
async def test_a_request_that_must_not_be_repeated_is_not(
    simple: AsyncHTTPClient, peer: Peer, arguments: dict[str, Any]
) -> None:
    # Twice, so that the connection is one that the server is known to keep.
    peer.will(OK).will(OK).will(close=True)
    await simple.fetch(peer.url())
    await simple.fetch(peer.url())
    with pytest.raises(HTTPStreamClosedError, match="Stream closed"):
        await simple.fetch(peer.url(), **arguments)
    assert [request.connection for request in peer.requests] == [0, 0, 0]


async def test_a_server_that_closes_without_a_word_gets_such_a_request_on_a_new_connection(
    simple: AsyncHTTPClient, peer: Peer
) -> None:
    for _ in range(5):
        peer.will(OK, close=True)
        assert (await simple.fetch(peer.url(), method="POST", body=b"x")).body == b"ok"
    assert peer.connections == 5


async def test_only_requests_that_must_not_be_repeated_learn_to_share(
    make_simple: MakeClient, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_simple(max_clients=3)
    for _ in range(4):
        await client.fetch(peer.url(), method="POST", body=b"x")
    # None of them was kept for long enough to be sure; three are there.
    assert peer.connections == 4
    monkeypatch.setattr(pool, "OPEN_SECONDS", 0.0)
    for _ in range(3):
        await client.fetch(peer.url(), method="POST", body=b"x")
    assert peer.connections == 4
    monkeypatch.setattr(pool, "FRESH_SECONDS", -1.0)
    await client.fetch(peer.url(), method="POST", body=b"x")
    assert peer.connections == 5


async def test_connections_that_have_rested_are_closed(
    simple: AsyncHTTPClient, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(simple, SimpleAsyncHTTPClient)
    await asyncio.gather(*[simple.fetch(peer.url()) for _ in range(3)])
    assert len(simple._pool) == 3
    simple._pool.deadline_passed()
    assert len(simple._pool) == 3
    monkeypatch.setattr(pool, "IDLE_SECONDS", -1.0)
    simple._pool.deadline_passed()
    assert len(simple._pool) == 0
    await peer.until_closed()


async def test_there_are_no_more_connections_than_clients(
    make_simple: MakeClient, make_peer: MakePeer
) -> None:
    client = make_simple(max_clients=2)
    peers = [await make_peer() for _ in range(4)]
    for _ in range(2):
        for one in peers:
            await client.fetch(one.url())
    assert sum(len(one.open) for one in peers) <= 3
    assert isinstance(client, SimpleAsyncHTTPClient)
    assert len(client._pool) == 2


@both_loops
async def test_who_comes_first_is_served_first(make_client: MakeClient, peer: Peer) -> None:
    client = make_client(max_clients=2)
    peer.will(HANG, OK).will(HANG, OK)
    futures = [client.fetch(peer.url(f"/{number}")) for number in range(8)]
    await peer.until_requests(2)
    assert len(peer.requests) == 2
    peer.release.set()
    await asyncio.gather(*futures)
    assert sorted(r.target for r in peer.requests[:2]) == ["/0", "/1"]
    # Two are under way at a time, so that neighbours may change places on their way.
    places = [int(request.target[1:]) for request in peer.requests]
    assert all(abs(place - number) <= 1 for place, number in enumerate(places)), places
    assert peer.connections == 2


@both_loops
async def test_cancelling_a_fetch_frees_its_connection_and_its_place(
    make_client: MakeClient, peer: Peer
) -> None:
    client = make_client(max_clients=1)
    peer.will(HANG, OK)
    first, second, third = [client.fetch(peer.url(f"/{number}")) for number in range(3)]
    await peer.until_requests(1)
    assert second.cancel()
    assert first.cancel()
    await peer.until_gone(1)
    assert (await third).body == b"ok"
    assert [request.target for request in peer.requests] == ["/0", "/2"]
    assert not first.cancel()


async def test_cancelling_who_awaits_a_fetch(client: AsyncHTTPClient, peer: Peer) -> None:
    async def fetch() -> None:
        await client.fetch(peer.will(HANG).url())

    task = asyncio.create_task(fetch())
    await peer.until_requests(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await peer.until_gone(1)


@both_loops
async def test_closing_the_client_ends_what_is_under_way(make_client: MakeClient, peer: Peer) -> None:
    client = make_client(max_clients=1)
    await client.fetch(peer.url())
    peer.will(HANG)
    under_way, waiting = client.fetch(peer.url()), client.fetch(peer.url())
    await peer.until_requests(2)
    client.close()
    for future in (under_way, waiting):
        with pytest.raises(HTTPStreamClosedError, match="the client was closed"):
            await future
    await peer.until_closed()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.fetch(peer.url())


async def test_nobody_has_to_hear_that_the_client_was_closed(
    make_client: MakeClient, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client()
    client.fetch(peer.will(HANG).url())
    await peer.until_requests(1)
    client.close()
    gc.collect()
    assert "the client was closed" not in caplog.text


async def test_a_server_that_answers_before_it_is_asked(simple: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(NOW, OK)
    # Whether the request comes before the answer is not for the client to know; it must not hang or be confused.
    try:
        assert (await simple.fetch(peer.url())).code == 200
    except HTTPStreamClosedError:
        pass
    assert (await simple.fetch(peer.url())).body == b"ok"


async def test_nothing_is_left_of_many_fetches_that_end_in_many_ways(
    make_client: MakeClient, peer: Peer
) -> None:
    client: Any = make_client(max_clients=5)
    chance = random.Random(5)
    answers: list[tuple[bytes | str, ...]] = [
        (OK,),
        (OK, OK),
        (b"HTTP/1.1 2",),
        (HANG,),
        (CLOSE,),
        (b"HTTP/1.1 200 OK\r\n\r\nend",),
    ]
    for _ in range(200):
        peer.will(*chance.choice(answers), close=chance.random() < 0.3)
    futures = []
    for number in range(200):
        method = chance.choice(["GET", "POST"])
        futures.append(
            client.fetch(
                peer.url(f"/{number}"),
                method=method,
                body=b"x" if method == "POST" else None,
                raise_error=False,
            )
        )
        if chance.random() < 0.2:
            chance.choice(futures).cancel()
        await asyncio.sleep(0)
    while not all(future.done() for future in futures):
        await asyncio.sleep(0.001)
        # The time is over for those that hang, and for some that do not.
        for fetch in chance.sample(list(client._fetches), min(2, len(client._fetches))):
            fetch._request_deadline = 0.0
            fetch.deadline_passed()
    results = await asyncio.gather(*futures, return_exceptions=True)
    kinds = {type(result).__name__ for result in results}
    assert kinds <= {
        "HTTPResponse",
        "CancelledError",
        "HTTPTimeoutError",
        "HTTPStreamClosedError",
        "CurlError",
    }
    assert (len(client._fetches), client._line.inside, len(client._line._waiting)) == (0, 0, 0)
    peer.answers.clear()
    assert (await client.fetch(peer.url(), method="POST", body=b"x")).body == b"ok"


async def test_a_client_for_nobody(make_client: MakeClient) -> None:
    with pytest.raises(ValueError, match="max_clients must be at least 1"):
        make_client(max_clients=0)
