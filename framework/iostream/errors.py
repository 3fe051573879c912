"""Errors of streams.

    OSError
    └── StreamClosedError        whatever is read from or written to a closed connection
    Exception
    ├── StreamBufferFullError    more data than `max_buffer_size` or `max_write_buffer_size` allows
    └── UnsatisfiableReadError   more data than a read's `max_bytes` without what it looked for

They have no root of their own: programs catch the first as the `OSError` that it is.
"""

from __future__ import annotations

import asyncio
import errno
import sys
from types import TracebackType
from typing import Any

__all__ = [
    "ExcInfo",
    "StreamBufferFullError",
    "StreamClosedError",
    "UnsatisfiableReadError",
    "error_of",
    "fail",
    "is_lost",
]

# How connections end in the middle: nothing that the program, or whoever reads its log, could do anything about.
_LOST = frozenset(
    {
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
    }
)

ExcInfo = (
    bool
    | BaseException
    | tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
    | None
)


class StreamClosedError(OSError):
    """The stream is closed. ``real_error`` is what closed it, if anything is known of that."""

    def __init__(self, real_error: BaseException | None = None) -> None:
        super().__init__("Stream is closed")
        self.real_error = real_error


class StreamBufferFullError(Exception):
    """What is to be read or written is more than the stream may hold in memory."""


class UnsatisfiableReadError(Exception):
    """A read's ``max_bytes`` came without the delimiter. It closes the stream, and is its ``error`` then."""


def is_lost(error: BaseException) -> bool:
    """Whether the error says that the other side, or the way to it, is gone."""
    return isinstance(error, OSError) and error.errno in _LOST


def fail(future: asyncio.Future[Any] | None, error: BaseException) -> None:
    """Gives an error to whoever waits, if anybody still does. Nobody is obliged to, and then nothing is logged."""
    if future is not None and not future.done():
        future.set_exception(error)
        future.exception()


def error_of(exc_info: ExcInfo) -> BaseException | None:
    """The exception that `BaseIOStream.close` was told of, in whichever form."""
    if isinstance(exc_info, tuple):
        return exc_info[1]
    return sys.exception() if exc_info is True else exc_info or None
