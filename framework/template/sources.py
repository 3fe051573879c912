"""Which template a line of compiled code comes from, and tracebacks that say so.

The code of a template is one function, though its text may come from several files (those it
extends and includes). Its line numbers count through all of them, the template's own first; the
few frames that an exception shows are put right when there is one, which costs a page that renders
nothing.
"""

from __future__ import annotations

import ast
import linecache
from bisect import bisect_right
from itertools import islice
from types import TracebackType
from typing import Any, cast

from framework.template.nodes import Document

__all__ = ["Sources"]


class Sources:
    """The documents that take part in one compiled template, laid out one after the other."""

    __slots__ = ("_documents", "_end", "_starts")

    def __init__(self, main: Document) -> None:
        self._documents = [main]
        self._starts = [0]
        self._end = main.lines

    def offset(self, document: Document) -> int:
        """What to add to a line of `document` to get a line of the compiled code."""
        for known, start in zip(self._documents, self._starts, strict=True):
            if known is document:
                return start
        start = self._end
        self._documents.append(document)
        self._starts.append(start)
        self._end += document.lines
        return start

    def locate(self, line: int) -> tuple[Document, int]:
        """The document and the line in it that a line of the compiled code stands for."""
        index = bisect_right(self._starts, line - 1) - 1
        return self._documents[index], line - self._starts[index]

    def explain(self, error: BaseException, namespace: dict[str, Any]) -> None:
        """Make the traceback of `error` show the templates' own files, lines and text.

        `namespace` is the one the template ran in: it tells the template's frames from others.
        """
        shown: list[tuple[TracebackType, Document, int]] = []
        entries = []
        entry = error.__traceback__
        while entry is not None:
            entries.append(entry)
            entry = entry.tb_next
        main = self._documents[0]
        rest: TracebackType | None = None
        for entry in reversed(entries):
            frame = entry.tb_frame
            if frame.f_globals is namespace and frame.f_code.co_filename == main.filename:
                document, line = self.locate(entry.tb_lineno)
                shown.append((entry, document, line))
                _remember(document)
                if document is not main:
                    rest = _stand_in(entry, rest, document.filename, line)
                    continue
            if entry.tb_next is not rest:
                entry.tb_next = rest
            rest = entry
        error.__traceback__ = rest


def _remember(document: Document) -> None:
    """Let tracebacks find the text of a template that isn't a file."""
    known = linecache.cache.get(document.filename)
    lines = [f"{line}\n" for line in document.source.split("\n")]
    if known is None or len(known) == 1 or known[2] != lines:
        linecache.cache[document.filename] = (len(document.source), None, lines, document.filename)


def _stand_in(entry: TracebackType, rest: TracebackType | None, filename: str, line: int) -> TracebackType:
    """An entry like `entry`, of a frame that claims to run `line` of `filename`.

    A frame's code and a code's file can't be changed, so another code raises at the same columns.
    """
    column, end_column = _columns(entry)
    raising = ast.parse("raise LookupError")
    for node in ast.walk(raising):
        if isinstance(node, ast.stmt | ast.expr):
            node.lineno = node.end_lineno = line
            node.col_offset, node.end_col_offset = column, end_column
    code = compile(raising, filename, "exec").replace(co_name=entry.tb_frame.f_code.co_name)
    try:
        exec(code, {"__name__": entry.tb_frame.f_globals.get("__name__")})  # noqa: S102 - a constant
    except LookupError as raised:
        made = cast(TracebackType, cast(TracebackType, raised.__traceback__).tb_next)
    return TracebackType(rest, made.tb_frame, made.tb_lasti, line)


def _columns(entry: TracebackType) -> tuple[int, int]:
    positions = entry.tb_frame.f_code.co_positions()
    line, end_line, column, end_column = next(islice(positions, entry.tb_lasti // 2, None))
    if line == end_line and column is not None and end_column is not None:
        return column, end_column
    return 0, 0
