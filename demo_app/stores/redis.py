"""Limits, ended sessions and the outbox of events in Redis (6.2 or newer): the one file naming its driver.

The outbox is a stream with one consumer group. An event stays in the stream until it has been written to the
log: `done` removes it. One whose server died between the two is claimed by another server.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from time import monotonic
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from demo_app.stores.base import Event, StoreUnavailable

__all__ = ["RedisLimiter", "RedisOutbox", "RedisServer"]

PREFIX = "demo:"
STREAM = PREFIX + "events"
GROUP = "log"

#: More than any outage of the log should gather; without a bound, a long one would fill Redis, and with it
#: sessions.
STREAM_LENGTH = 1_000_000

#: Seconds after which an event that another server took and didn't finish is taken over.
CLAIM_AFTER = 30.0

logger = logging.getLogger("demo_app.stores")


class RedisServer:
    """The connections to one server; see `Store`.

    Args:
        host, port, db: where.
        user, password: empty for none.
        timeout: seconds one operation may take.
    """

    name = "redis"

    def __init__(
        self, host: str, port: int, db: int = 0, user: str = "", password: str = "", timeout: float = 1.0
    ) -> None:
        self._timeout = timeout
        self._options: dict[str, Any] = {
            "host": host,
            "port": port,
            "db": db,
            "username": user or None,
            "password": password or None,
            "decode_responses": True,
            # The third version has other forms of answers for streams.
            "protocol": 2,
            "socket_connect_timeout": timeout,
            # Once more at once: after a restart of the server, the pool is full of dead connections.
            "retry": Retry(NoBackoff(), 1),
        }
        self.client = self._connect(64, timeout)
        # Connections that wait, for events and for what is said in the chat, must neither be in the way of
        # others nor end with their time limit.
        self.waiting_client = self._connect(4, timeout + 5)

    async def ping(self) -> None:
        """See `Store.ping`."""
        async with self.errors():
            await self.client.ping()

    async def close(self) -> None:
        """See `Store.close`."""
        for client in (self.client, self.waiting_client):
            await client.aclose()
            await client.connection_pool.disconnect()

    @asynccontextmanager
    async def errors(self, more_time: float = 0) -> AsyncIterator[None]:
        """Turn the driver's errors into `StoreUnavailable`, and hold what is done inside to its time.

        Args:
            more_time: seconds more than usual.
        """
        try:
            async with asyncio.timeout(self._timeout + 0.5 + more_time):
                yield
        except TimeoutError as error:
            raise StoreUnavailable(self.name, "no answer in time") from error
        except (RedisError, OSError) as error:
            raise StoreUnavailable(self.name, error) from error

    def _connect(self, connections: int, socket_timeout: float) -> Redis:
        return Redis(
            connection_pool=BlockingConnectionPool(
                max_connections=connections,
                timeout=self._timeout,
                socket_timeout=socket_timeout,
                **self._options,
            )
        )


class RedisLimiter:
    """Counted tries and ended sessions; see `Limiter` and `Revocations`."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    async def hit(self, key: str, limit: int, window: int) -> float:
        """See `Limiter.hit`."""
        key = f"{PREFIX}limit:{key}"
        async with self._server.errors(), self._server.client.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=window, nx=True)
            pipe.incr(key)
            pipe.pttl(key)
            _, count, left = await pipe.execute()
        return 0.0 if count <= limit else max(left, 1) / 1000

    async def reset(self, key: str) -> None:
        """See `Limiter.reset`."""
        async with self._server.errors():
            await self._server.client.delete(f"{PREFIX}limit:{key}")

    async def end_sessions(self, account_id: str, before: float, keep: int) -> None:
        """See `Revocations.end_sessions`."""
        async with self._server.errors():
            await self._server.client.set(f"{PREFIX}sessions-end:{account_id}", repr(before), ex=keep)

    async def sessions_end(self, account_id: str) -> float:
        """See `Revocations.sessions_end`."""
        async with self._server.errors():
            moment = await self._server.client.get(f"{PREFIX}sessions-end:{account_id}")
        return float(moment or 0)


