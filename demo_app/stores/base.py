"""What the services need of the stores, and the values that go between.

    StoreError
    ├── StoreUnavailable   the store can't be reached or doesn't answer in time
    └── Duplicate          another account has this user name or e-mail address

Every driver's errors become one of these in the file that names the driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

__all__ = [
    "Account",
    "AccountStore",
    "Duplicate",
    "Event",
    "EventKind",
    "EventLog",
    "EventOutbox",
    "EventQueue",
    "Limiter",
    "Revocations",
    "Store",
    "StoreError",
    "StoreUnavailable",
]


class StoreError(Exception):
    """A store could not do what it was asked."""


class StoreUnavailable(StoreError):
    """The store can't be reached or doesn't answer in time.

    Args:
        store: its name, as `/health/ready` shows it.
        reason: what the driver said, for the log.
    """

    def __init__(self, store: str, reason: object = "") -> None:
        super().__init__(f"{store} is unavailable: {reason}" if reason else f"{store} is unavailable")
        self.store = store


class Duplicate(StoreError):
    """Another account has this value.

    Args:
        field: the field that has to be unique.
    """

    def __init__(self, field: Literal["username", "email"]) -> None:
        super().__init__(f"another account has this {field}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account. The keys are what must be unique: the normalised forms of name and address."""

    id: str
    username: str
    username_key: str
    email: str
    email_key: str
    password_hash: str
    created_at: datetime


EventKind = Literal["registered", "logged_in", "login_failed", "edited", "logged_out"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an account.

    `id` is a UUID made where the event happens: whoever writes events leaves out the ids already written, so
    that an event may be handed on any number of times and is kept once.
    """

    id: str
    account_id: str | None
    kind: EventKind
    address: str | None
    user_agent: str
    at: datetime


class Store(Protocol):
    """What every store can do."""

    async def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            StoreUnavailable: there was none.
        """

    async def close(self) -> None:
        """Give back every connection."""


class AccountStore(Store, Protocol):
    """The accounts."""

    async def prepare(self) -> None:
        """Make what must be there before first use (indexes, tables). Harmless when it is there already."""

    async def add(self, account: Account) -> None:
        """Keep a new account.

        Raises:
            Duplicate: name or address is another account's.
        """

    async def by_id(self, account_id: str) -> Account | None:
        """The account with this id."""

    async def by_username_key(self, key: str) -> Account | None:
        """The account with this normalised user name."""

    async def update(
        self,
        account_id: str,
        *,
        email: tuple[str, str] | None = None,
        password_hash: str | None = None,
        if_password_hash: str | None = None,
    ) -> bool:
        """Change an account.

        Args:
            account_id: which.
            email: the new address and its key; None leaves it.
            password_hash: None leaves it.
            if_password_hash: change only an account that still has this one.

        Returns:
            Whether there was such an account.

        Raises:
            Duplicate: the address is another account's.
        """


class Limiter(Protocol):
    """Counts tries in windows of time, for all processes together."""

    async def hit(self, key: str, limit: int, window: int) -> float:
        """Count one try.

        Args:
            key: what is counted.
            limit: tries allowed in a window.
            window: its length in seconds; it starts with the first try.

        Returns:
            0 when the try is allowed, otherwise the seconds until the window ends.
        """

    async def reset(self, key: str) -> None:
        """Forget the tries: the last one was good."""


class Revocations(Protocol):
    """Remembers from when on an account's sessions are good."""

    async def end_sessions(self, account_id: str, before: float, keep: int) -> None:
        """End sessions that began earlier than `before` (epoch seconds); remember it for `keep` seconds."""

    async def sessions_end(self, account_id: str) -> float:
        """Sessions that began before this moment (epoch seconds) are ended; 0 when none are."""


class EventOutbox(Protocol):
    """Where events go first."""

    async def add(self, event: Event) -> None:
        """Keep an event until it is in the log."""

    async def waiting(self, account_id: str, limit: int) -> list[Event]:
        """The newest events of the account that may not be in the log yet, newest first."""


class EventQueue(EventOutbox, Protocol):
    """An outbox that a worker empties into the log."""

    async def take(self, limit: int, wait: float) -> Sequence[tuple[str, Event]]:
        """Take events, those first that were taken before and not done.

        Args:
            limit: how many at most.
            wait: seconds to wait for one when there is none.

        Returns:
            Receipts, for `done`, and events.
        """

    async def done(self, receipts: Sequence[str]) -> None:
        """The events are in the log: forget them."""


class EventLog(Store, Protocol):
    """Where events stay."""

    async def append(self, events: Sequence[Event]) -> None:
        """Keep events, all or none; ids that are there already are left out."""

    async def latest(self, account_id: str, limit: int) -> list[Event]:
        """The account's newest events, newest first."""
