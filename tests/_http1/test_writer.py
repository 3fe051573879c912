"""Responses to bytes."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework._http1 import writer
from framework.httputil import HTTPHeaders, responses


@pytest.mark.parametrize("code", [status.value for status in HTTPStatus])
def test_status_lines_of_known_codes(code: int) -> None:
    expected = f"HTTP/1.1 {code} {responses[code]}\r\n"
    assert writer.status_line(code, None) == expected
    assert writer.status_line(code, responses[code]) == expected


def test_other_status_lines() -> None:
    assert writer.status_line(404, "Gone fishing") == "HTTP/1.1 404 Gone fishing\r\n"
    assert writer.status_line(799, None) == "HTTP/1.1 799 Unknown\r\n"
    assert writer.status_line(799, "") == "HTTP/1.1 799 Unknown\r\n"
    assert writer.status_line(799, "Très\tbien") == "HTTP/1.1 799 Très\tbien\r\n"


@pytest.mark.parametrize("reason", ["a\r\nb", "a\nb", "a\rb", "a\0b", "\x7f", "日本"])
def test_reasons_that_would_break_the_line(reason: str) -> None:
    with pytest.raises(ValueError, match="Illegal character in reason"):
        writer.status_line(200, reason)


def headers(*pairs: tuple[str, str]) -> HTTPHeaders:
    """Headers as they are, unchecked."""
    made = HTTPHeaders()
    for name, value in pairs:
        made[name] = value
    return made


def test_header_blocks() -> None:
    assert writer.header_block(HTTPHeaders()) == ""
    assert writer.header_block(headers(("a", "b"), ("C-d", ""))) == "A: b\r\nC-D: \r\n"
    repeated = headers(("a", "1"))
    repeated.add("Set-Cookie", "x=1")
    repeated.add("Set-Cookie", "y=2")
    assert writer.header_block(repeated) == "A: 1\r\nSet-Cookie: x=1\r\nSet-Cookie: y=2\r\n"


@pytest.mark.parametrize("bad", ["a\r\nInjected: x", "a\n", "\r", "\0", "\r\n"])
@pytest.mark.parametrize("place", ["name", "value", "added"])
def test_fields_that_would_break_their_line(bad: str, place: str) -> None:
    made = headers(("Fine", "yes"))
    if place == "name":
        made[f"X{bad}"] = "y"
    elif place == "value":
        made["X"] = bad
    else:
        made.add("X", "1")
        made.add("X", "2")
        made["Y"] = bad
    with pytest.raises(ValueError, match="Illegal characters"):
        writer.header_block(made)


@given(st.dictionaries(st.text(max_size=6), st.text(max_size=10), max_size=4))
def test_no_fields_make_other_lines(fields: dict[str, str]) -> None:
    made = headers(*fields.items())
    try:
        block = writer.header_block(made)
    except ValueError:
        return
    lines = block.split("\r\n")
    assert lines.pop() == ""
    assert len(lines) == len(made)
    assert not any("\r" in line or "\n" in line or "\0" in line for line in lines)


@pytest.mark.parametrize(
    ("version", "code", "fields", "expected"),
    [
        ("HTTP/1.1", 200, {}, writer.CHUNKED),
        ("HTTP/1.0", 200, {}, writer.UNTIL_CLOSE),
        ("HTTP/1.1", 200, {"content-length": "12"}, 12),
        ("HTTP/1.0", 200, {"Content-Length": "0"}, 0),
        ("HTTP/1.1", 200, {"Transfer-Encoding": "gzip, chunked"}, writer.OWN_FRAMING),
        ("HTTP/1.1", 204, {}, 0),
        ("HTTP/1.1", 304, {"Content-Length": "12"}, 0),
        ("HTTP/1.1", 101, {}, 0),
    ],
)
def test_how_the_end_of_a_body_is_told(
    version: str, code: int, fields: dict[str, str], expected: int
) -> None:
    assert writer.body_framing(version, code, HTTPHeaders(fields)) == expected


@pytest.mark.parametrize("length", ["", "-1", "+1", "1.0", "1 2", "0x1", "1_0", "²", "٣"])
def test_lengths_that_are_none(length: str) -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        writer.body_framing("HTTP/1.1", 200, headers(("Content-Length", length)))


def test_two_lengths_are_none() -> None:
    made = HTTPHeaders()
    made.add("Content-Length", "1")
    made.add("Content-Length", "1")
    with pytest.raises(ValueError, match="Content-Length"):
        writer.body_framing("HTTP/1.1", 200, made)


@pytest.mark.parametrize("code", [400, 408, 413, 414, 417, 431, 500, 501, 503, 505])
def test_error_responses_are_complete(code: int) -> None:
    head, _, body = writer.error_response(code, to_head=False).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 %d %b" % (code, responses[code].encode())
    assert b"Content-Length: %d" % len(body) in lines
    assert b"Connection: close" in lines
    assert body.startswith(b"%d: " % code)
    assert writer.error_response(code, to_head=True) == head + b"\r\n\r\n"
