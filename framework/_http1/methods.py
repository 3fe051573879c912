"""Methods that the parser's table does not have."""

from __future__ import annotations

import re

__all__ = ["replace_unknown_method"]

# A token of a bounded length and the space behind it (RFC 9110 section 9.1).
_METHOD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) (?=[^ ])").match


def replace_unknown_method(data: bytes) -> tuple[str, bytes] | None:
    """The method a request begins with, and the request with one that the parser takes; None if it has none.

    Only the beginning of ``data`` is looked at: a request that begins with a method of this kind in the
    middle of a pipeline, or whose method is cut by the network, is not recognised.
    """
    match = _METHOD(data)
    if match is None:
        return None
    return match.group(1).decode("ascii"), b"GET" + data[match.end() - 1 :]
