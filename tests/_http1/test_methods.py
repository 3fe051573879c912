"""Methods that the parser does not know."""

from __future__ import annotations

import httptools
import pytest

from framework._http1.methods import KNOWN_METHODS, replace_unknown_method


def test_the_table_is_one_of_the_parsers() -> None:
    for raw, name in KNOWN_METHODS.items():
        parser = httptools.HttpRequestParser(object())
        parser.feed_data(raw + b" / HTTP/1.0\r\n\r\n")
        assert parser.get_method() == raw
        assert raw.decode() == name


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (b"BREW / HTTP/1.1\r\n", "BREW"),
        (b"\r\n\r\nBREW / HTTP/1.1\r\n", "BREW"),
        (b"get / HTTP/1.1\r\n", "get"),
        (b"M" * 64 + b" /", "M" * 64),
        (b"!#$%&'*+.^_`|~09-Az /", "!#$%&'*+.^_`|~09-Az"),
    ],
)
def test_methods(data: bytes, method: str) -> None:
    replaced = replace_unknown_method(data)
    assert replaced is not None
    assert replaced[0] == method
    assert replaced[1] == b"GET /" + data.partition(b" /")[2]


@pytest.mark.parametrize("data", [b"", b"B", b"BREW", b"BREW ", b"\r\n", b"\r\nB", b"M" * 64])
def test_beginnings_of_methods(data: bytes) -> None:
    assert replace_unknown_method(data) == ("", data)


@pytest.mark.parametrize("data", [b"BREW  /", b"(x) /", b"B\0", b" /", b"M" * 65, b"M" * 65 + b" /", b"\x80"])
def test_what_is_no_method(data: bytes) -> None:
    assert replace_unknown_method(data) is None
