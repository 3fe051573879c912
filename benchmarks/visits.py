"""Sessions in Redis as one writes them by hand: a counter under a random id. For peers without a package."""

from __future__ import annotations

import json
import secrets
from importlib import import_module
from typing import Any

__all__ = ["LIFETIME", "Visits"]

#: Seconds that a session lives after its last use.
LIFETIME = 86400


class Visits:
    """Counts a visitor's requests.

    Args:
        url: of the Redis server. It, and its package, are needed at the first request only.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None

    async def count(self, visitor: str | None) -> tuple[str, int]:
        """Read the session of `visitor`, count, write it, and return its id and the number.

        One whose id is unknown, or who has none, gets a new session.
        """
        if self._client is None:
            self._client = import_module("redis.asyncio").Redis.from_url(self._url)
        stored = await self._client.getex(f"session:{visitor}", ex=LIFETIME) if visitor else None
        if visitor is None or stored is None:
            visitor, session = secrets.token_urlsafe(32), {}
        else:
            session = json.loads(stored)
        session["visits"] = session.get("visits", 0) + 1
        await self._client.set(f"session:{visitor}", json.dumps(session), ex=LIFETIME)
        return visitor, session["visits"]
