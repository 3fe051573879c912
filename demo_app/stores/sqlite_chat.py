"""The chat in the file of the embedded stores: one table for all rooms. Processes look for each other's messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any

from demo_app.stores.base import ChatDraft, ChatMessage, ChatPage, chat_missed, chat_position
from demo_app.stores.sqlite import Connection, SQLiteFile

__all__ = ["SQLiteChat"]

#: Seconds for which a message's key is known. Clients try again for some seconds.
KEY_SECONDS = 3600

#: Seconds between two looks for new messages. A look takes some 20 µs.
LOOK_EVERY = 0.1

#: Messages taken at one look.
LOOK_LIMIT = 1000

_MESSAGE = "id, prev, room, user, text, key, at"


class SQLiteChat:
    """What is said in rooms; see `ChatStore`.

    Args:
        file: where.
        history: how many messages of a room are kept.
        clock: the time now, epoch seconds.
    """

    def __init__(self, file: SQLiteFile, history: int, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._history = history
        self._clock = clock

    async def append(self, room: str, draft: ChatDraft) -> str:
        """See `ChatStore.append`."""
        now = self._clock()
        owner = (draft.account_id, room, draft.key)

        def work(connection: Connection) -> int:
            connection.execute("DELETE FROM chat_keys WHERE ends <= ?", (now,))
            known = connection.execute(
                "SELECT id FROM chat_keys WHERE account_id = ? AND room = ? AND key = ?", owner
            ).fetchone()
            if known:
                return int(known[0])
            added = connection.execute(
                "INSERT INTO chat_messages (prev, room, user, text, key, at)"
                " VALUES (coalesce((SELECT max(id) FROM chat_messages WHERE room = :room), 0),"
                " :room, :user, :text, :key, :at)",
                {
                    "room": room,
                    "user": draft.user,
                    "text": draft.text,
                    "key": draft.key,
                    "at": draft.at.isoformat(),
                },
            ).lastrowid
            connection.execute(
                "DELETE FROM chat_messages WHERE room = :room AND id <="
                " (SELECT id FROM chat_messages WHERE room = :room ORDER BY id DESC LIMIT 1 OFFSET :history)",
                {"room": room, "history": self._history},
            )
            connection.execute(
                "INSERT INTO chat_keys (account_id, room, key, id, ends) VALUES (?, ?, ?, ?, ?)",
                (*owner, added, now + KEY_SECONDS),
            )
            return int(added or 0)

        return _id(await self._file.run(work))

    async def after(self, room: str, last: str, limit: int) -> ChatPage:
        """See `ChatStore.after`."""
        number, _ = chat_position(last)
        following = f"SELECT {_MESSAGE} FROM chat_messages WHERE room = ? AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
        newest = "SELECT max(id) FROM chat_messages WHERE room = ?"

        def work(connection: Connection) -> ChatPage:
            oldest = _messages(connection.execute(following, (room, 0, 1)))
            (end,) = connection.execute(newest, (room,)).fetchone()
            missed = chat_missed(last, (oldest[0], _id(end)) if oldest else None)
            rows = connection.execute(following, (room, 0 if missed else number, limit))
            return ChatPage(_messages(rows), missed)

        return await self._file.run(work, writes=False)

    async def latest(self, room: str, limit: int) -> ChatPage:
        """See `ChatStore.latest`."""
        sql = f"SELECT {_MESSAGE} FROM chat_messages WHERE room = ? ORDER BY id DESC LIMIT ?"  # noqa: S608

        def work(connection: Connection) -> ChatPage:
            return ChatPage(_messages(connection.execute(sql, (room, limit)))[::-1])

        return await self._file.run(work, writes=False)

    @asynccontextmanager
    async def live(self) -> AsyncIterator[AsyncIterator[ChatMessage]]:
        """See `ChatStore.live`."""
        newest = "SELECT coalesce(max(id), 0) FROM chat_messages"
        since = await self._file.run(
            lambda connection: int(connection.execute(newest).fetchone()[0]), writes=False
        )
        async with aclosing(self._listen(since)) as messages:
            yield messages

    async def _listen(self, since: int) -> AsyncGenerator[ChatMessage, None]:
        sql = f"SELECT {_MESSAGE} FROM chat_messages WHERE id > ? ORDER BY id LIMIT {LOOK_LIMIT}"  # noqa: S608
        while True:
            found = await self._file.run(
                lambda connection, since=since: _messages(connection.execute(sql, (since,))),  # type: ignore[misc]
                writes=False,
            )
            for message in found:
                yield message
            if found:
                since, _ = chat_position(found[-1].id)
            else:
                await asyncio.sleep(LOOK_EVERY)


def _id(number: int) -> str:
    return f"{number}-0"


def _messages(rows: Iterable[tuple[Any, ...]]) -> tuple[ChatMessage, ...]:
    return tuple(
        ChatMessage(_id(number), _id(prev), room, user, text, key, datetime.fromisoformat(at))
        for number, prev, room, user, text, key, at in rows
    )
