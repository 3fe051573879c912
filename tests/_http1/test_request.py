"""Requests as the server makes them: raw, and parsed where they are looked at."""

from __future__ import annotations

import pytest

from framework._http1 import request as module
from framework._http1.request import WireRequest
from framework.httputil import HTTPHeaders, HTTPServerRequest
from tests._http1.peer import Peer, get, post


def served(data: bytes) -> WireRequest:
    """The request that the server makes of some bytes."""
    peer = Peer()
    peer.send(data)
    request: WireRequest = peer.service.seen[-1]
    return request


async def test_it_is_what_one_made_by_hand_is() -> None:
    data = post(
        b"c=3&a=4",
        b"Content-Type: application/x-www-form-urlencoded",
        b"Cookie: k=v; l=w",
        path=b"/p/q?a=1&a=2&b=",
    )
    wire = served(data)
    made = HTTPServerRequest(
        "POST",
        "/p/q?a=1&a=2&b=",
        "HTTP/1.1",
        HTTPHeaders(wire.headers),
        wire.body,
    )
    for name in (
        *("method", "uri", "path", "query", "version", "body", "host", "host_name", "protocol"),
        *("arguments", "query_arguments", "body_arguments", "files", "headers"),
    ):
        assert getattr(wire, name) == getattr(made, name), name
    assert wire.arguments == {"a": [b"1", b"2", b"4"], "b": [b""], "c": [b"3"]}
    assert {name: morsel.value for name, morsel in wire.cookies.items()} == {"k": "v", "l": "w"}
    assert wire.full_url() == made.full_url() == "http://x/p/q?a=1&a=2&b="
    assert wire.request_time() >= 0
    assert wire.get_ssl_certificate() is None
    assert repr(wire).startswith("HTTPServerRequest(protocol='http', host='x', method='POST', uri=")


async def test_nothing_is_parsed_that_nobody_asks_for() -> None:
    request = served(get(b"/?a=b", b"Cookie: k=v"))
    parsed = {"headers", "arguments", "cookies", "query_arguments", "remote_ip", "host", "connection"}
    assert not parsed & vars(request).keys()
    assert request._field("cookie") == "k=v"
    assert request.host_name == "x"
    assert not {"headers", "arguments", "cookies"} & vars(request).keys()


async def test_one_field_is_read_without_the_others_and_with_them() -> None:
    request = served(get(b"/", b"X-A: 1", b"X-A: 2", "X-B: é".encode("latin-1")))
    for _ in range(2):
        assert request._field("X-A") == "1,2"
        assert request._field("x-b") == "é"
        assert request._field("X-C") is None
    assert request.headers.get_list("x-a") == ["1", "2"]
    # From here on these are what counts.
    request.headers["X-A"] = "3"
    assert request._field("X-A") == "3"
    request.headers = HTTPHeaders()
    assert request._field("X-A") is None


async def test_names_that_are_no_ascii_are_not_there() -> None:
    assert served(get())._field("é") is None


async def test_attributes_may_be_assigned() -> None:
    request = served(get())
    request.remote_ip = "9.9.9.9"
    request.host = "other"
    request.arguments = {"x": [b"y"]}
    assert (request.remote_ip, request.host, request.arguments) == ("9.9.9.9", "other", {"x": [b"y"]})


async def test_http_1_0_without_a_host() -> None:
    assert served(b"GET / HTTP/1.0\r\n\r\n").host == "127.0.0.1"


@pytest.mark.parametrize("target", [b"/a?b?c", b"/?", b"/", b"/a%20b?%3F", b"//x/y", b"/a;b=c?d"])
async def test_targets_are_split_at_the_first_question_mark(target: bytes) -> None:
    request = served(get(target))
    path, _, query = target.decode().partition("?")
    assert (request.uri, request.path, request.query) == (target.decode(), path, query)


async def test_what_is_remembered_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_names", {})
    monkeypatch.setattr(module, "_raw_names", {})
    peer = Peer()
    for start in range(0, 2000, 100):
        peer.send(get(b"/", *[b"X-%d: y" % number for number in range(start, start + 100)]))
        request = peer.service.seen.pop()
        assert len(request.headers) == 101
        for number in range(start, start + 100):
            assert HTTPServerRequest._field(request, f"X-{number}") == "y"
            assert served(get(b"/", b"X-1: y"))._field(f"x-{number + 2}") is None
    assert len(module._names) <= 1000
    assert len(module._raw_names) <= 1000
