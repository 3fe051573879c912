"""What a response's header must satisfy before anyone trusts where its body ends (RFC 9112 section 6).

The parser refuses by itself: signs in numbers, a length beside Transfer-Encoding, bare CR, white space before
a colon, NUL, folded lines, and lengths that are repeated. Repeated lengths that agree are legal for a recipient to
take (RFC 9110 section 8.6), so a header that was refused for them gets a second chance here.
"""

from __future__ import annotations

import re

from framework.httputil.headers import HTTPHeaders

__all__ = ["framing_error", "in_known_words", "is_complete", "merge_lengths"]

_LENGTHS = re.compile(rb"(?i)\r?\ncontent-length[ \t]*:([^\r\n]*)(?=\r?\n)")
_END = re.compile(rb"\r?\n\r?\n")


def framing_error(version: str, code: int, headers: HTTPHeaders, max_body_size: int | None) -> str | None:
    """Why a response's body can't be read, or None if it can; ``max_body_size`` is None where there is none."""
    if version not in ("1.1", "1.0"):
        return f"Unexpected HTTP version 'HTTP/{version}'"
    if code < 100:
        return f"Invalid status code {code}"
    encoding = headers.get("Transfer-Encoding")
    length = headers.get("Content-Length")
    if code == 204 and (encoding is not None or length not in (None, "0")):
        return "Response with code 204 should not have body"
    if encoding is not None and length is not None:
        return "Message with both Transfer-Encoding and Content-Length"
    if encoding is not None and encoding.lower() != "chunked":
        return f"Unsupported Transfer-Encoding {encoding}"
    if length is not None and max_body_size is not None and int(length) > max_body_size:
        return f"Content-Length too long: {length} bytes, and {max_body_size} are allowed"
    return None


def in_known_words(problem: str, data: bytes) -> str:
    """What the parser has found, in the words that are used elsewhere."""
    if "Transfer-Encoding" in problem and "Content-Length" in problem:
        return "Message with both Transfer-Encoding and Content-Length"
    if "Content-Length" in problem:
        found = _lengths(data)
        if len(found) > 1:
            return f"Multiple unequal Content-Lengths: {b','.join(found)!r}"
        if found:
            return f"Only integer Content-Length is allowed: {found[0]!r}"
    return problem


def is_complete(data: bytes) -> bool:
    """Whether the end of a header is in ``data``."""
    return _END.search(data) is not None


def _lengths(data: bytes) -> list[bytes]:
    end = _END.search(data)
    head = data if end is None else data[: end.start()] + b"\r\n"
    return [value.strip(b" \t") for line in _LENGTHS.findall(head) for value in line.split(b",")]


def merge_lengths(data: bytes) -> bytes | None:
    """The beginning of a response with one length where several said the same; None if there is nothing to merge."""
    end = _END.search(data)
    if end is None:
        return None
    head = data[: end.start()] + b"\r\n"
    found = _lengths(data)
    if len(found) < 2 or len(set(found)) > 1 or not found[0].isdigit():
        return None
    merged: bytes = _LENGTHS.sub(b"", head) + b"Content-Length: " + found[0]
    return merged + b"\r\n\r\n" + data[end.end() :]
