"""The store in Redis: expiry on the server, clients of any kind, outages."""

from __future__ import annotations

import asyncio
import socket

import pytest
from redis.asyncio import Redis

from framework.session import SessionStoreUnavailable
from framework.session.stores.redis import RedisStore
from tests.servers import RedisServer, free_port


def ttl(server: RedisServer, store: RedisStore, key: str) -> int:
    seconds = server.execute("TTL", store._prefix + key)
    assert isinstance(seconds, int)
    return seconds


async def test_expiry_is_set_and_slides_with_use(redis_store: RedisStore, redis_server: RedisServer) -> None:
    await redis_store.save("a", "1", 100, False)
    assert 95 <= ttl(redis_server, redis_store, "a") <= 100
    await redis_store.load("a", 1000)
    assert 995 <= ttl(redis_server, redis_store, "a") <= 1000
    await redis_store.save("a", "2", 50, True)
    assert 45 <= ttl(redis_server, redis_store, "a") <= 50


@pytest.mark.parametrize("decode_responses", [False, True])
async def test_a_given_client_is_used_and_left_open(
    redis_server: RedisServer, decode_responses: bool
) -> None:
    client = Redis.from_url(redis_server.url, decode_responses=decode_responses)
    store = RedisStore(client, prefix="given:")
    await store.save("a", '{"é":1}', 60, False)
    assert await store.load("a", 60) == '{"é":1}'
    await store.close()
    assert await client.ping() is True
    await store.delete("a")
    await client.aclose()


async def test_settings_by_host_and_port(redis_server: RedisServer) -> None:
    store = RedisStore.from_settings(
        host=redis_server.host,
        port=redis_server.port,
        db=0,
        password=redis_server.password,
        max_connections=4,
    )
    assert await store.load("nobody", 60) is None
    await store.close()


async def test_a_refused_connection_is_an_outage() -> None:
    store = RedisStore.from_settings(host="127.0.0.1", port=free_port())
    with pytest.raises(SessionStoreUnavailable, match="session store redis is unavailable: ConnectionError"):
        await store.load("a", 60)
    await store.close()


async def test_a_wrong_password_is_an_outage(redis_server: RedisServer) -> None:
    store = RedisStore.from_settings(host=redis_server.host, port=redis_server.port, password="wrong")
    with pytest.raises(SessionStoreUnavailable, match="AuthenticationError"):
        await store.save("a", "1", 60, False)
    await store.close()


async def test_a_server_that_says_nothing_is_an_outage_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore.from_settings(host="127.0.0.1", port=silent.getsockname()[1], timeout=0.1)
        # No wait of the client's own adds to it: three tries and their pauses would take a second.
        async with asyncio.timeout(30):
            with pytest.raises(SessionStoreUnavailable, match="redis is unavailable"):
                await store.load("a", 60)
        await store.close()


async def test_a_store_that_comes_back_is_used_again() -> None:
    with RedisServer(shared=False) as server:
        store = RedisStore.from_settings(url=server.url)
        await store.save("a", "1", 60, False)
        server.stop()
        with pytest.raises(SessionStoreUnavailable):
            await store.load("a", 60)
        server.start()
        # At the first request, over a pool whose connections are all dead.
        assert await store.load("a", 60) == "1"
        server.kill()
        with pytest.raises(SessionStoreUnavailable):
            await store.save("a", "2", 60, True)
        server.start()
        assert await store.load("a", 60) == "1"
        await store.close()


async def test_an_answer_that_came_too_late_is_not_taken_for_another() -> None:
    with RedisServer(shared=False) as server:
        store = RedisStore.from_settings(url=server.url, timeout=0.2)
        await store.save("a", "of a", 60, False)
        await store.save("b", "of b", 60, False)
        server.pause()
        with pytest.raises(SessionStoreUnavailable):
            await store.load("a", 60)
        server.resume()
        server.wait_until_answers()
        for _ in range(5):
            assert await _until_answered(store, "b") == "of b"
            assert await _until_answered(store, "a") == "of a"
        await store.close()


async def _until_answered(store: RedisStore, key: str) -> str | None:
    # The machine may be slower than the store's short patience here.
    for _ in range(50):
        try:
            return await store.load(key, 60)
        except SessionStoreUnavailable:
            continue
    return None
