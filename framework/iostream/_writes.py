"""What is to be sent and not been taken by the other side, and who waits for that. No I/O."""

from __future__ import annotations

import asyncio
from collections import deque

from framework.iostream.errors import fail

__all__ = ["WriteQueue"]

# Pieces below this are put together: one larger write is cheaper than several small ones.
_SMALL = 4096
_JOINED = 65536


class WriteQueue:
    """Pieces in order. Large ones are not copied: a bytearray or memoryview is the caller's until it is sent."""

    __slots__ = ("_offset", "_pieces", "_sent", "_waiting", "size")

    def __init__(self) -> None:
        # A bytearray among them is the queue's own.
        self._pieces: deque[bytes | bytearray | memoryview] = deque()
        # How much of the first piece is sent.
        self._offset = 0
        self.size = 0
        # Bytes sent since the stream began, and at which count of them which future is done.
        self._sent = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def append(self, piece: bytes | memoryview) -> None:
        """Adds what is to be sent."""
        pieces = self._pieces
        size = len(piece)
        self.size += size
        if size >= _SMALL:
            pieces.append(piece)
            return
        last = pieces[-1] if pieces else None
        if isinstance(last, bytearray) and len(last) < _JOINED:
            last += piece
        else:
            pieces.append(bytearray(piece))

    def first(self) -> memoryview:
        """What to send next; to be released before anything is added."""
        return memoryview(self._pieces[0])[self._offset :]

    def sent(self, size: int) -> None:
        """So much of `first` has been sent."""
        self.size -= size
        self._sent += size
        self._offset += size
        if self._offset == len(self._pieces[0]):
            self._pieces.popleft()
            self._offset = 0
        waiting = self._waiting
        while waiting and waiting[0][0] <= self._sent:
            future = waiting.popleft()[1]
            if not future.done():
                future.set_result(None)

    def wait(self, future: asyncio.Future[None]) -> None:
        """Has a future done when all that is here now is sent."""
        self._waiting.append((self._sent + self.size, future))

    def fail(self, error: BaseException) -> None:
        """Drops everything; those who wait get the error."""
        waiting, self._waiting = self._waiting, deque()
        self._pieces.clear()
        self._offset = self.size = 0
        for _, future in waiting:
            fail(future, error)
