"""Stores in memory, for tests of what is above them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from demo_app.stores.base import (
    CHAT_START,
    Account,
    ChatDraft,
    ChatMessage,
    ChatPage,
    Duplicate,
    Event,
    Identity,
    StoreUnavailable,
    chat_missed,
    chat_position,
)


class FakeStore:
    """A store that can be switched off."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.down = False
        self.closed = False

    def check(self) -> None:
        if self.down:
            raise StoreUnavailable(self.name, "switched off")

    async def ping(self) -> None:
        self.check()

    async def close(self) -> None:
        self.closed = True


class FakeAccounts(FakeStore):
    def __init__(self) -> None:
        super().__init__("mongodb")
        self.accounts: dict[str, Account] = {}
        self.identities: dict[Identity, str] = {}

    async def prepare(self) -> None:
        self.check()

    async def add(self, account: Account, identity: Identity | None = None) -> None:
        self.check()
        for other in self.accounts.values():
            if other.username_key == account.username_key:
                raise Duplicate("username")
            if other.email_key == account.email_key:
                raise Duplicate("email")
        if identity in self.identities:
            raise Duplicate("identity")
        self.accounts[account.id] = account
        if identity is not None:
            self.identities[identity] = account.id

    async def by_identity(self, identity: Identity) -> Account | None:
        self.check()
        return self.accounts.get(self.identities.get(identity, ""))

    async def add_identity(self, account_id: str, identity: Identity) -> bool:
        self.check()
        if account_id not in self.accounts:
            return False
        if self.identities.setdefault(identity, account_id) != account_id:
            raise Duplicate("identity")
        return True

    async def by_id(self, account_id: str) -> Account | None:
        self.check()
        return self.accounts.get(account_id)

    async def by_username_key(self, key: str) -> Account | None:
        self.check()
        return next((found for found in self.accounts.values() if found.username_key == key), None)

    async def update(
        self,
        account_id: str,
        *,
        email: tuple[str, str] | None = None,
        password_hash: str | None = None,
        if_password_hash: str | None = None,
    ) -> bool:
        self.check()
        account = self.accounts.get(account_id)
        if account is None or if_password_hash not in (None, account.password_hash):
            return False
        if email is not None:
            if any(
                other.email_key == email[1] and other.id != account_id for other in self.accounts.values()
            ):
                raise Duplicate("email")
            account = replace(account, email=email[0], email_key=email[1])
        if password_hash is not None:
            account = replace(account, password_hash=password_hash)
        self.accounts[account_id] = account
        return True


class FakeRedis(FakeStore):
    """Limits, ended sessions and the outbox."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.counts: dict[str, int] = {}
        self.ends: dict[str, float] = {}
        self.stream: dict[str, Event] = {}

    async def hit(self, key: str, limit: int, window: int) -> float:
        self.check()
        self.counts[key] = self.counts.get(key, 0) + 1
        return 0.0 if self.counts[key] <= limit else float(window)

    async def reset(self, key: str) -> None:
        self.check()
        self.counts.pop(key, None)

    async def end_sessions(self, account_id: str, before: float, keep: int) -> None:
        self.check()
        self.ends[account_id] = before

    async def sessions_end(self, account_id: str) -> float:
        self.check()
        return self.ends.get(account_id, 0.0)

    async def add(self, event: Event) -> None:
        self.check()
        self.stream[uuid.uuid4().hex] = event

    async def waiting(self, account_id: str, limit: int) -> list[Event]:
        self.check()
        return [event for event in self.stream.values() if event.account_id == account_id][:limit]

    async def take(self, limit: int, wait: float) -> Sequence[tuple[str, Event]]:
        # A pause, as any network makes one: the worker asks for ever.
        await asyncio.sleep(0)
        self.check()
        return list(self.stream.items())[:limit]

    async def done(self, receipts: Sequence[str]) -> None:
        self.check()
        for receipt in receipts:
            del self.stream[receipt]


class FakeLog(FakeStore):
    def __init__(self) -> None:
        super().__init__("postgresql")
        self.events: dict[str, Event] = {}

    async def append(self, events: Sequence[Event]) -> None:
        self.check()
        for event in events:
            self.events.setdefault(event.id, event)

    async def latest(self, account_id: str, limit: int) -> list[Event]:
        self.check()
        found = [event for event in self.events.values() if event.account_id == account_id]
        return sorted(found, key=lambda event: event.at, reverse=True)[:limit]


class FakeChat:
    """The chat in memory; it is away when its server is, and tells those who listen at once."""

    def __init__(self, server: FakeStore, history: int = 1000) -> None:
        self._server = server
        self._history = history
        self._number = 0
        self._keys: dict[tuple[str, str, str], str] = {}
        self.rooms: dict[str, list[ChatMessage]] = {}
        self.listening: list[asyncio.Queue[ChatMessage | None]] = []
        #: Messages that are kept, and that nobody who listens hears of.
        self.lost: set[str] = set()

    async def append(self, room: str, draft: ChatDraft) -> str:
        self._server.check()
        key = (draft.account_id, room, draft.key)
        if key in self._keys:
            return self._keys[key]
        self._number += 1
        messages = self.rooms.setdefault(room, [])
        message = ChatMessage(
            id=f"{self._number}-0",
            prev=messages[-1].id if messages else CHAT_START,
            room=room,
            user=draft.user,
            text=draft.text,
            key=draft.key,
            at=draft.at,
        )
        messages.append(message)
        del messages[: -self._history]
        self._keys[key] = message.id
        if draft.text not in self.lost:
            for queue in self.listening:
                queue.put_nowait(message)
        return message.id

    async def after(self, room: str, last: str, limit: int) -> ChatPage:
        await asyncio.sleep(0)
        self._server.check()
        kept = self.rooms.get(room, [])
        if chat_missed(last, (kept[0], kept[-1].id) if kept else None):
            return ChatPage(tuple(kept[:limit]), missed=True)
        position = chat_position(last)
        return ChatPage(tuple([one for one in kept if chat_position(one.id) > position][:limit]))

    async def latest(self, room: str, limit: int) -> ChatPage:
        await asyncio.sleep(0)
        self._server.check()
        return ChatPage(tuple(self.rooms.get(room, [])[-limit:]))

    @asynccontextmanager
    async def live(self) -> AsyncIterator[AsyncIterator[ChatMessage]]:
        self._server.check()
        queue: asyncio.Queue[ChatMessage | None] = asyncio.Queue()
        self.listening.append(queue)
        try:
            yield self._listen(queue)
        finally:
            self.listening.remove(queue)

    async def _listen(self, queue: asyncio.Queue[ChatMessage | None]) -> AsyncIterator[ChatMessage]:
        while (message := await queue.get()) is not None:
            yield message
        raise StoreUnavailable(self._server.name, "switched off")

    def interrupt(self) -> None:
        """End what listens, as a server does that goes away."""
        for queue in self.listening:
            queue.put_nowait(None)
