"""Finds the rules that may match a path without trying one after another.

A rule for a path is filed under the literal text its pattern begins with. Looking up a path costs one
dictionary access for each length that such a text has in the table, whatever the number of rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Generic, TypeVar

__all__ = ["RouteIndex", "literal_prefix"]

T = TypeVar("T")

_SPECIAL = frozenset(".^$*+?{}[]|()\\")
# What lets the character before it be left out, or comes in its place.
_QUANTIFIERS = frozenset("*?{")


def literal_prefix(pattern: re.Pattern[str]) -> tuple[str, bool]:
    """The text that every match of a pattern begins with, and whether the match is that text and nothing else."""
    source = pattern.pattern
    if pattern.flags & ~re.UNICODE or _alternates(source):
        return "", False
    found: list[str] = []
    at = 0
    while at < len(source):
        char = source[at]
        width = 1
        if char == "\\" and at + 1 < len(source) and not source[at + 1].isalnum():
            char, width = source[at + 1], 2
        elif char in _SPECIAL:
            break
        if at + width < len(source) and source[at + width] in _QUANTIFIERS:
            break
        found.append(char)
        at += width
    return "".join(found), source[at:] == "$"


def _alternates(source: str) -> bool:
    """Whether there is a | outside of groups and sets. What can't be told counts as one."""
    depth, in_set, at = 0, False, 0
    while at < len(source):
        char = source[at]
        if char == "\\":
            at += 1
        elif in_set:
            in_set = char != "]"
        elif char == "[":
            in_set = True
            # A bracket right behind the opening one, or behind its ^, stands for itself.
            at += source.startswith(("^]", "]"), at + 1) + source.startswith("^]", at + 1)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "|" and depth == 0:
            return True
        at += 1
    return False


class RouteIndex(Generic[T]):
    """Entries in the order of a table, each with the pattern of paths it is for; None: for any path."""

    # The answer for paths whose first match is known beforehand: a literal that no entry above it matches.
    sure: dict[str, T]

    __slots__ = ("_by_length", "_everywhere", "_literal", "sure")

    def __init__(self, entries: Sequence[tuple[re.Pattern[str] | None, T]]) -> None:
        self._literal: dict[str, list[tuple[int, T]]] = {}
        self._everywhere: list[tuple[int, T]] = []
        prefixes: dict[int, dict[str, list[tuple[int, T]]]] = {}
        for position, (pattern, entry) in enumerate(entries):
            prefix, whole = ("", False) if pattern is None else literal_prefix(pattern)
            if whole:
                self._literal.setdefault(prefix, []).append((position, entry))
            elif prefix:
                prefixes.setdefault(len(prefix), {}).setdefault(prefix, []).append((position, entry))
            else:
                self._everywhere.append((position, entry))
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
        found = self._everywhere
        for length, table in self._by_length:
            here = table.get(path[:length])
            if here is not None:
                found = found + here
        literal = self._literal.get(path)
        if literal is None and path.endswith("\n"):
            # Where a pattern's $ matches as well.
            literal = self._literal.get(path[:-1])
        if literal is not None:
            found = found + literal
        if len(found) > 1 and found is not self._everywhere:
            found.sort(key=_position)
        return found


def _position(entry: tuple[int, object]) -> int:
    return entry[0]
