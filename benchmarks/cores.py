"""The processor's cores: one for the server, another for the load, and how busy they are."""

from __future__ import annotations

import os

__all__ = ["LOAD_CORE", "SERVER_CORE", "Busy", "pin", "unpin"]

_cores = sorted(os.sched_getaffinity(0))
SERVER_CORE = _cores[0]
#: The same as the server's where there is only one: the figures are worth little then.
LOAD_CORE = _cores[-1]


def pin(core: int) -> None:
    """Keep this process, and those it starts, on one core."""
    os.sched_setaffinity(0, {core})


def unpin() -> None:
    """Let this process, and those it starts from now on, have every core again."""
    os.sched_setaffinity(0, _cores)


class Busy:
    """How much of its time a core has worked since this was made."""

    def __init__(self, core: int) -> None:
        self._core = core
        self._before = self._times()

    def share(self) -> float:
        """Return the share of time, 0 to 1, that the core was not idle."""
        busy, total = (after - before for before, after in zip(self._before, self._times(), strict=True))
        return busy / total if total else 0.0

    def _times(self) -> tuple[int, int]:
        with open("/proc/stat") as file:
            for line in file:
                name, *numbers = line.split()
                if name == f"cpu{self._core}":
                    # user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user's.
                    ticks = [int(number) for number in numbers[:8]]
                    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
        return 0, 0
