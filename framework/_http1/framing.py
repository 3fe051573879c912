"""What a request's header must satisfy before anyone trusts where its body ends (RFC 9112 sections 3.2, 6.1 and 6.3).

The parser refuses by itself: two lengths, a length beside Transfer-Encoding, signs and underscores in
numbers, bare CR or LF, white space before a colon, NUL and other controls, folded lines. The rest is here.
"""

from __future__ import annotations

from framework.httputil.errors import HTTPInputError
from framework.httputil.request import check_host

__all__ = ["Fields", "Refused", "check_host_line", "check_transfer_encoding", "header_bytes"]

# Lower-case name to value, or to the list of values where the field was repeated.
Fields = dict[bytes, "bytes | list[bytes]"]


class Refused(Exception):
    """A request that is answered by the server itself: ``status``, and the reason for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_host_line(version: str, host: bytes | list[bytes] | None) -> None:
    """Raises `Refused` unless there is one Host line with one host in it; HTTP/1.0 may go without."""
    if isinstance(host, list):
        raise Refused(400, "several Host lines")
    if host is not None:
        try:
            check_host(host.decode("latin-1"))
        except HTTPInputError as error:
            raise Refused(400, str(error)) from error
    elif version == "HTTP/1.1":
        raise Refused(400, "no Host line")


def check_transfer_encoding(version: str, encoding: bytes | list[bytes]) -> None:
    """Raises `Refused` for any transfer coding but chunked, and for chunked where there is no such thing."""
    if version == "HTTP/1.0":
        raise Refused(400, "Transfer-Encoding in HTTP/1.0")
    if isinstance(encoding, list) or encoding.lower() != b"chunked":
        raise Refused(501, f"Transfer-Encoding {encoding!r} is not served here, chunked is")


def header_bytes(method: bytes, target: bytes, version: str, fields: Fields) -> bytes:
    """A request's header, again as it could have come."""
    lines = [b"%b %b %b" % (method, target, version.encode("ascii"))]
    for name, value in fields.items():
        lines += [name + b": " + one for one in (value if isinstance(value, list) else [value])]
    return b"\r\n".join(lines) + b"\r\n\r\n"
