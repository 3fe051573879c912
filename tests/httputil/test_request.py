"""Requests made by hand: what an application sees of one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from framework.httputil import (
    HTTPConnection,
    HTTPFile,
    HTTPHeaders,
    HTTPInputError,
    HTTPServerRequest,
    RequestStartLine,
)
from framework.httputil.request import check_host, lazy

FORM = "application/x-www-form-urlencoded"


def made(uri: str = "/", body: bytes = b"", **fields: str) -> HTTPServerRequest:
    """A request with header fields."""
    headers = HTTPHeaders({name.replace("_", "-"): value for name, value in fields.items()})
    return HTTPServerRequest("GET", uri, headers=headers, body=body)


def test_what_is_not_given() -> None:
    request = HTTPServerRequest()
    assert (request.method, request.uri, request.version, request.body) == ("GET", "/", "HTTP/1.0", b"")
    assert (request.path, request.query, request.host, request.protocol) == ("/", "", "127.0.0.1", "http")
    assert request.remote_ip is None
    assert request.connection is None
    assert request.server_connection is None
    assert dict(request.headers) == {}
    assert request.arguments == request.query_arguments == request.body_arguments == {}
    assert request.files == {}
    assert dict(request.cookies) == {}
    assert request.get_ssl_certificate() is None


def test_what_is_given() -> None:
    files = {"f": [HTTPFile(filename="n", body=b"b", content_type="t")]}
    line = RequestStartLine("PUT", "/a?b=c", "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, host="x:80", files=files, server_connection=5, body=b"z")
    assert (request.method, request.uri, request.version, request.body) == ("PUT", "/a?b=c", "HTTP/1.1", b"z")
    assert (request.host, request.host_name, request.server_connection) == ("x:80", "x", 5)
    assert request.files is files
    # Reading the arguments leaves them there.
    assert request.body_arguments == {}
    assert request.files is files


def test_where_it_came_from() -> None:
    connection: Any = HTTPConnection()
    connection.context = SimpleNamespace(remote_ip="1.2.3.4", protocol="https")
    request = HTTPServerRequest("GET", "/a", connection=connection)
    assert (request.remote_ip, request.protocol) == ("1.2.3.4", "https")
    assert request.full_url() == "https://127.0.0.1/a"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("X.y:80", "x.y"),
        ("x", "x"),
        ("[::1]:80", "[::1]"),
        ("", ""),
        ("a_b", "a_b"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_hosts(host: str, name: str) -> None:
    request = made(Host=host)
    assert (request.host, request.host_name) == (host, name)
    assert check_host(host) == host


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "é", "a\nb", "a?b", "a#b", "a\\b", "<"])
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(HTTPInputError, match="Invalid Host header"):
        made(Host=host)


def test_several_hosts() -> None:
    with pytest.raises(HTTPInputError, match="Multiple host headers"):
        made(Host="a,b")


def test_http_1_1_needs_a_host() -> None:
    with pytest.raises(HTTPInputError, match="Missing Host header"):
        HTTPServerRequest("GET", "/", "HTTP/1.1")


@pytest.mark.parametrize(
    ("uri", "path", "query"),
    [
        ("/", "/", ""),
        ("/a?b", "/a", "b"),
        ("/a?", "/a", ""),
        ("/a?b?c", "/a", "b?c"),
        ("http://x/a?b", "http://x/a", "b"),
    ],
)
def test_path_and_query(uri: str, path: str, query: str) -> None:
    request = made(uri)
    assert (request.path, request.query) == (path, query)


def test_arguments_of_query_and_body() -> None:
    request = made("/?a=1&a=2&b=", b"a=3&c=%FF", Content_Type=FORM)
    assert request.query_arguments == {"a": [b"1", b"2"], "b": [b""]}
    assert request.body_arguments == {"a": [b"3"], "c": [b"\xff"]}
    assert request.arguments == {"a": [b"1", b"2", b"3"], "b": [b""], "c": [b"\xff"]}
    # The three are apart.
    request.arguments["a"].append(b"4")
    assert request.query_arguments["a"] == [b"1", b"2"]
    assert request.body_arguments["a"] == [b"3"]


def test_files() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="n"\r\nContent-Type: t/t\r\n\r\nfile\r\n'
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n--x--\r\n'
    )
    for first in ("files", "arguments", "body_arguments"):
        request = made("/", body, Content_Type="multipart/form-data; boundary=x")
        getattr(request, first)
        assert request.body_arguments == {"a": [b"value"]}
        assert request.files == {"f": [HTTPFile(filename="n", body=b"file", content_type="t/t")]}


def test_a_body_that_cannot_be_parsed() -> None:
    for name in ("arguments", "body_arguments", "files"):
        request = made("/?a=b", b"nonsense", Content_Type="multipart/form-data")
        for _ in range(2):
            with pytest.raises(HTTPInputError):
                getattr(request, name)
        assert request.query_arguments == {"a": [b"b"]}


def test_body_arguments_that_were_assigned_are_kept() -> None:
    request = made("/", b"a=1", Content_Type=FORM)
    request.body_arguments = {"b": [b"2"]}
    assert request.files == {}
    assert request.arguments == {"b": [b"2"]}


def test_cookies() -> None:
    request = made("/", Cookie='a=b; c="d\\"e"; g=h=i')
    values = {name: morsel.value for name, morsel in request.cookies.items()}
    assert values == {"a": "b", "c": 'd"e', "g": "h=i"}


def test_cookies_that_the_standard_library_cannot_hold_are_left_out() -> None:
    request = made("/", Cookie="a=b; bad name=c; expires=x; d=e")
    assert request.cookies["a"].value == "b"
    assert request.cookies["d"].value == "e"
    assert "bad name" not in request.cookies


def test_how_long_it_took() -> None:
    request = made()
    assert 0 <= request.request_time() < 60
    request._finish_time = request._start_time + 5
    assert request.request_time() == 5


def test_the_certificate_of_the_client() -> None:
    asked: list[bool] = []

    class Tls:
        def getpeercert(self, binary_form: bool) -> dict[str, str]:
            asked.append(binary_form)
            return {"subject": "x"}

    connection: Any = HTTPConnection()
    connection.ssl_object = Tls()
    request = HTTPServerRequest("GET", "/", connection=connection)
    assert request.get_ssl_certificate() == {"subject": "x"}
    request.get_ssl_certificate(binary_form=True)
    assert asked == [False, True]


def test_as_text() -> None:
    assert repr(HTTPServerRequest("GET", "/a?b=c")) == (
        "HTTPServerRequest(protocol='http', host='127.0.0.1', method='GET', uri='/a?b=c', "
        "version='HTTP/1.0', remote_ip=None)"
    )


def test_a_lazy_attribute_is_computed_once_and_may_be_assigned() -> None:
    class Thing:
        computed = 0

        @lazy
        def value(self) -> int:
            """The value."""
            self.computed += 1
            return 5

    thing = Thing()
    assert (thing.value, thing.value, thing.computed) == (5, 5, 1)
    other = Thing()
    other.value = 7
    assert (other.value, other.computed) == (7, 0)
    del other.value
    assert other.value == 5
    assert isinstance(Thing.value, lazy)
    assert Thing.value.__doc__ == "The value."
