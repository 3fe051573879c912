"""What the suite's fuzzing client talks to: `python -m tests.autobahn.echo_server PORT` sends every message back."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from framework.web import Application
from framework.websocket import WebSocketHandler

# The largest message of the suite has 16 MB.
MAX_MESSAGE_SIZE = 32 << 20


class Echo(WebSocketHandler):
    """What comes goes back, as what it came: text or bytes."""

    def get_compression_options(self) -> dict[str, Any]:
        """Take permessage-deflate however it is offered."""
        return {}

    async def on_message(self, message: str | bytes) -> None:
        """Send it back, at the pace at which it is taken."""
        await self.write_message(message, binary=isinstance(message, bytes))


async def main(port: int) -> None:
    """Listen on `port` of 127.0.0.1 until the process is ended."""
    application = Application([("/", Echo)], websocket_max_message_size=MAX_MESSAGE_SIZE)
    application.listen(port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
