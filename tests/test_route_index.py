"""The index of a route table finds what trying one route after another would."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework._route_index import RouteIndex, literal_prefix


@pytest.mark.parametrize(
    ("pattern", "prefix", "whole"),
    [
        ("/a$", "/a", True),
        ("/a", "/a", False),
        ("/a/(.*)$", "/a/", False),
        (r"/a\.b$", "/a.b", True),
        (r"/a\d$", "/a", False),
        ("/ab?$", "/a", False),
        ("/ab*$", "/a", False),
        ("/ab{2}$", "/a", False),
        ("/ab+$", "/ab", False),
        (r"/a\.?$", "/a", False),
        ("/a|/b$", "", False),
        ("/a(x|y)$", "/a", False),
        ("/a[|]$", "/a", False),
        ("/a[]|]$", "/a", False),
        ("/a[^]|]b|c$", "", False),
        (r"/a\|b$", "/a|b", True),
        ("^/a$", "", False),
        ("/a[b]$", "/a", False),
        ("/a.$", "/a", False),
        ("(/a)$", "", False),
        ("$", "", True),
        ("", "", False),
        (r"/a\Z", "/a", False),
        ("/a$$", "/a", False),
    ],
)
def test_literal_beginning_of_a_pattern(pattern: str, prefix: str, whole: bool) -> None:
    assert literal_prefix(re.compile(pattern)) == (prefix, whole)


@pytest.mark.parametrize("pattern", [re.compile("/a$", re.IGNORECASE), re.compile("/ a$", re.VERBOSE)])
def test_flags_change_what_a_literal_is(pattern: re.Pattern[str]) -> None:
    assert literal_prefix(pattern) == ("", False)


def first_match(patterns: list[re.Pattern[str] | None], path: str) -> int | None:
    """The place of the first pattern that matches; None in the table matches everything."""
    for at, pattern in enumerate(patterns):
        if pattern is None or pattern.match(path):
            return at
    return None


def first_candidate(index: RouteIndex[int], patterns: list[re.Pattern[str] | None], path: str) -> int | None:
    """The same by the index."""
    for position, entry in index.candidates(path):
        assert position == entry
        pattern = patterns[position]
        if pattern is None or pattern.match(path):
            return position
    return None


LITERALS = ["/", "a", "b", "ab", ".", r"\.", r"\|", "\n"]
SPECIALS = ["(.*)", "(a|b)", "[ab]", "[^/]+", r"\d", "|", "?", "+", "*", "{2}", "$", "^"]
RARE = ["(?:a)", "(?P<x>b)", "(?i:A)", "(?=a)", r"\Z", r"\b", "[]|]"]
pieces = st.sampled_from([*LITERALS, *SPECIALS, *RARE])
paths = st.text(alphabet="/ab.1|A\n", max_size=6)


def compiled(parts: list[str]) -> re.Pattern[str] | None:
    """The pattern of some pieces, if they are one."""
    try:
        return re.compile("".join(parts))
    except re.error:
        return None


tables = st.lists(
    st.one_of(
        st.none(),
        st.lists(pieces, max_size=6).map(lambda parts: compiled([*parts, "$"])),
        st.lists(pieces, max_size=4).map(compiled),
        st.text(alphabet="/ab.", max_size=4).map(lambda text: re.compile(re.escape(text) + "$")),
    ),
    max_size=12,
)


@given(tables, paths)
def test_first_candidate_that_matches_is_the_first_match(
    patterns: list[re.Pattern[str] | None], path: str
) -> None:
    index = RouteIndex([(pattern, at) for at, pattern in enumerate(patterns)])
    expected = first_match(patterns, path)
    assert first_candidate(index, patterns, path) == expected
    if path in index.sure:
        assert index.sure[path] == expected


@given(st.lists(pieces, min_size=1, max_size=6), paths)
def test_each_match_begins_with_the_literal_beginning(parts: list[str], path: str) -> None:
    pattern = compiled(parts)
    if pattern is not None and pattern.match(path):
        prefix, whole = literal_prefix(pattern)
        assert path.startswith(prefix)
        assert not whole or path in (prefix, prefix + "\n")


def table_of(count: int) -> list[tuple[re.Pattern[str], int]]:
    """A table with routes of the kinds that tables are made of."""
    kinds = ("/page{}", "/item{}/(\\d+)", "/api/v1/thing{}/([^/]+)/edit", r"/{}\.html", "/f{}/(.*)")
    patterns = [kind.format(at) + "$" for at in range(count // len(kinds)) for kind in kinds]
    return [(re.compile(pattern), at) for at, pattern in enumerate(patterns)]


PATHS = ["/page0", "/item1/5", "/api/v1/thing1/x/edit", "/1.html", "/f0/a/b", "/nowhere", "/item1/x", ""]


def test_a_thousand_routes_are_no_more_candidates_than_ten() -> None:
    small, large = RouteIndex(table_of(10)), RouteIndex(table_of(1000))
    for path in PATHS:
        tried, tried_of_many = len(small.candidates(path)), len(large.candidates(path))
        assert tried_of_many <= max(1, 2 * tried), path


def test_lookups_grow_with_the_lengths_and_not_with_the_routes() -> None:
    assert len(RouteIndex(table_of(1000))._by_length) <= 12


def test_literal_below_a_pattern_that_matches_it_is_not_sure() -> None:
    index = RouteIndex([(re.compile("/(a|b)$"), 0), (re.compile("/a$"), 1), (re.compile("/c$"), 2)])
    assert index.sure == {"/c": 2}


def test_literal_below_an_entry_for_any_path_is_not_sure() -> None:
    index: RouteIndex[int] = RouteIndex([(None, 0), (re.compile("/a$"), 1)])
    assert index.sure == {}


def test_literal_that_its_own_pattern_does_not_match_is_not_sure() -> None:
    # `$` in the middle of nothing else: matches only where the text ends.
    index = RouteIndex([(re.compile("$"), 0)])
    assert index.sure == {"": 0}
    assert [entry for _, entry in index.candidates("\n")] == [0]


def test_candidates_of_nothing() -> None:
    index: RouteIndex[int] = RouteIndex([])
    assert index.candidates("/a") == []
