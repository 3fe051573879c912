"""A body in the pieces it came in, to be looked through without being put together first."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

__all__ = ["Occurrences", "Pieces"]

# Positions are kept of this many; nobody wants so many parts.
_MOST = 1000


class Occurrences:
    """Where something stands in a body: looked for in each piece as it comes, while the processor has it at hand.

    In 10 MB this takes a millisecond, and more than three when all of it is there.
    """

    __slots__ = ("_overlap", "_positions", "_seen", "_tail", "wanted")

    def __init__(self, wanted: bytes) -> None:
        self.wanted = wanted
        self._overlap = len(wanted) - 1
        self._positions: list[int] = []
        # How many bytes have been looked through, and the last of them.
        self._seen = 0
        self._tail = b""

    def look(self, piece: bytes | bytearray) -> None:
        """Looks through what comes next."""
        overlap, tail = self._overlap, self._tail
        self._note(tail + piece[:overlap], self._seen - len(tail))
        self._note(piece, self._seen)
        self._seen += len(piece)
        self._tail = bytes(piece[-overlap:] if len(piece) >= overlap else (tail + piece)[-overlap:])

    def _note(self, data: bytes | bytearray, offset: int) -> None:
        position = data.find(self.wanted)
        while position >= 0 and len(self._positions) < _MOST:
            self._positions.append(offset + position)
            position = data.find(self.wanted, position + 1)

    def first(self, start: int, stop: int) -> int | None:
        """The first that lies between two positions, or -1; None if there were too many to tell."""
        positions = self._positions
        number = bisect_left(positions, start)
        if number < len(positions):
            return positions[number] if positions[number] + len(self.wanted) <= stop else -1
        return -1 if len(positions) < _MOST else None


class Pieces:
    """Bytes that lie in several objects: `find`, ``len`` and slices of ``bytes``, as far as forms need them.

    A slice is copied once, and only then. ``pieces`` must not be changed any more. ``known`` is where something stands
    in them.
    """

    __slots__ = ("_known", "_pieces", "_size", "_starts")

    def __init__(self, pieces: list[bytes | bytearray], known: Occurrences | None = None) -> None:
        self._pieces = pieces
        self._known = known
        # Where each begins.
        self._starts: list[int] = []
        self._size = 0
        for piece in pieces:
            self._starts.append(self._size)
            self._size += len(piece)

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces)

    def __getitem__(self, wanted: slice) -> bytes:
        """A copy of what lies between two positions, which count from the beginning."""
        start, stop, _ = wanted.indices(self._size)
        if start >= stop:
            return b""
        found: list[memoryview] = []
        for number in range(bisect_right(self._starts, start) - 1, len(self._pieces)):
            begin = self._starts[number]
            if begin >= stop:
                break
            found.append(memoryview(self._pieces[number])[max(0, start - begin) : stop - begin])
        return b"".join(found)

    def find(self, wanted: bytes, start: int, stop: int) -> int:
        """As of ``bytes``, for something to look for and positions within: the first position of it, or -1."""
        if self._known is not None and wanted == self._known.wanted:
            known = self._known.first(start, stop)
            if known is not None:
                return known
        overlap = len(wanted) - 1
        for number in range(max(0, bisect_right(self._starts, start) - 1), len(self._pieces)):
            begin = self._starts[number]
            if begin >= stop:
                break
            piece = self._pieces[number]
            position = piece.find(wanted, max(0, start - begin), stop - begin)
            if position >= 0:
                return begin + position
            # It may begin in this piece and end in one of those behind.
            end = begin + len(piece)
            seam = max(start, end - overlap)
            position = self[seam : min(stop, end + overlap)].find(wanted)
            if position >= 0:
                return seam + position
        return -1
