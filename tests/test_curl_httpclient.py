"""What only the client on libcurl does; what it shares with the other is tested in ``tests/httpclient``."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pycurl
import pytest
import pytest_asyncio

from framework.curl_httpclient import CurlAsyncHTTPClient, CurlError
from framework.httpclient import HTTPClientError
from framework.httpclient.errors import HTTPProxyError
from framework.simple_httpclient import HTTPStreamClosedError
from tests.httpclient.peer import HANG, Peer, response

pytestmark = pytest.mark.both_loops


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[Peer]:
    """A server."""
    made = await Peer().start()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[CurlAsyncHTTPClient]:
    """A client."""
    made = CurlAsyncHTTPClient(force_instance=True)
    assert isinstance(made, CurlAsyncHTTPClient)
    yield made
    made.close()


def test_the_error() -> None:
    error = CurlError(28, "too late")
    assert (error.errno, error.code, error.message, str(error)) == (28, 599, "too late", "HTTP 599: too late")
    assert isinstance(error, HTTPClientError)
    assert copy.copy(error).errno == 28


async def test_what_libcurl_says(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    with pytest.raises(CurlError) as caught:
        await client.fetch("http://127.0.0.1:1/")
    assert caught.value.errno == pycurl.E_COULDNT_CONNECT
    with pytest.raises(CurlError) as caught:
        await client.fetch(peer.will(close=True).url())
    assert caught.value.errno == pycurl.E_GOT_NOTHING


async def test_arguments_that_are_not_for_it(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    with pytest.raises(ValueError, match="ssl_options not supported"):
        await client.fetch(peer.url(), ssl_options={})
    with pytest.raises(pycurl.error):
        await client.fetch(peer.url(), prepare_curl_callback=lambda curl: curl.setopt(pycurl.PORT, -1))
    assert not peer.requests


async def test_the_curl_object_can_be_prepared(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    def prepare(curl: Any) -> None:
        curl.setopt(pycurl.USERAGENT, "prepared")
        curl.setopt(pycurl.HTTPHEADER, ["X: y"])

    await client.fetch(peer.url(), prepare_curl_callback=prepare)
    assert (peer.requests[0]["X"], peer.requests[0]["User-Agent"]) == ("y", "prepared")


def digest(challenge: str, method: str, uri: str, username: str, password: str) -> str:
    """The answer to a challenge (RFC 2617 section 3.2.2)."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    first = md5(f"{username}:{fields['realm']}:{password}")
    second = md5(f"{method}:{uri}")
    return md5(f"{first}:{fields['nonce']}:{second}")


async def test_digest_authentication(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    challenge = 'Digest realm="here", nonce="abc"'
    for body in (None, b"with a body"):
        peer.requests.clear()
        peer.will(response(b"who?", 401, f"WWW-Authenticate: {challenge}")).will(response(b"you"))
        got = await client.fetch(
            peer.url("/x"),
            method="POST" if body else "GET",
            body=body,
            auth_username="me",
            auth_password="pw",
            auth_mode="digest",
        )
        assert (got.code, got.body) == (200, b"you")
        answer = peer.requests[-1]
        assert answer["Authorization"] is not None
        expected = digest(challenge, answer.method, "/x", "me", "pw")
        assert f'response="{expected}"' in answer["Authorization"]
        assert answer.body == (body or b"")
    got = await client.fetch(peer.url("/x").replace("//", "//u:p@"), auth_mode="digest")
    assert got.body == b"ok"
    assert (await client.fetch(peer.url("/x"), auth_mode="digest")).body == b"ok"


async def test_an_error_in_a_callback_of_libcurl_is_logged(
    client: CurlAsyncHTTPClient, peer: Peer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a mistake")

    client._run(fail)
    assert "Exception in callback" in caplog.text


async def test_many_at_once(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    got = await asyncio.gather(*[client.fetch(peer.url(f"/{number}")) for number in range(50)])
    assert {one.body for one in got} == {b"ok"}
    assert len(peer.requests) == 50
    assert peer.connections <= 10


async def test_cancelled_in_a_callback(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"ab", HANG)
    future: Any = client.fetch(peer.url(), header_callback=lambda line: future.cancel())
    with pytest.raises(asyncio.CancelledError):
        await future
    await peer.until_gone(1)
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"ab", HANG)
    second: Any = client.fetch(peer.url(), streaming_callback=lambda piece: second.cancel())
    with pytest.raises(asyncio.CancelledError):
        await second
    await peer.until_gone(2)
    assert not client._transfers


async def test_closed_in_a_callback(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"ab", HANG)
    future = client.fetch(
        peer.url(), streaming_callback=lambda piece: client.io_loop.add_callback(client.close)
    )
    with pytest.raises(HTTPStreamClosedError, match="the client was closed"):
        await future
    await peer.until_closed()


async def test_options_of_the_network(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    assert (await client.fetch(peer.url(host="localhost"), allow_ipv6=False)).body == b"ok"
    with pytest.raises(CurlError) as caught:
        await client.fetch("http://no-such-name.invalid/")
    assert caught.value.errno == pycurl.E_COULDNT_RESOLVE_HOST
    with pytest.raises(HTTPProxyError):
        await client.fetch(peer.url(), proxy_host="no-such-name.invalid", proxy_port=1)


async def test_a_large_body_goes_in_portions(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    piece = bytes(range(256)) * 4096

    async def produce(write: Any) -> None:
        for _ in range(3):
            await write(piece)

    await client.fetch(peer.url(), method="PUT", body_producer=produce)
    assert peer.requests[0].body == piece * 3


async def test_a_producer_that_waits_when_its_fetch_ends(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    waiting = asyncio.Event()
    ended = asyncio.Event()

    async def produce(write: Any) -> None:
        try:
            while True:
                future = write(bytes(1 << 20))
                if not future.done():
                    waiting.set()
                await future
        finally:
            ended.set()

    async def read_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.transport.abort()

    server = await asyncio.start_server(read_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    future = client.fetch(f"http://127.0.0.1:{port}/", method="POST", body_producer=produce)
    await waiting.wait()
    future.cancel()
    await ended.wait()
    server.close()


async def test_a_header_that_is_none_is_refused(client: CurlAsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA B\r\n\r\nx", close=True)
    with pytest.raises(HTTPClientError) as caught:
        await client.fetch(peer.url())
    assert caught.value.code == 599
