"""Saying, following and asking, with a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from demo_app.errors import AppError, ErrorCode, InvalidFields, TryLater
from demo_app.services import chat, chat_rooms
from demo_app.services.chat import Chat, ChatLimits
from demo_app.services.chat_rooms import ChatFeed, Ending, Room
from demo_app.stores.base import CHAT_START, ChatPage, StoreUnavailable
from tests.demo_app.fakes import FakeChat, FakeRedis
from tests.demo_app.services.test_chat_rooms import Ear


class World:
    """A chat with one room, and what a client of it gets to see."""

    def __init__(self) -> None:
        self.server = FakeRedis()
        self.store = FakeChat(self.server, history=10)
        self.feed = ChatFeed(self.store, ["lobby"])
        self.chat = Chat(self.store, self.feed, self.server, ChatLimits(100, 10, 20))
        self.room: Room = self.chat.room("lobby")
        self.pages: list[tuple[list[str], bool, str]] = []
        self.between: Callable[[], object] = lambda: None

    async def say(self, *texts: str) -> None:
        for text in texts:
            await self.chat.say(self.room, "1", "Ada", {"text": text})

    async def show(self, page: ChatPage, last: str) -> None:
        self.pages.append(([message.text for message in page.messages], page.missed, last))
        between, self.between = self.between, lambda: None
        result = between()
        if result is not None:
            await result  # type: ignore[misc]  # a coroutine

    async def delivered(self) -> None:
        """Wait until the room has handed on all that was said."""
        async with asyncio.timeout(20):
            while self.room.last != self.store.rooms["lobby"][-1].id:  # noqa: ASYNC110 - the feed's doing
                await asyncio.sleep(0)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    world.feed.start()
    yield world
    await world.feed.stop()


async def test_there_are_the_rooms_of_the_settings_and_no_others(world: World) -> None:
    assert world.chat.rooms == ["lobby"]
    with pytest.raises(AppError) as caught:
        world.chat.room("cellar")
    assert caught.value.code == ErrorCode.NOT_FOUND


async def test_what_is_said_has_an_id_and_a_key(world: World) -> None:
    said = await world.chat.say(world.room, "1", "Ada", {"text": "hello", "key": "k"})
    assert (said.id, said.key) == ("1-0", "k")
    assert await world.chat.say(world.room, "1", "Ada", {"text": "hello", "key": "k"}) == said
    made = await world.chat.say(world.room, "1", "Ada", {"text": "hello"})
    assert made.id == "2-0"
    assert len(made.key) == 32


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, {"text": "required"}),
        ({"text": " \n"}, {"text": "some text"}),
        ({"text": "x" * 21}, {"text": "at most 20 characters"}),
        ({"text": "a\ud800"}, {"text": "Unicode text"}),
        ({"text": "a", "key": "a b"}, {"key": "1 to 64 letters, digits, . _ -"}),
        ({"text": "a", "key": "k" * 65}, {"key": "1 to 64 letters, digits, . _ -"}),
    ],
)
async def test_what_breaks_a_rule_is_not_said(
    world: World, values: dict[str, str], wrong: dict[str, str]
) -> None:
    with pytest.raises(InvalidFields) as caught:
        await world.chat.say(world.room, "1", "Ada", values)
    assert caught.value.fields == wrong
    assert not world.store.rooms


async def test_one_person_says_so_much_in_a_while(world: World) -> None:
    world.chat.limits = ChatLimits(messages=2, window=10, length=20)
    await world.say("a", "b")
    with pytest.raises(TryLater) as caught:
        await world.say("c")
    assert (caught.value.code, caught.value.retry_after) == (ErrorCode.TOO_MANY_TRIES, 10)
    await world.chat.say(world.room, "2", "Bob", {"text": "d"})
    assert [message.text for message in world.store.rooms["lobby"]] == ["a", "b", "d"]


async def test_following_an_empty_room_begins_with_an_empty_page(world: World) -> None:
    ear = Ear()
    await world.chat.follow(world.room, None, ear, world.show)
    assert world.pages == [([], False, CHAT_START)]
    await world.say("a")
    await ear.until("a")


async def test_a_newcomer_sees_some_of_the_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "RECENT", 2)
    await world.say("a", "b", "c")
    await world.delivered()
    ear = Ear()
    await world.chat.follow(world.room, None, ear, world.show)
    assert world.pages == [(["b", "c"], False, "3-0")]
    await world.say("d")
    await ear.until("d")


async def test_who_comes_back_gets_all_pages_and_what_is_said_meanwhile_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "PAGE", 2)
    await world.say("a", "b", "c", "d")
    world.between = lambda: world.say("e")
    ear = Ear()
    await world.chat.follow(world.room, "1-0", ear, world.show)
    await world.say("f")
    await ear.until("f")
    shown = [text for texts, _, _ in world.pages for text in texts]
    assert shown + ear.heard == ["b", "c", "d", "e", "f"]


async def test_what_is_said_between_the_last_page_and_the_attachment_is_not_lost(world: World) -> None:
    await world.say("a")

    async def meanwhile() -> None:
        await world.say("b")
        await world.delivered()

    world.between = meanwhile
    ear = Ear()
    await world.chat.follow(world.room, CHAT_START, ear, world.show)
    assert [texts for texts, _, _ in world.pages] == [["a"], ["b"]]
    assert ear.heard == []


async def test_who_missed_something_is_told(world: World) -> None:
    await world.say(*"abcdefghijklm")
    await world.delivered()
    ear = Ear()
    await world.chat.follow(world.room, "1-0", ear, world.show)
    assert world.pages == [(list("defghijklm"), True, "13-0")]
    page = await world.chat.news(world.room, "1-0", 1)
    assert page.missed


async def test_a_store_that_has_lost_everything_keeps_nobody_waiting(world: World) -> None:
    await world.say("a", "b")
    await world.delivered()
    world.store.rooms.clear()
    ear = Ear()
    await world.chat.follow(world.room, "2-0", ear, world.show)
    assert world.pages == [([], True, CHAT_START)]
    assert len(world.room) == 1


async def test_news_are_there_at_once(world: World) -> None:
    await world.say("a", "b")
    page = await world.chat.news(world.room, "1-0", 60)
    assert [message.text for message in page.messages] == ["b"]
    assert len((await world.chat.news(world.room, None, 60)).messages) == 2


async def test_news_that_are_not_there_yet_are_waited_for(world: World) -> None:
    await world.say("a")
    await world.delivered()
    asked = asyncio.create_task(world.chat.news(world.room, "1-0", 60))
    while not len(world.room):  # noqa: ASYNC110 - until it waits
        await asyncio.sleep(0)
    await world.say("b", "c")
    assert [message.text for message in (await asked).messages] == ["b"]
    assert len(world.room) == 0
    assert (await world.chat.news(world.room, "3-0", 0.001)).messages == ()


async def test_whoever_stops_waiting_for_news_is_forgotten(world: World) -> None:
    asked = asyncio.create_task(world.chat.news(world.room, CHAT_START, 60))
    while not len(world.room):  # noqa: ASYNC110 - until it waits
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert len(world.room) == 0


@pytest.mark.parametrize("ending", [Ending.GAP, Ending.STOPPING])
async def test_who_waits_for_news_asks_again_where_there_will_be_none(world: World, ending: Ending) -> None:
    asked = asyncio.create_task(world.chat.news(world.room, CHAT_START, 60))
    while not len(world.room):  # noqa: ASYNC110 - until it waits
        await asyncio.sleep(0)
    world.room.end(ending)
    assert (await asked).messages == ()


async def test_who_waits_for_news_is_told_of_an_outage(world: World) -> None:
    asked = asyncio.create_task(world.chat.news(world.room, CHAT_START, 60))
    while not len(world.room):  # noqa: ASYNC110 - until it waits
        await asyncio.sleep(0)
    world.room.end(Ending.AWAY)
    with pytest.raises(StoreUnavailable):
        await asked


async def test_a_store_that_is_away_is_said_to_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.feed.ready()
    world.server.down = True
    for asked in (
        world.say("a"),
        world.chat.news(world.room, CHAT_START, 1),
        world.chat.follow(world.room, None, Ear(), world.show),
    ):
        with pytest.raises(StoreUnavailable):
            await asked
    monkeypatch.setattr(chat_rooms, "PATIENCE", 0.0)
    never = Chat(world.store, ChatFeed(world.store, ["lobby"]), world.server, world.chat.limits)
    with pytest.raises(StoreUnavailable):
        await never.news(never.room("lobby"), None, 1)


async def test_a_process_that_ends_takes_nobody_any_more(world: World) -> None:
    world.between = world.feed.stop
    with pytest.raises(TryLater) as caught:
        await world.chat.follow(world.room, None, Ear(), world.show)
    assert caught.value.code == ErrorCode.BUSY
    with pytest.raises(TryLater):
        await world.chat.news(world.room, None, 1)
    assert len(world.room) == 0


def test_a_wrong_last_id_is_told() -> None:
    unused = Chat.last
    assert unused(None, "") is None  # type: ignore[arg-type]  # it needs nothing of the chat
    assert unused(None, "1-0") == "1-0"  # type: ignore[arg-type]
    with pytest.raises(InvalidFields) as caught:
        unused(None, "yesterday")  # type: ignore[arg-type]
    assert caught.value.fields == {"last": "the id of a message, such as 1700000000000-0"}
