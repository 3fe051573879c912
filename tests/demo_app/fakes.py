"""Stores in memory, for tests of what is above them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace

from demo_app.stores.base import Account, Duplicate, Event, StoreUnavailable


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

    async def prepare(self) -> None:
        self.check()

    async def add(self, account: Account) -> None:
        self.check()
        for other in self.accounts.values():
            if other.username_key == account.username_key:
                raise Duplicate("username")
            if other.email_key == account.email_key:
                raise Duplicate("email")
        self.accounts[account.id] = account

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
