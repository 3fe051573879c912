"""Cuts a template's source into text and tags.

A tag begins at the last two of a run of opening braces (`{{{ x }}}` is a brace, an expression and a
brace) and ends at the first closing marker, wherever that stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from framework.template.errors import ParseError

__all__ = ["LITERAL", "TEXT", "Token", "tokenize"]

TEXT = "text"
LITERAL = "literal"  # an opening marker that was escaped: never touched by white space modes
_ENDS = {
    "{{": ("}}", "Missing end expression }}"),
    "{%": ("%}", "Missing end block %}"),
    "{#": ("#}", "Missing end comment #}"),
}


class Token(NamedTuple):
    """`kind` is TEXT, LITERAL, `{{` or `{%`; `line` (from 1) and `column` (UTF-8 bytes from 0) are
    those of the first character of `text` that isn't white space."""

    kind: str
    text: str
    line: int
    column: int


class _Place:
    """Where in the source we are; moves forward only, each character counted once."""

    __slots__ = ("column", "line", "position", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.line = 1
        self.column = 0

    def move_to(self, position: int) -> None:
        passed = self.source[self.position : position]
        newlines = passed.count("\n")
        if newlines:
            self.line += newlines
            passed = passed[passed.rindex("\n") + 1 :]
            self.column = 0
        self.column += len(passed) if passed.isascii() else len(passed.encode())
        self.position = position


def tokenize(source: str, name: str) -> Iterator[Token]:
    """The tokens of a template; comments are left out. Raises ParseError for a tag without an end."""
    place = _Place(source)
    start = 0
    while True:
        opening = _find_opening(source, start)
        if opening == -1:
            if start < len(source):
                yield Token(TEXT, source[start:], place.line, place.column)
            return
        if opening > start:
            yield Token(TEXT, source[start:opening], place.line, place.column)
        place.move_to(opening)
        marker = source[opening : opening + 2]
        if source.startswith("!", opening + 2):
            yield Token(LITERAL, marker, place.line, place.column)
            start = opening + 3
        else:
            ending, complaint = _ENDS[marker]
            closing = source.find(ending, opening + 2)
            if closing == -1:
                raise ParseError(complaint, name, place.line)
            if marker != "{#":
                inside = source[opening + 2 : closing]
                text = inside.strip()
                place.move_to(opening + 2 + inside.find(text))
                yield Token(marker, text, place.line, place.column)
            start = closing + 2
        place.move_to(start)


def _find_opening(source: str, start: int) -> int:
    position = source.find("{", start)
    while position != -1:
        following = source[position + 1 : position + 2]
        # Of `{{{`, the last two braces are the marker.
        if following and following in "{%#" and source[position + 1 : position + 3] != "{{":
            return position
        position = source.find("{", position + 1)
    return -1