class RedisOutbox:
    """Events on their way to the log; see `EventQueue`.

    Args:
        server: where.
        consumer: the name of this process among those that empty the outbox: the same after a restart.
        claim_after: seconds after which another process's unfinished events are taken over.
    """

    def __init__(self, server: RedisServer, consumer: str, claim_after: float = CLAIM_AFTER) -> None:
        self._server = server
        self._consumer = consumer
        self._claim_after = claim_after
        self._next_claim = 0.0
        self._group_exists = False
        # At the start: from before a restart. Later: those that couldn't be written.
        self._unfinished = True

    async def add(self, event: Event) -> None:
        """See `EventOutbox.add`."""
        async with self._server.errors():
            await self._server.client.xadd(
                STREAM, {"event": _encode(event)}, maxlen=STREAM_LENGTH, approximate=True
            )

    async def waiting(self, account_id: str, limit: int) -> list[Event]:
        """See `EventOutbox.waiting`. Looks at the newest thousand of all accounts' events."""
        async with self._server.errors():
            entries = await _reply(self._server.client.xrevrange(STREAM, count=1000))
        found = (event for _, event in _decode_all(entries) if event is not None)
        return [event for event in found if event.account_id == account_id][:limit]

    async def take(self, limit: int, wait: float) -> list[tuple[str, Event]]:
        """See `EventQueue.take`."""
        async with self._server.errors(wait):
            if not self._group_exists:
                await self._make_group()
            try:
                entries = await self._entries(limit, wait)
            except ResponseError as error:
                # Somebody emptied Redis, and the group went with it.
                self._group_exists = not str(error).startswith("NOGROUP")
                raise
        decoded = _decode_all(entries)
        broken = [receipt for receipt, event in decoded if event is None]
        if broken:
            logger.error("%d entries of the stream %s are no events: dropped", len(broken), STREAM)
            await self.done(broken)
        taken = [(receipt, event) for receipt, event in decoded if event is not None]
        self._unfinished = bool(taken)
        return taken

    async def done(self, receipts: Sequence[str]) -> None:
        """See `EventQueue.done`."""
        async with self._server.errors(), self._server.client.pipeline(transaction=True) as pipe:
            pipe.xack(STREAM, GROUP, *receipts)
            pipe.xdel(STREAM, *receipts)
            await pipe.execute()

    async def _entries(self, limit: int, wait: float) -> list[Any]:
        if self._unfinished:
            entries = await self._read("0", limit, None)
            if entries:
                return entries
        if monotonic() >= self._next_claim:
            claimed = await _reply(
                self._server.client.xautoclaim(
                    STREAM, GROUP, self._consumer, int(self._claim_after * 1000), count=limit
                )
            )
            if claimed[1]:
                return cast("list[Any]", claimed[1])
            self._next_claim = monotonic() + self._claim_after / 2
        return await self._read(">", limit, max(1, int(wait * 1000)))

    async def _read(self, position: str, limit: int, block: int | None) -> list[Any]:
        client = self._server.waiting_client
        reply = await _reply(
            client.xreadgroup(GROUP, self._consumer, {STREAM: position}, count=limit, block=block)
        )
        return cast("list[Any]", reply[0][1]) if reply else []

    async def _make_group(self) -> None:
        try:
            await self._server.client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._group_exists = True


async def _reply(command: Awaitable[Any]) -> Any:
    return await command


def _encode(event: Event) -> str:
    fields = asdict(event)
    fields["at"] = event.at.isoformat()
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _decode_all(entries: Sequence[Any]) -> list[tuple[str, Event | None]]:
    return [(entry_id, _decode(fields)) for entry_id, fields in entries]


def _decode(fields: Any) -> Event | None:
    # fields is None for an entry that was removed while a server had it in hand.
    try:
        values = json.loads(fields["event"])
        values["at"] = datetime.fromisoformat(values["at"])
        return Event(**values)
    except (KeyError, TypeError, ValueError):
        return None
