"""The chat in Redis: a capped stream for each room, and a channel on which every process hears all rooms."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any

from demo_app.stores.base import ChatDraft, ChatMessage, ChatPage, StoreUnavailable, chat_missed
from demo_app.stores.redis import RedisServer

__all__ = ["RedisChat"]

PREFIX = "demo:chat:"
CHANNEL = PREFIX + "live"

#: Seconds for which a message's key is known. Clients try again for some seconds.
KEY_SECONDS = 3600

#: Seconds of silence after which a sign of life is asked for, and seconds it may take.
SILENCE = 1.0

# In one script, so that a message is in the stream, known by its key and published, or none of it; and so that
# messages are published in the stream's order.
_APPEND = """
local known = redis.call('GET', KEYS[2])
if known then
    return known
end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local prev = newest[1] and newest[1][1] or '0-0'
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[1], '*', 'prev', prev, 'body', ARGV[2])
redis.call('SET', KEYS[2], id, 'EX', ARGV[3])
redis.call('PUBLISH', ARGV[4], id .. ' ' .. prev .. ' ' .. ARGV[5] .. ' ' .. ARGV[2])
return id
"""


class RedisChat:
    """What is said in rooms; see `ChatStore`.

    Args:
        server: where.
        history: how many messages of a room are kept.
    """

    def __init__(self, server: RedisServer, history: int) -> None:
        self._server = server
        self._history = history
        self._append = server.client.register_script(_APPEND)

    async def append(self, room: str, draft: ChatDraft) -> str:
        """See `ChatStore.append`."""
        body = {"user": draft.user, "text": draft.text, "key": draft.key, "at": draft.at.isoformat()}
        keys = [_stream(room), f"{PREFIX}key:{draft.account_id}:{room}:{draft.key}"]
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        async with self._server.errors():
            found = await self._append(keys=keys, args=[self._history, text, KEY_SECONDS, CHANNEL, room])
        return str(found)

    async def after(self, room: str, last: str, limit: int) -> ChatPage:
        """See `ChatStore.after`."""
        stream = _stream(room)
        async with self._server.errors(), self._server.client.pipeline(transaction=True) as pipe:
            pipe.xrange(stream, f"({last}", count=limit)
            pipe.xrange(stream, count=1)
            pipe.xrevrange(stream, count=1)
            entries, oldest, newest = await pipe.execute()
        ends = (_messages(room, oldest)[0], newest[0][0]) if oldest else None
        missed = chat_missed(last, ends)
        if missed:
            async with self._server.errors():
                entries = await self._server.client.xrange(stream, count=limit)
        return ChatPage(_messages(room, entries), missed)

    async def latest(self, room: str, limit: int) -> ChatPage:
        """See `ChatStore.latest`."""
        async with self._server.errors():
            entries: Any = await self._server.client.xrevrange(_stream(room), count=limit)
        return ChatPage(_messages(room, entries[::-1]))

    @asynccontextmanager
    async def live(self) -> AsyncIterator[AsyncIterator[ChatMessage]]:
        """See `ChatStore.live`."""
        pubsub: Any = self._server.waiting_client.pubsub()
        try:
            async with self._server.errors():
                await pubsub.subscribe(CHANNEL)
                while await pubsub.get_message(timeout=SILENCE) is None:
                    pass
            async with aclosing(self._listen(pubsub)) as messages:
                yield messages
        finally:
            await pubsub.aclose()

    async def _listen(self, pubsub: Any) -> AsyncGenerator[ChatMessage, None]:
        asked = False
        while True:
            async with self._server.errors(SILENCE):
                received = await pubsub.get_message(timeout=SILENCE)
                if received is None and not asked:
                    await pubsub.ping()
            if received is None and asked:
                raise StoreUnavailable(self._server.name, "silent")
            asked = received is None
            if received is None or received["type"] == "pong":
                continue
            if received["type"] != "message":
                # The driver has subscribed again, on another connection: what was said in between is lost.
                raise StoreUnavailable(self._server.name, "the subscription was interrupted")
            message_id, prev, room, body = received["data"].split(" ", 3)
            yield _message(room, message_id, prev, body)


def _stream(room: str) -> str:
    return f"{PREFIX}room:{room}"


def _messages(room: str, entries: Sequence[Any]) -> tuple[ChatMessage, ...]:
    return tuple(_message(room, entry_id, fields["prev"], fields["body"]) for entry_id, fields in entries)


def _message(room: str, message_id: str, prev: str, body: str) -> ChatMessage:
    values = json.loads(body)
    return ChatMessage(
        id=message_id,
        prev=prev,
        room=room,
        user=values["user"],
        text=values["text"],
        key=values["key"],
        at=datetime.fromisoformat(values["at"]),
    )
