"""Whether this process lives, and what it can do at the moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from demo_app.handlers.base import Handler
from demo_app.stores.base import Store, StoreUnavailable
from framework import gen

__all__ = ["LiveHandler", "ReadyHandler"]


class LiveHandler(Handler):
    """`/health/live`"""

    session_autoload = False

    def get(self) -> None:
        """Say that the loop turns. It asks nobody: a process is not restarted because a store is away."""
        self.response_json(status="live")


class ReadyHandler(Handler):
    """`/health/ready`"""

    session_autoload = False

    def initialize(self, stores: Mapping[str, Store], stopping: Callable[[], bool]) -> None:
        """Take what the route table gives."""
        self.stores = stores
        self.stopping = stopping

    async def get(self) -> None:
        """Say whether to send requests here, and how each store does.

        200 as long as this process takes requests, even while a store is away (`degraded`): what doesn't need
        that store still works, and all other processes miss it as well. 503 when it is about to stop.
        """
        found = await gen.multi({name: _state(store) for name, store in self.stores.items()})
        stopping = self.stopping()
        up = all(state["state"] == "up" for state in found.values())
        status = "stopping" if stopping else "ready" if up else "degraded"
        self.response_json(status_code=503 if stopping else 200, status=status, stores=found)


async def _state(store: Store) -> dict[str, str | float]:
    began = time.perf_counter()
    try:
        await store.ping()
        state = "up"
    except StoreUnavailable:
        state = "down"
    return {"state": state, "ms": round(1000 * (time.perf_counter() - began), 1)}
