"""How many things of one kind each person may have open in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from demo_app.errors import ErrorCode, TryLater

__all__ = ["Slots"]

#: Seconds after which another try makes sense.
RETRY_AFTER = 5


class Slots:
    """Counts what is open.

    Args:
        limit: how many a person may have.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()

    def take(self, owner: str) -> None:
        """Count one more.

        Raises:
            TryLater: there are as many as allowed.
        """
        if self._taken[owner] >= self._limit:
            raise TryLater(ErrorCode.TOO_MANY_TRIES, RETRY_AFTER)
        self._taken[owner] += 1

    def give_back(self, owner: str) -> None:
        """Count one less."""
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]

    @contextmanager
    def taken(self, owner: str) -> Iterator[None]:
        """Count one for as long as the context lasts.

        Raises:
            TryLater: there are as many as allowed.
        """
        self.take(owner)
        try:
            yield
        finally:
            self.give_back(owner)
