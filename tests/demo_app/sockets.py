"""WebSocket clients for tests: the library `websockets`, with the cookies of a `Client`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Talk", "cookie_header"]


def cookie_header(cookies: Mapping[str, str]) -> str:
    """The value of the header Cookie."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


class Talk:
    """A WebSocket on which JSON is spoken; an asynchronous context manager.

    Args:
        url: such as `ws://127.0.0.1:8080/chat/lobby/socket`.
        cookies: of who is logged in.
        headers: more of them.
    """

    def __init__(
        self, url: str, cookies: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> None:
        sent = {"Cookie": cookie_header(cookies)} if cookies else {}
        self._connect = connect(
            url, additional_headers=sent | dict(headers or {}), proxy=None, max_size=2**24
        )
        self.socket: ClientConnection

    async def __aenter__(self) -> Talk:
        self.socket = await self._connect.__aenter__()
        return self

    async def __aexit__(self, *details: Any) -> None:
        await self._connect.__aexit__(*details)

    async def receive(self) -> dict[str, Any]:
        """The next answer."""
        answer: dict[str, Any] = json.loads(await self.socket.recv())
        return answer

    async def send(self, **fields: str) -> None:
        """Send an object."""
        await self.socket.send(json.dumps(fields))

    async def ask(self, text: str | bytes) -> dict[str, Any]:
        """Send something, and return the next answer."""
        await self.socket.send(text)
        return await self.receive()

    async def end(self) -> tuple[int | None, str | None]:
        """Wait for the end, and return the server's code and reason."""
        await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason
