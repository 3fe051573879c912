"""Where a response's body goes: into a buffer or to a streaming callback, unpacked and bounded."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from typing import Any

from framework._http1.client_unpack import Unpacker, UnpackError, unpacker_for
from framework._http1.flow import BodyPump
from framework.httputil import HTTPHeaders, HTTPMessageDelegate

__all__ = ["BodyTooLong", "StreamedBody", "take_coding_off", "unpack"]


class BodyTooLong(UnpackError):
    """What a body unpacks to is more than allowed."""


def take_coding_off(headers: HTTPHeaders) -> Unpacker | None:
    """What unpacks the body; the header then says what it was in X-Consumed-Content-Encoding."""
    coding = headers.get("Content-Encoding")
    if coding is None:
        return None
    unpacker = unpacker_for(coding)
    if unpacker is not None:
        headers["X-Consumed-Content-Encoding"] = coding
        del headers["Content-Encoding"]
    return unpacker


def unpack(unpacker: Unpacker, body: bytes, limit: int) -> bytes:
    """A whole body unpacked; raises `UnpackError` if it is damaged, or more than ``limit`` bytes."""
    pieces = []
    size = 0
    for piece in unpacker.pieces(body):
        size += len(piece)
        if size > limit:
            raise _too_long(limit)
        pieces.append(piece)
    unpacker.finish()
    return b"".join(pieces)


def _too_long(limit: int) -> BodyTooLong:
    return BodyTooLong(f"decompressed body too large: more than {limit} bytes")


class StreamedBody(HTTPMessageDelegate):
    """Hands a body on piece by piece, each when the one before has been dealt with.

    :arg callback: gets the pieces, in ``context``.
    :arg unpacker: takes a coding off before.
    :arg limit: how many bytes are allowed in all.
    :arg pause: stops the reading of what is behind; ``resume`` goes on with it.
    :arg ended: called when all has been dealt with.
    :arg failed: called with what went wrong: an `UnpackError`, or what the callback raised.
    """

    def __init__(
        self,
        callback: Callable[[bytes], Any],
        unpacker: Unpacker | None,
        limit: int,
        context: Context,
        pause: Callable[[], None],
        resume: Callable[[], None],
        ended: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._callback = callback
        self._unpacker = unpacker
        self._limit = limit
        self._ended = ended
        self._failed = failed
        self._size = 0
        self._pump = BodyPump(self, context, pause, resume, failed)

    def feed(self, chunk: bytes) -> None:
        """A piece as it came."""
        self._pump.feed(chunk)

    def end(self) -> None:
        """That was all."""
        self._pump.end()

    def close(self) -> None:
        """Nothing more is wanted."""
        self._pump.close()

    # What the pump calls.

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Hands a piece on."""
        if self._unpacker is None:
            return self._call(chunk)
        pieces = self._unpacker.pieces(chunk)
        for piece in pieces:
            waiting = self._hand_on(piece)
            if waiting is not None:
                return self._after(waiting, pieces)
        return None

    async def _after(self, waiting: Awaitable[None], pieces: Iterator[bytes]) -> None:
        await waiting
        for piece in pieces:
            more = self._hand_on(piece)
            if more is not None:
                await more

    def _hand_on(self, piece: bytes) -> Awaitable[None] | None:
        self._size += len(piece)
        if self._size > self._limit:
            raise _too_long(self._limit)
        return self._call(piece)

    def _call(self, piece: bytes) -> Awaitable[None] | None:
        waiting = self._callback(piece)
        # A callback may be the "write" of a file, which returns a number.
        return waiting if inspect.isawaitable(waiting) else None

    def finish(self) -> None:
        """All pieces have been dealt with."""
        if self._unpacker is not None:
            self._unpacker.finish()
        self._ended()
