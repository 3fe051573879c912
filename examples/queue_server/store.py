"""Queues that survive: each change of what is in memory is appended to the log."""

from __future__ import annotations

import time
from collections.abc import Callable

from examples.queue_server.commit import GroupCommit
from examples.queue_server.log import LogFile
from examples.queue_server.queues import Queues
from examples.queue_server.records import Item

__all__ = ["Store"]

# memcached's rule: what is more than 30 days is a date.
_LONGEST_SPAN = 60 * 60 * 24 * 30


class Store:
    """The queues of a folder.

    A change holds for the clients at once. It is on disk when a `synced` that was called after it returns; nobody is
    told of it before.

    :arg folder: where the log is, or will be.
    :arg max_bytes: for all items.
    :arg max_queues: that have items.
    :arg compact_at: bytes of the log from which it is written anew when more than half of it is dead.
    :arg failed: called when the disk has failed; nothing can be changed from then on.
    :arg clock: seconds since 1970.
    :raises LogError: the folder can't be used.
    """

    def __init__(
        self,
        folder: str,
        max_bytes: int,
        max_queues: int,
        compact_at: int,
        failed: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.queues = Queues(max_bytes, max_queues)
        self._clock = clock
        self._compact_at = compact_at
        self.file = LogFile(folder)
        self.queues.load(self.file.items)
        self.file.items = []
        self._next_id = self.file.next_id
        self.log = GroupCommit(self.file, self._contents, self._is_mostly_dead, failed)

    def _contents(self) -> tuple[list[Item], int]:
        return self.queues.items(), self._next_id

    def _is_mostly_dead(self, size: int) -> bool:
        return size > max(self._compact_at, 2 * self.queues.bytes)

    def put(self, queue: bytes, flags: int, expires: int, data: bytes) -> None:
        """Adds an item.

        :arg expires: as the protocol has it: 0 for never, seconds from now up to 30 days, or since 1970.
        :raises Full: there is no room.
        """
        if 0 < expires <= _LONGEST_SPAN:
            expires += int(self._clock())
        elif expires < 0:
            # Expired when it comes.
            return
        item = Item(self._next_id, queue, flags, expires, data)
        self.queues.check_room(queue, len(data))
        self.log.append(self.file.format.put(item))
        self._next_id += 1
        self.queues.put(item)

    def hold(self, queue: bytes) -> Item | None:
        """Gives out a queue's first item; to be followed by `remove` or `give_back`."""
        while (item := self.queues.hold(queue)) is not None:
            if not item.expires or item.expires > self._clock():
                break
            self.remove(item)
        return item

    def give_back(self, item: Item) -> None:
        """Puts an item back to where it was."""
        self.queues.give_back(item)

    def remove(self, item: Item) -> bool:
        """Ends an item for good; False if a `flush` has done so."""
        if not self.queues.remove(item):
            return False
        self.log.append(self.file.format.remove(item.id))
        return True

    def flush(self) -> None:
        """Drops everything, also what is held."""
        self.queues.clear()
        self.log.append(self.file.format.flush())

    async def synced(self) -> None:
        """Returns when all changes up to now are on disk.

        :raises LogError: they can't be written.
        """
        await self.log.synced()

    async def close(self) -> None:
        """Writes what is to be written, and ends."""
        await self.log.close()
