"""Finds the rules that may match a path without trying one after another.

A rule for a path is filed under text that every path it matches has: the whole path, or else its beginning.
Looking up a path costs one dictionary access for the whole, and one for each length that such beginnings have
in the table. Where they have many lengths, or many rules have the same, rules are rather filed under one of
their segments (what stands between two slashes), that which the fewest rules have; this costs one access for
each segment of the path. So it is never the number of rules that counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Literals", "RouteIndex", "literals"]

T = TypeVar("T")

_SPECIAL = frozenset(".^$*+?{}[]|()\\")
# What lets the character before it be left out, or comes in its place.
_QUANTIFIERS = ("*", "?", "{")
# Comments, and groups with flags of their own.
_UNUSUAL_GROUP = re.compile(r"\(\?[^P:=!<>(]")
_SET = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*+\]", re.DOTALL)

# Segments find more, beginnings are found faster (0.2 and 0.4 microseconds): up to so many lengths of
# beginnings, and so many rules with the same one.
_MOST_LENGTHS = 6
_MOST_ALIKE = 4


class Literals(NamedTuple):
    """What is certain about the paths that a pattern matches.

    ``prefix``: what they begin with; ``whole``: whether that is all; ``segments``: texts each of which they
    have between two slashes, or between a slash and one of the ends.
    """

    prefix: str
    whole: bool
    segments: frozenset[str]


def literals(pattern: re.Pattern[str]) -> Literals:
    """What is certain about the paths that a pattern matches, as far as that is easily told."""
    source = pattern.pattern.removeprefix("^")
    ended = source.endswith("$") and not _escaped(source[:-1])
    whole = ended
    if ended:
        source = source[:-1]
        for optional in (r"\/?", "/?"):
            if source.endswith(optional) and not _escaped(source.removesuffix(optional)):
                source, whole = source.removesuffix(optional), False
    runs = None if pattern.flags & ~re.UNICODE else _runs(source)
    if runs is None:
        return Literals("", False, frozenset())
    segments: set[str] = set()
    for number, run in enumerate(runs):
        # The ends of the path end a segment as slashes do; a group may go on with the segment it cuts.
        before = "/" if number == 0 else ""
        after = "/" if ended and number == len(runs) - 1 else ""
        segments.update((before + run + after).split("/")[1:-1])
    return Literals(runs[0], whole and len(runs) == 1, frozenset(segments - {""}))


def _escaped(before: str) -> bool:
    """Whether a character with this before it is meant literally."""
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _runs(source: str) -> list[str] | None:
    """The literal texts between what is special; None if they aren't in every match, or that can't be told."""
    if _UNUSUAL_GROUP.search(source):
        return None
    runs = [""]
    depth = at = 0
    while at < len(source):
        char, width = source[at], 1
        literal = char not in _SPECIAL
        if char == "\\":
            char, width = source[at + 1], 2
            literal = not char.isalnum()
        elif char == "[":
            found = _SET.match(source, at)
            # A pattern that was compiled has no other kind of set.
            width = found.end() - at if found else len(source)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "|" and depth == 0:
            return None
        at += width
        if literal and depth == 0 and not source.startswith(_QUANTIFIERS, at):
            runs[-1] += char
        elif runs[-1] or len(runs) == 1:
            runs.append("")
    return runs


class RouteIndex(Generic[T]):
    """Entries in the order of a table, each with the pattern of paths it is for; None: for any path."""

    # The answer for paths whose first match is known beforehand: a literal that no entry above it matches.
    sure: dict[str, T]

    __slots__ = ("_all", "_by_length", "_by_segment", "_literal", "_segments", "_unfiled", "sure")

    def __init__(self, entries: Sequence[tuple[re.Pattern[str] | None, T]]) -> None:
        self._all = [(position, entry) for position, (_, entry) in enumerate(entries)]
        self._literal: dict[str, list[tuple[int, T]]] = {}
        self._by_segment: dict[str, list[tuple[int, T]]] = {}
        self._segments = self._by_segment.keys()
        # Those that may match any path.
        self._unfiled: list[tuple[int, T]] = []
        prefixes: dict[int, dict[str, list[tuple[int, T]]]] = {}
        known = [None if pattern is None else literals(pattern) for pattern, _ in entries]
        usual = Counter(segment for one in known if one is not None for segment in one.segments)
        begin = Counter(one.prefix for one in known if one is not None and not one.whole)
        crowded = len({len(prefix) for prefix in begin}) > _MOST_LENGTHS or any(
            count > _MOST_ALIKE for count in begin.values()
        )
        for place, certain in zip(self._all, known, strict=True):
            if certain is None:
                self._unfiled.append(place)
            elif certain.whole:
                self._literal.setdefault(certain.prefix, []).append(place)
            elif certain.segments and (crowded or not certain.prefix):
                rarest = min(sorted(certain.segments), key=usual.__getitem__)
                self._by_segment.setdefault(rarest, []).append(place)
            elif certain.prefix:
                prefixes.setdefault(len(certain.prefix), {}).setdefault(certain.prefix, []).append(place)
            else:
                self._unfiled.append(place)
        for path, places in self._literal.items():
            self._literal[path] = sorted(self._unfiled + places, key=_position)
        self._by_length = sorted(prefixes.items())
        self.sure = {}
        for path in self._literal:
            for position, entry in self.candidates(path):
                pattern = entries[position][0]
                if pattern is None:
                    break
                if pattern.match(path):
                    if not pattern.groups:
                        self.sure[path] = entry
                    break

    def candidates(self, path: str) -> list[tuple[int, T]]:
        """The entries that may match, each with its place in the table, in its order."""
        if path.endswith("\n"):
            # A pattern's $ matches before it as well; no path of a request has one.
            return self._all
        found = self._literal.get(path, self._unfiled)
        copied = False
        here: list[tuple[int, T]] | None
        if self._by_segment:
            for segment in self._segments & path.split("/"):
                here = self._by_segment[segment]
                if copied:
                    found.extend(here)
                elif found:
                    found = found + here
                    copied = True
                else:
                    found = here
        for length, table in self._by_length:
            here = table.get(path[:length])
            if here is not None:
                copied = bool(found)
                found = found + here if copied else here
        if copied:
            found.sort(key=_position)
        return found


def _position(entry: tuple[int, object]) -> int:
    return entry[0]
