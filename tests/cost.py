"""How the time a call takes grows with its input."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def _seconds(call: Callable[[T], object], argument: T) -> float:
    start = time.perf_counter()
    call(argument)
    return time.perf_counter() - start


def growth(call: Callable[[T], object], make: Callable[[int], T], size: int, limit: float = 13) -> float:
    """How many times longer `call` takes on `make(10 * size)` than on `make(size)`.

    The fastest of several runs of each counts, in turns, and measuring ends as soon as the ratio is within
    `limit`: what other programs do on the machine can only make it look worse.
    """
    small, large = make(size), make(10 * size)
    best_small = best_large = float("inf")
    ratio = float("inf")
    enabled = gc.isenabled()
    gc.disable()
    try:
        for attempt in range(30):
            for _ in range(3):
                best_small = min(best_small, _seconds(call, small))
                best_large = min(best_large, _seconds(call, large))
            ratio = best_large / best_small
            if attempt >= 2 and ratio <= limit:
                break
    finally:
        if enabled:
            gc.enable()
    return ratio
