"""How the time a call takes grows with its input."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds that one measurement takes at least: many times what the clock's own call does.
_LEAST = 0.0005
_LEAST_TURNS = 5
_MOST_TURNS = 99


def _seconds(call: Callable[[T], object], argument: T, times: int) -> float:
    # This thread's own time: what waits for a processor does not count.
    start = time.thread_time()
    for _ in range(times):
        call(argument)
    return (time.thread_time() - start) / times


def growth(call: Callable[[T], object], make: Callable[[int], T], size: int, limit: float = 13) -> float:
    """How many times longer `call` takes on `make(10 * size)` than on `make(size)`.

    Both are run in turns. What counts is the fastest run of each, or the middle one of the ratios of each turn
    if that is less: what others do on the machine slows down one of them more than the other now and then, but
    not most of the time. Measuring ends as soon as the ratio is within `limit`.
    """
    small, large = make(size), make(10 * size)
    enabled = gc.isenabled()
    gc.disable()
    try:
        # So often that the small one takes as long as the large one is expected to.
        times = 1
        while (best_small := _seconds(call, small, 10 * times)) * 10 * times < _LEAST:
            times *= 2
        best_large = ratio = float("inf")
        ratios: list[float] = []
        while len(ratios) < _LEAST_TURNS or (ratio > limit and len(ratios) < _MOST_TURNS):
            long = _seconds(call, large, times)
            short = _seconds(call, small, 10 * times)
            best_large, best_small = min(best_large, long), min(best_small, short)
            ratios.append(long / short)
            ratio = min(best_large / best_small, statistics.median(ratios))
    finally:
        if enabled:
            gc.enable()
    return ratio
