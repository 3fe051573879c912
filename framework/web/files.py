"""Files as `StaticFileHandler` reads them: regular ones only, known by their status, kept while unchanged.

Nothing in here waits for a client. Only `read_at` may wait for a disk, in a thread.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import mimetypes
import os
import stat
import time
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

__all__ = [
    "ContentCache",
    "Signature",
    "VersionCache",
    "content_type",
    "is_inside",
    "open_regular",
    "read_at",
]

# A file that has changed within the last second may change again without its times showing it.
SETTLED = 1.0

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NOWAIT = getattr(os, "RWF_NOWAIT", None)


class Signature(NamedTuple):
    """What tells one content of a file from another without reading it. Times are in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> Signature:
        """The signature of the file with this status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_settled(self) -> bool:
        """Whether the file's next change will show in its times."""
        return time.time() - max(self.modified, self.changed) / 1e9 > SETTLED


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """A descriptor of a file and its status.

    Raises OSError, with EISDIR for anything but a regular file: a pipe or device is never read.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EISDIR, "Not a regular file", path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def read_whole(path: str) -> tuple[bytes, os.stat_result]:
    """The content of a small file and its status, which fit each other.

    Raises OSError, with EAGAIN where the file changed each time it was read.
    """
    for _ in range(5):
        descriptor, status = open_regular(path)
        try:
            content = os.pread(descriptor, status.st_size + 1, 0)
        finally:
            os.close(descriptor)
        if len(content) == status.st_size:
            return content, status
    raise OSError(errno.EAGAIN, "The file changes while it is read", path)


async def read_at(descriptor: int, size: int, position: int) -> bytes:
    """At most `size` bytes of a file from `position`; none at its end.

    What the system has in memory is read at once, what it has to fetch by a thread.
    """
    if _NOWAIT is not None:
        buffer = bytearray(size)
        try:
            return bytes(memoryview(buffer)[: os.preadv(descriptor, [buffer], position, _NOWAIT)])
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, os.pread, descriptor, size, position)


def is_inside(path: str, directory: str) -> bool:
    """Whether an absolute path is that of a directory or of something in it, as they are written."""
    directory = directory.rstrip(os.path.sep)
    return path == (directory or os.path.sep) or path.startswith(directory + os.path.sep)


def content_type(path: str) -> str:
    """The Content-Type of a file by the end of its name."""
    return _type_of_extension(os.path.splitext(path)[1])


@functools.lru_cache(maxsize=1000)
def _type_of_extension(extension: str) -> str:
    mime_type, encoding = mimetypes.guess_type("file" + extension)
    if encoding == "gzip":
        return "application/gzip"
    if encoding is not None:
        return "application/octet-stream"
    return mime_type or "application/octet-stream"


class ContentCache:
    """Small files in memory, at most `limit` bytes of them; those that weren't asked for longest go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._entries: OrderedDict[str, tuple[Signature, bytes]] = OrderedDict()
        self._lock = Lock()

    def get(self, path: str, status: os.stat_result) -> bytes | None:
        """The content that the file with this status had, if it is known."""
        with self._lock:
            entry = self._entries.get(path)
            if entry is None or entry[0] != Signature.of(status):
                return None
            self._entries.move_to_end(path)
            return entry[1]

    def put(self, path: str, status: os.stat_result, content: bytes) -> None:
        """Remember a content, unless the file may yet change unnoticed."""
        signature = Signature.of(status)
        if not signature.is_settled():
            return
        with self._lock:
            self._remove(path)
            self._entries[path] = signature, content
            self._size += self._cost(path, content)
            while self._size > self._limit:
                self._remove(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _remove(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is not None:
            self._size -= self._cost(path, entry[1])

    @staticmethod
    def _cost(path: str, content: bytes) -> int:
        return len(content) + len(path) + 500


class VersionCache:
    """Values computed from files (None too), at most as many as `put` is told; the oldest go first.

    For a path that is no file's, what was put stays until it is cleared.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[object, str], tuple[Signature | None, str | None]] = {}
        self._lock = Lock()

    def get(self, owner: object, path: str, signature: Signature | None) -> tuple[str | None] | None:
        """The value, in a tuple, for `owner` of the file with this signature; None if it isn't known."""
        entry = self._entries.get((owner, path))
        if entry is None or entry[0] != signature:
            return None
        return (entry[1],)

    def put(
        self, owner: object, path: str, signature: Signature | None, value: str | None, most: int
    ) -> None:
        """Remember a value, unless the file may yet change unnoticed; keep `most` at most."""
        if signature is not None and not signature.is_settled():
            return
        with self._lock:
            self._entries[owner, path] = signature, value
            while len(self._entries) > most:
                del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()
