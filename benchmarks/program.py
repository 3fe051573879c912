"""What the programs have in common that measure themselves. Standard library only."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec

__all__ = ["Count", "arguments", "fetch_on_and_on", "run"]

CONCURRENCY = 64
WARM_UP_SECONDS = 0.5


def arguments() -> argparse.Namespace:
    """Read the command line: `workload`, the `peer`'s key, `seconds`; for clients, the `url` to fetch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--url", default="")
    return parser.parse_args()


class Count:
    """Counts for some seconds, and prints what came of it as the program's last line.

    Args:
        seconds: how long.
    """

    def __init__(self, seconds: float) -> None:
        self.number = 0
        self._began = time.perf_counter()
        self._end = self._began + seconds
        self._cpu = time.process_time()

    def goes_on(self) -> bool:
        """Say whether there is time left."""
        return time.perf_counter() < self._end

    def tell(self) -> None:
        """Print the number per second, the processor time of each, and the process' memory."""
        lasted, used = time.perf_counter() - self._began, time.process_time() - self._cpu
        # Not the largest it ever had: that counts what forked it too.
        with open("/proc/self/statm") as file:
            memory = int(file.read().split()[1]) * resource.getpagesize()
        details = {"CPU µs each": used * 1e6 / self.number, "memory MB": memory / 1e6}
        print(json.dumps({"value": self.number / lasted, "details": details}))


async def fetch_on_and_on(fetch: Callable[[str], Awaitable[bytes]]) -> None:
    """Fetch a URL, 64 at a time, and count.

    Args:
        fetch: does it once, and returns the body; raises for anything but 200.
    """
    given = arguments()
    expected = await fetch(given.url)
    if len(expected) != 1000:
        raise ValueError(f"{given.url} has {len(expected)} bytes, not 1000")

    async def go_on(count: Count) -> None:
        while count.goes_on():
            if await fetch(given.url) != expected:
                raise ValueError("another body came")
            count.number += 1

    for seconds in (WARM_UP_SECONDS, given.seconds):
        count = Count(seconds)
        await asyncio.gather(*[go_on(count) for _ in range(CONCURRENCY)])
    count.tell()


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine function to its end: on uvloop, where the peer's environment has it."""

    async def awaited() -> None:
        await main()

    factory = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(awaited())
