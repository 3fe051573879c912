"""The rooms as this process sees them: who listens here, and one feed that brings what is said anywhere.

A room knows the id of the newest message it has handed on. Each message names the one before it, so that whatever
goes wrong on the way shows as a gap, and is read from the store's history instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Protocol

from demo_app.stores.base import CHAT_START, ChatMessage, ChatStore, StoreUnavailable, chat_position

__all__ = ["PAGE", "ChatFeed", "Ending", "Listener", "Room"]

#: Messages read from the history at a time.
PAGE = 200

#: Seconds for which listeners are kept while the store is away.
PATIENCE = 2.0

PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)  # seconds after one, two, three, more failures in a row

logger = logging.getLogger("demo_app.chat")


class Ending(Enum):
    """Why a room lets its listeners go. All of them may come back, with the last id they have."""

    AWAY = "the store is away"
    GAP = "the store has forgotten some messages"
    STOPPING = "this server is about to end"


class Listener(Protocol):
    """Somebody who listens to a room."""

    def deliver(self, message: ChatMessage) -> None:
        """Take a message, without waiting."""

    def end(self, ending: Ending) -> None:
        """Nothing more will come. May be called more than once."""


class Room:
    """One room.

    Args:
        name: as it is in addresses.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        #: The id of the newest message that was handed on.
        self.last = CHAT_START
        self._position = chat_position(CHAT_START)
        # Each with the place in the room's order up to which it has read already.
        self._listeners: dict[Listener, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._listeners)

    def reached(self, last: str) -> bool:
        """Whether the id is that of the newest message handed on, or of a later one."""
        return chat_position(last) >= self._position

    def attach(self, listener: Listener, last: str) -> None:
        """Hand everything that follows the id `last` on to a listener. It must have `reached` that far."""
        self._listeners[listener] = chat_position(last)

    def detach(self, listener: Listener) -> None:
        """Hand on nothing more, if the listener is still there."""
        self._listeners.pop(listener, None)

    def deliver(self, message: ChatMessage) -> bool:
        """Hand on a message; one that was handed on before is left out.

        Returns:
            Whether this could be done: the message before it has been handed on, too.
        """
        position = chat_position(message.id)
        if message.prev != self.last:
            # Handed on before, or a gap. The first of all, when it comes again, may also be that of a new history.
            return position <= self._position and message.prev != CHAT_START
        self.skip_to(message.id)
        for listener, read in list(self._listeners.items()):
            if position > read:
                listener.deliver(message)
        return True

    def skip_to(self, last: str) -> None:
        """Go on after this id."""
        self.last, self._position = last, chat_position(last)

    def end(self, ending: Ending) -> None:
        """Let all listeners go."""
        listeners, self._listeners = self._listeners, {}
        for listener in listeners:
            listener.end(ending)


class ChatFeed:
    """Brings messages from the store to the rooms, for as long as the process runs.

    Args:
        store: where they are.
        rooms: the names of all rooms.
    """

    def __init__(self, store: ChatStore, rooms: Iterable[str]) -> None:
        self._store = store
        self.rooms: Mapping[str, Room] = {name: Room(name) for name in rooms}
        self._synced = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.stopped = False

    def start(self) -> None:
        """Begin, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Let all listeners go, and end."""
        self.stopped = True
        self._end_all(Ending.STOPPING)
        task, self._task = self._task, None
        # More than once: Python 3.11's `wait_for`, which drivers use, loses a cancellation that comes when it is done.
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.1)

    async def ready(self) -> None:
        """Wait until the rooms know where they are.

        Raises:
            StoreUnavailable: the store is away.
        """
        if self._synced.is_set():
            return
        try:
            await asyncio.wait_for(self._synced.wait(), PATIENCE)
        except TimeoutError:
            raise StoreUnavailable("chat", "not connected yet") from None

    async def _run(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        away_since: float | None = None
        while True:
            try:
                async with self._store.live() as messages:
                    for room in self.rooms.values():
                        # At the start nobody listens yet.
                        await (self._catch_up if self._synced.is_set() else self._go_on_at_the_end)(room)
                    self._synced.set()
                    failures, away_since = 0, None
                    async for message in messages:
                        said_in = self.rooms.get(message.room)
                        if said_in is not None and not said_in.deliver(message):
                            await self._catch_up(said_in)
            except StoreUnavailable as error:
                if away_since is None:
                    away_since = loop.time()
                    logger.warning("interrupted: %s", error)
            except Exception:
                # Whatever it is: a process whose feed has ended would stay silent.
                logger.exception("interrupted")
                away_since = away_since or loop.time()
            failures += 1
            if away_since is not None and loop.time() - away_since >= PATIENCE:
                self._end_all(Ending.AWAY)
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES)) - 1])

    async def _catch_up(self, room: Room) -> None:
        """Hand on what the history has and the room doesn't."""
        while True:
            page = await self._store.after(room.name, room.last, PAGE)
            if page.missed or not all(map(room.deliver, page.messages)):
                logger.warning("room %s: some messages are gone from the history", room.name)
                await self._go_on_at_the_end(room)
                return
            if len(page.messages) < PAGE:
                return

    async def _go_on_at_the_end(self, room: Room) -> None:
        newest = (await self._store.latest(room.name, 1)).messages
        # At one go: nobody may begin to listen in between and miss what is left out.
        room.end(Ending.GAP)
        room.skip_to(newest[0].id if newest else CHAT_START)

    def _end_all(self, ending: Ending) -> None:
        for room in self.rooms.values():
            room.end(ending)
