"""What each person may have open."""

from __future__ import annotations

import pytest

from demo_app.errors import ErrorCode, TryLater
from demo_app.services.slots import Slots


def test_each_person_has_so_many() -> None:
    slots = Slots(2)
    slots.take("ada")
    slots.take("ada")
    with pytest.raises(TryLater) as caught:
        slots.take("ada")
    assert caught.value.code == ErrorCode.TOO_MANY_TRIES
    slots.take("bob")
    slots.give_back("ada")
    slots.take("ada")


def test_what_is_given_back_leaves_nothing_behind() -> None:
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots.taken("ada"):
        raise ZeroDivisionError
    with slots.taken("ada"), pytest.raises(TryLater), slots.taken("ada"):
        pass
    assert not slots._taken
