"""The chat over HTTP: its page, what is new in a room, and saying something there."""

from __future__ import annotations

import asyncio
import json
from functools import lru_cache
from typing import Any

from demo_app.errors import InvalidFields
from demo_app.handlers.account import AccountHandler
from demo_app.handlers.base import Handler
from demo_app.services.accounts import Accounts
from demo_app.services.chat import Chat, page_end
from demo_app.services.slots import Slots
from demo_app.stores.base import ChatMessage, ChatPage

__all__ = ["ChatMessagesHandler", "ChatPageHandler", "message_text", "page_json"]

#: Seconds that a client may have its question wait for an answer. Less than any proxy waits.
LONGEST_WAIT = 50

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class ChatPageHandler(Handler):
    """`/chat`"""

    session_autoload = False

    def initialize(self, chat: Chat) -> None:
        """Take what the route table gives."""
        self.chat = chat

    def get_current_user(self) -> None:
        """The page is the same for all; its script asks who its visitor is."""
        return

    def get(self) -> None:
        """Show the page."""
        self.set_header("Content-Security-Policy", _POLICY)
        self.response_html("chat.html", rooms=self.chat.rooms, length=self.chat.limits.length)


class ChatMessagesHandler(AccountHandler):
    """`/chat/ROOM/messages`"""

    def initialize(self, accounts: Accounts, chat: Chat, slots: Slots) -> None:  # type: ignore[override]  # the route's
        """Take what the route table gives."""
        super().initialize(accounts)
        self.chat = chat
        self.slots = slots
        self._asking: asyncio.Task[ChatPage] | None = None
        self._gone = False

    async def get(self, name: str) -> None:
        """Answer with what follows the id `last`, when there is something, or after `wait` seconds."""
        user, room = self.user(), self.chat.room(name)
        last = self.chat.last(self.get_query_argument("last", ""))
        wait = self._wait(self.get_query_argument("wait", "25"))
        with self.slots.taken(user["id"]):
            self._asking = asyncio.ensure_future(self.chat.news(room, last, wait))
            try:
                page = await self._asking
            except asyncio.CancelledError:
                if self._gone:
                    return
                raise
        self.response_json(**page_json(page, page_end(page, last)))

    async def post(self, name: str) -> None:
        """Say something: 201, also when it had been said under this key before."""
        user, room = self.user(), self.chat.room(name)
        said = await self.chat.say(room, user["id"], user["username"], self.fields())
        self.response_json(status_code=201, id=said.id, key=said.key)

    def on_connection_close(self) -> None:
        """Nobody waits for the answer any longer."""
        self._gone = True
        if self._asking is not None:
            self._asking.cancel()

    def _wait(self, text: str) -> int:
        # No number of so few digits costs anything to look at.
        if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= LONGEST_WAIT:
            return int(text)
        raise InvalidFields({"wait": f"a whole number of seconds, at most {LONGEST_WAIT}"})


def page_json(page: ChatPage, last: str) -> dict[str, Any]:
    """What people get to see of a part of a room's history.

    Args:
        page: the part.
        last: with which id to ask for what follows.
    """
    return {
        "messages": [_message_json(message) for message in page.messages],
        "last": last,
        "missed": page.missed,
    }


# The same text for all who listen.
@lru_cache(maxsize=32)
def message_text(message: ChatMessage) -> str:
    """A message of this moment in the shape of any other answer."""
    return json.dumps(
        {"code": 0, "message": "", **page_json(ChatPage((message,)), message.id)}, ensure_ascii=False
    )


def _message_json(message: ChatMessage) -> dict[str, str]:
    return {
        "id": message.id,
        "room": message.room,
        "user": message.user,
        "text": message.text,
        "key": message.key,
        "at": message.at.isoformat(),
    }
