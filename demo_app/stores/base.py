"""What the services need of the stores, and the values that go between.

    StoreError
    ├── StoreUnavailable   the store can't be reached or doesn't answer in time
    └── Duplicate          another account has this user name, e-mail address or identity

Every driver's errors become one of these in the file that names the driver.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

__all__ = [
    "CHAT_START",
    "Account",
    "AccountStore",
    "ChatDraft",
    "ChatMessage",
    "ChatPage",
    "ChatStore",
    "Duplicate",
    "Event",
    "EventKind",
    "EventLog",
    "EventOutbox",
    "EventQueue",
    "Identity",
    "Limiter",
    "Revocations",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "chat_missed",
    "chat_position",
]

#: The id before all messages of a room.
CHAT_START = "0-0"


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

    def __init__(self, field: Literal["username", "email", "identity"]) -> None:
        super().__init__(f"another account has this {field}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account. The keys are what must be unique: the normalised forms of name and address.

    `password_hash` is empty where no password opens the account, but a sign-in elsewhere.
    """

    id: str
    username: str
    username_key: str
    email: str
    email_key: str
    password_hash: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at an OpenID Connect provider: the two together are one person for ever."""

    issuer: str
    subject: str


EventKind = Literal["registered", "logged_in", "login_failed", "edited", "logged_out", "connected"]


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

    async def add(self, account: Account, identity: Identity | None = None) -> None:
        """Keep a new account, all of it or nothing.

        Args:
            account: the account.
            identity: what opens it, if that is not a password.

        Raises:
            Duplicate: name, address or identity is another account's.
        """

    async def by_id(self, account_id: str) -> Account | None:
        """The account with this id."""

    async def by_username_key(self, key: str) -> Account | None:
        """The account with this normalised user name."""

    async def by_identity(self, identity: Identity) -> Account | None:
        """The account that this identity opens."""

    async def add_identity(self, account_id: str, identity: Identity) -> bool:
        """Let an identity open an account; nothing happens where it does already.

        Returns:
            Whether there is such an account.

        Raises:
            Duplicate: it opens another one.
        """

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


@dataclass(frozen=True, slots=True)
class ChatDraft:
    """What somebody says.

    `key` is made by the client: what the same account sends again under the same key, because it does not know
    whether the first time was heard, is the same message.
    """

    account_id: str
    user: str
    text: str
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What somebody has said in a room.

    `id` is its place in the room's order, see `chat_position`; `prev` the id of the message before it, by which
    a gap shows.
    """

    id: str
    prev: str
    room: str
    user: str
    text: str
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChatPage:
    """Some messages of a room, in order.

    `missed` says that the store no longer has all that came after the id that was asked about: the page begins
    with the oldest it has.
    """

    messages: tuple[ChatMessage, ...]
    missed: bool = False


def chat_position(message_id: str) -> tuple[int, int]:
    """A message's place in its room's order.

    Args:
        message_id: two numbers with a hyphen between, as Redis' streams have them.

    Raises:
        ValueError: it is no such id.
    """
    high, hyphen, low = message_id.partition("-")
    # Eighteen digits are below the stores' largest number, and centuries of milliseconds.
    if not hyphen or not all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in (high, low)):
        raise ValueError("the id of a message, such as 1700000000000-0")
    return int(high), int(low)


def chat_missed(last: str, kept: tuple[ChatMessage, str] | None) -> bool:
    """Whether something came after the id `last` that is not kept any more.

    Args:
        last: an id, or `CHAT_START`.
        kept: the oldest message that is kept, and the newest one's id; None where there is none.
    """
    position = chat_position(last)
    if kept is None or position > chat_position(kept[1]):
        # A store that has never seen it has begun anew since.
        return last != CHAT_START
    oldest, _ = kept
    if position >= chat_position(oldest.id):
        return False
    return last != CHAT_START if oldest.prev == CHAT_START else position < chat_position(oldest.prev)


class ChatStore(Protocol):
    """What is said in rooms: the newest messages of each, and those of this moment from all processes."""

    async def append(self, room: str, draft: ChatDraft) -> str:
        """Keep a message, and tell all who listen. The oldest one goes when there are too many.

        Returns:
            Its id; for a key that this account has used in the room lately, the id it got then.
        """

    async def after(self, room: str, last: str, limit: int) -> ChatPage:
        """Up to `limit` messages that follow the id `last`, the oldest first."""

    async def latest(self, room: str, limit: int) -> ChatPage:
        """The newest messages, the oldest of them first."""

    def live(self) -> AbstractAsyncContextManager[AsyncIterator[ChatMessage]]:
        """Listen: what is kept in any room from when the context is entered, in each room's order.

        The iterator raises `StoreUnavailable` as soon as messages may have been lost.
        """
