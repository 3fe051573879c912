"""Methods: those that the parser knows, and what to do about others."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["KNOWN_METHODS", "replace_unknown_method"]

# As text, made once: comparing one of these with a literal is comparing it with itself.
KNOWN_METHODS: Final = {
    name.encode("ascii"): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}

# A token of a bounded length and the space behind it (RFC 9110 section 9.1), or the beginning of that.
_METHOD = re.compile(rb"[\r\n]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) (?=[^ ])").match
_UNFINISHED = re.compile(rb"[\r\n]*[!#$%&'*+.^_`|~0-9A-Za-z-]{0,64} ?\Z").match


def replace_unknown_method(data: bytes) -> tuple[str, bytes] | None:
    """The method that a request begins with, and the request with one that the parser takes in its place.

    The method is empty while it can't be told yet; None stands for something that is no method. Only the
    beginning of ``data`` is looked at: a method of this kind in the middle of a pipeline is not recognised.
    """
    match = _METHOD(data)
    if match is not None:
        return match.group(1).decode("ascii"), b"GET" + data[match.end() - 1 :]
    return None if _UNFINISHED(data) is None else ("", data)
