"""The examples of the documents: text, kept in `documents/`, one Markdown file for each document."""

from __future__ import annotations

import functools
import re
from pathlib import Path

__all__ = ["example", "examples"]

_FOLDER = Path(__file__).parent / "documents"
# A heading that names a file, perhaps a note, and the block with what is in it.
_BLOCK = re.compile(r"^## (\S+)\n(?:(?!## |```).*\n)*```\w*\n((?:(?!```).*\n)*)", re.MULTILINE)


@functools.cache
def examples(document: str) -> dict[str, str]:
    """All examples of a document, by name; `document` is a file in `documents/` without its ending."""
    text = (_FOLDER / f"{document}.md").read_text(encoding="utf-8")
    return dict(_BLOCK.findall(text))


def example(document: str, name: str) -> str:
    """The text of one example."""
    return examples(document)[name]
