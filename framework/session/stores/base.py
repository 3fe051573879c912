"""What a session store has to offer."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Store"]


class Store(Protocol):
    """Keeps the JSON text of each session under a key, for a time.

    The key is a digest of the session's id, so that whoever reads a store cannot make cookies from it.
    Every method raises `SessionStoreUnavailable`, within about two seconds, when the store does not
    answer.

    A store in the memory of this process may have `load_now(key, expires)` as well: `load` without
    waiting.
    """

    async def load(self, key: str, expires: int) -> str | None:
        """Return the text under `key`, or None, and let it live `expires` seconds from now."""

    async def save(self, key: str, data: str, expires: int, must_exist: bool) -> bool:
        """Keep `data` under `key` for `expires` seconds.

        With `must_exist`, only if `key` is still there: a session that was ended meanwhile stays ended.

        Returns:
            whether it was written.
        """

    async def delete(self, key: str) -> bool:
        """Remove `key`.

        Returns:
            whether it was there.
        """

    async def close(self) -> None:
        """Let go of connections, files and threads."""
