"""Responses to bytes: status lines, header blocks, chunks (RFC 9112 sections 4, 5 and 7). No I/O."""

from __future__ import annotations

import re
from typing import Final

from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import responses

__all__ = [
    "CHUNKED",
    "CONTINUE",
    "LAST_CHUNK",
    "OWN_FRAMING",
    "UNTIL_CLOSE",
    "body_framing",
    "connection_field",
    "error_response",
    "has_no_body",
    "header_block",
    "status_line",
]

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"

# Ways to tell where a body ends, beside its length.
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
OWN_FRAMING: Final = -3

# With the reason phrases they have.
_STATUS_LINES: Final = {code: (reason, f"HTTP/1.1 {code} {reason}\r\n") for code, reason in responses.items()}
_REASON = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z").match


def status_line(code: int, reason: str | None) -> str:
    """The status line with its end; raises `ValueError` for a reason that would break out of it."""
    known = _STATUS_LINES.get(code)
    if known is not None and (reason is None or reason == known[0]):
        return known[1]
    reason = reason or "Unknown"
    if not _REASON(reason):
        raise ValueError(f"Illegal character in reason phrase: {reason!r}")
    return f"HTTP/1.1 {code} {reason}\r\n"


def header_block(headers: HTTPHeaders) -> str:
    """The header lines, each with its end; raises `ValueError` where a field would break out of its line."""
    if headers._repeated:
        lines = [f"{name}: {value}\r\n" for name, value in headers.get_all()]
    else:
        lines = [f"{name}: {value}\r\n" for name, value in headers._fields.items()]
    block = "".join(lines)
    # A line holds one CR and one LF; any more were smuggled into a name or a value.
    count = len(lines)
    if block.count("\n") != count or block.count("\r") != count or "\0" in block:
        for line in lines:
            if line.count("\n") != 1 or line.count("\r") != 1 or "\0" in line:
                raise ValueError(f"Illegal characters (CR, LF or NUL) in header line {line[:-2]!r}")
    return block


def has_no_body(code: int) -> bool:
    """Whether responses of this status have no body (RFC 9112 section 6.3)."""
    return code == 204 or code == 304 or code < 200


def body_framing(version: str, code: int, headers: HTTPHeaders) -> int:
    """How the body's end is told: its length, `CHUNKED` or `UNTIL_CLOSE`. Raises `ValueError` for a bad length.

    `OWN_FRAMING` is that of a header which names a transfer coding itself: what is written is in it already.
    """
    if has_no_body(code):
        return 0
    if "Transfer-Encoding" in headers._fields:
        return OWN_FRAMING
    length = headers._fields.get("Content-Length")
    if length is not None:
        text = str(length)
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"Content-Length must be a number of bytes, not {length!r}")
        return int(text)
    return CHUNKED if version == "HTTP/1.1" else UNTIL_CLOSE


def connection_field(version: str, keep_alive: bool, given: bool) -> str:
    """The Connection line that a response needs, if any, unless one is given already (RFC 9112 section 9.3)."""
    if given:
        return ""
    if version == "HTTP/1.1":
        return "" if keep_alive else "Connection: close\r\n"
    return "Connection: Keep-Alive\r\n" if keep_alive else ""


def error_response(code: int, to_head: bool) -> bytes:
    """A whole response for a request that no application gets to see; the connection closes behind it.

    ``to_head``: the request's method is HEAD, so that the body is only spoken of (RFC 9110 section 9.3.2).
    """
    body = f"{code}: {responses[code]}\n"
    return (
        f"HTTP/1.1 {code} {responses[code]}\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{'' if to_head else body}"
    ).encode("ascii")
