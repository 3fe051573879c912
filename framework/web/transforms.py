"""Transforms of responses on their way out, and compression as one of them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Final, NamedTuple

from framework.httputil.headers import HTTPHeaders
from framework.httputil.request import HTTPServerRequest

__all__ = ["Compression", "GZipContentEncoding", "OutputTransform"]


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


class Compressor(NamedTuple):
    """One compressed body: takes data; gives all that is in it so that it can be read, or ends it."""

    compress: Callable[[bytes], bytes]
    flush: Callable[[], bytes]
    finish: Callable[[], bytes]


def _gzip(level: int) -> Compressor:
    made = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return Compressor(made.compress, lambda: made.flush(zlib.Z_SYNC_FLUSH), made.flush)


def _brotli(level: int) -> Compressor:
    made = _module("brotli").Compressor(quality=level)
    return Compressor(made.process, made.flush, made.finish)


def _zstd(level: int) -> Compressor:
    made = _module("zstandard").ZstdCompressor(level=level).compressobj()
    block = _module("zstandard").COMPRESSOBJ_FLUSH_BLOCK
    return Compressor(made.compress, lambda: made.flush(block), made.flush)


def _module(name: str) -> Any:
    return import_module(name)


def _installed(name: str) -> bool:
    # Not by importing it: most applications compress nothing.
    return find_spec(name) is not None


class GZipContentEncoding(OutputTransform):
    """Compresses text for clients that take gzip (RFC 9110 section 8.4.1.3)."""

    CONTENT_TYPES: ClassVar = {
        "application/javascript",
        "application/x-javascript",
        "application/xml",
        "application/atom+xml",
        "application/json",
        "application/xhtml+xml",
        "image/svg+xml",
    }
    # Below this many bytes a packet is sent either way, and the gain is nothing.
    MIN_LENGTH: ClassVar = 1024
    GZIP_LEVEL: ClassVar = 6

    # What can be made, the best first.
    CODINGS: ClassVar[tuple[str, ...]] = ("gzip",)

    def __init__(self, request: HTTPServerRequest) -> None:
        self._coding = choose(request._field("Accept-Encoding") or "", self.CODINGS)
        self._compressor: Compressor | None = None

    def _compressible(self, content_type: str) -> bool:
        return content_type.startswith("text/") or content_type in self.CONTENT_TYPES

    def _worthwhile(self, headers: Mapping[str, str], chunk: bytes, finishing: bool) -> bool:
        """Whether to compress a response that begins like this."""
        if "Content-Encoding" in headers or "Content-Range" in headers:
            return False
        if not self._compressible(headers.get("Content-Type", "").partition(";")[0]):
            return False
        length = len(chunk) if finishing else int(headers.get("Content-Length", self.MIN_LENGTH))
        return length >= self.MIN_LENGTH

    def _new_compressor(self, coding: str) -> Compressor:
        return _gzip(self.GZIP_LEVEL)

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        vary = headers.get("Vary")
        headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
        if self._coding is not None and self._worthwhile(headers, chunk, finishing):
            headers["Content-Encoding"] = self._coding
            self._compressor = self._new_compressor(self._coding)
            chunk = self.transform_chunk(chunk, finishing)
            if "Content-Length" in headers:
                if finishing:
                    headers["Content-Length"] = str(len(chunk))
                else:
                    del headers["Content-Length"]
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        compressor = self._compressor
        if compressor is None:
            return chunk
        return compressor.compress(chunk) + (compressor.finish() if finishing else compressor.flush())


class Compression(GZipContentEncoding):
    """What the setting ``compress_response`` stands for: the best coding that the client takes and that is installed.

    Zstandard (RFC 8878) needs the package ``zstandard``, Brotli (RFC 7932) ``brotli``; gzip is always there.
    """

    # Where they cost about the time of gzip and save more.
    ZSTD_LEVEL: ClassVar = 3
    BROTLI_LEVEL: ClassVar = 4

    CODINGS: ClassVar[tuple[str, ...]] = (
        *(("zstd",) if _installed("zstandard") else ()),
        *(("br",) if _installed("brotli") else ()),
        "gzip",
    )

    def _new_compressor(self, coding: str) -> Compressor:
        if coding == "zstd":
            return _zstd(self.ZSTD_LEVEL)
        if coding == "br":
            return _brotli(self.BROTLI_LEVEL)
        return super()._new_compressor(coding)


# RFC 9110 section 12.4.2.
_WEIGHT: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")


def choose(accept_encoding: str, codings: tuple[str, ...]) -> str | None:
    """The coding an Accept-Encoding field likes most; of equal ones the first (RFC 9110 section 12.5.3)."""
    weights: dict[str, float] = {}
    for entry in accept_encoding.lower().split(","):
        name, _, parameters = entry.partition(";")
        weight = _WEIGHT.match(parameters.strip())
        # Old clients say x-gzip (section 8.4.1.3).
        name = name.strip().removeprefix("x-")
        weights[name] = float(weight.group(1)) if weight else float(not parameters.strip())
    others = weights.get("*", 0.0)
    best = max(codings, key=lambda coding: weights.get(coding, others))
    return best if weights.get(best, others) > 0 else None
