"""Saying something in a room, following a room, and asking what is new there."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from demo_app.errors import AppError, ErrorCode, InvalidFields, TryLater
from demo_app.services.chat_rooms import PAGE, ChatFeed, Ending, Listener, Room
from demo_app.services.clock import now
from demo_app.services.fields import FieldError, Fields
from demo_app.stores.base import (
    CHAT_START,
    ChatDraft,
    ChatMessage,
    ChatPage,
    ChatStore,
    Limiter,
    StoreUnavailable,
    chat_position,
)

__all__ = ["Chat", "ChatLimits", "Said", "page_end"]

#: Messages shown to somebody who has none yet.
RECENT = 50

#: Seconds to wait before coming back to a server that is about to end.
COME_BACK = 1

_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """How much one person may say: messages in a window of seconds, characters in a message."""

    messages: int
    window: int
    length: int


@dataclass(frozen=True, slots=True)
class Said:
    """What has become of a message: its id, and the key under which it was sent."""

    id: str
    key: str


class Chat:
    """The rooms, for those who are logged in.

    Args:
        store: the history.
        feed: the rooms, and what is said in them now.
        limiter: counts what people say, for all processes.
        limits: how much they may.
        clock: the time now.
    """

    def __init__(
        self,
        store: ChatStore,
        feed: ChatFeed,
        limiter: Limiter,
        limits: ChatLimits,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._feed = feed
        self._limiter = limiter
        self.limits = limits
        self._clock = clock

    @property
    def rooms(self) -> list[str]:
        """The names of all rooms."""
        return list(self._feed.rooms)

    def room(self, name: str) -> Room:
        """The room of this name.

        Raises:
            AppError: `NOT_FOUND`.
        """
        room = self._feed.rooms.get(name)
        if room is None:
            raise AppError(ErrorCode.NOT_FOUND, f"the rooms are {', '.join(self.rooms)}")
        return room

    def last(self, text: str) -> str | None:
        """The id of the newest message that a client has, as it is sent; None for an empty one.

        Raises:
            InvalidFields: it is no id.
        """
        try:
            chat_position(text or CHAT_START)
        except ValueError as error:
            raise InvalidFields({"last": str(error)}) from None
        return text or None

    async def say(self, room: Room, account_id: str, user: str, values: Mapping[str, str]) -> Said:
        """Say the field `text` in a room, once, however often the same `key` is sent.

        Args:
            room: where.
            account_id: who.
            user: the name the others see.
            values: `text`, and `key`, of the client's own making; without one each is a new message.

        Raises:
            AppError: `INVALID_FIELDS` or `TOO_MANY_TRIES`.
            StoreUnavailable: the message may or may not have been kept: send it again under the same key.
        """
        wait = await self._limiter.hit(f"chat:{account_id}", self.limits.messages, self.limits.window)
        if wait:
            raise TryLater(ErrorCode.TOO_MANY_TRIES, wait)
        form = Fields(values)
        text = form.required("text", self._text)
        key = form.optional("key", _key) or secrets.token_hex(16)
        form.finish()
        draft = ChatDraft(account_id=account_id, user=user, text=text, key=key, at=self._clock())
        return Said(await self._store.append(room.name, draft), key)

    async def follow(
        self,
        room: Room,
        last: str | None,
        listener: Listener,
        show: Callable[[ChatPage, str], Awaitable[None]],
    ) -> None:
        """Show what follows the id `last`, page by page, and then have all that is said delivered.

        Args:
            room: which.
            last: the newest message the client has; None for none: it gets some of the newest.
            listener: attached when this returns.
            show: takes each page and the id at its end, and waits while the client is slow. A page may be empty.

        Raises:
            StoreUnavailable: the store is away.
            TryLater: this process is about to end.
        """
        await self._enter()
        while True:
            before = room.last
            page = await self._read(room, last)
            last = page_end(page, last)
            await show(page, last)
            # Nothing is waited for between the question and the attachment: what is said from here on is
            # delivered, and what was said before has been shown.
            if _caught_up(room, page, last, before):
                if self._feed.stopped:
                    raise TryLater(ErrorCode.BUSY, COME_BACK)
                room.attach(listener, last)
                return

    async def news(self, room: Room, last: str | None, wait: float) -> ChatPage:
        """What follows the id `last`; where there is nothing yet, the next message, or nothing after `wait`.

        Args:
            room: which.
            last: the newest message the client has; None for none: it gets some of the newest, at once.
            wait: seconds.

        Raises:
            StoreUnavailable: the store is away.
            TryLater: this process is about to end.
        """
        await self._enter()
        while True:
            before = room.last
            page = await self._read(room, last)
            if last is None or page.messages or page.missed:
                return page
            if _caught_up(room, page, last, before):
                return await _next(room, last, wait)

    async def _enter(self) -> None:
        if self._feed.stopped:
            raise TryLater(ErrorCode.BUSY, COME_BACK)
        await self._feed.ready()

    async def _read(self, room: Room, last: str | None) -> ChatPage:
        if last is None:
            return await self._store.latest(room.name, RECENT)
        return await self._store.after(room.name, last, PAGE)

    def _text(self, text: str) -> str:
        if len(text) > self.limits.length:
            raise FieldError(f"at most {self.limits.length} characters")
        if not text.strip():
            raise FieldError("some text")
        return text


def page_end(page: ChatPage, last: str | None) -> str:
    """The id with which to ask for what follows a page.

    Args:
        page: what was found.
        last: the id that was asked about.
    """
    if page.messages:
        return page.messages[-1].id
    return CHAT_START if page.missed or last is None else last


def _caught_up(room: Room, page: ChatPage, last: str, before: str) -> bool:
    # The second holds for a store that has lost what the room has handed on: nothing was handed on since before
    # it was asked.
    return room.reached(last) or (not page.messages and room.last == before)


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise FieldError("1 to 64 letters, digits, . _ -")
    return key


class _Waiter:
    """Takes one message, for somebody who asks again for the next."""

    def __init__(self) -> None:
        self.future: asyncio.Future[ChatPage] = asyncio.get_running_loop().create_future()

    def deliver(self, message: ChatMessage) -> None:
        if not self.future.done():
            self.future.set_result(ChatPage((message,)))

    def end(self, ending: Ending) -> None:
        if self.future.done():
            return
        if ending is Ending.AWAY:
            self.future.set_exception(StoreUnavailable("chat", ending.value))
        else:
            # Who asks again hears of the gap, or of another server.
            self.future.set_result(ChatPage(()))


async def _next(room: Room, last: str, wait: float) -> ChatPage:
    waiter = _Waiter()
    room.attach(waiter, last)
    try:
        return await asyncio.wait_for(waiter.future, wait)
    except TimeoutError:
        return ChatPage(())
    finally:
        room.detach(waiter)
