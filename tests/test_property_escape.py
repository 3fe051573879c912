"""Properties of escaping: what goes in comes out, and hostile input costs no more than its length."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, strategies

from framework.escape import (
    json_decode,
    json_encode,
    linkify,
    parse_qs_bytes,
    url_escape,
    url_unescape,
    utf8,
    xhtml_escape,
    xhtml_unescape,
)
from tests.cost import growth

texts = strategies.text(strategies.characters(exclude_categories=["Cs"]))
json_values = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats(allow_nan=False)
    | texts,
    lambda inner: strategies.lists(inner) | strategies.dictionaries(texts, inner),
    max_leaves=20,
)
# Mostly what queries and links are made of.
queries = strategies.lists(
    strategies.sampled_from(["a", "=", "&", "%", "%4", "%41", "%ff", "+", ";", "é", "€", "\0"]) | texts
).map("".join)
link_texts = strategies.lists(
    strategies.sampled_from(
        ["http", "www.", "://", ":/", "/", "(", ")", "-", "_", ".com", "a", "&", "<", ">", '"', "'", "!", " "]
    )
    | texts
).map("".join)


@given(texts, strategies.booleans())
def test_url_escape_round_trip(text: str, plus: bool) -> None:
    escaped = url_escape(text, plus)
    assert escaped.isascii()
    assert url_unescape(escaped, plus=plus) == text
    assert url_unescape(escaped, None, plus) == utf8(text)


@given(strategies.binary(), strategies.booleans())
def test_url_escape_round_trip_of_bytes(data: bytes, plus: bool) -> None:
    assert url_unescape(url_escape(data, plus), None, plus) == data


@given(texts)
@example("&lt;&#x27;&amp;amp;")
def test_xhtml_escape_round_trip(text: str) -> None:
    escaped = xhtml_escape(text)
    assert not set(escaped) & set("<>\"'")
    assert xhtml_unescape(escaped) == text


@given(strategies.lists(strategies.sampled_from(["&", "#", "x", "0", "9", "f", "lt", ";", " "])).map("".join))
def test_xhtml_unescape_takes_anything(text: str) -> None:
    xhtml_unescape(text)


@given(json_values)
def test_json_round_trip(value: Any) -> None:
    encoded = json_encode(value)
    assert "</" not in encoded
    assert json_decode(encoded) == json_decode(utf8(encoded)) == value
    assert json.loads(encoded) == value


@given(json_values)
def test_json_is_written_as_the_standard_library_writes_it(value: Any) -> None:
    assert json_encode(value) == json.dumps(value).replace("</", "<\\/")


@given(strategies.text("%0aAfFgG2\xe9\\x", max_size=30))
@example("%")
@example("\\x41%41")
@example("%a%%41%4")
def test_values_are_unquoted_as_the_standard_library_does(text: str) -> None:
    assert parse_qs_bytes("n=" + text, keep_blank_values=True) == {
        "n": [unquote_to_bytes(text.encode("latin-1"))]
    }


@given(
    queries | strategies.binary(),
    strategies.booleans(),
    strategies.booleans(),
    strategies.none() | strategies.integers(0, 5),
)
def test_parse_qs_bytes_raises_nothing_but_value_error(
    query: str | bytes, keep: bool, strict: bool, most: int | None
) -> None:
    try:
        fields = parse_qs_bytes(query, keep, strict, max_num_fields=most)
    except ValueError:
        return
    for name, values in fields.items():
        assert isinstance(name, str)
        assert values
        assert all(isinstance(value, bytes) for value in values)
        assert keep or all(values) or "%" in str(query)


@given(strategies.lists(strategies.tuples(strategies.binary(), strategies.binary())))
def test_parse_qs_bytes_finds_every_field_of_a_form(pairs: list[tuple[bytes, bytes]]) -> None:
    query = "&".join(f"{url_escape(name)}={url_escape(value)}" for name, value in pairs)
    expected: dict[str, list[bytes]] = {}
    for name, value in pairs:
        expected.setdefault(name.decode("latin-1"), []).append(value)
    assert parse_qs_bytes(query, keep_blank_values=True) == expected


@given(link_texts, strategies.booleans())
def test_linkify_only_adds_tags(text: str, require_protocol: bool) -> None:
    linked = linkify(text, require_protocol=require_protocol)
    without = re.sub(r'<a href="[^"<>]*">|</a>', "", linked)
    assert without == xhtml_escape(text)


HOSTILE_LINKS = [
    "a-",
    "-",
    "www.",
    "www.!",
    "www.x(",
    "http://",
    "http:/!",
    "http://x/(",
    "http://x/()",
    "http://x/(a)!",
    "http://x!!!!",
    "://",
    "&",
    "()",
    "(" * 9 + "a",
    "www.x.com ",
    "a--http:/",
]
HOSTILE_REFERENCES = ["&", "&#", "&#9", "9", "&#0", "&#x", "f", "&lt", "&lt;", "&notit;", "&a", "0"]
HOSTILE_QUERIES = ["&", "=", "a=&", "a=1&", "%", "%4", "%41", "+", "a%41=b+%ff&"]


@pytest.mark.parametrize(
    ("function", "prefix", "unit"),
    [
        *((linkify, "", unit) for unit in HOSTILE_LINKS),
        *((linkify, "http://x/(", unit) for unit in HOSTILE_LINKS),
        *((xhtml_unescape, prefix, unit) for unit in HOSTILE_REFERENCES for prefix in ("", "&#", "&#x")),
        *((parse_qs_bytes, "", unit) for unit in HOSTILE_QUERIES),
    ],
)
def test_cost_is_in_proportion_to_the_length(function: Callable[[str], Any], prefix: str, unit: str) -> None:
    assert growth(function, lambda size: prefix + unit * (size // len(unit)), 4000) <= 13
