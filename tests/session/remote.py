"""A store that, as one over a network, cannot be asked without waiting, can be down, and notes its calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from framework.session import MemoryStore, SessionStoreUnavailable


class RemoteStore:
    """Keeps sessions in `entries`; `down` makes every call fail; `pause` is awaited within each call."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.calls: list[str] = []
        self.down = False
        self.pause: Callable[[], Awaitable[object]] | None = None

    @property
    def entries(self) -> dict[str, str]:
        """The stored texts by key."""
        return {key: text for key, (text, _) in self.memory._entries.items()}

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.pause is not None:
            await self.pause()
        if self.down:
            raise SessionStoreUnavailable("remote", "it is down")

    async def load(self, key: str, expires: int) -> str | None:
        await self._called("load")
        return await self.memory.load(key, expires)

    async def save(self, key: str, data: str, expires: int, must_exist: bool) -> bool:
        await self._called("update" if must_exist else "save")
        return await self.memory.save(key, data, expires, must_exist)

    async def delete(self, key: str) -> bool:
        await self._called("delete")
        return await self.memory.delete(key)

    async def close(self) -> None:
        self.calls.append("close")
