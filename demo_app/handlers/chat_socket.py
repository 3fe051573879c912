"""The chat over WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from demo_app.handlers.base import json_fields
from demo_app.handlers.chat import message_text, page_json
from demo_app.handlers.sockets import GOING_AWAY, TRY_AGAIN_LATER, SocketHandler
from demo_app.services.accounts import Accounts
from demo_app.services.chat import Chat
from demo_app.services.chat_rooms import Ending
from demo_app.services.slots import Slots
from demo_app.stores.base import ChatMessage, ChatPage

__all__ = ["ChatSocketHandler"]


class ChatSocketHandler(SocketHandler):
    """`/chat/ROOM/socket`: sends what follows the id `last`, then all that is said; takes `text` and `key`."""

    def initialize(  # type: ignore[override]  # the route's
        self, accounts: Accounts, slots: Slots, stopping: Callable[[], bool], chat: Chat
    ) -> None:
        """Take what the route table gives."""
        super().initialize(accounts, slots, stopping)
        self.chat = chat

    @property
    def max_message_size(self) -> int:
        """Bytes of a message: JSON may take twelve for one character of text."""
        return 12 * self.chat.limits.length + 1024

    async def prepare(self) -> None:
        """Refuse what is not there as well."""
        await super().prepare()
        self.room = self.chat.room(self.path_args[0])
        self.last = self.chat.last(self.get_query_argument("last", ""))

    async def begin(self) -> None:
        """Show what the client has missed, and have it listen."""
        await self.chat.follow(self.room, self.last, self, self._show)

    async def answer(self, message: str) -> dict[str, Any]:
        """Say something in the room."""
        user, fields = self.user(), json_fields(message)
        self.repeated = {"key": fields["key"]} if "key" in fields else {}
        said = await self.chat.say(self.room, user["id"], user["username"], fields)
        return {"id": said.id, "key": said.key}

    def on_close(self) -> None:
        """Listen no more."""
        self.room.detach(self)
        super().on_close()

    def deliver(self, message: ChatMessage) -> None:
        """See `Listener.deliver`."""
        if not self.send(message_text(message)):
            # Slow, perhaps: until the connection is really over, others need not be held up by it.
            self.room.detach(self)

    def end(self, ending: Ending) -> None:
        """See `Listener.end`."""
        self.close(GOING_AWAY if ending is Ending.STOPPING else TRY_AGAIN_LATER, ending.value)

    async def _show(self, page: ChatPage, last: str) -> None:
        await self.write_message(json.dumps(self._outcome(None) | page_json(page, last), ensure_ascii=False))
