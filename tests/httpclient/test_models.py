"""Requests, responses and errors as objects; targets; prepared requests."""

from __future__ import annotations

import copy
import datetime
import pickle
import ssl
from io import BytesIO
from typing import Any

import pytest

from framework.httpclient import HTTPClientError, HTTPError, HTTPRequest, HTTPResponse, tls
from framework.httpclient.errors import HTTPProxyError
from framework.httpclient.prepare import prepare
from framework.httpclient.request import DEFAULTS, RequestProxy
from framework.httpclient.target import parse_target
from framework.httputil import HTTPHeaders
from framework.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError


def test_errors() -> None:
    assert HTTPError is HTTPClientError
    error = HTTPError(404)
    assert (str(error), repr(error), error.message, error.response) == (
        "HTTP 404: Not Found",
        "HTTP 404: Not Found",
        "Not Found",
        None,
    )
    assert error.args == (404, None, None)
    assert str(HTTPError(799)) == "HTTP 799: Unknown"
    assert str(HTTPError(404, "Gone fishing")) == "HTTP 404: Gone fishing"
    for kind in (HTTPTimeoutError, HTTPStreamClosedError, HTTPProxyError):
        made = kind("why")
        assert (made.code, str(made), repr(made)) == (599, "why", "HTTP 599: why")
        assert isinstance(made, HTTPClientError)
        assert str(kind("")) == "Unknown"
    nothing = HTTPTimeoutError("x")
    nothing.message = ""
    assert str(nothing) == "Timeout"
    closed = HTTPStreamClosedError("x")
    closed.message = ""
    assert str(closed) == "Stream closed"
    assert HTTPProxyError("x", 407).status == 407


def test_errors_can_be_copied() -> None:
    for error in (
        HTTPError(403, "why"),
        HTTPTimeoutError("t"),
        HTTPStreamClosedError("s"),
        HTTPProxyError("p", 407),
    ):
        for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)


def test_a_request_holds_what_it_was_given() -> None:
    request = HTTPRequest("http://x/")
    given: tuple[Any, ...] = (request.method, request.body, dict(request.headers))
    assert given == ("GET", None, {})
    assert request.expect_100_continue is False
    left_out = {
        "connect_timeout",
        "request_timeout",
        "follow_redirects",
        "max_redirects",
        "decompress_response",
    }
    assert {getattr(request, name) for name in left_out} == {None}
    request.body = "é"  # type: ignore[assignment]  # what is set may be text
    assert request.body == "é".encode()
    request.headers = {"a": "b"}  # type: ignore[assignment]  # a dict will do
    assert request.headers == {"a": "b"}
    request.headers = None  # type: ignore[assignment]  # None will do
    assert isinstance(request.headers, HTTPHeaders)
    with pytest.raises(TypeError, match="Expected bytes"):
        HTTPRequest("http://x/", body=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        HTTPRequest("http://x/", nothing=5)  # type: ignore[call-arg]
    moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    request = HTTPRequest("http://x/", headers={}, if_modified_since=moment)
    assert request.headers["If-Modified-Since"] == "Wed, 01 Jan 2020 00:00:00 GMT"
    assert HTTPRequest("http://x/", use_gzip=False).decompress_response is False
    assert HTTPRequest("http://x/", use_gzip=False, decompress_response=True).decompress_response is True
    assert copy.copy(request).url == "http://x/"


def test_defaults_stand_behind_a_request() -> None:
    proxy = RequestProxy(HTTPRequest("http://x/", max_redirects=0), {**DEFAULTS, "user_agent": "me"})
    assert (proxy.url, proxy.max_redirects, proxy.user_agent, proxy.ca_certs) == ("http://x/", 0, "me", None)
    assert RequestProxy(HTTPRequest("http://x/"), None).user_agent is None
    with pytest.raises(AttributeError):
        _ = proxy.nothing


def test_a_response_holds_what_it_was_given() -> None:
    request = HTTPRequest("http://x/")
    response = HTTPResponse(request, 200, buffer=BytesIO(b"abc"), start_time=1.0, request_time=2.0)
    assert (response.body, response.buffer.read() if response.buffer else b"", response.body) == (b"abc",) * 3
    assert (response.reason, response.effective_url, response.time_info) == ("OK", "http://x/", {})
    assert (response.start_time, response.request_time, response.error) == (1.0, 2.0, None)
    response.rethrow()
    assert repr(response).startswith("HTTPResponse(buffer=<")
    assert HTTPResponse(request, 204).body == b""
    missing = HTTPResponse(request, 404, reason="Nowhere")
    assert isinstance(missing.error, HTTPClientError)
    assert (str(missing.error), missing.error.response) == ("HTTP 404: Nowhere", missing)
    with pytest.raises(HTTPClientError):
        missing.rethrow()
    assert "error=HTTP 404: Nowhere" in repr(missing)
    broken = HTTPResponse(request, 599, error=KeyError("x"))
    with pytest.raises(KeyError):
        broken.rethrow()
    assert HTTPResponse(request, 999).reason == "Unknown"
    assert HTTPResponse(RequestProxy(request, {}), 200).request is request  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "origin", "authority", "path"),
    [
        ("http://Example.COM", ("http", "example.com", 80), "example.com", "/"),
        ("HTTPS://x:443/a", ("https", "x", 443), "x", "/a"),
        ("http://x:443?a", ("http", "x", 443), "x:443", "/?a"),
        ("http://[::1]:8080/a;b?c=d#e", ("http", "::1", 8080), "[::1]:8080", "/a;b?c=d"),
        ("http://u:p@x/@y", ("http", "x", 80), "x", "/@y"),
        ("http://bücher.example/", ("http", "xn--bcher-kva.example", 80), "xn--bcher-kva.example", "/"),
        ("http://x/a b%20é", ("http", "x", 80), "x", "/a%20b%20%C3%A9"),
        (b"http://x/", ("http", "x", 80), "x", "/"),
        ("http://x/?", ("http", "x", 80), "x", "/"),
        ("http://@x/", ("http", "x", 80), "x", "/"),
    ],
)
def test_urls_in_their_parts(url: Any, origin: tuple[str, str, int], authority: str, path: str) -> None:
    target = parse_target(url)
    assert (target.origin, target.authority, target.path) == (origin, authority, path)


