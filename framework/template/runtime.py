"""What compiled templates call: escaping, turning values into text, joining the parts."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from framework import escape

__all__ = ["DEFAULT_NAMESPACE", "PARTS"]


# Compiled templates call this once for each `{{ }}`. Testing for the five characters before replacing
# is what makes it fast: of a cell of a table, most have none (92 ns; the replacements alone take
# 137 ns, a regular expression's search 111 ns, markupsafe's C function 340 ns).
def escape_value(value: object) -> str:
    """The text of any value, escaped as `framework.escape.xhtml_escape` does."""
    kind = type(value)
    if kind is str:
        text: str = value  # type: ignore[assignment]
    elif kind is int or kind is float:
        return str(value)
    else:
        text = _text(value)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    if "'" in text:
        text = text.replace("'", "&#x27;")
    return text


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return str(value, "utf-8")
    # A subclass of str may have its own idea of str() and of every method that follows.
    return str.__str__(value if isinstance(value, str) else str(value))


def escaper(function: Callable[[Any], Any]) -> Callable[[object], str]:
    """What escapes values where the function of that name is `function`: it may have been replaced."""
    if function is escape.xhtml_escape:
        return escape_value

    def call(value: object) -> str:
        result = escape_with(function, value)
        return result if isinstance(result, str) else result.decode("utf-8")

    return call


def escape_with(function: Callable[[Any], Any], value: object) -> str | bytes:
    """Escape a value with a function of the application's, which is given UTF-8 bytes."""
    if not isinstance(value, bytes):
        value = str.__str__(value if isinstance(value, str) else str(value)).encode("utf-8")
    return checked(function(value))


def raw(value: object) -> str | bytes:
    """A value as it is, in a form that can be joined."""
    return value if isinstance(value, str | bytes) else str(value)


def checked(result: object) -> str | bytes:
    """What a function of the application's returned, to be put into the page."""
    if isinstance(result, str | bytes):
        return result
    raise TypeError(f"Expected bytes, unicode, or None; got {type(result)!r}")


def join(parts: list[Any]) -> bytes:
    """One page from parts that may be bytes: these are not looked into."""
    try:
        return "".join(parts).encode("utf-8")
    except TypeError:
        return b"".join([part if isinstance(part, bytes) else part.encode("utf-8") for part in parts])


# The names that compiled code uses. Applications leave `_tt_` alone.
PARTS: dict[str, Any] = {
    "_tt_checked": checked,
    "_tt_escape_with": escape_with,
    "_tt_escaper": escaper,
    "_tt_join": join,
    "_tt_raw": raw,
}

DEFAULT_NAMESPACE: dict[str, Any] = {
    "datetime": datetime,
    "escape": escape.xhtml_escape,
    "json_encode": escape.json_encode,
    "linkify": escape.linkify,
    "squeeze": escape.squeeze,
    "url_escape": escape.url_escape,
    "xhtml_escape": escape.xhtml_escape,
}
