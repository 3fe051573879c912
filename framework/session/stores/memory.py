"""Sessions in the memory of one process: for development, tests and single-process services."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps sessions in a dictionary; they end with the process.

    Args:
        max_sessions: how many to keep; the one unused for longest makes room for a new one.
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, max_sessions: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        if max_sessions < 1:
            raise ValueError(f"max_sessions must be at least 1, not {max_sessions}")
        self.max_sessions = max_sessions
        self._clock = clock
        # Key -> (text, deadline), the longest unused first: with one lifetime for all, that is also the order
        # in which they expire, so that expired ones are found without a search.
        self._entries: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def load_now(self, key: str, expires: int) -> str | None:
        """Return the text under `key`, or None, and let it live `expires` seconds from now."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock()
        if entry[1] <= now:
            del self._entries[key]
            return None
        self._entries[key] = (entry[0], now + expires)
        self._entries.move_to_end(key)
        return entry[0]

    async def load(self, key: str, expires: int) -> str | None:
        """See `load`."""
        return self.load_now(key, expires)

    async def save(self, key: str, data: str, expires: int, must_exist: bool) -> bool:
        """See `save`."""
        now = self._clock()
        entry = self._entries.get(key)
        if must_exist and (entry is None or entry[1] <= now):
            return False
        self._entries[key] = (data, now + expires)
        self._entries.move_to_end(key)
        self._make_room(now)
        return True

    async def delete(self, key: str) -> bool:
        """See `delete`."""
        entry = self._entries.pop(key, None)
        return entry is not None and entry[1] > self._clock()

    async def close(self) -> None:
        """Forget every session."""
        self._entries.clear()

    def _make_room(self, now: float) -> None:
        entries = self._entries
        while len(entries) > self.max_sessions:
            entries.popitem(last=False)
        while entries and next(iter(entries.values()))[1] <= now:
            entries.popitem(last=False)
