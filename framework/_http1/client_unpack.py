"""Content codings of responses, taken off piece by piece, so that nobody has to hold more than he wants to.

gzip and deflate (RFC 9110 section 8.4.1) are always there, Brotli (RFC 7932) with the package ``brotli`` from
version 1.2 on, whose output can be bounded, and Zstandard (RFC 8878) with ``zstandard``.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from typing import Any, Final, Protocol

from framework.util import GzipDecompressor

__all__ = ["ACCEPT_ENCODING", "UnpackError", "Unpacker", "unpacker_for"]

# Pieces are about as long as this.
_PIECE: Final = 65536
# A few bytes of Zstandard can stand for a block of 128 KiB, so it gets its input in small portions.
_ZSTD_INPUT: Final = 256
# RFC 8878 section 3.1.1.1.2: what every decoder is expected to have memory for.
_ZSTD_WINDOW: Final = 8 << 20


class UnpackError(Exception):
    """What was received is not packed as it was said to be."""


class Unpacker(Protocol):
    """Takes a coding off."""

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What the next piece of the packed body unpacks to, in pieces of a bounded length."""

    def finish(self) -> None:
        """The packed body is complete; raises `UnpackError` if that is not its end."""


class _Gzip:
    __slots__ = ("_decompressor",)

    def __init__(self) -> None:
        self._decompressor = GzipDecompressor()

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            try:
                piece = self._decompressor.decompress(chunk, _PIECE)
            except zlib.error as error:
                raise UnpackError(f"invalid gzip data: {error}") from error
            chunk = self._decompressor.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        try:
            self._decompressor.flush()
        except zlib.error as error:
            raise UnpackError(f"invalid gzip data: {error}") from error


class _Deflate:
    """The format of zlib; without its header, too, as some servers understood "deflate" so."""

    __slots__ = ("_decompressor", "_fed")

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj()
        self._fed = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        if chunk and not self._fed:
            # RFC 1950 section 2.2: the method in the lower four bits.
            self._fed = True
            if chunk[0] & 0x0F != 8:
                self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        while chunk:
            if self._decompressor.eof:
                raise UnpackError("invalid deflate data: something behind its end")
            try:
                piece = self._decompressor.decompress(chunk, _PIECE)
            except zlib.error as error:
                raise UnpackError(f"invalid deflate data: {error}") from error
            chunk = self._decompressor.unconsumed_tail or self._decompressor.unused_data
            if piece:
                yield piece

    def finish(self) -> None:
        if self._fed and not self._decompressor.eof:
            raise UnpackError("invalid deflate data: incomplete or truncated")


class _Brotli:
    __slots__ = ("_decompressor", "_error", "_fed")

    def __init__(self) -> None:
        self._decompressor = _BROTLI.Decompressor()
        self._error: type[Exception] = _BROTLI.error
        self._fed = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        decompressor = self._decompressor
        while chunk or self._fed:
            self._fed = True
            if chunk and decompressor.is_finished():
                raise UnpackError("invalid br data: something behind its end")
            try:
                piece = decompressor.process(chunk, output_buffer_limit=_PIECE)
            except self._error as error:
                raise UnpackError(f"invalid br data: {error}") from error
            # More may come without more input.
            chunk = b""
            if not piece:
                break
            yield piece

    def finish(self) -> None:
        if self._fed and not self._decompressor.is_finished():
            raise UnpackError("invalid br data: incomplete or truncated")


class _Zstd:
    __slots__ = ("_decompressor", "_error", "_fed", "_frame")

    def __init__(self) -> None:
        self._decompressor = _ZSTD.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._error: type[Exception] = _ZSTD.ZstdError
        self._frame = self._decompressor.decompressobj()
        self._fed = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        for start in range(0, len(chunk), _ZSTD_INPUT):
            portion = chunk[start : start + _ZSTD_INPUT]
            while portion:
                if self._frame.eof:
                    # Frames may follow one another (section 3).
                    self._frame = self._decompressor.decompressobj()
                self._fed = True
                try:
                    piece = self._frame.decompress(portion)
                except self._error as error:
                    raise UnpackError(f"invalid zstd data: {error}") from error
                portion = self._frame.unused_data if self._frame.eof else b""
                for at in range(0, len(piece), _PIECE):
                    yield piece[at : at + _PIECE]

    def finish(self) -> None:
        if self._fed and not self._frame.eof:
            raise UnpackError("invalid zstd data: incomplete or truncated")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_BROTLI = _module("brotli")
if _BROTLI is not None and not hasattr(_BROTLI.Decompressor, "can_accept_more_data"):
    _BROTLI = None
_ZSTD = _module("zstandard")

_UNPACKERS: dict[str, type[Unpacker]] = {"gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate}
if _BROTLI is not None:
    _UNPACKERS["br"] = _Brotli
if _ZSTD is not None:
    _UNPACKERS["zstd"] = _Zstd

# What to ask for.
ACCEPT_ENCODING: Final = ", ".join(name for name in _UNPACKERS if name != "x-gzip")


def unpacker_for(coding: str) -> Unpacker | None:
    """What takes a Content-Encoding off; None for one that is not known here."""
    made = _UNPACKERS.get(coding.strip().lower())
    return None if made is None else made()
