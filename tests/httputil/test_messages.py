"""Start lines, and the interfaces of connections and those who use them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
    responses,
)


@pytest.mark.parametrize(
    "parts",
    [
        ("GET", "/", "HTTP/1.1"),
        ("FOO", "/a?b=c", "HTTP/1.0"),
        ("get", "*", "HTTP/1.9"),
        ("OPTIONS", "http://x/y", "HTTP/1.1"),
        ("CONNECT", "x:1", "HTTP/1.1"),
        ("GET", "/é", "HTTP/1.1"),
    ],
)
def test_request_lines(parts: tuple[str, str, str]) -> None:
    line = parse_request_start_line(" ".join(parts))
    assert line == parts
    assert (line.method, line.path, line.version) == parts
    assert type(line) is RequestStartLine


@pytest.mark.parametrize(
    "line",
    [
        "",
        "GET /",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1.12",
        "GET / HTTP/1",
        "GET /\0 HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET / HTTP/1.1\n",
        "GET / HTTP/١.1",
    ],
)
def test_request_lines_that_are_none(line: str) -> None:
    with pytest.raises(HTTPInputError, match="Malformed HTTP request line"):
        parse_request_start_line(line)


@pytest.mark.parametrize(
    "parts",
    [
        ("HTTP/1.1", 200, "OK"),
        ("HTTP/1.0", 404, "Not Found"),
        ("HTTP/1.1", 299, ""),
        ("HTTP/1.1", 200, "é\t!"),
    ],
)
def test_status_lines(parts: tuple[str, int, str]) -> None:
    line = parse_response_start_line(f"{parts[0]} {parts[1]} {parts[2]}")
    assert line == parts
    assert (line.version, line.code, line.reason) == parts
    assert type(line) is ResponseStartLine


@pytest.mark.parametrize(
    "line",
    [
        "",
        "HTTP/1.1",
        "HTTP/1.1 200",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1  200 OK",
        "x 200 OK",
        "HTTP/1.1 200OK",
        "HTTP/1.1 200 a\0b",
        "HTTP/1.1 200 OK\n",
        "HTTP/1.1 ٢٠٠ OK",
    ],
)
def test_status_lines_that_are_none(line: str) -> None:
    with pytest.raises(HTTPInputError, match="Error parsing response start line"):
        parse_response_start_line(line)


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9"])
def test_other_versions(version: str) -> None:
    with pytest.raises(HTTPInputError, match=f"Unexpected HTTP version '{version}'"):
        parse_request_start_line(f"GET / {version}")
    with pytest.raises(HTTPInputError, match=f"Unexpected HTTP version '{version}'"):
        parse_response_start_line(f"{version} 200 OK")


@given(st.text(max_size=40))
def test_garbage_raises_one_error(line: str) -> None:
    for parse in (parse_request_start_line, parse_response_start_line):
        try:
            parse(line)
        except HTTPInputError:
            pass


def test_reasons_of_the_codes() -> None:
    assert responses[200] == "OK"
    assert responses[404] == "Not Found"


def test_what_a_delegate_need_not_care_for() -> None:
    message = HTTPMessageDelegate()
    assert message.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders()) is None
    assert message.data_received(b"") is None
    message.finish()
    message.on_connection_close()
    HTTPServerConnectionDelegate().on_close(None)


def test_what_must_be_implemented_says_so() -> None:
    connection = HTTPConnection()
    with pytest.raises(NotImplementedError, match="HTTPConnection does not implement write_headers"):
        connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders())
    with pytest.raises(NotImplementedError, match="does not implement write"):
        connection.write(b"")
    with pytest.raises(NotImplementedError, match="does not implement finish"):
        connection.finish()
    with pytest.raises(NotImplementedError, match="does not implement start_request"):
        HTTPServerConnectionDelegate().start_request(None, connection)


def test_a_connection_of_ones_own() -> None:
    class Connection(HTTPConnection):
        def write(self, chunk: bytes) -> asyncio.Future[None]:
            loop = asyncio.new_event_loop()
            loop.close()
            return loop.create_future()

    assert isinstance(Connection().write(b""), asyncio.Future)
