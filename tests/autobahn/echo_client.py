"""A client that plays all cases of the suite's fuzzing server: `python -m tests.autobahn.echo_client PORT AGENT`."""

from __future__ import annotations

import asyncio
import sys

from framework.httpclient import HTTPRequest
from framework.websocket import WebSocketClientConnection, websocket_connect
from tests.autobahn.echo_server import MAX_MESSAGE_SIZE

# Many times what a case takes: one that hangs is to be told of.
_CASE_SECONDS = 300


class Echo(WebSocketClientConnection):
    """Sends every message back as it comes, also one that comes with the handshake's answer."""

    def __init__(self, url: str) -> None:
        super().__init__(HTTPRequest(url), compression_options={}, max_message_size=MAX_MESSAGE_SIZE)
        self.ended = asyncio.Event()

    def on_message(self, message: str | bytes) -> asyncio.Future[None]:
        """Send it back, at the pace at which it is taken."""
        return self.write_message(message, binary=isinstance(message, bytes))

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """Be done."""
        super().on_ws_connection_close(close_code, close_reason)
        self.ended.set()


async def play(url: str) -> None:
    """Send back what comes until the server ends the connection."""
    async with asyncio.timeout(_CASE_SECONDS):
        connection = Echo(url)
        await connection.connect_future
        await connection.ended.wait()


async def main(port: int, agent: str) -> None:
    """Ask how many cases there are, play each, and have the reports written."""
    address = f"ws://127.0.0.1:{port}"
    async with websocket_connect(f"{address}/getCaseCount") as asked:
        count = await asked.read_message()
    if count is None:
        raise SystemExit("the fuzzing server did not say how many cases it has")
    for number in range(1, int(count) + 1):
        await play(f"{address}/runCase?case={number}&agent={agent}")
    await play(f"{address}/updateReports?agent={agent}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
