"""What every store of the chat promises: Redis's and the embedded one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from demo_app.stores.base import (
    CHAT_START,
    ChatDraft,
    ChatMessage,
    ChatStore,
    StoreUnavailable,
    chat_missed,
    chat_position,
)
from demo_app.stores.redis import RedisServer
from demo_app.stores.redis_chat import RedisChat
from demo_app.stores.sqlite import SQLiteFile
from demo_app.stores.sqlite_chat import SQLiteChat
from tests.conftest import Servers
from tests.demo_app.stores.conftest import NOON


@pytest.fixture(params=["redis", "sqlite"])
def make(request: pytest.FixtureRequest) -> Callable[[int], ChatStore]:
    """Makes a store that keeps this many messages of a room."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        return lambda history: RedisChat(server, history)
    file: SQLiteFile = request.getfixturevalue("file")
    return lambda history: SQLiteChat(file, history)


@pytest.fixture
def store(make: Callable[[int], ChatStore]) -> ChatStore:
    return make(100)


def draft(text: str, key: str = "", account: str = "1") -> ChatDraft:
    return ChatDraft(account_id=account, user="Ada", text=text, key=key or f"key-{text}", at=NOON)


async def say(store: ChatStore, *texts: str, room: str = "lobby") -> list[str]:
    return [await store.append(room, draft(text)) for text in texts]


def texts(messages: tuple[ChatMessage, ...]) -> list[str]:
    return [message.text for message in messages]


async def test_an_empty_room_has_nothing(store: ChatStore) -> None:
    assert (await store.latest("lobby", 10)).messages == ()
    page = await store.after("lobby", CHAT_START, 10)
    assert (page.messages, page.missed) == ((), False)


async def test_messages_come_back_as_they_were_sent_and_in_order(store: ChatStore) -> None:
    said = 'Привет, "world" \\ \n\0 🙂'
    first = await store.append("lobby", draft(said, "k-1"))
    second = await store.append("lobby", draft("two"))
    page = await store.after("lobby", CHAT_START, 10)
    assert page.messages[0] == ChatMessage(first, CHAT_START, "lobby", "Ada", said, "k-1", NOON)
    assert [(one.id, one.prev) for one in page.messages[1:]] == [(second, first)]
    assert chat_position(first) < chat_position(second)
    assert (await store.latest("lobby", 10)).messages == page.messages


async def test_what_follows_an_id_comes_page_by_page(store: ChatStore) -> None:
    ids = await say(store, "a", "b", "c", "d")
    assert texts((await store.after("lobby", ids[0], 2)).messages) == ["b", "c"]
    assert texts((await store.after("lobby", ids[2], 2)).messages) == ["d"]
    assert (await store.after("lobby", ids[3], 2)).messages == ()
    assert texts((await store.latest("lobby", 2)).messages) == ["c", "d"]


async def test_rooms_are_apart(store: ChatStore) -> None:
    await say(store, "here")
    await say(store, "there", room="other")
    await say(store, "here again")
    assert texts((await store.latest("lobby", 9)).messages) == ["here", "here again"]
    (there,) = (await store.latest("other", 9)).messages
    assert (there.room, there.prev) == ("other", CHAT_START)
    here = (await store.latest("lobby", 9)).messages
    assert here[1].prev == here[0].id


async def test_the_same_key_is_the_same_message(store: ChatStore) -> None:
    first = await store.append("lobby", draft("once", "key"))
    assert await store.append("lobby", draft("once", "key")) == first
    assert await store.append("lobby", draft("once", "key", account="2")) != first
    await store.append("other", draft("once", "key"))
    assert len((await store.latest("lobby", 9)).messages) == 2
    assert len((await store.latest("other", 9)).messages) == 1


async def test_the_same_key_at_the_same_moment_is_one_message(store: ChatStore) -> None:
    ids = await asyncio.gather(*[store.append("lobby", draft("once", "key")) for _ in range(10)])
    assert len(set(ids)) == 1
    assert len((await store.latest("lobby", 99)).messages) == 1


async def test_a_key_is_known_when_its_message_is_no_longer_kept(make: Callable[[int], ChatStore]) -> None:
    store = make(1)
    first = await store.append("lobby", draft("once", "key"))
    await say(store, "later")
    assert await store.append("lobby", draft("once", "key")) == first
    assert texts((await store.latest("lobby", 9)).messages) == ["later"]


async def test_the_oldest_go_and_who_needed_them_is_told(make: Callable[[int], ChatStore]) -> None:
    store = make(3)
    await say(store, "elsewhere", room="other")
    ids = await say(store, "a", "b", "c", "d", "e")
    assert texts((await store.latest("lobby", 9)).messages) == ["c", "d", "e"]
    expected = {CHAT_START: True, ids[0]: True, ids[1]: False, ids[2]: False, ids[4]: False}
    found = {last: (await store.after("lobby", last, 9)).missed for last in expected}
    assert found == expected
    assert texts((await store.after("lobby", ids[0], 2)).messages) == ["c", "d"]
    assert texts((await store.after("lobby", ids[1], 9)).messages) == ["c", "d", "e"]
    assert texts((await store.latest("other", 9)).messages) == ["elsewhere"]


