"""The three ways of treating white space in a template's text."""

from __future__ import annotations

import re

__all__ = ["MODES", "default_mode", "filter_whitespace"]

MODES = ("all", "single", "oneline")

_RUN = re.compile(r"\s+")
_BLANKS = re.compile(r"[\t ]+")


def filter_whitespace(mode: str, text: str) -> str:
    """Treat the white space of `text` after `mode`.

    `all` leaves it as it is; `single` makes each run one newline where it holds a newline, and each
    run of blanks one blank elsewhere; `oneline` makes each run one blank. Raises ValueError for
    another mode.
    """
    if mode == "all":
        return text
    if mode == "single":
        return _RUN.sub(_single, text)
    if mode == "oneline":
        return _RUN.sub(" ", text)
    raise ValueError(f"invalid whitespace mode {mode} (expected one of {', '.join(MODES)})")


def _single(run: re.Match[str]) -> str:
    spaces = run.group()
    return "\n" if "\n" in spaces else _BLANKS.sub(" ", spaces)


def default_mode(name: str) -> str:
    """The mode of a template whose author and loader didn't choose one: by its name's ending."""
    return "single" if name.endswith((".html", ".js")) else "all"
