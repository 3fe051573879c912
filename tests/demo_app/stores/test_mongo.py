"""MongoDB going away and coming back."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from demo_app.stores.base import Account, StoreUnavailable
from demo_app.stores.mongo import MongoAccounts
from tests.conftest import Servers


async def test_an_outage_is_noticed_in_time_and_its_end_too(
    servers: Servers, mongo: MongoAccounts, account: Callable[..., Account]
) -> None:
    ada = account("ada")
    await mongo.add(ada)
    servers.mongo.kill()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as caught:
            await mongo.by_id(ada.id)
        assert time.monotonic() - began < 2
        assert caught.value.store == "mongodb"
    servers.mongo.start()
    # At most one more answer is wrong: the driver may have chosen the server before it knew.
    assert await mongo.by_id(ada.id) == ada


async def test_a_server_that_hangs_counts_as_away(servers: Servers, mongo: MongoAccounts) -> None:
    await mongo.ping()
    servers.mongo.pause()
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await mongo.ping()
        assert time.monotonic() - began < 2
    finally:
        servers.mongo.resume()
    await mongo.ping()


async def test_a_wrong_password_is_an_outage(servers: Servers, driver_threads: None) -> None:
    store = MongoAccounts("127.0.0.1", servers.mongo.port, "demo", "nobody", "wrong")
    with pytest.raises(StoreUnavailable, match="uthentication"):
        await store.ping()
    await store.close()
