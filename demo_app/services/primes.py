"""Whether a whole number is a prime."""

from __future__ import annotations

import secrets

from demo_app.errors import ErrorCode, InvalidFields, TryLater
from demo_app.services.fields import FieldError
from demo_app.stores.base import Limiter

__all__ = ["DIGITS", "Primes", "is_prime", "number"]

#: Digits of the largest number looked at. One of this size takes a few milliseconds.
DIGITS = 100

_SMALL = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)

# Below it, these bases are enough to be sure (Sorenson and Webster 2015, "Strong pseudoprimes to twelve prime
# bases", section 1: psi_13).
_SURE_BELOW = 3317044064679887385961981

#: Bases tried above that; a composite number passes each with a chance of less than one in four.
_RANDOM_BASES = 32


class Primes:
    """Answers people's questions, so many in a window of seconds.

    Args:
        limiter: counts them, for all processes.
        questions: how many of one person are answered in a window.
        window: its length in seconds.
    """

    def __init__(self, limiter: Limiter, questions: int, window: int) -> None:
        self._limiter = limiter
        self._questions = questions
        self._window = window

    async def check(self, account_id: str, text: str) -> tuple[int, bool]:
        """The number that somebody typed, and whether it is a prime.

        Raises:
            AppError: `INVALID_FIELDS` or `TOO_MANY_TRIES`.
            StoreUnavailable: the limiter is away.
        """
        wait = await self._limiter.hit(f"primes:{account_id}", self._questions, self._window)
        if wait:
            raise TryLater(ErrorCode.TOO_MANY_TRIES, wait)
        try:
            typed = number(text)
        except FieldError as error:
            raise InvalidFields({"number": str(error)}) from None
        return typed, is_prime(typed)


def number(text: str) -> int:
    """The number that somebody typed.

    Raises:
        FieldError: it is none, or too long.
    """
    typed = text.strip()
    digits = typed[1:] if typed[:1] in ("-", "+") else typed
    # int() would also take "1_000" and digits of other scripts.
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS):
        raise FieldError(f"a whole number of at most {DIGITS} digits")
    return int(typed)


def is_prime(candidate: int) -> bool:
    """Whether a number is a prime, by the test of Miller and Rabin.

    Certain for numbers below 3·10²⁴; above, a composite number is taken for a prime with a chance of less than
    one in 4³².
    """
    if candidate < 2:
        return False
    for prime in _SMALL:
        if candidate % prime == 0:
            return candidate == prime
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    if candidate < _SURE_BELOW:
        return all(_may_be_prime(candidate, base, odd, twos) for base in _SMALL)
    return all(
        _may_be_prime(candidate, 2 + secrets.randbelow(candidate - 3), odd, twos)
        for _ in range(_RANDOM_BASES)
    )


def _may_be_prime(candidate: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, candidate)
    if power in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % candidate
        if power == candidate - 1:
            return True
    return False
