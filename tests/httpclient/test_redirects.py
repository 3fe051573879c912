"""Where redirects lead, and what goes there (RFC 9110 section 15.4)."""

from __future__ import annotations

from typing import Any

import pytest

from framework.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from framework.httpclient.redirects import redirected
from framework.httputil import HTTPHeaders
from tests.httpclient.conftest import MakePeer
from tests.httpclient.peer import Peer, response


def to(location: str, code: int = 302) -> bytes:
    """A redirect."""
    return response(b"moved", code, f"Location: {location}", reason="Moved")


@pytest.mark.parametrize(
    ("code", "method", "then"),
    [
        (301, "GET", "GET"),
        (302, "GET", "GET"),
        (303, "GET", "GET"),
        (307, "GET", "GET"),
        (308, "GET", "GET"),
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (301, "PUT", "PUT"),
        (302, "PUT", "PUT"),
        (303, "PUT", "GET"),
        (303, "DELETE", "GET"),
        (302, "DELETE", "DELETE"),
        (302, "HEAD", "HEAD"),
        (303, "HEAD", "HEAD"),
    ],
)
async def test_method_and_body_after_a_redirect(
    client: AsyncHTTPClient, peer: Peer, code: int, method: str, then: str
) -> None:
    body = b"abc" if method in ("POST", "PUT") else None
    end = b"" if method == "HEAD" else b"moved"
    peer.will(f"HTTP/1.1 {code} X\r\nLocation: next?a=b\r\nContent-Length: 5\r\n\r\n".encode() + end)
    if method == "HEAD":
        peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    headers = {"X": "kept"} | ({"Content-Type": "t/x", "Content-Language": "en"} if body else {})
    got = await client.fetch(peer.url("/a/b"), method=method, body=body, headers=headers)
    assert (got.code, got.effective_url) == (200, peer.url("/a/next?a=b"))
    second = peer.requests[1]
    assert (second.method, second.target, second["X"]) == (then, "/a/next?a=b", "kept")
    kept = then == method and body is not None
    assert second.body == (b"abc" if kept else b"")
    assert (second["Content-Type"], second["Content-Language"]) == (("t/x", "en") if kept else (None, None))
    assert (second["Content-Length"] is not None) == kept


async def test_what_is_no_redirect_is_returned(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(to("/next", 300)).will(response(b"", 302)).will(to("/next"))
    for arguments in ({}, {}, {"follow_redirects": False}):
        got = await client.fetch(peer.url(), raise_error=False, **arguments)
        assert got.code in (300, 302)
    with pytest.raises(HTTPClientError, match="HTTP 302: Moved"):
        await client.fetch(peer.will(to("/next")).url(), follow_redirects=False)
    assert len(peer.requests) == 4


async def test_redirects_are_counted(client: AsyncHTTPClient, peer: Peer) -> None:
    for _ in range(4):
        peer.will(to("/again"))
    got = await client.fetch(peer.url(), max_redirects=3, raise_error=False)
    assert (got.code, got.body, got.effective_url) == (302, b"moved", peer.url("/again"))
    assert len(peer.requests) == 4
    peer.will(to("/never"))
    assert (await client.fetch(peer.url(), max_redirects=0, raise_error=False)).code == 302
    assert len(peer.requests) == 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_secrets_do_not_cross_an_origin(
    client: AsyncHTTPClient, make_peer: MakePeer, host: str
) -> None:
    peer, other = await make_peer(), await make_peer()
    # Another port of the same host is another origin; so is the same address by another name.
    peer.will(to(other.url("/there", host=host), 307))
    secrets = {"Cookie": "a=b", "Proxy-Authorization": "p", "Host": "named", "X": "y"}
    await client.fetch(
        peer.url(), method="POST", body=b"x", headers=secrets, auth_username="me", auth_password="pw"
    )
    assert {"Cookie", "Authorization", "Host"} <= {name for name, _ in peer.requests[0].fields}
    got = other.requests[0]
    assert (got["Cookie"], got["Authorization"], got["Proxy-Authorization"]) == (None, None, None)
    assert (got["X"], got["Host"], got.body) == ("y", f"{host}:{other.port}", b"x")


async def test_secrets_stay_within_an_origin(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(to("/there"))
    await client.fetch(peer.url(), headers={"Cookie": "a=b", "Authorization": "secret"})
    got = peer.requests[1]
    assert (got["Cookie"], got["Authorization"]) == ("a=b", "secret")
    peer.will(to("/there"))
    await client.fetch(peer.url(), auth_username="me", auth_password="pw")
    assert peer.requests[3]["Authorization"] == "Basic bWU6cHc="


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("ftp://x/", ValueError),
        ("http://x:99999/", ValueError),
        ("//[/", ValueError),
    ],
)
async def test_a_redirect_to_nowhere_is_an_error(
    client: AsyncHTTPClient, peer: Peer, location: str, error: type[Exception]
) -> None:
    peer.will(to(location))
    with pytest.raises(error):
        await client.fetch(peer.url(), raise_error=False)


