"""A chat room by long polling: the answer waits for the next message, and those who go are cleaned up after."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from framework.httpclient import AsyncHTTPClient
from framework.locks import Condition
from framework.web import RequestHandler
from framework.websocket import WebSocketHandler, websocket_connect
from tests.streams import until
from tests.websocket.conftest import Serve
from tests.websocket.talk import Server

pytestmark = pytest.mark.both_loops


class Room:
    """Messages, and those who wait for the next one."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.news = Condition()
        self.waiting: set[Any] = set()
        self.sockets: set[Socket] = set()

    def say(self, text: str) -> None:
        """A message for all."""
        self.messages.append(text)
        self.news.notify_all()
        for socket in self.sockets:
            socket.write_message(text)


class Say(RequestHandler):
    def initialize(self, room: Room) -> None:
        self.room = room

    def post(self) -> None:
        self.room.say(self.get_body_argument("text"))
        self.set_status(204)


class News(RequestHandler):
    def initialize(self, room: Room) -> None:
        self.room = room

    async def get(self) -> None:
        known = int(self.get_argument("known", "0"))
        self.room.waiting.add(self)
        while len(self.room.messages) <= known:
            self.wait = asyncio.ensure_future(self.room.news.wait())
            try:
                await self.wait
            except asyncio.CancelledError:
                return
        self.room.waiting.discard(self)
        self.write({"messages": self.room.messages[known:]})

    def on_connection_close(self) -> None:
        self.room.waiting.discard(self)
        self.wait.cancel()


class Socket(WebSocketHandler):
    def initialize(self, room: Room) -> None:
        self.room = room

    def open(self) -> None:
        self.room.sockets.add(self)

    def on_message(self, message: str | bytes) -> None:
        self.room.say(str(message))

    def on_close(self) -> None:
        self.room.sockets.discard(self)


PATHS = {"/say": Say, "/news": News, "/socket": Socket}


@pytest.fixture
def room() -> Room:
    return Room()


@pytest_asyncio.fixture
async def server(serve: Serve, room: Room) -> Server:
    arguments = {"room": room}
    return await serve({path: (kind, arguments) for path, kind in PATHS.items()})


async def test_a_message_reaches_all_who_wait_by_either_way(server: Server, room: Room) -> None:
    client = AsyncHTTPClient(force_instance=True)
    url = f"http://127.0.0.1:{server.port}"
    async with websocket_connect(server.url + "/socket") as connection:
        polls = [client.fetch(f"{url}/news") for _ in range(3)]
        await until(lambda: len(room.waiting) == 3 and room.sockets)
        await client.fetch(f"{url}/say", method="POST", body="text=hello")
        for answer in await asyncio.gather(*polls):
            assert json.loads(answer.body) == {"messages": ["hello"]}
        assert await connection.read_message() == "hello"
        poll = client.fetch(f"{url}/news?known=1")
        await connection.write_message("from a socket")
        assert json.loads((await poll).body) == {"messages": ["from a socket"]}
    assert room.waiting == set()
    await until(lambda: not room.sockets)
    client.close()


async def test_one_who_asks_late_gets_what_was_missed(server: Server, room: Room) -> None:
    client = AsyncHTTPClient(force_instance=True)
    for text in "abc":
        room.say(text)
    answer = await client.fetch(f"http://127.0.0.1:{server.port}/news?known=1")
    assert json.loads(answer.body) == {"messages": ["b", "c"]}
    client.close()


async def test_those_who_go_leave_nothing_behind(server: Server, room: Room) -> None:
    clients = [await server.connect() for _ in range(5)]
    for client in clients:
        client.send(b"GET /news HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await until(lambda: len(room.waiting) == 5)
    for client in clients[:4]:
        await client.close()
    await until(lambda: len(room.waiting) == 1)
    room.say("still here?")
    assert b"still here?" in await clients[4].reader.readuntil(b"}")
