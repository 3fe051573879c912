"""What a parsed template consists of. No Python is looked into here: it stays text with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "Apply",
    "Block",
    "Branch",
    "Code",
    "Control",
    "Document",
    "Extends",
    "Include",
    "Jump",
    "Module",
    "Node",
    "Output",
    "Statement",
    "Text",
]


@dataclass(slots=True, frozen=True, eq=False, repr=False)
class Code:
    """A piece of Python and its place in the template: line from 1, column in UTF-8 bytes from 0."""

    text: str
    line: int
    column: int


@dataclass(slots=True, eq=False, repr=False)
class Document:
    """A parsed template.

    `filename` is what tracebacks call it: its path, or its name where it has none. `autoescape` is
    the escaping function's name, or None; the last directive of the file holds for all of it.
    """

    name: str
    filename: str
    source: str
    autoescape: str | None
    body: list[Node] = field(default_factory=list)
    extends: Extends | None = None

    @property
    def lines(self) -> int:
        return self.source.count("\n") + 1


@dataclass(slots=True, eq=False, repr=False)
class Text:
    value: str


@dataclass(slots=True, eq=False, repr=False)
class Output:
    """`{{ code }}`, and `{% raw code %}` where it isn't escaped."""

    code: Code
    raw: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """`{% module code %}`"""

    code: Code


@dataclass(slots=True, eq=False, repr=False)
class Statement:
    """`{% set %}`, `{% import %}` and `{% from %}`"""

    code: Code


@dataclass(slots=True, eq=False, repr=False)
class Jump:
    """`{% break %}` and `{% continue %}`"""

    code: Code


@dataclass(slots=True, eq=False, repr=False)
class Branch:
    """One of the parts of a control block: its operator, what follows it, and the body."""

    operator: str
    code: Code
    body: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class Control:
    """`if`, `for`, `while` and `try`: the first branch and those that were attached to it."""

    branches: list[Branch]


@dataclass(slots=True, eq=False, repr=False)
class Apply:
    code: Code
    body: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Block:
    """`document` is where the block was written: that one's autoescape setting is the block's."""

    name: str
    body: list[Node]
    document: Document


@dataclass(slots=True, eq=False, repr=False)
class Include:
    name: str
    line: int


@dataclass(slots=True, eq=False, repr=False)
class Extends:
    name: str
    line: int


Node: TypeAlias = Text | Output | Module | Statement | Jump | Control | Apply | Block | Include
