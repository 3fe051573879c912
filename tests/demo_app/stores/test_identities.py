"""Identities at providers, as every store of accounts keeps them: MongoDB's and the embedded one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from demo_app.stores.base import Account, AccountStore, Duplicate, Identity

Make = Callable[..., Account]

ADA = Identity("https://a.example", "1")


@pytest.fixture(params=["mongo", "sqlite_accounts"])
def store(request: pytest.FixtureRequest) -> AccountStore:
    found: AccountStore = request.getfixturevalue(request.param)
    return found


async def test_an_account_is_found_by_its_identity(store: AccountStore, account: Make) -> None:
    ada = account("ada", password_hash="")
    await store.add(ada, ADA)
    # Those without one don't get in each other's way.
    await store.add(account("bob"))
    await store.add(account("eve"))
    assert await store.by_identity(ADA) == ada
    assert await store.by_identity(Identity("https://a.example", "2")) is None
    assert await store.by_identity(Identity("https://b.example", "1")) is None


async def test_an_account_that_can_not_be_kept_leaves_no_identity(store: AccountStore, account: Make) -> None:
    await store.add(account("ada"))
    with pytest.raises(Duplicate) as caught:
        await store.add(account("bob", email_key="ada@example.org"), ADA)
    assert caught.value.field == "email"
    assert await store.by_identity(ADA) is None


async def test_an_identity_opens_one_account(store: AccountStore, account: Make) -> None:
    ada, bob = account("ada"), account("bob")
    await store.add(ada, ADA)
    await store.add(bob)
    with pytest.raises(Duplicate) as caught:
        await store.add(account("eve"), ADA)
    assert caught.value.field == "identity"
    with pytest.raises(Duplicate) as caught:
        await store.add_identity(bob.id, ADA)
    assert caught.value.field == "identity"
    assert await store.by_identity(ADA) == ada


async def test_an_account_may_have_several_identities(store: AccountStore, account: Make) -> None:
    ada = account("ada")
    await store.add(ada)
    other = Identity("https://b.example", "2")
    assert await store.add_identity(ada.id, ADA)
    assert await store.add_identity(ada.id, other)
    # Once more is no harm.
    assert await store.add_identity(ada.id, ADA)
    assert await store.by_identity(ADA) == await store.by_identity(other) == ada
    # Not the issuer of one with the subject of another.
    assert await store.by_identity(Identity(ADA.issuer, other.subject)) is None


async def test_an_identity_of_nobody(store: AccountStore) -> None:
    assert not await store.add_identity("nobody", ADA)
    assert await store.by_identity(ADA) is None


async def test_fifty_equal_identities_at_once_are_one(store: AccountStore, account: Make) -> None:
    many = [store.add(account(f"ada{number}"), ADA) for number in range(50)]
    results = await asyncio.gather(*many, return_exceptions=True)
    assert results.count(None) == 1
    assert {error.field for error in results if isinstance(error, Duplicate)} == {"identity"}
