"""Helpers for URLs and query strings."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil.urls import qs_to_qsl, split_host_and_port, url_concat
from tests.cost import growth


@pytest.mark.parametrize(
    ("url", "args", "expected"),
    [
        ("http://e/f", {"c": "d"}, "http://e/f?c=d"),
        ("http://e/f?a=b", {"c": "d"}, "http://e/f?a=b&c=d"),
        ("http://e/f?a=b", [("c", "d"), ("c", "d2")], "http://e/f?a=b&c=d&c=d2"),
        ("http://e/f?a=b", (("c", "d"),), "http://e/f?a=b&c=d"),
        ("http://e/f?a=b", None, "http://e/f?a=b"),
        ("http://e/f?a=b", {}, "http://e/f?a=b"),
        ("http://e/f?", {"c": "d"}, "http://e/f?c=d"),
        ("http://e/f?a=b&", {"c": "d"}, "http://e/f?a=b&c=d"),
        ("http://e/f?a=b#frag", {"c": "é &"}, "http://e/f?a=b&c=%C3%A9+%26#frag"),
        ("http://e", {"c": "d"}, "http://e?c=d"),
        ("/x", {"c": 1}, "/x?c=1"),
        ("", {"a": 1}, "?a=1"),
        ("http://e/f?a&b=", {"c": "d"}, "http://e/f?a=&b=&c=d"),
        ("http://e/f;p?a=1;b=2", {"c": "d"}, "http://e/f;p?a=1%3Bb%3D2&c=d"),
        ("http://e/f?a=1&a=2", {"a": "3"}, "http://e/f?a=1&a=2&a=3"),
        ("http://e/f", {"c": b"\xff"}, "http://e/f?c=%FF"),
    ],
)
def test_arguments_are_appended_to_the_query(url: str, args: Any, expected: str) -> None:
    assert url_concat(url, args) == expected


@pytest.mark.parametrize("args", ["c=d", 5, iter([("c", "d")])])
def test_arguments_of_another_type_are_refused(args: Any) -> None:
    with pytest.raises(TypeError, match="'args' parameter should be dict, list or tuple"):
        url_concat("http://e/f", args)


_text = st.text(st.characters(codec="utf-8"), max_size=5)


@given(st.lists(st.tuples(_text, _text), max_size=5))
def test_appended_arguments_come_back(pairs: list[tuple[str, str]]) -> None:
    query = urlsplit(url_concat("http://e/f?x=1#y", pairs)).query
    assert parse_qsl(query, keep_blank_values=True) == [("x", "1"), *pairs]


@pytest.mark.parametrize(
    ("netloc", "expected"),
    [
        ("h", ("h", None)),
        ("h:80", ("h", 80)),
        ("h:0", ("h", 0)),
        ("h:", ("h:", None)),
        ("h:x", ("h:x", None)),
        (":80", (":80", None)),
        ("", ("", None)),
        ("[::1]", ("[::1]", None)),
        ("[::1]:80", ("[::1]", 80)),
        ("::1:80", ("::1", 80)),
        ("h:080", ("h", 80)),
        ("h:80:90", ("h:80", 90)),
        ("h:-1", ("h:-1", None)),
        ("h: 80", ("h: 80", None)),
        ("h:80\n", ("h:80\n", None)),
        ("h:٣", ("h:٣", None)),
        ("h:" + "9" * 5000, ("h:" + "9" * 5000, None)),
    ],
)
def test_host_and_port_are_split(netloc: str, expected: tuple[str, int | None]) -> None:
    assert split_host_and_port(netloc) == expected


def test_query_dict_becomes_pairs() -> None:
    assert list(qs_to_qsl({"a": ["1", "2"], "b": [], "c": ["3"]})) == [("a", "1"), ("a", "2"), ("c", "3")]
    assert list(qs_to_qsl({"a": [b"1"]})) == [("a", b"1")]


@pytest.mark.parametrize("unit", [":", ":1", "1", "a:"])
def test_splitting_takes_time_in_proportion_to_the_host(unit: str) -> None:
    assert growth(split_host_and_port, lambda size: unit * size + "x", 10000) <= 13
