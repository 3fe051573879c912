"""Arguments of a request as text: decoded, without control characters, stripped."""

from __future__ import annotations

import re
from typing import Any, Final

from framework.web.errors import MissingArgumentError
from framework.web.state import Handler

__all__ = ["NO_DEFAULT", "NoDefault", "all_of", "last_of"]


class NoDefault:
    """The type of `NO_DEFAULT`."""


# In place of a default: the argument must be there.
NO_DEFAULT: Final = NoDefault()

_control = re.compile(r"[\x00-\x08\x0e-\x1f]")


def _text(handler: Handler, name: str, raw: bytes, strip: bool) -> Any:
    # Text, unless a handler's own method makes something else of it.
    text = handler.decode_argument(raw, name=name)
    if isinstance(text, str) and not text.isprintable():
        text = _control.sub(" ", text)
    return text.strip() if strip else text


def all_of(handler: Handler, name: str, source: dict[str, list[bytes]], strip: object) -> list[Any]:
    """Every value of an argument."""
    if not isinstance(strip, bool):
        raise TypeError(f"strip must be True or False, not {strip!r}: is it meant to be a default?")
    return [_text(handler, name, raw, strip) for raw in source.get(name, ())]


def last_of(handler: Handler, name: str, default: Any, source: dict[str, list[bytes]], strip: object) -> Any:
    """The last value of an argument, or its default."""
    raw = source.get(name)
    if raw is not None and len(raw) == 1 and (strip is True or strip is False):
        return _text(handler, name, raw[0], strip)
    # All of them: each must be text.
    values = all_of(handler, name, source, strip)
    if values:
        return values[-1]
    if isinstance(default, NoDefault):
        raise MissingArgumentError(name)
    return default
