"""Rooms and their feed: nothing twice, nothing out of order, and whatever is lost on the way is found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from demo_app.services import chat_rooms
from demo_app.services.chat_rooms import ChatFeed, Ending, Room
from demo_app.stores.base import CHAT_START, ChatDraft, ChatMessage, StoreUnavailable
from tests.demo_app.fakes import FakeChat, FakeRedis

NOON = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


class Ear:
    """Listens, and remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ended: list[Ending] = []
        self._changed = asyncio.Event()

    def deliver(self, message: ChatMessage) -> None:
        self.heard.append(message.text)
        self._changed.set()

    def end(self, ending: Ending) -> None:
        self.ended.append(ending)
        self._changed.set()

    async def until(self, *texts: str) -> None:
        async with asyncio.timeout(20):
            while self.heard[-len(texts) :] != list(texts):
                self._changed.clear()
                await self._changed.wait()

    async def until_ended(self, ending: Ending) -> None:
        async with asyncio.timeout(20):
            while ending not in self.ended:
                self._changed.clear()
                await self._changed.wait()


def message(number: int, prev: int, text: str = "") -> ChatMessage:
    return ChatMessage(f"{number}-0", f"{prev}-0", "lobby", "Ada", text or str(number), "key", NOON)


async def test_a_room_hands_on_each_message_once() -> None:
    room, ear = Room("lobby"), Ear()
    room.attach(ear, CHAT_START)
    assert room.deliver(message(3, 0))
    assert room.deliver(message(5, 3))
    assert room.deliver(message(5, 3))
    assert ear.heard == ["3", "5"]
    assert (room.last, len(room)) == ("5-0", 1)


async def test_a_gap_is_seen_and_nothing_handed_on() -> None:
    room, ear = Room("lobby"), Ear()
    room.skip_to("3-0")
    room.attach(ear, "3-0")
    assert not room.deliver(message(7, 5))
    # The first message of a history that begins anew, and the first of all that comes again.
    assert not room.deliver(message(2, 0))
    assert not room.deliver(message(9, 0))
    assert (ear.heard, room.last) == ([], "3-0")


async def test_a_listener_who_has_read_ahead_is_told_no_more_than_is_new() -> None:
    room, ear = Room("lobby"), Ear()
    room.skip_to("3-0")
    room.attach(ear, "5-0")
    for number, prev in ((4, 3), (5, 4), (6, 5)):
        assert room.deliver(message(number, prev))
    assert ear.heard == ["6"]
    assert not room.reached("5-9")
    assert room.reached("6-0")


async def test_a_listener_that_is_gone_or_let_go_hears_nothing() -> None:
    room, gone, let_go = Room("lobby"), Ear(), Ear()
    room.attach(gone, CHAT_START)
    room.attach(let_go, CHAT_START)
    room.detach(gone)
    room.detach(gone)
    room.end(Ending.GAP)
    room.deliver(message(1, 0))
    assert (gone.heard, gone.ended) == ([], [])
    assert (let_go.heard, let_go.ended) == ([], [Ending.GAP])


class World:
    """A store, a feed from it, and somebody who listens in its one room."""

    def __init__(self) -> None:
        self.server = FakeRedis()
        self.store = FakeChat(self.server, history=5)
        self.feed = ChatFeed(self.store, ["lobby"])
        self.room = self.feed.rooms["lobby"]
        self.ear = Ear()

    async def listen(self) -> None:
        await self.feed.ready()
        self.room.attach(self.ear, self.room.last)

    async def say(self, *texts: str, room: str = "lobby") -> None:
        for text in texts:
            await self.store.append(room, ChatDraft("1", "Ada", text, text, NOON))


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(chat_rooms, "PAUSES", (0.001,))
    world = World()
    yield world
    await world.feed.stop()


async def test_what_is_said_reaches_who_listens(world: World) -> None:
    await world.say("before")
    world.feed.start()
    await world.listen()
    await world.say("a")
    await world.say("elsewhere", room="other")
    await world.say("b")
    await world.ear.until("a", "b")
    assert world.ear.heard == ["a", "b"]


