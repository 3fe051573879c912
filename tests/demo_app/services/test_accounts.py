"""What people can do with accounts, and what they can't."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import argon2
import pytest

from demo_app.errors import AppError, ErrorCode, InvalidFields
from demo_app.services.accounts import Accounts
from demo_app.services.events import Events, Visitor
from demo_app.services.passwords import Passwords
from demo_app.services.tries import Tries, TryLimits
from demo_app.stores.base import Account, StoreUnavailable
from tests.demo_app.fakes import FakeAccounts, FakeLog, FakeRedis

VISITOR = Visitor("203.0.113.9", "curl/8")
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ADA = {"username": "Ada", "email": "Ada@example.org", "password": "correct horse"}


class World:
    """The service and what it stands on."""

    def __init__(self) -> None:
        self.store, self.redis, self.log = FakeAccounts(), FakeRedis(), FakeLog()
        self.passwords = Passwords(threads=1, hasher=CHEAP)
        limits = TryLimits(login_per_account=3, login_per_address=100, register_per_address=5, window=60)
        events = Events(self.redis, self.log)
        tries = Tries(self.redis, limits)
        self.accounts = Accounts(self.store, self.passwords, tries, events, self.redis, 600)

    async def register(self, **changes: str) -> Account:
        return await self.accounts.register(ADA | changes, VISITOR)

    async def login(self, **changes: str) -> Account:
        return await self.accounts.check_login(ADA | changes, VISITOR)

    @property
    def events(self) -> list[tuple[str, str | None]]:
        return [(event.kind, event.account_id) for event in self.redis.stream.values()]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.passwords._executor.shutdown()


async def refused(code: ErrorCode, action: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await action
    assert caught.value.code is code
    return caught.value


async def test_registering_makes_an_account(world: World) -> None:
    account = await world.register()
    assert (account.username, account.username_key) == ("Ada", "ada")
    assert (account.email, account.email_key) == ("Ada@example.org", "ada@example.org")
    assert "correct horse" not in account.password_hash
    assert await world.accounts.get(account.id) == account
    assert world.events == [("registered", account.id)]


async def test_a_name_or_address_that_is_taken_is_refused(world: World) -> None:
    await world.register()
    await refused(ErrorCode.USERNAME_TAKEN, world.register(username="ADA", email="b@example.org"))
    await refused(ErrorCode.EMAIL_TAKEN, world.register(username="bob", email="ADA@EXAMPLE.ORG"))


async def test_a_race_for_a_name_is_decided_by_the_store(world: World) -> None:
    await world.register()

    async def nobody(key: str) -> None:
        return None

    world.store.by_username_key = nobody  # type: ignore[method-assign]
    await refused(ErrorCode.USERNAME_TAKEN, world.register(email="b@example.org"))


async def test_wrong_fields_are_all_told_and_count_as_no_try(world: World) -> None:
    for _ in range(10):
        error = await refused(
            ErrorCode.INVALID_FIELDS, world.register(email="x", password="short", username="")
        )
    assert isinstance(error, InvalidFields)
    assert set(error.fields) == {"username", "email", "password"}
    assert not world.redis.counts


async def test_registering_has_a_limit(world: World) -> None:
    for number in range(5):
        await world.register(username=f"ada{number}", email=f"{number}@example.org")
    await refused(ErrorCode.TOO_MANY_TRIES, world.register(username="ada6", email="6@example.org"))


async def test_logging_in(world: World) -> None:
    account = await world.register()
    assert await world.login(username=" aDA ") == account
    await world.accounts.logged_in(account.id, VISITOR)
    await world.accounts.logged_out(account.id, VISITOR)
    assert [kind for kind, _ in world.events] == ["registered", "logged_in", "logged_out"]


async def test_an_unknown_name_and_a_wrong_password_have_the_same_answer_and_both_are_noted(
    world: World,
) -> None:
    account = await world.register()
    one = await refused(ErrorCode.WRONG_CREDENTIALS, world.login(password="wrong horse"))
    other = await refused(ErrorCode.WRONG_CREDENTIALS, world.login(username="nobody at all"))
    assert (one.message, one.status) == (other.message, other.status) == ("", 401)
    assert world.events[1:] == [("login_failed", account.id), ("login_failed", None)]


async def test_an_unknown_name_costs_as_much_hashing_as_a_known_one(world: World) -> None:
    seen: list[str] = []
    verify = world.passwords._verify

    def noting(known: str, password: str) -> bool:
        seen.append(known)
        return verify(known, password)

    world.passwords._verify = noting  # type: ignore[method-assign]
    await refused(ErrorCode.WRONG_CREDENTIALS, world.login(username="nobody"))
    assert len(seen) == 1


async def test_guessing_has_a_limit_that_knowing_resets(world: World) -> None:
    await world.register()
    for _ in range(2):
        await refused(ErrorCode.WRONG_CREDENTIALS, world.login(password="wrong horse"))
    await world.login()
    for _ in range(3):
        await refused(ErrorCode.WRONG_CREDENTIALS, world.login(password="wrong horse"))
    await refused(ErrorCode.TOO_MANY_TRIES, world.login())


async def test_guessing_at_an_account_that_is_not_there_has_the_same_limit(world: World) -> None:
    for _ in range(3):
        await refused(ErrorCode.WRONG_CREDENTIALS, world.login(username="nobody"))
    await refused(ErrorCode.TOO_MANY_TRIES, world.login(username="nobody"))


async def test_a_hash_with_old_parameters_is_made_anew_at_login(world: World) -> None:
    account = await world.register()
    old = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(ADA["password"])
    world.store.accounts[account.id] = replace(account, password_hash=old)
    await world.login()
    new = world.store.accounts[account.id].password_hash
    assert new != old
    assert not world.passwords.outdated(new)
    await world.login()
    assert world.store.accounts[account.id].password_hash == new


async def test_an_outage_is_passed_on(world: World) -> None:
    world.store.down = True
    with pytest.raises(StoreUnavailable):
        await world.register()
    with pytest.raises(StoreUnavailable):
        await world.login()


async def edit(world: World, account: Account, **values: str) -> tuple[Account, bool]:
    return await world.accounts.edit(account.id, {"old_password": ADA["password"]} | values, VISITOR)


async def test_a_new_address_leaves_the_sessions(world: World) -> None:
    account = await world.register()
    edited, sessions_ended = await edit(world, account, email="New@example.org")
    assert (edited.email, edited.email_key, sessions_ended) == ("New@example.org", "new@example.org", False)
    assert not await world.accounts.session_ended(account.id, 0)
    assert world.events[-1] == ("edited", account.id)


async def test_a_new_password_ends_the_sessions_that_were(world: World) -> None:
    account = await world.register()
    edited, sessions_ended = await edit(world, account, password="new password")
    assert sessions_ended
    assert edited.password_hash != account.password_hash
    moment = world.redis.ends[account.id]
    assert await world.accounts.session_ended(account.id, moment - 0.1)
    assert not await world.accounts.session_ended(account.id, moment)
    await refused(ErrorCode.WRONG_CREDENTIALS, world.login())
    await world.login(password="new password")


async def test_editing_needs_the_present_password_and_something_to_change(world: World) -> None:
    account = await world.register()
    await refused(ErrorCode.WRONG_PASSWORD, edit(world, account, old_password="wrong", email="b@example.org"))
    error = await refused(ErrorCode.INVALID_FIELDS, edit(world, account, old_password="", username="bob"))
    assert isinstance(error, InvalidFields)
    assert set(error.fields) == {"old_password", "email"}
    await refused(ErrorCode.INVALID_FIELDS, edit(world, account, email="x", password="short"))


async def test_editing_has_the_limit_of_guessing(world: World) -> None:
    account = await world.register()
    for _ in range(3):
        await refused(ErrorCode.WRONG_PASSWORD, edit(world, account, old_password="wrong", email="b@x.org"))
    await refused(ErrorCode.TOO_MANY_TRIES, edit(world, account, email="b@example.org"))


async def test_an_address_that_is_taken_is_refused(world: World) -> None:
    await world.register(username="bob", email="bob@example.org")
    account = await world.register()
    await refused(ErrorCode.EMAIL_TAKEN, edit(world, account, email="Bob@example.org"))


async def test_of_two_changes_at_once_the_second_has_to_know_the_new_password(world: World) -> None:
    account = await world.register()
    verify = world.passwords.verify

    async def another_is_faster(known: str | None, password: str) -> bool:
        found = await verify(known, password)
        world.store.accounts[account.id] = replace(account, password_hash="another")
        return found

    world.passwords.verify = another_is_faster  # type: ignore[method-assign]
    await refused(ErrorCode.WRONG_PASSWORD, edit(world, account, password="new password"))


async def test_a_session_of_an_account_that_is_gone_is_none(world: World) -> None:
    await refused(ErrorCode.NOT_LOGGED_IN, world.accounts.get("nobody"))
