"""The log's file: opened by one process at a time, read back, written with fsync, written anew without what is dead.

Everything here blocks. `commit.py` calls it from a thread.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import secrets
from collections.abc import Iterable, Sequence

from examples.queue_server.records import (
    FILE_HEADER_SIZE,
    Damage,
    Flush,
    Format,
    Item,
    LogError,
    Put,
    Remove,
    Torn,
    read_header,
)

__all__ = ["LogFile"]

NAME = "queue.log"

# How much of a log that is written anew is put together in memory.
_PIECE = 1 << 20

logger = logging.getLogger("queue_server")


class LogFile:
    """The log in a folder, which is made if it isn't there. Only the user who runs the server may read it.

    What is damaged in its middle stays available: the file as it was is kept beside the new one, and said so in the
    program's log.

    :raises LogError: the folder or the file can't be used, or another process uses it.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, NAME)
        self._folder = folder
        self._lock = -1
        self._fd = -1
        self.size = 0
        self.next_id = 1
        self.syncs = 0
        try:
            self._open()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise LogError(f"{folder!r} can't be used: {error}") from error
            raise

    def _open(self) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self._lock = os.open(os.path.join(self._folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogError(f"{self._folder!r} is in use by another process") from None
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            self.items: list[Item] = []
            self._format = Format(secrets.randbits(32))
            self.rewrite([], 1)
            return
        self._read()

    def _read(self) -> None:
        size = os.fstat(self._fd).st_size
        if not size:
            raise LogError(f"{self.path!r} can't be used: it is empty, which no log is")
        items: dict[int, Item] = {}
        damaged = False
        torn = size
        with mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ) as data:
            try:
                self._format, self.next_id = read_header(data)
            except LogError as error:
                raise LogError(f"{self.path!r} can't be used: {error}") from error
            for entry in self._format.read(data):
                if isinstance(entry, Put):
                    items[entry.item.id] = entry.item
                    self.next_id = max(self.next_id, entry.item.id + 1)
                elif isinstance(entry, Remove):
                    items.pop(entry.id, None)
                elif isinstance(entry, Flush):
                    items.clear()
                elif isinstance(entry, Damage):
                    damaged = True
                    logger.error(
                        "%s is damaged from byte %d to %d: items in there are lost, or come once more",
                        self.path,
                        entry.start,
                        entry.end,
                    )
                elif isinstance(entry, Torn):
                    torn = entry.start
        self.items = sorted(items.values(), key=lambda item: item.id)
        self.size = torn
        if damaged:
            self._keep_damaged()
        if torn < size:
            logger.warning(
                "%s ends with %d bytes that were being written when the server ended; cut",
                self.path,
                size - torn,
            )
        if damaged:
            self.rewrite(self.items, self.next_id)
        elif torn < size:
            os.ftruncate(self._fd, torn)
            os.fsync(self._fd)

    def _keep_damaged(self) -> None:
        number = 1
        while os.path.exists(kept := f"{self.path}.damaged-{number}"):
            number += 1
        os.link(self.path, kept)
        logger.error("it is kept as %s", kept)

    @property
    def format(self) -> Format:
        """How records are written."""
        return self._format

    def write(self, records: Sequence[bytes]) -> None:
        """Appends records; they are on disk when this returns.

        :raises OSError: they may be, in part. The file must not be written any more: the next start cuts it.
        """
        _write(self._fd, b"".join((self._format.batch(self.size), *records)), self.size)
        os.fdatasync(self._fd)
        self.size = os.fstat(self._fd).st_size
        self.syncs += 1

    def rewrite(self, items: Iterable[Item], next_id: int) -> None:
        """Puts a log of nothing but these items in the place of the present one.

        :raises OSError: the present one is unchanged.
        """
        fresh = self.path + ".new"
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            piece = bytearray(self._format.file_header(next_id))
            piece += self._format.batch(FILE_HEADER_SIZE)
            size = 0
            for item in items:
                piece += self._format.put(item)
                if len(piece) >= _PIECE:
                    size += _write(fd, piece, size)
                    piece.clear()
            size += _write(fd, piece, size)
            os.fsync(fd)
            os.rename(fresh, self.path)
            self._sync_folder()
        except BaseException:
            os.close(fd)
            raise
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self.size = size
        self.next_id = next_id
        self.syncs += 1

    def _sync_folder(self) -> None:
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Closes the file, and lets others have the folder."""
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1


def _write(fd: int, data: bytes | bytearray, position: int) -> int:
    with memoryview(data) as view:
        done = 0
        while done < len(data):
            done += os.pwrite(fd, view[done:], position + done)
    return done
