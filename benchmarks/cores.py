"""The processor's cores: one for the server, others for the load, and how busy they are."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["LOAD_CORE", "LOAD_CORES", "SERVER_CORE", "Busy", "pin", "unpin"]

#: More than these the load has never needed.
_MOST_FOR_LOAD = 4


def load_cores(cores: list[int], server: int, siblings: Iterable[int]) -> list[int]:
    """Return the cores for the load: not the server's, nor one that is the same core by another name."""
    others = [core for core in cores if core != server]
    apart = [core for core in others if core not in siblings]
    return (apart or others or [server])[-_MOST_FOR_LOAD:]


def _siblings(core: int) -> set[int]:
    """Return the processors, by hyper-threading, of one physical core."""
    try:
        with open(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list") as file:
            return _numbers(file.read())
    except OSError:
        return {core}


def _numbers(text: str) -> set[int]:
    """Read a list as the kernel writes it: `0-1,8`."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


_cores = sorted(os.sched_getaffinity(0))
SERVER_CORE = _cores[0]
#: The same as the server's where there is only one: the figures are worth little then.
LOAD_CORES = load_cores(_cores, SERVER_CORE, _siblings(SERVER_CORE))
LOAD_CORE = LOAD_CORES[-1]


def pin(core: int) -> None:
    """Keep this process, and those it starts, on one core."""
    os.sched_setaffinity(0, {core})


def unpin() -> None:
    """Let this process, and those it starts from now on, have every core again."""
    os.sched_setaffinity(0, _cores)


class Busy:
    """How much of their time cores have worked since this was made."""

    def __init__(self, *cores: int) -> None:
        self._names = {f"cpu{core}" for core in cores}
        self._before = self._times()

    def share(self) -> float:
        """Return the share of their time, 0 to 1, that the cores were not idle."""
        busy, total = (after - before for before, after in zip(self._before, self._times(), strict=True))
        return busy / total if total else 0.0

    def _times(self) -> tuple[int, int]:
        busy = total = 0
        with open("/proc/stat") as file:
            for line in file:
                name, *numbers = line.split()
                if name in self._names:
                    # user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user's.
                    ticks = [int(number) for number in numbers[:8]]
                    busy += sum(ticks) - ticks[3] - ticks[4]
                    total += sum(ticks)
        return busy, total
