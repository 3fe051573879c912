"""What both clients send and return."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from framework import __version__
from framework.httpclient import (
    AsyncHTTPClient,
    CookieJar,
    HTTPClientError,
    HTTPRequest,
    HTTPResponse,
)
from framework.httputil import HTTPHeaders
from framework.iostream import UnsatisfiableReadError
from framework.simple_httpclient import HTTPStreamClosedError
from tests.httpclient.conftest import MakeClient, MakePeer
from tests.httpclient.peer import OK, Peer, chunked, response


async def test_a_get_request_says_where_it_goes_and_what_it_takes(
    client: AsyncHTTPClient, peer: Peer
) -> None:
    peer.will(response(b"hello", 200, "Content-Type: text/plain", "A: 1", "a: 2", reason="Fine"))
    got = await client.fetch(peer.url("/x?y=1#fragment"))
    assert (got.code, got.reason, got.body, got.error) == (200, "Fine", b"hello", None)
    assert got.headers["content-type"] == "text/plain"
    assert got.headers.get_list("A") == ["1", "2"]
    assert got.effective_url == peer.url("/x?y=1#fragment")
    assert got.request_time is not None and got.request_time >= 0
    assert {"queue", "pretransfer", "starttransfer", "total"} <= set(got.time_info)
    request = peer.requests[0]
    assert request.line == "GET /x?y=1 HTTP/1.1"
    assert request["Host"] == f"127.0.0.1:{peer.port}"
    assert request["User-Agent"] == f"framework/{__version__}"
    assert request["Accept-Encoding"] == "gzip, deflate, br, zstd"
    assert {name.lower() for name, _ in request.fields} == {"host", "user-agent", "accept-encoding"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_body_is_sent_with_its_length(client: AsyncHTTPClient, peer: Peer, method: str) -> None:
    await client.fetch(peer.url(), method=method, body="häh")
    await client.fetch(peer.url(), method=method, body=b"")
    big = bytes(range(256)) * 2000
    await client.fetch(peer.url(), method=method, body=big, headers={"Content-Type": "x/y"})
    assert [request.body for request in peer.requests] == ["häh".encode(), b"", big]
    assert [request["Content-Length"] for request in peer.requests] == ["4", "0", str(len(big))]
    form = "application/x-www-form-urlencoded" if method == "POST" else None
    assert [request["Content-Type"] for request in peer.requests] == [form, form, "x/y"]
    assert {request.method for request in peer.requests} == {method}


async def test_a_body_needs_a_method_for_it(client: AsyncHTTPClient, peer: Peer) -> None:
    for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        with pytest.raises(ValueError, match=f"Body must be None for method {method}"):
            await client.fetch(peer.url(), method=method, body=b"x")
    for method in ("POST", "PUT", "PATCH"):
        with pytest.raises(ValueError, match=f"Body must not be None for method {method}"):
            await client.fetch(peer.url(), method=method)
    with pytest.raises(KeyError, match="unknown method BREW"):
        await client.fetch(peer.url(), method="BREW", raise_error=False)
    assert not peer.requests


async def test_nonstandard_methods_on_request(client: AsyncHTTPClient, peer: Peer) -> None:
    allowed: dict[str, Any] = {"allow_nonstandard_methods": True}
    await client.fetch(peer.url(), method="BREW", **allowed)
    await client.fetch(peer.url(), method="GET", body=b"x", **allowed)
    await client.fetch(peer.url(), method="POST", **allowed)
    await client.fetch(peer.url(), method="DELETE", body=b"gone", **allowed)
    assert [(r.method, r.body, r["Content-Length"]) for r in peer.requests] == [
        ("BREW", b"", None),
        ("GET", b"x", "1"),
        ("POST", b"", "0"),
        ("DELETE", b"gone", "4"),
    ]


async def test_a_response_to_head_has_no_body(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    got = await client.fetch(peer.url(), method="HEAD")
    assert (got.body, got.headers["Content-Length"]) == (b"", "5")
    peer.will(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await client.fetch(peer.url(), method="HEAD")).body == b""
    assert (await client.fetch(peer.url())).body == b"ok"
    assert peer.connections == 1


@pytest.mark.parametrize("code", [204, 304])
async def test_responses_that_have_no_body(client: AsyncHTTPClient, peer: Peer, code: int) -> None:
    peer.will(f"HTTP/1.1 {code} X\r\n\r\n".encode())
    got = await client.fetch(peer.url(), raise_error=False)
    assert (got.code, got.body) == (code, b"")
    assert (await client.fetch(peer.url())).body == b"ok"
    assert peer.connections == 1


async def test_chunks_trailers_and_extensions(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(chunked(b"one", b"two" * 1000, b"!"))
    assert (await client.fetch(peer.url())).body == b"one" + b"two" * 1000 + b"!"
    peer.will(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n")
    got = await client.fetch(peer.url())
    assert (got.body, "T" in got.headers) == (b"abc", False)
    assert (await client.fetch(peer.url())).body == b"ok"
    assert peer.connections == 1


async def test_a_body_without_a_length_ends_with_the_connection(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(b"HTTP/1.1 200 OK\r\n\r\nall of ", b"it", close=True)
    assert (await client.fetch(peer.url())).body == b"all of it"
    peer.will(b"HTTP/1.0 200 OK\r\n\r\nold", close=True)
    assert (await client.fetch(peer.url())).body == b"old"
    assert peer.connections == 2


async def test_interim_responses_are_passed_over(client: AsyncHTTPClient, peer: Peer) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    peer.will(interim + interim, b"HTTP/1.1 100 Continue\r\n\r\n" + OK)
    lines: list[str] = []
    got = await client.fetch(peer.url(), header_callback=lines.append)
    assert (got.code, got.body, "Link" in got.headers) == (200, b"ok", False)
    assert lines[-3:] == ["HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n", "\r\n"]
    assert lines[:3] == ["HTTP/1.1 103 Early Hints\r\n", "Link: </x>\r\n", "\r\n"]


async def test_an_error_status_is_raised_or_returned(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(response(b"nope", 404, reason="Nowhere"))
    with pytest.raises(HTTPClientError) as caught:
        await client.fetch(peer.url())
    assert str(caught.value) == "HTTP 404: Nowhere"
    assert caught.value.response is not None
    assert caught.value.response.body == b"nope"
    peer.will(response(b"nope", 404))
    got = await client.fetch(peer.url(), raise_error=False)
    assert got.code == 404
    assert isinstance(got.error, HTTPClientError)
    with pytest.raises(HTTPClientError, match="HTTP 404"):
        got.rethrow()


async def test_headers_are_sent_as_given(client: AsyncHTTPClient, peer: Peer) -> None:
    headers = HTTPHeaders({"X-One": "1", "Empty": "", "Accept": "a/b"})
    headers.add("X-Two", "a")
    headers.add("X-Two", "b")
    await client.fetch(HTTPRequest(peer.url(), headers=headers, user_agent="me"))
    await client.fetch(peer.url(), headers={"user-agent": "mine", "host": "other", "x": "\xe9"})
    one, two = peer.requests
    assert (one["X-One"], one["Empty"], one["Accept"], one["User-Agent"]) == ("1", "", "a/b", "me")
    assert [value for name, value in one.fields if name == "X-Two"] == ["a", "b"]
    assert (two["User-Agent"], two["Host"], two["X"]) == ("mine", "other", "\xe9")
    assert headers.get_list("X-Two") == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"headers": {"A": "b\r\nC: d"}}, ValueError),
        ({"headers": {"A": "b\nC: d"}}, ValueError),
        ({"headers": {"A": "b\0"}}, ValueError),
        ({"headers": {"A\r\nB": "c"}}, ValueError),
        ({"headers": {"A: b": "c"}}, ValueError),
        ({"headers": {"A": "中"}}, ValueError),
        ({"headers": {"A": 5}}, TypeError),
        ({"user_agent": "a\r\nb: c"}, ValueError),
        ({"method": "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "allow_nonstandard_methods": True}, ValueError),
        ({"method": "", "allow_nonstandard_methods": True}, ValueError),
        ({"auth_mode": "ntlm", "auth_username": "x"}, ValueError),
        ({"proxy_host": "localhost"}, ValueError),
        ({"proxy_host": "localhost", "proxy_port": 1, "proxy_auth_mode": "ntlm"}, ValueError),
    ],
)
async def test_what_would_break_out_of_its_place_is_not_sent(
    client: AsyncHTTPClient, peer: Peer, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await client.fetch(peer.url(), raise_error=False, **arguments)
    assert not peer.connections


@pytest.mark.parametrize("path", ["/a\r\nb: c", "/a\nb", "/\0", "/\x7f", "\\@evil/"])
async def test_urls_that_would_break_out_are_not_fetched(
    client: AsyncHTTPClient, peer: Peer, path: str
) -> None:
    with pytest.raises(ValueError, match="URL with"):
        await client.fetch(peer.url() + path if path[0] == "/" else peer.url("") + path)
    assert not peer.connections


async def test_a_url_is_encoded_but_not_changed(client: AsyncHTTPClient, peer: Peer) -> None:
    await client.fetch(peer.url("/é/a b/../%2F//x?q=ü &r=%20|"))
    assert peer.requests[0].target == "/%C3%A9/a%20b/../%2F//x?q=%C3%BC%20&r=%20|"


async def test_basic_authentication(client: AsyncHTTPClient, peer: Peer) -> None:
    await client.fetch(peer.url(), auth_username="me", auth_password="pä:ss")
    await client.fetch(peer.url(), auth_username="me", headers={"Authorization": "other"})
    await client.fetch(peer.url().replace("//", "//you:p%40ss@", 1), auth_username="me")
    assert [request["Authorization"] for request in peer.requests] == [
        "Basic bWU6cMOkOnNz",
        "Basic bWU6",
        "Basic eW91OnBAc3M=",
    ]


async def test_who_frames_the_body(client: AsyncHTTPClient, peer: Peer) -> None:
    lies = {"Content-Length": "1", "Transfer-Encoding": "chunked"}
    await client.fetch(peer.url(), method="POST", body=b"abc", headers=lies)
    await client.fetch(peer.url(), headers={"Content-Length": "5"})
    first, second = peer.requests
    assert (first["Content-Length"], first["Transfer-Encoding"], first.body) == ("3", None, b"abc")
    assert second["Content-Length"] is None


async def test_if_modified_since(client: AsyncHTTPClient, peer: Peer) -> None:
    await client.fetch(peer.url(), if_modified_since=1_500_000_000)
    assert peer.requests[0]["If-Modified-Since"] == "Fri, 14 Jul 2017 02:40:00 GMT"


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("coding", PACKERS)
async def test_a_packed_body_is_unpacked(client: AsyncHTTPClient, peer: Peer, coding: str) -> None:
    text = b"some text, again and again. " * 5000
    peer.will(response(PACKERS[coding](text), 200, f"Content-Encoding: {coding}"))
    got = await client.fetch(peer.url())
    assert got.body == text
    assert got.headers["X-Consumed-Content-Encoding"] == coding
    assert "Content-Encoding" not in got.headers
    packed = PACKERS[coding](text)
    peer.will(response(packed, 200, f"Content-Encoding: {coding}"))
    got = await client.fetch(peer.url(), decompress_response=False)
    assert got.body == packed
    assert got.headers["Content-Encoding"] == coding
    assert peer.requests[1]["Accept-Encoding"] is None


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_a_damaged_packed_body_is_an_error(client: AsyncHTTPClient, peer: Peer, coding: str) -> None:
    packed = PACKERS[coding](bytes(range(256)) * 10)
    for damaged in (packed[:-3], b"\xff" + packed, packed + b"\xff\xff"):
        if coding == "br" and damaged.startswith(packed):
            continue
        peer.will(response(damaged, 200, f"Content-Encoding: {coding}"))
        with pytest.raises(HTTPStreamClosedError, match=f"Connection closed: invalid {coding} data"):
            await client.fetch(peer.url())
    peer.will(response(b"", 200, f"Content-Encoding: {coding}"))
    assert (await client.fetch(peer.url())).body == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_what_unpacks_to_too_much_is_an_error(make_client: MakeClient, peer: Peer, coding: str) -> None:
    client = make_client(max_body_size=100_000)
    packed = PACKERS[coding](bytes(100_001))
    peer.will(response(packed, 200, f"Content-Encoding: {coding}"))
    with pytest.raises(HTTPStreamClosedError, match="decompressed body too large: more than 100000 bytes"):
        await client.fetch(peer.url())
    peer.will(response(packed, 200, f"Content-Encoding: {coding}"))
    with pytest.raises(HTTPStreamClosedError, match="decompressed body too large"):
        await client.fetch(peer.url(), streaming_callback=lambda piece: None)
    peer.will(response(PACKERS[coding](bytes(100_000)), 200, f"Content-Encoding: {coding}"))
    assert len((await client.fetch(peer.url())).body) == 100_000


async def test_an_unknown_coding_is_left_alone(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(response(b"???", 200, "Content-Encoding: rot13"))
    got = await client.fetch(peer.url())
    assert (got.body, got.headers["Content-Encoding"]) == (b"???", "rot13")


async def test_bodies_and_headers_are_bounded(make_client: MakeClient, peer: Peer) -> None:
    client = make_client(max_body_size=10)
    peer.will(response(b"x" * 10))
    assert (await client.fetch(peer.url())).body == b"x" * 10
    for answer, close in (
        (response(b"x" * 11), False),
        (chunked(b"x" * 6, b"x" * 5), False),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11, True),
    ):
        peer.will(answer, close=close)
        with pytest.raises(HTTPStreamClosedError, match=r"too l(ong|arge)"):
            await client.fetch(peer.url())
        peer.will(answer, close=close)
        with pytest.raises(HTTPStreamClosedError):
            await client.fetch(peer.url(), streaming_callback=lambda piece: None)
    peer.will(response(b"", 200, "A: " + "x" * 70_000))
    with pytest.raises(HTTPClientError, match="header of more than 65536 bytes") as caught:
        await client.fetch(peer.url())
    assert isinstance(caught.value, UnsatisfiableReadError)


async def test_the_length_of_what_is_not_sent_is_no_matter(make_client: MakeClient, peer: Peer) -> None:
    client = make_client(max_body_size=10)
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
    got = await client.fetch(peer.url(), method="HEAD")
    assert got.headers["Content-Length"] == "5000000000"


async def test_cookies_are_kept_on_request(make_client: MakeClient, make_peer: MakePeer) -> None:
    jar = CookieJar()
    client = make_client(cookie_jar=jar)
    peer, other = await make_peer(), await make_peer()
    peer.will(response(b"", 302, "Set-Cookie: a=1; Path=/", "Location: /next"))
    peer.will(response(b"", 200, "Set-Cookie: b=2; Path=/only", "Set-Cookie: c=3"))
    await client.fetch(peer.url("/"))
    await client.fetch(peer.url("/only/x"), headers={"Cookie": "mine=0"})
    await client.fetch(other.url("/", host="localhost"))
    cookies = [request["Cookie"] for request in peer.requests]
    assert cookies == [None, "a=1", "mine=0; b=2; a=1; c=3"]
    assert other.requests[0]["Cookie"] is None
    assert len(jar) == 3


async def test_without_a_jar_no_cookies_are_kept(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(response(b"", 200, "Set-Cookie: a=1"))
    await client.fetch(peer.url())
    await client.fetch(peer.url())
    assert peer.requests[1]["Cookie"] is None


async def test_defaults_and_what_requests_say_instead(make_client: MakeClient, peer: Peer) -> None:
    client = make_client(defaults={"user_agent": "theirs", "decompress_response": False})
    await client.fetch(peer.url())
    await client.fetch(peer.url(), user_agent="mine", decompress_response=True)
    assert [request["User-Agent"] for request in peer.requests] == ["theirs", "mine"]
    assert [request["Accept-Encoding"] is None for request in peer.requests] == [True, False]


async def test_the_response_belongs_to_the_request_that_was_made(client: AsyncHTTPClient, peer: Peer) -> None:
    request = HTTPRequest(peer.url(), headers={"a": "b"})
    for _ in range(2):
        got = await client.fetch(request)
        assert isinstance(got, HTTPResponse)
        assert got.request is request
    assert dict(request.headers) == {"a": "b"}