@pytest.mark.parametrize(
    "url",
    [
        *("", "/x", "x", "ftp://x/", "http://", "http:///x", "http://x:y/", "http://x:65536/", None),
        *("http://a b/", "http://x\\y/", "http://x/\n", "http://x/\x00", "http://[::1/", "http://[x]/"),
        *("http://\u2024\u2024/", "http://.x/", "http://x<y/", "http:x", "http://" + "é" * 100 + "/"),
    ],
)
def test_urls_that_are_none(url: Any) -> None:
    with pytest.raises(ValueError):
        parse_target(url)


def prepared(url: str = "http://x/", **arguments: Any) -> bytes:
    """The head of a request."""
    return prepare(RequestProxy(HTTPRequest(url, **arguments), {})).head(False)


def test_the_head_of_a_request_by_byte() -> None:
    agent = b"User-Agent: me\r\n"
    assert prepared(user_agent="me") == b"GET / HTTP/1.1\r\nHost: x\r\n" + agent + b"\r\n"
    assert prepared(user_agent="me", headers={"a-b": "c"}, method="PUT", body=b"d") == (
        b"PUT / HTTP/1.1\r\nHost: x\r\nA-B: c\r\n" + agent + b"Content-Length: 1\r\n\r\n"
    )
    ready = prepare(RequestProxy(HTTPRequest("http://x:81/y", user_agent="me"), {}), "a=b", "Basic zz")
    assert ready.head(True) == (
        b"GET http://x:81/y HTTP/1.1\r\nHost: x:81\r\nCookie: a=b\r\nProxy-Authorization: Basic zz\r\n"
        + agent
        + b"\r\n"
    )


def test_values_of_headers_may_be_bytes() -> None:
    values: dict[str, Any] = {"a": b"b\xe9"}
    assert b"\r\nA: b\xe9\r\n" in prepared(headers=values)


def test_what_may_be_sent_twice() -> None:
    def repeatable(**arguments: Any) -> bool:
        proxy = RequestProxy(HTTPRequest("http://x/", **arguments), {"allow_nonstandard_methods": True})
        return prepare(proxy).repeatable

    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert repeatable(method=method)
    for method in ("POST", "PATCH", "BREW", "get"):
        assert not repeatable(method=method)
    assert not repeatable(method="PUT", body_producer=print)


def test_a_range_is_not_asked_for_packed() -> None:
    def head(**headers: str) -> bytes:
        return prepare(RequestProxy(HTTPRequest("http://x/", headers=headers), dict(DEFAULTS))).head(False)

    assert b"Accept-Encoding" in head()
    assert b"Accept-Encoding" not in head(Range="bytes=1-2")


def test_a_body_counts_more_than_a_producer() -> None:
    ready = prepare(RequestProxy(HTTPRequest("http://x/", "POST", body=b"x", body_producer=print), {}))  # type: ignore[arg-type]
    assert (ready.body, ready.producer) == (b"x", None)


def test_contexts_of_tls_are_made_once_and_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_KEPT", 2)
    contexts = tls.TLSContexts()

    def context(**arguments: Any) -> ssl.SSLContext:
        return contexts.context(RequestProxy(HTTPRequest("https://x/", **arguments), dict(DEFAULTS)))

    first = context()
    assert context() is first
    assert (first.verify_mode, first.check_hostname) == (ssl.CERT_REQUIRED, True)
    open_ = context(validate_cert=False)
    assert (open_.verify_mode, open_.check_hostname) == (ssl.CERT_NONE, False)
    assert context() is first
    assert context(ssl_options={"ciphers": "ECDHE+AESGCM"}) is not first
    # The one that was used last is there.
    assert context() is first
    assert context(validate_cert=False) is not open_
    assert context(ssl_options=first, validate_cert=False) is first
