"""Transforms of responses on their way out, and compression as one of them."""

from __future__ import annotations

import gzip
import io
from typing import Final

from framework.httputil.headers import HTTPHeaders
from framework.httputil.request import HTTPServerRequest

__all__ = ["GZipContentEncoding", "OutputTransform"]


class OutputTransform:
    """Changes a response before it is sent. One is made for each request."""

    def __init__(self, request: HTTPServerRequest) -> None:
        pass

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Takes status, header and first piece, and whether it is the last; gives back what to send."""
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Takes a further piece, and whether it is the last."""
        return chunk


class GZipContentEncoding(OutputTransform):
    """Compresses text for clients that take gzip (RFC 9110 section 8.4.1.3)."""

    CONTENT_TYPES: Final = frozenset(
        (
            "application/javascript",
            "application/x-javascript",
            "application/xml",
            "application/atom+xml",
            "application/json",
            "application/xhtml+xml",
            "image/svg+xml",
        )
    )
    # Below this many bytes a packet is sent either way, and the gain is nothing.
    MIN_LENGTH: Final = 1024
    GZIP_LEVEL: Final = 6

    def __init__(self, request: HTTPServerRequest) -> None:
        self._gzipping = accepts(request._field("Accept-Encoding") or "", "gzip")
        self._value = io.BytesIO()
        self._file: gzip.GzipFile | None = None

    def _compressible(self, content_type: str) -> bool:
        return content_type.startswith("text/") or content_type in self.CONTENT_TYPES

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        vary = headers.get("Vary")
        headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
        if self._gzipping:
            content_type = headers.get("Content-Type", "").partition(";")[0]
            self._gzipping = (
                self._compressible(content_type)
                and (not finishing or len(chunk) >= self.MIN_LENGTH)
                and "Content-Encoding" not in headers
            )
        if self._gzipping:
            headers["Content-Encoding"] = "gzip"
            self._file = gzip.GzipFile(mode="wb", fileobj=self._value, compresslevel=self.GZIP_LEVEL, mtime=0)
            chunk = self.transform_chunk(chunk, finishing)
            if "Content-Length" in headers:
                if finishing:
                    headers["Content-Length"] = str(len(chunk))
                else:
                    del headers["Content-Length"]
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        if self._file is None:
            return chunk
        self._file.write(chunk)
        if finishing:
            self._file.close()
        else:
            self._file.flush()
        made = self._value.getvalue()
        self._value.truncate(0)
        self._value.seek(0)
        return made


def accepts(accept_encoding: str, coding: str) -> bool:
    """Whether an Accept-Encoding field takes a coding (RFC 9110 section 12.5.3)."""
    wildcard = False
    for entry in accept_encoding.lower().split(","):
        name, _, parameters = entry.strip().partition(";")
        weight = parameters.strip()
        refused = weight.startswith("q=0") and not weight[3:].strip(".0")
        name = name.strip()
        if name == coding:
            return not refused
        if name == "*":
            wildcard = not refused
    return wildcard
