"""Sessions in Redis (6.2 or newer), shared by all processes and machines. Needs the `redis` package."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from framework.session.errors import SessionStoreUnavailable

__all__ = ["RedisStore"]

T = TypeVar("T")


class RedisStore:
    """Keeps each session as one expiring string.

    Args:
        client: a `redis.asyncio.Redis`, with or without `decode_responses`. Whoever made it closes it.
        prefix: what the names of the keys begin with.
        timeout: seconds that one operation may take, connecting and trying again included.
    """

    def __init__(self, client: Redis, prefix: str = "session:", timeout: float = 1.5) -> None:
        self._client = client
        self._prefix = prefix
        self._timeout = timeout
        self._owns_client = False

    @classmethod
    def from_settings(
        cls, *, url: str | None = None, prefix: str = "session:", timeout: float = 1.5, **options: Any
    ) -> RedisStore:
        """Make a store with a client of its own.

        Args:
            url: `redis://`, `rediss://` or `unix://`, instead of `host` and `port`.
            prefix: what the names of the keys begin with.
            timeout: seconds that one operation may take.
            options: for `redis.asyncio.Redis`: `host`, `port`, `db`, `username`, `password`,
                `max_connections` and so on.
        """
        options = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            # Once, for a connection that has died since its last use; a server that is gone is told at once.
            "retry": Retry(NoBackoff(), 1),
            **options,
        }
        store = cls(Redis.from_url(url, **options) if url else Redis(**options), prefix, timeout)
        store._owns_client = True
        return store

    async def load(self, key: str, expires: int) -> str | None:
        """See `load`; reads and renews the expiry in one round trip."""
        raw = await self._ask(self._client.getex(self._prefix + key, ex=expires))
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw

    async def save(self, key: str, data: str, expires: int, must_exist: bool) -> bool:
        """See `save`."""
        done = await self._ask(self._client.set(self._prefix + key, data, ex=expires, xx=must_exist))
        return bool(done)

    async def delete(self, key: str) -> bool:
        """See `delete`."""
        return bool(await self._ask(self._client.delete(self._prefix + key)))

    async def close(self) -> None:
        """Close the connections, if they are this store's own."""
        if self._owns_client:
            await self._client.aclose()

    async def _ask(self, command: Awaitable[T]) -> T:
        # The client's own timeouts hold for each try and each step of one, so that together they could add
        # up to many seconds.
        try:
            async with asyncio.timeout(self._timeout):
                return await command
        except TimeoutError:
            raise SessionStoreUnavailable("redis", f"no answer within {self._timeout:g} s") from None
        except (RedisError, OSError) as error:
            raise SessionStoreUnavailable("redis", f"{type(error).__name__}: {error}") from error
