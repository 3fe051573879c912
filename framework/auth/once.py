"""What may be used once: a memory with a bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

__all__ = ["UsedOnce"]

# Some megabytes at most. When there are more, the oldest is forgotten first.
_SIZE: Final = 10_000


class UsedOnce:
    """What has been used, each until nobody could use it again."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        # When each is forgotten, in the order of their use.
        self._used: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def use(self, item: Hashable, now: float, until: float) -> bool:
        """Whether this is the first use.

        :arg now: the time, of a clock in seconds.
        :arg until: the last moment, by that clock, at which it could be used otherwise.
        """
        used = self._used
        while used and next(iter(used.values())) < now:
            used.popitem(last=False)
        if item in used:
            return False
        if len(used) >= _SIZE:
            used.popitem(last=False)
        used[item] = until
        return True
