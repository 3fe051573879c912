"""The chat on four servers behind nginx: every message reaches everybody, once, in order, whatever ends meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from tests.integration.client import Client, Person
from tests.integration.crowd import Crowd
from tests.integration.stack import DemoServer, LocalStack, RemoteStack, server_environment
from tests.servers.process import children_of

AT_ONCE = (0.01, 0.1)
SOON = (0.2, 1.0)

People = Callable[[int], list[dict[str, str]]]


@pytest.fixture
def people(new_client: Callable[..., Client]) -> People:
    """Makes people who are logged in; their cookies."""

    def make(count: int) -> list[dict[str, str]]:
        made = []
        for _ in range(count):
            person = Person(new_client())
            assert person.register().status == 201
            assert person.login().status == 200
            made.append(person.client.cookies)
        return made

    return make


async def test_a_crowd_hears_everything(stack: LocalStack | RemoteStack, people: People) -> None:
    async with Crowd(stack.base_url, people(2), clients=8, pollers=2, pauses=AT_ONCE) as crowd:
        await crowd.until_all_heard()
    crowd.check()
    assert not crowd.endings()


async def test_two_hundred_talk_while_a_server_is_killed(local_stack: LocalStack, people: People) -> None:
    async with Crowd(local_stack.base_url, people(20), clients=200, pollers=4) as crowd:
        await crowd.until_heard(0.3)
        local_stack.servers[1].kill()
        await crowd.until_all_heard()
    crowd.check()
    # Its clients, and nobody else.
    interrupted = [voice for voice in crowd.voices[:200] if voice.endings]
    assert 40 <= len(interrupted) <= 60, crowd.endings()


async def test_the_talk_goes_on_when_redis_has_gone_and_come(local_stack: LocalStack, people: People) -> None:
    redis = local_stack.stores.redis
    async with Crowd(local_stack.base_url, people(4), clients=16, pollers=2, words=6, pauses=SOON) as crowd:
        await crowd.until_heard(0.3)
        redis.kill()
        # Long enough that everybody is sent away.
        await crowd.until(lambda: all(voice.endings for voice in crowd.voices))
        redis.start()
        await crowd.until_all_heard()
    crowd.check()
    assert crowd.endings()[1013] >= 16


async def test_the_talk_goes_on_when_redis_is_restarted_quickly(
    local_stack: LocalStack, people: People
) -> None:
    redis = local_stack.stores.redis
    async with Crowd(local_stack.base_url, people(4), clients=16, pollers=2, words=6, pauses=SOON) as crowd:
        for share in (0.2, 0.5):
            await crowd.until_heard(share)
            redis.kill()
            redis.start()
        await crowd.until_all_heard()
    crowd.check()


async def test_the_talk_goes_on_without_mongodb_and_postgresql(
    local_stack: LocalStack, people: People
) -> None:
    stores = local_stack.stores
    cookies = people(2)
    stores.mongo.kill()
    stores.postgres.kill()
    async with Crowd(local_stack.base_url, cookies, clients=8, pollers=2, pauses=AT_ONCE) as crowd:
        await crowd.until_all_heard()
    crowd.check()
    assert not crowd.endings()


async def test_a_rolling_restart_sends_everybody_elsewhere_and_loses_nothing(
    local_stack: LocalStack, people: People
) -> None:
    async with Crowd(local_stack.base_url, people(4), clients=24, pollers=2, words=6) as crowd:
        for server in local_stack.servers:
            assert await asyncio.to_thread(server.stop, 15) == 0, server.log()
            await asyncio.to_thread(server.start)
        await crowd.until_all_heard()
    crowd.check()
    assert crowd.endings()[1001] >= 24


async def test_four_processes_with_sqlite_lose_nothing_when_one_is_killed(
    local_stack: LocalStack, new_client: Callable[..., Client]
) -> None:
    settings = {"STORES": "embedded", "TORNADO_SERVER_NUMPROCS": "4", "TORNADO_SERVER_ADDRESS": "127.0.0.1"}
    with DemoServer(settings, ["demo"]) as server:
        cookies = []
        for _ in range(4):
            person = Person(new_client(server.url))
            assert person.register().status == 201
            assert person.login().status == 200
            cookies.append(person.client.cookies)
        async with Crowd(server.url, cookies, clients=24, pollers=4) as crowd:
            await crowd.until_heard(0.3)
            # The first of them may have nobody connected.
            for pid in children_of(server.pid)[:2]:
                os.kill(pid, signal.SIGKILL)
            await crowd.until_all_heard()
        crowd.check()
        assert crowd.endings()
        assert server.stop(15) == 0, server.log()


async def test_who_comes_back_too_late_is_told(local_stack: LocalStack, people: People) -> None:
    settings = server_environment(
        local_stack.stores, SESSION_COOKIE_SECRET=local_stack.secret, CHAT_ROOMS="short", CHAT_HISTORY="5"
    )
    (cookies,) = people(1)
    with DemoServer(settings) as server, Client(server.url) as client:
        client.cookies.update(cookies)
        ids = [client.post("/chat/short/messages", {"text": str(n)}).json["id"] for n in range(10)]
        late = client.get(f"/chat/short/messages?last={ids[2]}").json
        assert (late["missed"], [one["text"] for one in late["messages"]]) == (True, list("56789"))
        soon = client.get(f"/chat/short/messages?last={ids[4]}").json
        assert (soon["missed"], len(soon["messages"])) == (False, 5)
        assert server.stop(15) == 0
