"""Primes, and those who ask for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_app.errors import ErrorCode, InvalidFields, TryLater
from demo_app.services.fields import FieldError
from demo_app.services.primes import Primes, is_prime, number
from tests.demo_app.fakes import FakeRedis


def test_small_numbers() -> None:
    sieve = [True] * 5000
    sieve[:2] = [False, False]
    for step in range(2, 71):
        if sieve[step]:
            sieve[step * step :: step] = [False] * len(sieve[step * step :: step])
    assert [is_prime(candidate) for candidate in range(5000)] == sieve


def test_what_looks_like_a_prime_to_simpler_tests() -> None:
    # Carmichael numbers, strong pseudoprimes to the bases 2, 3, 5 and 7, and to the first twelve primes.
    for composite in (561, 41041, 825265, 3215031751, 318665857834031151167461):
        assert not is_prime(composite)


def test_large_numbers() -> None:
    for exponent in (61, 89, 107, 127, 521 // 2):
        assert is_prime(2**exponent - 1) == (exponent != 260)
    assert is_prime(10**99 + 289)
    assert not is_prime((10**49 + 9) * (2**127 - 1))


@given(st.integers(2, 10**12), st.integers(2, 10**12))
def test_a_product_is_none(one: int, other: int) -> None:
    assert not is_prime(one * other)


def test_numbers_below_two_are_none() -> None:
    assert not any(map(is_prime, (-7, -1, 0, 1)))


def test_what_is_typed() -> None:
    assert [number(text) for text in ("17", " -5\n", "+3", "007")] == [17, -5, 3, 7]
    assert number("9" * 100) == 10**100 - 1
    for wrong in (
        "",
        "-",
        "1.0",
        "1e3",
        "1_000",
        "٣",
        "0x11",
        "seventeen",
        "--1",
        "9" * 101,
        '{"number": 1}',
    ):
        with pytest.raises(FieldError, match="a whole number of at most 100 digits"):
            number(wrong)


async def test_one_person_asks_so_often_in_a_while() -> None:
    primes = Primes(FakeRedis(), 2, 10)
    assert await primes.check("1", "17") == (17, True)
    with pytest.raises(InvalidFields) as wrong:
        await primes.check("1", "x")
    assert wrong.value.fields == {"number": "a whole number of at most 100 digits"}
    with pytest.raises(TryLater) as caught:
        await primes.check("1", "17")
    assert caught.value.code == ErrorCode.TOO_MANY_TRIES
    assert await primes.check("2", "18") == (18, False)
