"""What a read waits for: each kind says when the buffer has it, and takes it from there. No I/O."""

from __future__ import annotations

import functools
import re
from re import _parser  # type: ignore[attr-defined]  # no other way to know how long a match can be
from typing import Protocol

from framework.iostream._buffer import ReadBuffer
from framework.iostream.errors import UnsatisfiableReadError

__all__ = ["ExactBytes", "IntoBuffer", "Read", "UntilClose", "UntilDelimiter", "UntilRegex"]

NOT_YET = -1


class Read(Protocol):
    """A pending read."""

    __slots__ = ()

    def find(self, buffer: ReadBuffer) -> int:
        """The size of the answer that the buffer begins with; `NOT_YET` if more is needed.

        :raises UnsatisfiableReadError: more won't help.
        """

    def take(self, buffer: ReadBuffer, size: int) -> object:
        """The answer, of the size that `find` said."""

    def give_back(self, buffer: ReadBuffer) -> None:
        """Leaves to the buffer what the read has taken so far: it won't be answered."""


class _Plain:
    """What reads have in common that answer with bytes."""

    __slots__ = ()

    def take(self, buffer: ReadBuffer, size: int) -> bytes:
        return buffer.take(size)

    def give_back(self, buffer: ReadBuffer) -> None:
        pass


class ExactBytes(_Plain):
    """So many bytes; with ``partial`` as many as there are, but one at least."""

    __slots__ = ("partial", "size")

    def __init__(self, size: int, partial: bool) -> None:
        self.size = size
        self.partial = partial

    def find(self, buffer: ReadBuffer) -> int:
        have = buffer.size
        if have >= self.size:
            return self.size
        return have if self.partial and have else NOT_YET


class UntilClose(_Plain):
    """Everything until the end, which is not for the buffer to know."""

    __slots__ = ()

    def find(self, buffer: ReadBuffer) -> int:
        return NOT_YET


def _check_limit(size: int, limit: int | None, wanted: object) -> None:
    if limit is not None and size > limit:
        raise UnsatisfiableReadError(f"delimiter {wanted!r} not found within {limit} bytes")


class UntilDelimiter(_Plain):
    """Everything up to a delimiter and with it. Each byte is searched once."""

    __slots__ = ("delimiter", "max_bytes", "searched")

    def __init__(self, delimiter: bytes, max_bytes: int | None) -> None:
        self.delimiter = delimiter
        self.max_bytes = max_bytes
        self.searched = 0

    def find(self, buffer: ReadBuffer) -> int:
        have = buffer.size
        delimiter = self.delimiter
        if have >= len(delimiter):
            data, start = buffer.whole()
            at = data.find(delimiter, start + self.searched)
            if at >= 0:
                size = at - start + len(delimiter)
                if self.max_bytes is not None:
                    _check_limit(size, self.max_bytes, delimiter)
                return size
            # The delimiter may have begun in the last bytes.
            self.searched = max(0, have - len(delimiter) + 1)
        if self.max_bytes is not None:
            _check_limit(have, self.max_bytes, delimiter)
        return NOT_YET


class UntilRegex(_Plain):
    """Everything up to the end of the first match of a pattern.

    Where a match has a greatest length, as that of ``\\r?\\n\\r?\\n``, each byte is searched about once. For other
    patterns all that is there is searched whenever something comes: ``max_bytes`` bounds that.
    """

    __slots__ = ("longest", "max_bytes", "pattern", "searched")

    def __init__(self, regex: bytes, max_bytes: int | None) -> None:
        self.pattern = re.compile(regex)
        self.longest = _longest_match(regex)
        self.max_bytes = max_bytes
        self.searched = 0

    def find(self, buffer: ReadBuffer) -> int:
        have = buffer.size
        if have:
            data, start = buffer.whole()
            # A view hides from "^" and "\\b" what was read before, which a position would not.
            end = self._search(memoryview(data)[start:] if start else data)
            if end != NOT_YET:
                _check_limit(end, self.max_bytes, self.pattern)
                return end
            if self.longest is not None:
                self.searched = max(0, have - self.longest - 1)
        _check_limit(have, self.max_bytes, self.pattern)
        return NOT_YET

    def _search(self, data: bytes | bytearray | memoryview) -> int:
        # The match holds the buffer, so it must not outlive this call.
        match = self.pattern.search(data, self.searched)
        return NOT_YET if match is None else match.end()


@functools.lru_cache(maxsize=128)
def _longest_match(regex: bytes) -> int | None:
    """How many bytes a match can have; None if there is no telling, or if the pattern looks beyond its match."""
    # "(?=", "(?!" and "(?<" of either kind; "\(" followed by "?" is taken for one as well, to no harm.
    if re.search(rb"\(\?<?[=!]", regex):
        return None
    longest: int = _parser.parse(regex).getwidth()[1]
    return longest if longest <= 4096 else None


class IntoBuffer:
    """Fills the caller's buffer; with ``partial`` any number of bytes will do, but one at least."""

    __slots__ = ("filled", "partial", "room")

    def __init__(self, target: bytearray | memoryview, partial: bool) -> None:
        self.room = memoryview(target).cast("B")
        self.partial = partial
        self.filled = 0

    def find(self, buffer: ReadBuffer) -> int:
        wanted = len(self.room)
        count = min(buffer.size, wanted - self.filled)
        if count:
            self.room[self.filled : self.filled + count] = buffer.take(count)
            self.filled += count
        return self.filled if self.filled == wanted or (self.partial and self.filled) else NOT_YET

    def take(self, buffer: ReadBuffer, size: int) -> int:
        # The caller may want to resize it.
        self.room.release()
        return size

    def give_back(self, buffer: ReadBuffer) -> None:
        taken = bytes(self.room[: self.filled])
        self.room.release()
        buffer.prepend(taken)