async def test_an_id_that_the_store_has_never_seen_is_told(store: ChatStore) -> None:
    ahead = "999999999999999999-0"
    page = await store.after("lobby", ahead, 9)
    assert (page.messages, page.missed) == ((), True)
    await say(store, "a", "b")
    page = await store.after("lobby", ahead, 9)
    assert (texts(page.messages), page.missed) == (["a", "b"], True)


async def test_who_listens_hears_all_rooms_in_order(store: ChatStore) -> None:
    await say(store, "before")
    async with store.live() as messages:
        await say(store, "a", "b")
        await say(store, "c", room="other")
        await store.append("lobby", draft("a"))
        await say(store, "d e  f")
        heard = [await anext(messages) for _ in range(4)]
    assert texts(tuple(heard)) == ["a", "b", "c", "d e  f"]
    assert [one.room for one in heard] == ["lobby", "lobby", "other", "lobby"]
    assert heard[0].prev == (await store.latest("lobby", 9)).messages[0].id
    assert heard[3] == (await store.latest("lobby", 1)).messages[0]


async def test_two_listen_at_the_same_time(store: ChatStore) -> None:
    async with store.live() as one, store.live() as other:
        await say(store, "a")
        assert (await anext(one)).text == (await anext(other)).text == "a"
        later = asyncio.ensure_future(anext(one))
        await say(store, "b")
        assert (await later).text == "b"


def test_an_id_is_two_numbers() -> None:
    assert chat_position("1700000000000-12") == (1700000000000, 12)
    for wrong in ("", "1", "1-", "-1", "1-2-3", "a-b", "1_0-0", "٣-0", "1-0 ", "9" * 19 + "-0"):
        with pytest.raises(ValueError, match="the id of a message"):
            chat_position(wrong)


def test_what_is_missed_can_be_told_from_what_is_kept() -> None:
    oldest = ChatMessage("7-0", "5-0", "lobby", "Ada", "text", "key", NOON)
    anew = replace(oldest, prev=CHAT_START)
    assert not chat_missed(CHAT_START, None)
    assert chat_missed("3-0", None)
    assert [
        chat_missed(last, (oldest, "9-0")) for last in (CHAT_START, "4-0", "5-0", "7-0", "9-0", "10-0")
    ] == [*(True, True, False, False, False, True)]
    assert [chat_missed(last, (anew, "9-0")) for last in (CHAT_START, "5-0", "7-0")] == [False, True, False]


async def pings(redis: RedisServer) -> int:
    stats = await redis.client.info("commandstats")
    return int(stats.get("cmdstat_ping", {}).get("calls", 0))


class TestRedis:
    async def test_a_subscription_that_ends_is_told(self, redis: RedisServer) -> None:
        store = RedisChat(redis, 10)
        async with store.live() as messages:
            waiting = asyncio.ensure_future(anext(messages))
            await redis.client.client_kill_filter(_type="pubsub")
            with pytest.raises(StoreUnavailable):
                await waiting

    async def test_silence_is_no_outage(self, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("demo_app.stores.redis_chat.SILENCE", 0.05)
        store = RedisChat(redis, 10)
        await redis.client.config_resetstat()
        async with store.live() as messages:
            waiting = asyncio.ensure_future(anext(messages))
            async with asyncio.timeout(20):
                # Asked for a sign of life more than once.
                while await pings(redis) < 3:  # noqa: ASYNC110 - the store's doing
                    await asyncio.sleep(0.01)
            assert not waiting.done()
            await say(store, "a")
            assert (await waiting).text == "a"

    async def test_a_server_that_hangs_is_noticed(
        self, redis: RedisServer, servers: Servers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("demo_app.stores.redis_chat.SILENCE", 0.05)
        async with RedisChat(redis, 10).live() as messages:
            servers.redis.pause()
            try:
                with pytest.raises(StoreUnavailable, match="silent"):
                    await anext(messages)
            finally:
                servers.redis.resume()

    async def test_all_stores_are_away_with_their_server(self) -> None:
        nowhere = RedisServer("127.0.0.1", 1, timeout=0.2)
        store = RedisChat(nowhere, 10)
        for asked in (
            store.latest("lobby", 1),
            store.after("lobby", "1-0", 1),
            store.append("lobby", draft("a")),
        ):
            with pytest.raises(StoreUnavailable):
                await asked
        with pytest.raises(StoreUnavailable):
            async with store.live():
                pass
        await nowhere.close()


class TestSQLite:
    async def test_a_key_is_forgotten_after_its_time(self, file: SQLiteFile) -> None:
        now = 1000.0
        store = SQLiteChat(file, 10, lambda: now)
        first = await store.append("lobby", draft("once", "key"))
        now += 3599
        assert await store.append("lobby", draft("once", "key")) == first
        now += 2
        assert await store.append("lobby", draft("once", "key")) != first

    async def test_another_process_is_heard(self, file: SQLiteFile) -> None:
        other = SQLiteFile(file._path)
        async with SQLiteChat(file, 10).live() as messages:
            await say(SQLiteChat(other, 10), "a")
            assert (await anext(messages)).text == "a"
        await other.close()
