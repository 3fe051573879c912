"""Request bodies with ``Content-Encoding: gzip``, unpacked with a bound."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable

from framework._http1.framing import Fields, Refused
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from framework.util import GzipDecompressor

__all__ = ["UnpackingDelegate", "is_packed", "unpack"]

# Unpacked pieces are as long as this.
_PIECE = 65536


def is_packed(fields: Fields) -> bool:
    """Whether the body is gzip; the header then says what it was in X-Consumed-Content-Encoding."""
    encoding = fields.get(b"content-encoding")
    if not isinstance(encoding, bytes) or encoding.lower() != b"gzip":
        return False
    del fields[b"content-encoding"]
    fields[b"x-consumed-content-encoding"] = encoding
    return True


def _too_much(limit: int) -> Refused:
    return Refused(413, f"a body that unpacks to more than {limit} bytes")


def unpack(body: bytes, limit: int) -> bytes:
    """A whole body unpacked; raises `Refused` if it is damaged, or more than ``limit`` bytes."""
    decompressor = GzipDecompressor()
    try:
        # One byte more tells whether there is more.
        unpacked = decompressor.decompress(body, limit + 1)
        if len(unpacked) > limit:
            raise _too_much(limit)
        decompressor.flush()
        return unpacked
    except zlib.error as error:
        raise Refused(400, f"a body that is not gzip as announced: {error}") from error


class UnpackingDelegate(HTTPMessageDelegate):
    """Unpacks a body on its way to another delegate, no faster than that one takes it.

    ``limit`` says how many bytes are allowed in all, as that may change on the way.
    """

    def __init__(self, delegate: HTTPMessageDelegate, limit: Callable[[], int]) -> None:
        self._delegate = delegate
        self._limit = limit
        self._decompressor = GzipDecompressor()
        self._size = 0

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        return self._delegate.headers_received(start_line, headers)

    async def data_received(self, chunk: bytes) -> None:
        while chunk:
            piece = self._unpack(chunk)
            if piece:
                waiting = self._delegate.data_received(piece)
                if waiting is not None:
                    await waiting
            chunk = self._decompressor.unconsumed_tail

    def _unpack(self, chunk: bytes) -> bytes:
        try:
            piece = self._decompressor.decompress(chunk, _PIECE)
        except zlib.error as error:
            raise Refused(400, f"a body that is not gzip as announced: {error}") from error
        self._size += len(piece)
        if self._size > self._limit():
            raise _too_much(self._limit())
        return piece

    def finish(self) -> None:
        try:
            self._decompressor.flush()
        except zlib.error as error:
            raise Refused(400, f"a body that is not gzip as announced: {error}") from error
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()
