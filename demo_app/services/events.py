"""Account events: recorded through an outbox, written to the log by a worker, shown to the owner."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from demo_app.services.clock import now
from demo_app.stores.base import Event, EventKind, EventLog, EventOutbox, EventQueue, StoreUnavailable

__all__ = ["EventWorker", "Events", "Visitor"]

USER_AGENT_LENGTH = 256
BATCH = 200
PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds after one, two, three, more failures in a row

#: Events kept in memory while the outbox is away; when more come, the oldest are lost, and the log says so.
BACKLOG = 10_000

logger = logging.getLogger("demo_app.events")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who makes a request, as far as events are concerned."""

    address: str
    user_agent: str


class Events:
    """Records and shows events.

    Args:
        outbox: where they go first.
        log: where they stay.
        clock: the time now.
    """

    def __init__(
        self,
        outbox: EventOutbox,
        log: EventLog,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._outbox = outbox
        self._log = log
        self._clock = clock
        self._backlog: deque[Event] = deque()

    async def record(self, kind: EventKind, account_id: str | None, visitor: Visitor) -> None:
        """Keep an event. Never fails: what it tells of has happened, whether or not the outbox is there."""
        event = Event(
            id=str(uuid.uuid4()),
            account_id=account_id,
            kind=kind,
            address=_address(visitor.address),
            user_agent=_printable(visitor.user_agent),
            at=self._clock(),
        )
        try:
            await self._outbox.add(event)
        except StoreUnavailable as error:
            logger.warning("event %s waits in memory: %s", event.id, error)
            self._backlog.append(event)
            if len(self._backlog) > BACKLOG:
                logger.error("event lost, too many wait in memory: %s", self._backlog.popleft())

    async def latest(self, account_id: str, limit: int) -> list[Event]:
        """The account's newest events, newest first, those on their way included.

        Raises:
            StoreUnavailable: the log or the outbox is away.
        """
        # In this order: an event that leaves the outbox between the two is in the log by then.
        waiting = await self._outbox.waiting(account_id, limit)
        events = {event.id: event for event in await self._log.latest(account_id, limit)}
        events.update((event.id, event) for event in waiting)
        return sorted(events.values(), key=lambda event: event.at, reverse=True)[:limit]

    async def flush_backlog(self) -> None:
        """Bring the events in memory to the outbox.

        Raises:
            StoreUnavailable: it is still away.
        """
        while self._backlog:
            # Once too often, if the answer gets lost: the log keeps each id once.
            event = self._backlog[0]
            await self._outbox.add(event)
            if self._backlog and self._backlog[0] is event:
                self._backlog.popleft()


class EventWorker:
    """Empties the outbox into the log, for as long as the process runs.

    Args:
        events: whose backlog it looks after.
        queue: the outbox; None where events go straight to the log.
        log: where they go.
    """

    def __init__(self, events: Events, queue: EventQueue | None, log: EventLog) -> None:
        self._events = events
        self._queue = queue
        self._log = log
        self._failures = 0
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Write what has been recorded, if the stores are there, and end."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._step_safely(wait=1.0)
        # Events recorded since: once more, without waiting for others.
        await self._step_safely(wait=0.0)

    async def _step_safely(self, wait: float) -> None:
        try:
            await self.step(wait)
            self._failures = 0
        except StoreUnavailable as error:
            if not self._failures:
                logger.warning("events wait: %s", error)
            self._failures += 1
            await self._pause()
        except Exception:
            # Whatever it is: events wait in the outbox, and a worker that gave up would leave them there.
            logger.exception("events wait")
            self._failures += 1
            await self._pause()

    async def step(self, wait: float) -> int:
        """Move what there is to move; waits for `wait` seconds when there is nothing.

        Returns:
            The number of events written to the log.
        """
        await self._events.flush_backlog()
        if self._queue is None:
            await self._sleep(wait)
            return 0
        taken = await self._queue.take(BATCH, wait)
        if not taken:
            return 0
        await self._log.append([event for _, event in taken])
        await self._queue.done([receipt for receipt, _ in taken])
        return len(taken)

    async def _pause(self) -> None:
        await self._sleep(PAUSES[min(self._failures, len(PAUSES)) - 1])

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            pass


def _address(text: str) -> str | None:
    try:
        # Without the zone of a link-local address ("%eth0"): PostgreSQL's inet has none.
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text[:USER_AGENT_LENGTH])
