"""The queues in memory: who has what, and how much it is. No I/O, no log."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable

from examples.queue_server.records import Item

__all__ = ["Full", "Queues"]

# What an item costs beyond its name and data: objects and their places in the tables, rounded up.
ITEM_COST = 256


class Full(Exception):
    """There is no room for another item, or for another queue."""


class _Queue:
    __slots__ = ("held", "returned", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Item] = deque()
        # Items that somebody had and didn't keep, by their ids: all of them are before those that wait.
        self.returned: list[tuple[int, Item]] = []
        self.held = 0

    def next(self) -> Item | None:
        if self.returned:
            return heapq.heappop(self.returned)[1]
        return self.waiting.popleft() if self.waiting else None

    def __len__(self) -> int:
        return len(self.waiting) + len(self.returned)


class Queues:
    """Items by queue, in the order of their ids.

    An item is waiting, or held by the client it was given to, until it is returned to its place or removed.

    :arg max_bytes: that all items may have together, at 256 each beyond its data and its queue's name.
    :arg max_queues: that may have items at the same time.
    """

    def __init__(self, max_bytes: int, max_queues: int) -> None:
        self.max_bytes = max_bytes
        self.max_queues = max_queues
        self.bytes = 0
        self._queues: dict[bytes, _Queue] = {}
        # All that are waiting or held.
        self._items: dict[int, Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> list[Item]:
        """All items, whether they wait or are held, in the order of their ids."""
        return sorted(self._items.values(), key=lambda item: item.id)

    def load(self, items: Iterable[Item]) -> None:
        """Takes what was there before, in the order of ids, whatever the limits are now."""
        for item in items:
            self._add(item)

    def check_room(self, queue: bytes, size: int) -> None:
        """Looks whether an item of so many bytes can be put.

        :raises Full: it can't.
        """
        if self.bytes + size + len(queue) + ITEM_COST > self.max_bytes:
            raise Full("out of memory storing object")
        if queue not in self._queues and len(self._queues) >= self.max_queues:
            raise Full("too many queues")

    def put(self, item: Item) -> None:
        """Adds an item at its queue's end."""
        self.check_room(item.queue, len(item.data))
        self._add(item)

    def _add(self, item: Item) -> None:
        self._items[item.id] = item
        self.bytes += _cost(item)
        queue = self._queues.get(item.queue)
        if queue is None:
            queue = self._queues[item.queue] = _Queue()
        queue.waiting.append(item)

    def hold(self, name: bytes) -> Item | None:
        """Gives out the first item of a queue that waits; None if none does."""
        queue = self._queues.get(name)
        item = None if queue is None else queue.next()
        if queue is not None and item is not None:
            queue.held += 1
        return item

    def give_back(self, item: Item) -> None:
        """Puts an item that is held back to its place. Nothing happens if it was dropped meanwhile."""
        if item.id in self._items:
            queue = self._queues[item.queue]
            queue.held -= 1
            heapq.heappush(queue.returned, (item.id, item))

    def remove(self, item: Item) -> bool:
        """Ends the life of an item that is held; False if it was dropped meanwhile."""
        if self._items.pop(item.id, None) is None:
            return False
        self.bytes -= _cost(item)
        queue = self._queues[item.queue]
        queue.held -= 1
        if not queue.held and not queue:
            del self._queues[item.queue]
        return True

    def clear(self) -> None:
        """Drops everything, held or not."""
        self._queues.clear()
        self._items.clear()
        self.bytes = 0

    def has(self, name: bytes) -> bool:
        """Whether a queue has items, waiting or held."""
        return name in self._queues

    def sizes(self) -> list[tuple[bytes, int, int]]:
        """Each queue's name, and how many of its items wait and are held."""
        return [(name, len(queue), queue.held) for name, queue in self._queues.items()]


def _cost(item: Item) -> int:
    return len(item.data) + len(item.queue) + ITEM_COST
