"""What every store of accounts promises: MongoDB's and the embedded one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from demo_app.stores.base import Account, AccountStore, Duplicate

Make = Callable[..., Account]


@pytest.fixture(params=["mongo", "sqlite_accounts"])
def store(request: pytest.FixtureRequest) -> AccountStore:
    found: AccountStore = request.getfixturevalue(request.param)
    return found


async def test_an_account_is_found_again_by_id_and_by_name(store: AccountStore, account: Make) -> None:
    await store.prepare()
    ada = account("ada")
    await store.add(ada)
    assert await store.by_id(ada.id) == ada
    assert await store.by_username_key("ada") == ada
    assert await store.by_id("nobody") is None
    assert await store.by_username_key("nobody") is None
    await store.ping()


async def test_fifty_equal_accounts_at_once_are_one(store: AccountStore, account: Make) -> None:
    results = await asyncio.gather(*[store.add(account("ada")) for _ in range(50)], return_exceptions=True)
    assert results.count(None) == 1
    refused = [result for result in results if isinstance(result, Duplicate)]
    assert len(refused) == 49
    assert {error.field for error in refused} == {"username"}


async def test_a_duplicate_names_its_field(store: AccountStore, account: Make) -> None:
    await store.add(account("ada"))
    with pytest.raises(Duplicate) as caught:
        await store.add(account("ada", email_key="other@example.org"))
    assert caught.value.field == "username"
    with pytest.raises(Duplicate) as caught:
        await store.add(account("bob", email_key="ada@example.org"))
    assert caught.value.field == "email"


async def test_an_update_changes_what_it_is_given_and_nothing_else(
    store: AccountStore, account: Make
) -> None:
    ada = account("ada")
    await store.add(ada)
    assert await store.update(ada.id, password_hash="new")
    assert await store.update(ada.id, email=("A@Example.org", "a@example.org"))
    found = await store.by_id(ada.id)
    assert found is not None
    assert (found.username, found.password_hash, found.email, found.email_key) == (
        "Ada",
        "new",
        "A@Example.org",
        "a@example.org",
    )


async def test_an_update_of_an_account_that_is_not_there_says_so(store: AccountStore) -> None:
    assert not await store.update("nobody", password_hash="new")


async def test_an_update_may_depend_on_the_hash(store: AccountStore, account: Make) -> None:
    ada = account("ada")
    await store.add(ada)
    assert not await store.update(ada.id, password_hash="new", if_password_hash="another")
    assert await store.update(ada.id, password_hash="new", if_password_hash="hash")


async def test_an_update_to_another_accounts_address_is_refused(store: AccountStore, account: Make) -> None:
    bob = account("bob")
    await store.add(account("ada"))
    await store.add(bob)
    with pytest.raises(Duplicate) as caught:
        await store.update(bob.id, email=("ada@example.org", "ada@example.org"))
    assert caught.value.field == "email"
