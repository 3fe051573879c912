"""What a request's header must satisfy before anyone trusts where its body ends (RFC 9112 sections 3.2, 6.1 and 6.3).

The parser refuses by itself: two lengths, a length beside Transfer-Encoding, signs and underscores in
numbers, bare CR or LF, white space before a colon, NUL and other controls, folded lines. The rest is here.
"""

from __future__ import annotations

from framework.httputil.errors import HTTPInputError
from framework.httputil.request import check_host

__all__ = ["Fields", "Refused", "check_request"]

# Lower-case name to value, or to the list of values where the field was repeated.
Fields = dict[bytes, "bytes | list[bytes]"]


class Refused(Exception):
    """A request that is answered by the server itself: ``status``, and the reason for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_request(version: str, fields: Fields) -> None:
    """Raises `Refused` for a header that is ambiguous, or that this server can't serve."""
    if version != "1.1" and version != "1.0":
        raise Refused(505, f"HTTP/{version} is not served here, HTTP/1.1 and HTTP/1.0 are")
    host = fields.get(b"host")
    if isinstance(host, list):
        raise Refused(400, "several Host lines")
    if host is not None:
        try:
            check_host(host.decode("latin-1"))
        except HTTPInputError as error:
            raise Refused(400, str(error)) from error
    elif version == "1.1":
        raise Refused(400, "no Host line")
    encoding = fields.get(b"transfer-encoding")
    if encoding is not None:
        if version == "1.0":
            raise Refused(400, "Transfer-Encoding in HTTP/1.0")
        if isinstance(encoding, list) or encoding.lower() != b"chunked":
            raise Refused(501, f"Transfer-Encoding {encoding!r} is not served here, chunked is")
