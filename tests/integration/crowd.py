"""Many people in one room of the chat, who all talk at once and write down what they hear.

Each comes back after an interruption with the last id it has, and says again, under the same key, what was not
confirmed: as the chat's own page does.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.demo_app.client import Client

__all__ = ["Crowd"]

#: Seconds after which something is wrong.
PATIENCE = 120.0

#: What ends a connection, or keeps it from being made.
INTERRUPTIONS = (OSError, EOFError, TimeoutError, WebSocketException)


class Voice:
    """One client, over WebSocket."""

    def __init__(self, crowd: Crowd, number: int, cookies: Mapping[str, str], words: int) -> None:
        self.crowd = crowd
        self.cookies = cookies
        self.to_say = {f"{crowd.name}.{number}.{word}": f"{number} says {word}" for word in range(words)}
        self.last = crowd.begin
        #: Ids and keys, in the order in which they came.
        self.heard: list[tuple[str, str]] = []
        self.missed = False
        #: Whether it is, or soon will be, in the room.
        self.ready = False
        #: How each connection ended.
        self.endings: list[object] = []

    async def run(self) -> None:
        """Talk and listen until cancelled."""
        while True:
            try:
                await self._connection()
            except INTERRUPTIONS as error:
                code = getattr(error, "rcvd", None)
                self.endings.append(code.code if code is not None else type(error).__name__)
                self.crowd.changed()
                await asyncio.sleep(random.uniform(0.05, 0.5))

    async def _connection(self) -> None:
        url = f"ws://{self.crowd.address}/chat/{self.crowd.room}/socket?last={self.last}"
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        async with connect(
            url, additional_headers=headers, proxy=None, compression=None, ping_interval=None, open_timeout=30
        ) as socket:
            self._take(json.loads(await socket.recv()))
            self.ready = True
            self.crowd.changed()
            await self.crowd.begun.wait()
            talking = asyncio.create_task(self._talk(socket))
            try:
                while True:
                    self._take(json.loads(await socket.recv()))
                    self.crowd.changed()
            finally:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)

    async def _talk(self, socket: ClientConnection) -> None:
        # Again and again, until all is confirmed.
        while self.to_say:
            for key, text in list(self.to_say.items()):
                await socket.send(json.dumps({"key": key, "text": text}))
                await asyncio.sleep(random.uniform(*self.crowd.pauses))

    def _take(self, answer: dict[str, Any]) -> None:
        if "messages" in answer:
            self.missed = self.missed or answer["missed"]
            self.heard += [(message["id"], message["key"]) for message in answer["messages"]]
            self.last = answer["last"]
        elif answer["code"] == 0:
            self.to_say.pop(answer["key"], None)


class Poller(Voice):
    """One client that listens by asking again and again, and says nothing."""

    async def run(self) -> None:
        client = self.crowd.client(self.cookies)
        self.ready = True
        while True:
            try:
                answer = await client.get(f"/chat/{self.crowd.room}/messages?last={self.last}&wait=20")
                if answer.status != 200:
                    raise ConnectionError(answer.status)
                self._take(answer.json)
                self.crowd.changed()
            except (OSError, EOFError, IndexError, ValueError) as error:
                self.endings.append(type(error).__name__)
                self.crowd.changed()
                await asyncio.sleep(random.uniform(0.05, 0.5))


class Crowd:
    """Everybody in the room; an asynchronous context manager.

    Args:
        base_url: of the site.
        cookies: of the people; each has several clients where there are more clients than people.
        clients: over WebSocket.
        pollers: clients that ask again and again.
        words: how many messages each says.
        pauses: seconds between two messages of one client, from and to.
        room: which.
    """

    def __init__(
        self,
        base_url: str,
        cookies: Sequence[Mapping[str, str]],
        clients: int,
        pollers: int = 0,
        words: int = 3,
        pauses: tuple[float, float] = (0.5, 3.0),
        room: str = "lobby",
    ) -> None:
        self.address = urlsplit(base_url).netloc
        self.cookies = cookies
        self.room = room
        self.pauses = pauses
        self.name = f"{random.getrandbits(48):012x}"
        self.begun = asyncio.Event()
        self.begin = ""
        self.voices: list[Voice] = []
        self._clients, self._pollers, self._words = clients, pollers, words
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Crowd:
        self.begin = (await self.client(self.cookies[0]).get(f"/chat/{self.room}/messages")).json["last"]
        for number in range(self._clients + self._pollers):
            cookies = self.cookies[number % len(self.cookies)]
            kind, words = (Voice, self._words) if number < self._clients else (Poller, 0)
            self.voices.append(kind(self, number, cookies, words))
        self.said = {key for voice in self.voices for key in voice.to_say}
        self._tasks = [asyncio.create_task(voice.run()) for voice in self.voices]
        await self.until(lambda: all(voice.ready for voice in self.voices))
        self.begun.set()
        return self

    async def __aexit__(self, *details: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def client(self, cookies: Mapping[str, str]) -> Client:
        """A client for what needs no WebSocket."""
        parts = urlsplit(f"http://{self.address}")
        return Client(parts.port or 80, dict(cookies), parts.hostname or "")

    def changed(self) -> None:
        """Somebody has heard something."""
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, which is looked at whenever somebody has heard something."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            heard = Counter(len(voice.heard) for voice in self.voices)
            waiting = sum(len(voice.to_say) for voice in self.voices)
            raise AssertionError(
                f"of {len(self.said)} messages, so many were heard by so many: {dict(heard)};"
                f" {waiting} are not confirmed; connections ended: {self.endings()}"
            ) from None

    def endings(self) -> Counter[object]:
        """How connections have ended."""
        return Counter(ending for voice in self.voices for ending in voice.endings)

    async def until_heard(self, share: float) -> None:
        """Wait until everybody has heard a share of what will be said."""
        enough = share * len(self.said)
        await self.until(lambda: min(len(voice.heard) for voice in self.voices) >= enough)

    async def until_all_heard(self) -> None:
        """Wait until everybody has heard everything, and had all confirmed."""
        await self.until_heard(1)
        await self.until(lambda: not any(voice.to_say for voice in self.voices))

    def check(self) -> None:
        """Check that everybody heard everything, once, in the same order."""
        expected = self.voices[0].heard
        assert sorted(key for _, key in expected) == sorted(self.said)
        positions = [tuple(map(int, message_id.split("-"))) for message_id, _ in expected]
        assert positions == sorted(set(positions))
        for voice in self.voices:
            assert voice.heard == expected
            assert not voice.missed
