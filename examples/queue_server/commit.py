"""Group commit: what came in while the disk was busy is written together, and waits for one fsync.

The server has one thread that writes; the loop never waits for the disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from examples.queue_server.log import LogFile
from examples.queue_server.records import Item, LogError
from framework.ioloop import IOLoop
from framework.locks import Event

__all__ = ["GroupCommit"]

logger = logging.getLogger("queue_server")


class _Batch:
    __slots__ = ("done", "records")

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.done = Event()


class GroupCommit:
    """Appends to a log.

    Where the disk fails, nothing more is written and nothing more acknowledged: whoever appends or waits gets a
    `LogError`. The log is right as it is, and the next start reads it.

    :arg items: called to write the log anew: all items there are now, and the next one's id.
    :arg due: called before each write with the log's size in bytes: whether it is time for that.
    :arg failed: called when the disk has failed.
    """

    def __init__(
        self,
        file: LogFile,
        items: Callable[[], tuple[list[Item], int]],
        due: Callable[[int], bool],
        failed: Callable[[], None],
    ) -> None:
        self.rewritten = 0
        self._error = ""
        self._file = file
        self._items = items
        self._due = due
        self._on_failure = failed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue-log")
        self._next = _Batch()
        # The one that is being written, or was last.
        self._last = _Batch()
        self._last.done.set()
        self._running = False

    @property
    def failed(self) -> bool:
        """Whether the disk has failed."""
        return bool(self._error)

    def append(self, record: bytes) -> None:
        """Has a record written soon.

        :raises LogError: the log has failed.
        """
        self._check()
        self._next.records.append(record)
        if not self._running:
            self._running = True
            # In the loop's next round, with what else comes in this one.
            IOLoop.current().spawn_callback(self._run)

    async def synced(self) -> None:
        """Returns when everything appended so far is on disk.

        :raises LogError: it can't be written.
        """
        batch = self._next if self._next.records else self._last
        if not batch.done.is_set():
            await batch.done.wait()
        self._check()

    def _check(self) -> None:
        if self._error:
            raise LogError(self._error)

    async def _run(self) -> None:
        loop = IOLoop.current()
        while self._next.records and not self._error:
            batch = self._last = self._next
            self._next = _Batch()
            try:
                if self._due(self._file.size):
                    # The items are what these records made of them, so they need not be written.
                    items, next_id = self._items()
                    await loop.run_in_executor(self._thread, self._file.rewrite, items, next_id)
                    self.rewritten += 1
                    logger.info("the log is written anew: %d items, %d bytes", len(items), self._file.size)
                else:
                    await loop.run_in_executor(self._thread, self._file.write, batch.records)
            except OSError as error:
                self._error = f"the log can't be written: {error.strerror}"
                logger.critical("%s: %s; the server ends", self._file.path, self._error)
                self._next.done.set()
                self._on_failure()
            batch.done.set()
        self._running = False

    async def close(self) -> None:
        """Writes what was appended, and ends."""
        try:
            await self.synced()
        except LogError:
            # Said already.
            pass
        self._thread.shutdown()
        self._file.close()
