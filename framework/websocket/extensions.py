"""Reading of Sec-WebSocket-Extensions (RFC 6455 section 9.1)."""

from __future__ import annotations

import re

__all__ = ["parse_extensions"]

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_name = re.compile(rf"[ \t]*+({_WORD})?[ \t]*+").match
_parameter = re.compile(
    rf';[ \t]*+({_WORD})[ \t]*+(?:=[ \t]*+(?:({_WORD})|"((?:[^"\\]|\\.)*+)")[ \t]*+)?'
).match
_is_token = re.compile(_WORD).fullmatch
_quoted_pair = re.compile(r"\\(.)")


def parse_extensions(header: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """The extensions of a header, names with the names and values (None: without one) of their parameters.

    Several header lines are one, joined by commas. Raises ``ValueError`` for what is no such list.
    """
    extensions: list[tuple[str, list[tuple[str, str | None]]]] = []
    at = 0
    while at <= len(header):
        match = _name(header, at)
        at = match.end() if match else at
        parameters: list[tuple[str, str | None]] = []
        # The list's elements may be empty (RFC 9110 section 5.6.1.2).
        if match and match[1]:
            extensions.append((match[1], parameters))
            while found := _parameter(header, at):
                parameters.append((found[1], _value(found)))
                at = found.end()
        if at < len(header) and header[at] != ",":
            raise ValueError(f"no list of extensions from character {at} on: {header!r}")
        at += 1
    return extensions


def _value(match: re.Match[str]) -> str | None:
    if match[3] is None:
        return match[2]
    value = _quoted_pair.sub(r"\1", match[3])
    if not _is_token(value):
        raise ValueError(f"the value {match[3]!r} is not a token, quoted or not")
    return value
