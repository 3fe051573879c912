"""Errors of streams. They are raised wherever something is read from or written to a closed connection."""

from __future__ import annotations

__all__ = ["StreamClosedError"]


class StreamClosedError(OSError):
    """The stream is closed. ``real_error`` is what closed it, if anything is known of that."""

    def __init__(self, real_error: BaseException | None = None) -> None:
        super().__init__("Stream is closed")
        self.real_error = real_error
