"""Connections between their requests, and the line of requests before the connections."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from typing import Any, Final, Protocol

from framework._http1.client import ClientConnection
from framework._http1.client_timeouts import Timeouts
from framework._http1.deadlines import NEVER

__all__ = ["ConnectionPool", "Guest", "Line"]

# How long a connection is kept for the next request. Servers close theirs after 60 to 75 seconds, mostly.
IDLE_SECONDS: Final = 55.0
# Not every server says that it will close. A request that must not be sent twice gets a connection only of a server
# that has left one open for some time, or for a second request, and one that was in use a moment ago.
OPEN_SECONDS: Final = 0.05
FRESH_SECONDS: Final = 1.0


class ConnectionPool:
    """Idle connections by route; the one that was used last is used next.

    :arg size: how many connections there are at most, with those in use.
    """

    __slots__ = ("_idle", "_loop", "_rest", "_size", "_timeouts", "_watcher", "closed", "deadline")

    def __init__(self, size: int, timeouts: Timeouts, loop: asyncio.AbstractEventLoop) -> None:
        self._size = size
        self._timeouts = timeouts
        self._loop = loop
        # For each route its connections, the one that has rested longest first.
        self._idle: dict[Any, list[ClientConnection]] = {}
        # All of them in the same order.
        self._rest: OrderedDict[ClientConnection, None] = OrderedDict()
        self._watcher: AsyncGenerator[None, None] | None = None
        self.closed = False
        self.deadline = NEVER

    def __len__(self) -> int:
        return len(self._rest)

    def take(self, route: Any, repeatable: bool) -> ClientConnection | None:
        """An idle connection of the route, if there is one that will do."""
        idle = self._idle.get(route)
        if not idle or (not repeatable and not self._sure(idle)):
            return None
        connection = idle.pop()
        if not idle:
            del self._idle[route]
        del self._rest[connection]
        return connection

    def _sure(self, idle: list[ClientConnection]) -> bool:
        now = self._loop.time()
        newest = idle[-1]
        return now - newest.idle_since <= FRESH_SECONDS and (
            newest.served > 1 or now - idle[0].idle_since >= OPEN_SECONDS
        )

    def make_room(self, route: Any, in_use: int) -> None:
        """Before a new connection: closes what has rested longest if there would be too many."""
        if self._watcher is None:
            self._watch()
        while self._rest and len(self._rest) + in_use > self._size:
            # Where some of the same route were not sure enough, the oldest of them is about to become so.
            same = self._idle.get(route)
            victim = next(iter(self._rest)) if same is None else same[-1]
            victim.abandon()

    def close(self) -> None:
        """Closes what is idle, and what becomes idle."""
        self.closed = True
        for connection in list(self._rest):
            connection.abandon()
        watcher, self._watcher = self._watcher, None
        if watcher is not None and self._loop.is_running():
            try:
                watcher.aclose().send(None)
            except (StopIteration, RuntimeError):
                # It has nothing to wait for now; or this is it, at its end.
                pass

    # What connections tell.

    def released(self, connection: ClientConnection) -> None:
        """The connection is free."""
        if self.closed:
            connection.abandon()
            return
        connection.idle_since = now = self._loop.time()
        self._idle.setdefault(connection.route, []).append(connection)
        self._rest[connection] = None
        if self.deadline == NEVER:
            self.deadline = now + IDLE_SECONDS
            self._timeouts.add(self)

    def lost(self, connection: ClientConnection) -> None:
        """The connection is gone."""
        if connection in self._rest:
            del self._rest[connection]
            idle = self._idle[connection.route]
            idle.remove(connection)
            if not idle:
                del self._idle[connection.route]

    def deadline_passed(self) -> None:
        """Some connections have rested for too long."""
        oldest = self._loop.time() - IDLE_SECONDS
        while self._rest:
            connection = next(iter(self._rest))
            if connection.idle_since > oldest:
                self.deadline = connection.idle_since + IDLE_SECONDS
                return
            connection.abandon()
        self.deadline = NEVER
        self._timeouts.discard(self)

    # A loop that is closed closes its asynchronous generators before. Thus a client that nobody closes leaves no
    # sockets behind.
    def _watch(self) -> None:
        self._watcher = self._until_the_loop_ends()
        try:
            self._watcher.asend(None).send(None)
        except StopIteration:
            pass

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if not self.closed:
                self.close()
                # The transports close in the loop's next turns.
                for _ in range(3):
                    await asyncio.sleep(0)


class Guest(Protocol):
    """Someone who waits in a `Line`."""

    def begin(self) -> None:
        """It is their turn."""


class Line:
    """Lets so many in at a time, in the order in which they came."""

    __slots__ = ("_waiting", "inside", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.inside = 0
        self._waiting: OrderedDict[Guest, None] = OrderedDict()

    def enter(self, guest: Guest) -> None:
        """Begins now or when it is the guest's turn."""
        if self.inside < self.size:
            self.inside += 1
            guest.begin()
        else:
            self._waiting[guest] = None

    def close(self) -> None:
        """Nobody gets in any more."""
        self.size = 0
        self._waiting.clear()

    def leave(self, guest: Guest) -> None:
        """The guest goes, from wherever it is."""
        if guest in self._waiting:
            del self._waiting[guest]
        elif self._waiting:
            self._waiting.popitem(last=False)[0].begin()
        else:
            self.inside -= 1
