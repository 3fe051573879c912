"""What a log consists of, as bytes: how it is written, and what can be read of it again. No I/O.

    file    = b"QLOG" version:u32 salt:u32 next_id:u64 crc:u32, then batches
    batch   = a BATCH record with its own position in the file, then the records written with one fsync
    record  = crc of the header:u32 crc of the payload:u32 size of the payload:u32 kind:u8 payload

All numbers are little-endian. A batch is written when the one before is on disk. So what a crash or the end of power
has torn is in the last batch, and nobody was told of that; and where a whole batch follows, damage is damage. The
checksums begin with the file's random salt: nobody can put into a value what passes for a record.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

__all__ = ["Damage", "Flush", "Format", "Item", "LogError", "Put", "Remove", "Torn", "read_header"]

_FILE = struct.Struct("<4sIIQI")
_HEADER = struct.Struct("<IIIB")
_PUT = struct.Struct("<QIqH")
_NUMBER = struct.Struct("<Q")
_MAGIC = b"QLOG"
_VERSION = 1

_BATCH, _PUT_KIND, _REMOVE_KIND, _FLUSH_KIND = range(4)
FILE_HEADER_SIZE = _FILE.size


class LogError(Exception):
    """The log can't be used: it is another program's, or the disk doesn't take or give it."""


@dataclass(slots=True, frozen=True, eq=False)
class Item:
    """An item of a queue. ``expires`` is in seconds since 1970; 0 for never."""

    id: int
    queue: bytes
    flags: int
    expires: int
    data: bytes


@dataclass(slots=True, frozen=True)
class Put:
    """An item came."""

    item: Item


@dataclass(slots=True, frozen=True)
class Remove:
    """An item was delivered for good."""

    id: int


@dataclass(slots=True, frozen=True)
class Flush:
    """All items were dropped."""


@dataclass(slots=True, frozen=True)
class Damage:
    """From ``start`` to ``end`` nothing could be read, though it had been on disk: items may be lost."""

    start: int
    end: int


@dataclass(slots=True, frozen=True)
class Torn:
    """From ``start`` on there is only what was being written when the power went, or the process."""

    start: int


class Format:
    """Writes the records of one file, and reads them."""

    __slots__ = ("salt",)

    def __init__(self, salt: int) -> None:
        self.salt = salt

    def file_header(self, next_id: int) -> bytes:
        """The file's first bytes. Items that come get ids from ``next_id`` on."""
        head = _FILE.pack(_MAGIC, _VERSION, self.salt, next_id, 0)[:-4]
        return head + zlib.crc32(head).to_bytes(4, "little")

    def batch(self, position: int) -> bytes:
        """What begins a batch that is written at ``position``."""
        return self._record(_BATCH, _NUMBER.pack(position))

    def put(self, item: Item) -> bytes:
        """The record of an item that came."""
        head = _PUT.pack(item.id, item.flags, item.expires, len(item.queue))
        return self._record(_PUT_KIND, head, item.queue, item.data)

    def remove(self, id: int) -> bytes:
        """The record of an item that left."""
        return self._record(_REMOVE_KIND, _NUMBER.pack(id))

    def flush(self) -> bytes:
        """The record of the drop of all items."""
        return self._record(_FLUSH_KIND)

    def _record(self, kind: int, *pieces: bytes) -> bytes:
        payload = b"".join(pieces)
        header = _HEADER.pack(0, zlib.crc32(payload, self.salt), len(payload), kind)[4:]
        return zlib.crc32(header, self.salt).to_bytes(4, "little") + header + payload

    def read(self, data: bytes | mmap) -> Iterator[Put | Remove | Flush | Damage | Torn]:
        """What a file says, from its header on."""
        position, end = FILE_HEADER_SIZE, len(data)
        while position < end:
            found = self._at(data, position)
            if found is None:
                following = self._next_batch(data, position + 1)
                if following is None:
                    yield Torn(position)
                    return
                yield Damage(position, following)
                position = following
                continue
            size, kind, payload = found
            if payload is None:
                # The header is right, so the next record's place is known, and whether there is one.
                if self._at(data, position + size) is None and self._next_batch(data, position + 1) is None:
                    yield Torn(position)
                    return
                yield Damage(position, position + size)
            elif kind == _PUT_KIND:
                yield Put(_item(payload))
            elif kind == _REMOVE_KIND:
                yield Remove(_NUMBER.unpack(payload)[0])
            elif kind == _FLUSH_KIND:
                yield Flush()
            position += size

    def _at(self, data: bytes | mmap, position: int) -> tuple[int, int, bytes | None] | None:
        """The size, kind and payload of the record at a position; a payload that is damaged is None."""
        header = data[position : position + _HEADER.size]
        if len(header) < _HEADER.size:
            return None
        header_crc, payload_crc, size, kind = _HEADER.unpack(header)
        if header_crc != zlib.crc32(header[4:], self.salt):
            return None
        start = position + _HEADER.size
        payload = data[start : start + size]
        if len(payload) != size:
            return None
        whole = payload if payload_crc == zlib.crc32(payload, self.salt) else None
        return _HEADER.size + size, kind, whole

    def _next_batch(self, data: bytes | mmap, start: int) -> int | None:
        """Where the next batch begins that is surely one."""
        sign = _HEADER.pack(0, 0, _NUMBER.size, _BATCH)[8:]
        position = data.find(sign, start + 8)
        while position >= 0:
            begin = position - 8
            found = self._at(data, begin)
            if found is not None and found[2] == _NUMBER.pack(begin):
                return begin
            position = data.find(sign, position + 1)
        return None


def _item(payload: bytes) -> Item:
    id, flags, expires, size = _PUT.unpack_from(payload)
    start = _PUT.size + size
    return Item(id, payload[_PUT.size : start], flags, expires, payload[start:])


def read_header(data: bytes | mmap) -> tuple[Format, int]:
    """The format of a file, and the next item's id.

    :raises LogError: it is not a log.
    """
    header = data[:FILE_HEADER_SIZE]
    if len(header) < FILE_HEADER_SIZE or not header.startswith(_MAGIC):
        raise LogError("it is not a log of this program")
    _, version, salt, next_id, crc = _FILE.unpack(header)
    if crc != zlib.crc32(header[:-4]):
        raise LogError("its first bytes are damaged")
    if version != _VERSION:
        raise LogError(f"it has version {version}, this program writes and reads {_VERSION}")
    return Format(salt), next_id
