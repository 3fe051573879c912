"""Rules for the framing of responses."""

from __future__ import annotations

import pytest

from framework._http1.client_framing import framing_error, in_known_words, is_complete, merge_lengths
from framework.httputil import HTTPHeaders


@pytest.mark.parametrize(
    ("version", "code", "headers", "problem"),
    [
        ("1.1", 200, {"Content-Length": "10"}, None),
        ("1.0", 200, {}, None),
        ("1.1", 200, {"Transfer-Encoding": "Chunked"}, None),
        ("1.1", 204, {"Content-Length": "0"}, None),
        ("1.1", 200, {"Content-Length": "11"}, "Content-Length too long: 11 bytes, and 10 are allowed"),
        ("2.0", 200, {}, "Unexpected HTTP version 'HTTP/2.0'"),
        ("1.1", 99, {}, "Invalid status code 99"),
        ("1.1", 204, {"Content-Length": "1"}, "Response with code 204 should not have body"),
        ("1.1", 204, {"Transfer-Encoding": "chunked"}, "Response with code 204 should not have body"),
        ("1.1", 200, {"Transfer-Encoding": "gzip, chunked"}, "Unsupported Transfer-Encoding gzip, chunked"),
        (
            "1.1",
            200,
            {"Transfer-Encoding": "chunked", "Content-Length": "1"},
            "Message with both Transfer-Encoding and Content-Length",
        ),
    ],
)
def test_what_may_be_read(version: str, code: int, headers: dict[str, str], problem: str | None) -> None:
    assert framing_error(version, code, HTTPHeaders(headers), 10) == problem


@pytest.mark.parametrize(
    ("data", "merged"),
    [
        (b"A\r\nContent-Length: 2\r\n\r\nok", None),
        (b"A\r\nContent-Length: 2\r\nContent-Length: 2\r\n", None),
        (b"A\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", None),
        (b"A\r\nContent-Length: x, x\r\n\r\n", None),
        (b"A\r\nContent-Length: ,\r\n\r\n", None),
        (b"A\r\nContent-Length: 2, 2\r\n\r\nok", b"A\r\nContent-Length: 2\r\n\r\nok"),
        (b"A\ncontent-length: 2\nB: c\nCONTENT-LENGTH:2\n\nok", b"A\nB: c\r\nContent-Length: 2\r\n\r\nok"),
        (b"A\r\n\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", None),
    ],
)
def test_lengths_that_agree_become_one(data: bytes, merged: bytes | None) -> None:
    assert merge_lengths(data) == merged


def test_the_words_for_what_the_parser_found() -> None:
    both = "Transfer-Encoding can't be present with Content-Length"
    assert in_known_words(both, b"") == "Message with both Transfer-Encoding and Content-Length"
    assert in_known_words("Bad", b"") == "Bad"
    assert in_known_words("Bad Content-Length", b"A") == "Bad Content-Length"
    one = in_known_words("Bad Content-Length", b"A\r\nContent-Length: x\r\n\r\n")
    assert one == "Only integer Content-Length is allowed: b'x'"


def test_the_end_of_a_header() -> None:
    assert [is_complete(data) for data in (b"A\r\n", b"A\r\n\r\n", b"A\n\n", b"A\r\n\n")] == [
        False,
        True,
        True,
        True,
    ]
