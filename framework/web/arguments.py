"""Arguments of a request as text: decoded, without control characters, stripped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from framework.web.errors import MissingArgumentError

if TYPE_CHECKING:
    from framework.web.handler import RequestHandler

__all__ = ["NO_DEFAULT", "NoDefault", "all_of", "last_of"]


class NoDefault:
    """The type of `NO_DEFAULT`."""


# In place of a default: the argument must be there.
NO_DEFAULT: Final = NoDefault()

_control = re.compile(r"[\x00-\x08\x0e-\x1f]")


def _text(handler: RequestHandler, name: str, raw: bytes, strip: bool) -> str:
    text = handler.decode_argument(raw, name=name)
    if isinstance(text, str) and not text.isprintable():
        text = _control.sub(" ", text)
    return text.strip() if strip else text


def all_of(handler: RequestHandler, name: str, source: dict[str, list[bytes]], strip: bool) -> list[str]:
    """Every value of an argument."""
    if not isinstance(strip, bool):
        raise TypeError(f"strip must be True or False, not {strip!r}: is it meant to be a default?")
    return [_text(handler, name, raw, strip) for raw in source.get(name, ())]


def last_of(
    handler: RequestHandler, name: str, default: Any, source: dict[str, list[bytes]], strip: bool
) -> Any:
    """The last value of an argument, or its default."""
    values = all_of(handler, name, source, strip)
    if values:
        return values[-1]
    if isinstance(default, NoDefault):
        raise MissingArgumentError(name)
    return default