async def test_what_is_not_ascii_in_a_location_comes_back_as_it_came(
    client: AsyncHTTPClient, peer: Peer
) -> None:
    peer.will("HTTP/1.1 302 X\r\nLocation: /ü b\r\nContent-Length: 0\r\n\r\n".encode())
    got = await client.fetch(peer.url())
    assert peer.requests[1].target == "/%C3%BC%20b"
    assert got.effective_url == peer.url("/%C3%BC%20b")


async def test_an_empty_location_means_the_same_url(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(to(""))
    assert (await client.fetch(peer.url("/x?y"))).effective_url == peer.url("/x?y")


async def test_only_the_last_response_is_told_of(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(to("/next"))
    lines: list[str] = []
    pieces: list[bytes] = []
    await client.fetch(peer.url(), header_callback=lines.append, streaming_callback=pieces.append)
    assert lines == ["HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n", "\r\n"]
    assert pieces == [b"ok"]


async def test_the_body_of_a_redirect_is_bounded_in_time(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 302 X\r\nLocation: /next\r\nContent-Length: 100\r\n\r\n", b"x", close=True)
    with pytest.raises(HTTPClientError, match=r"missing|Connection closed"):
        await client.fetch(peer.url())


def follow(request: HTTPRequest, location: str, code: int = 302) -> HTTPRequest:
    """What `redirected` makes of a request."""
    return redirected(request, request.method, request.url, code, location, 4)


def test_a_certificate_is_shown_to_the_server_it_is_meant_for_only() -> None:
    request = HTTPRequest("https://a.example/", client_cert="cert", client_key="key", proxy_password="p")
    same = follow(request, "/x")
    assert (same.client_cert, same.client_key, same.max_redirects) == ("cert", "key", 4)
    other = follow(request, "https://b.example/")
    assert (other.client_cert, other.client_key, other.proxy_password) == (None, None, "p")


@pytest.mark.parametrize(
    ("url", "location", "crosses"),
    [
        ("http://a/", "http://a:80/", False),
        ("http://A/", "http://a/", False),
        ("http://a/", "https://a/", True),
        ("https://a/", "http://a/", True),
        ("http://a/", "http://a:81/", True),
        ("http://a/", "http://b.a/", True),
        ("http://u:p@a/", "http://a/", False),
    ],
)
def test_what_an_origin_is(url: str, location: str, crosses: bool) -> None:
    request = HTTPRequest(url, headers=HTTPHeaders({"authorization": "x"}), auth_username="me")
    made = follow(request, location)
    assert ("Authorization" not in made.headers) == crosses
    assert (made.auth_username is None) == crosses
    assert dict(request.headers) == {"Authorization": "x"}


@pytest.mark.parametrize("code", [301, 302, 303])
def test_a_body_that_is_not_sent_again_is_forgotten(code: int) -> None:
    async def produce(write: Any) -> None:
        """Writes nothing."""

    produced: Any = produce
    request = HTTPRequest("http://a/", "POST", body_producer=produced, expect_100_continue=True)
    made = follow(request, "/", code)
    assert (made.method, made.body_producer, made.expect_100_continue) == ("GET", None, False)
    kept = follow(request, "/", 307)
    assert (kept.method, kept.body_producer, kept.expect_100_continue) == ("POST", produced, True)
