"""The index of a route table finds what trying one route after another would."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework._route_index import Literals, RouteIndex, literals


@pytest.mark.parametrize(
    ("pattern", "prefix", "whole", "segments"),
    [
        ("/a$", "/a", True, {"a"}),
        ("/a", "/a", False, set()),
        ("^/a$", "/a", True, {"a"}),
        ("/a/(.*)$", "/a/", False, {"a"}),
        (r"/a\.b$", "/a.b", True, {"a.b"}),
        (r"/a\d$", "/a", False, set()),
        ("/ab?$", "/a", False, set()),
        ("/ab*$", "/a", False, set()),
        ("/ab{2}$", "/a", False, set()),
        ("/ab+$", "/ab", False, set()),
        (r"/a\.?$", "/a", False, set()),
        ("/a|/b$", "", False, set()),
        ("/a(x|y)$", "/a", False, set()),
        ("/a[|]$", "/a", False, set()),
        ("/a[]|]$", "/a", False, set()),
        ("/a[^]|]b|c$", "", False, set()),
        (r"/a/[\]]/b$", "/a/", False, {"a", "b"}),
        (r"/a[\]|]$", "/a", False, set()),
        (r"/a\|b$", "/a|b", True, {"a|b"}),
        ("/a[b]$", "/a", False, set()),
        ("/a.$", "/a", False, set()),
        ("(/a)$", "", False, set()),
        ("$", "", True, set()),
        ("", "", False, set()),
        (r"/a\Z", "/a", False, set()),
        ("/a$$", "/a", False, set()),
        (r"/a\$", "/a$", False, set()),
        (r"/a\\$", "/a\\", True, {"a\\"}),
        ("/a/?$", "/a", False, {"a"}),
        (r"/a\/?$", "/a", False, {"a"}),
        (r"/a\\/?$", "/a\\", False, {"a\\"}),
        ("/a/??$", "/a", False, set()),
        ("/?$", "", False, set()),
        (r"/user/(\d+)/x1$", "/user/", False, {"user", "x1"}),
        (r"/user/(\d+)/x1/?$", "/user/", False, {"user", "x1"}),
        (r"/t/([^/]+)/res/(\d+)$", "/t/", False, {"t", "res"}),
        (r"/t/([^/]+)res/in/x(\d+)$", "/t/", False, {"t", "in"}),
        ("user/(.*)$", "user/", False, {"user"}),
        ("user(.*)/x$", "user", False, {"x"}),
        (r"/a(?:/b)?/c/(?P<d>.*)$", "/a", False, {"c"}),
        ("/a/(?#|)b$", "", False, set()),
        ("/a/(?i:B)$", "", False, set()),
        ("/a/(?x:#)\n)$", "", False, set()),
    ],
)
def test_what_is_certain_about_the_matches_of_a_pattern(
    pattern: str, prefix: str, whole: bool, segments: set[str]
) -> None:
    assert literals(re.compile(pattern)) == Literals(prefix, whole, frozenset(segments))


@pytest.mark.parametrize("pattern", [re.compile("/a$", re.IGNORECASE), re.compile("/ a$", re.VERBOSE)])
def test_flags_change_what_a_literal_is(pattern: re.Pattern[str]) -> None:
    assert literals(pattern) == Literals("", False, frozenset())


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
        # So many that they are filed by segments.
        st.builds(
            "/a/({})/{}$".format, st.sampled_from([".*", "[^/]+", "b?"]), st.text("ab/", max_size=3)
        ).map(re.compile),
        st.none(),
        st.lists(pieces, max_size=6).map(lambda parts: compiled([*parts, "$"])),
        st.lists(pieces, max_size=4).map(compiled),
        st.text(alphabet="/ab.", max_size=4).map(lambda text: re.compile(re.escape(text) + "$")),
    ),
    max_size=30,
)


@given(tables, paths)
def test_first_candidate_that_matches_is_the_first_match(
    patterns: list[re.Pattern[str] | None], path: str
) -> None:
    index = RouteIndex(list_of(patterns))
    expected = first_match(patterns, path)
    assert first_candidate(index, patterns, path) == expected
    if path in index.sure:
        assert index.sure[path] == expected


@given(st.lists(pieces, min_size=1, max_size=6), paths)
def test_what_is_certain_holds_for_each_match(parts: list[str], path: str) -> None:
    pattern = compiled(parts)
    if pattern is not None and pattern.match(path):
        certain = literals(pattern)
        assert path.startswith(certain.prefix)
        assert not certain.whole or path in (certain.prefix, certain.prefix + "\n")
        assert certain.segments <= set(path.removesuffix("\n").split("/"))


# Patterns of a resource, and paths of the resource 1 that each of them is asked for.
KINDS: dict[str, tuple[list[str], list[str]]] = {
    "literal": (["/page{}"], ["/page1", "/nowhere"]),
    "prefix": ([r"/item{}/(\d+)", "/f{}/(.*)"], ["/item1/5", "/f1/a/b", "/item1/x", "/none/5"]),
    "name in a segment": ([r"/item-{}-(\d+)", r"/{}\.html"], ["/item-1-5", "/1.html", "/none"]),
    "end": ([r"/user/(\d+)/x{}"], ["/user/5/x1", "/user/x/x1", "/user/5/none", "/user/5"]),
    "end with slash": ([r"/user/(\d+)/x{}/?"], ["/user/5/x1", "/user/5/x1/", "/user/5/none/"]),
    "middle": ([r"/tenant/([^/]+)/res{}/(\d+)"], ["/tenant/a/res1/5", "/tenant/a/none/5"]),
    "beginning and end": ([r"/([a-z]+)/x{}"], ["/a/x1", "/a/none"]),
    "resources": (
        [
            "/api/v1/res{}/?",
            r"/api/v1/res{}/(\d+)",
            r"/api/v1/res{}/(\d+)/comments",
            r"/api/v1/res{}/(\d+)/comments/(\d+)",
            "/api/v1/res{}/([^/]+)/edit",
        ],
        [
            *("/api/v1/res1", "/api/v1/res1/", "/api/v1/res1/5", "/api/v1/res1/5/comments"),
            *("/api/v1/res1/5/comments/6", "/api/v1/res1/x/edit", "/api/v1/none/5/comments", "/api", ""),
        ],
    ),
    "names of many lengths": (
        ["/{0:x>{0}}/(.*)", "/{0:y>{0}}-(.*)"],
        ["/1/a", "/1-a", "/xxxxx6/a", "/yyyyy6-a", "/none/a"],
    ),
}


def table_of(patterns: list[str], resources: int) -> list[re.Pattern[str] | None]:
    """The patterns for each of so many resources."""
    return [re.compile(pattern.format(at) + "$") for at in range(resources) for pattern in patterns]


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_routes_are_no_more_candidates_than_ten(kind: str) -> None:
    patterns, paths = KINDS[kind]
    few = table_of(patterns, max(2, -(-10 // len(patterns))))
    many = table_of(patterns, -(-1000 // len(patterns)))
    index, index_of_many = RouteIndex(list_of(few)), RouteIndex(list_of(many))
    for path in paths:
        tried, tried_of_many = len(index.candidates(path)), len(index_of_many.candidates(path))
        assert tried_of_many <= max(1, 2 * tried), path
        assert tried_of_many <= len(patterns)
        assert first_candidate(index_of_many, many, path) == first_match(many, path)


def test_a_table_of_all_kinds_tries_no_more_than_the_patterns_of_one_resource() -> None:
    patterns = [one for kind, (several, _) in KINDS.items() if "lengths" not in kind for one in several]
    table = table_of(patterns, 100)
    index = RouteIndex(list_of(table))
    for path in [path for _, paths in KINDS.values() for path in paths]:
        assert len(index.candidates(path)) <= len(patterns) / 2, path
        assert first_candidate(index, table, path) == first_match(table, path)


def list_of(patterns: list[re.Pattern[str] | None]) -> list[tuple[re.Pattern[str] | None, int]]:
    """The entries of an index: each pattern with its place."""
    return [(pattern, at) for at, pattern in enumerate(patterns)]


@pytest.mark.parametrize("kind", ["literal", "prefix", "end", "middle", "resources"])
def test_a_lookup_in_a_thousand_routes_takes_no_more_steps_than_in_ten(kind: str) -> None:
    patterns, paths = KINDS[kind]
    steps = []
    for resources in (max(2, -(-10 // len(patterns))), -(-1000 // len(patterns))):
        index = RouteIndex(list_of(table_of(patterns, resources)))
        steps.append(lines_of(index.candidates, paths))
    assert steps[1] <= 2 * steps[0]


def lines_of(call: Callable[[str], object], arguments: list[str]) -> int:
    """How many lines a function runs through, those of what it calls among them, for each of the arguments."""
    count = 0

    def trace(frame: object, event: str, detail: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for argument in arguments:
            call(argument)
    finally:
        sys.settrace(before)
    return count


def test_a_path_with_many_segments_that_are_filed_costs_in_proportion() -> None:
    patterns = table_of([r"/user/(\d+)/x{}"], 1000)
    index = RouteIndex(list_of(patterns))
    path = "".join([f"/x{at}" for at in range(1000)]) * 2
    assert [place for place, _ in index.candidates(path)] == list(range(1000))


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
