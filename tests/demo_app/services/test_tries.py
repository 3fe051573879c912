"""Limits on tries."""

from __future__ import annotations

import pytest

from demo_app.errors import ErrorCode, TryLater
from demo_app.services.tries import Tries, TryLimits
from tests.demo_app.fakes import FakeRedis

LIMITS = TryLimits(login_per_account=2, login_per_address=4, register_per_address=3, window=60)


@pytest.fixture
def tries() -> Tries:
    return Tries(FakeRedis(), LIMITS)


async def test_an_account_has_few_tries_from_wherever_they_come(tries: Tries) -> None:
    await tries.login("203.0.113.1", "ada")
    await tries.login("203.0.113.2", "ada")
    with pytest.raises(TryLater) as caught:
        await tries.login("203.0.113.3", "ada")
    assert caught.value.code is ErrorCode.TOO_MANY_TRIES
    assert caught.value.retry_after == 60
    await tries.login("203.0.113.3", "bob")


async def test_an_address_has_few_tries_for_whatever_account(tries: Tries) -> None:
    for name in "abcd":
        await tries.login("203.0.113.1", name)
    with pytest.raises(TryLater):
        await tries.login("203.0.113.1", "e")
    await tries.login("203.0.113.2", "e")


async def test_the_right_password_forgets_the_accounts_tries(tries: Tries) -> None:
    await tries.password("ada")
    await tries.password("ada")
    await tries.right_password("ada")
    await tries.password("ada")


async def test_registrations_are_counted_apart(tries: Tries) -> None:
    for _ in range(3):
        await tries.register("203.0.113.1")
    with pytest.raises(TryLater):
        await tries.register("203.0.113.1")
    await tries.login("203.0.113.1", "ada")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.1", "203.0.113.1", True),
        ("203.0.113.1", "203.0.113.2", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("unix", "unix", True),
    ],
)
async def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    redis = FakeRedis()
    tries = Tries(redis, LIMITS)
    await tries.register(one)
    await tries.register(other)
    assert (len(redis.counts) == 1) is same


async def test_what_was_typed_is_not_stored_as_it_is() -> None:
    redis = FakeRedis()
    await Tries(redis, LIMITS).password("my-password-by-mistake")
    assert not any("mistake" in key for key in redis.counts)
