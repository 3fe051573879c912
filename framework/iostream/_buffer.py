"""What has been received and not been read: bytes in the order of their coming, without needless copies."""

from __future__ import annotations

from collections import deque

__all__ = ["ReadBuffer"]

# A peer that sends single bytes must not make each cost what an object costs: pieces below this are put together.
_SMALL = 1024


class ReadBuffer:
    """Pieces as they came.

    The first piece is an object that can be searched; the others are joined to it only where somebody looks for a
    delimiter. So `read_bytes` of a large answer copies each byte once, and a message that came in one piece is
    handed on as it is.
    """

    __slots__ = ("_first", "_more", "_start", "size")

    def __init__(self) -> None:
        self._first: bytes | bytearray = b""
        # Where in the first piece what is unread begins.
        self._start = 0
        self._more: deque[bytes | bytearray] = deque()
        # How many bytes are unread.
        self.size = 0

    def append(self, piece: bytes) -> None:
        """Adds what was received."""
        if not self.size:
            self._first = piece
            self._start = 0
        elif len(piece) >= _SMALL:
            self._more.append(piece)
        elif self._more and isinstance(self._more[-1], bytearray):
            self._more[-1].extend(piece)
        else:
            self._more.append(bytearray(piece))
        self.size += len(piece)

    def prepend(self, piece: bytes) -> None:
        """Puts back what was taken."""
        if piece:
            rest = self.take(self.size)
            self.append(piece)
            if rest:
                self.append(rest)

    def whole(self) -> tuple[bytes | bytearray, int]:
        """All that is unread as one object, and where in it that begins."""
        more = self._more
        if more:
            first = self._first
            if isinstance(first, bytes):
                first = bytearray(memoryview(first)[self._start :])
                self._start = 0
            elif self._start:
                del first[: self._start]
                self._start = 0
            for piece in more:
                first += piece
            more.clear()
            self._first = first
        return self._first, self._start

    def take(self, size: int) -> bytes:
        """Takes the first ``size`` bytes, of which there are that many."""
        first, start = self._first, self._start
        end = start + size
        if size == self.size:
            if self._more:
                self._more.appendleft(memoryview(first)[start:] if start else first)  # type: ignore[arg-type]
                taken = b"".join(self._more)
                self._more.clear()
            elif start:
                taken = bytes(memoryview(first)[start:])
            else:
                taken = bytes(first)
            self._first = b""
            self._start = self.size = 0
            return taken
        self.size -= size
        if end <= len(first):
            self._start = end
            return bytes(memoryview(first)[start:end])
        return self._take_pieces(size)

    def _take_pieces(self, size: int) -> bytes:
        taken = []
        while size:
            have = len(self._first) - self._start
            count = min(size, have)
            taken.append(memoryview(self._first)[self._start : self._start + count])
            size -= count
            self._start += count
            if count == have:
                self._first = self._more.popleft()
                self._start = 0
        return b"".join(taken)