async def test_what_was_said_while_the_subscription_was_interrupted_is_read_from_the_history(
    world: World,
) -> None:
    world.feed.start()
    await world.listen()
    await world.say("a")
    world.store.interrupt()
    world.store.lost = {"b", "c"}
    await world.say("b", "c")
    await world.ear.until("a", "b", "c")
    await world.say("d")
    await world.ear.until("a", "b", "c", "d")
    assert (world.ear.heard, world.ear.ended) == (["a", "b", "c", "d"], [])


async def test_a_message_that_got_lost_is_found_by_the_next_one(world: World) -> None:
    world.feed.start()
    await world.listen()
    world.store.lost = {"a", "b"}
    await world.say("a", "b")
    assert world.ear.heard == []
    await world.say("c")
    await world.ear.until("a", "b", "c")
    assert world.ear.heard == ["a", "b", "c"]


async def test_a_long_interruption_is_caught_up_with_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_rooms, "PAGE", 2)
    world.feed.start()
    await world.listen()
    world.store.lost = set("abcd")
    await world.say(*"abcde")
    await world.ear.until(*"abcde")


async def test_listeners_are_let_go_where_the_history_is_too_short(world: World) -> None:
    world.feed.start()
    await world.listen()
    world.store.lost = set("abcdef")
    await world.say(*"abcdefg")
    await world.ear.until_ended(Ending.GAP)
    assert world.ear.heard == []
    assert world.room.last == "7-0"
    again = Ear()
    world.room.attach(again, "7-0")
    await world.say("h")
    await again.until("h")


async def test_listeners_are_let_go_where_the_history_begins_anew(world: World) -> None:
    await world.say("a", "b")
    world.feed.start()
    await world.listen()
    # A store that has lost all, and whose clock is behind.
    world.store.rooms.clear()
    world.store._number = 0
    world.store._keys.clear()
    await world.say("c")
    await world.ear.until_ended(Ending.GAP)
    assert world.room.last == "1-0"


async def test_listeners_are_kept_through_a_short_outage_and_let_go_in_a_long_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.feed.start()
    await world.listen()
    await world.say("a")
    world.server.down = True
    world.store.interrupt()
    await world.ear.until("a")
    assert not world.ear.ended
    world.server.down = False
    world.store.lost = {"b"}
    await world.say("b")
    await world.ear.until("a", "b")
    monkeypatch.setattr(chat_rooms, "PATIENCE", 0.0)
    world.server.down = True
    world.store.interrupt()
    await world.ear.until_ended(Ending.AWAY)
    assert len(world.room) == 0


async def test_a_store_that_is_away_at_the_start_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_rooms, "PATIENCE", 0.01)
    world.server.down = True
    world.feed.start()
    with pytest.raises(StoreUnavailable):
        await world.feed.ready()
    world.server.down = False
    monkeypatch.setattr(chat_rooms, "PATIENCE", 20)
    await world.listen()
    await world.say("a")
    await world.ear.until("a")


async def test_a_feed_outlives_a_mistake_in_its_store(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live, calls = world.store.live, []

    @asynccontextmanager
    async def broken() -> AsyncIterator[AsyncIterator[ChatMessage]]:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        async with live() as messages:
            yield messages

    monkeypatch.setattr(world.store, "live", broken)
    world.feed.start()
    await world.listen()
    assert "ZeroDivisionError" in caplog.text


async def test_the_end_of_the_process_lets_all_go(world: World) -> None:
    world.feed.start()
    await world.listen()
    await world.feed.stop()
    assert world.ear.ended == [Ending.STOPPING]
    assert world.feed.stopped


async def test_a_cancellation_that_a_driver_loses_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = world.store.live

    @asynccontextmanager
    async def connecting() -> AsyncIterator[AsyncIterator[ChatMessage]]:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        async with live() as messages:
            yield messages

    monkeypatch.setattr(world.store, "live", connecting)
    world.feed.start()
    await asyncio.sleep(0)
    await world.feed.stop()
    assert world.store.listening == []
