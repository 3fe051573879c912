"""The memory of what may be used once."""

from __future__ import annotations

from framework.auth.once import _SIZE, UsedOnce


def test_a_second_use_is_known_until_it_is_forgotten() -> None:
    used = UsedOnce()
    assert [used.use("a", now, 10) for now in (0, 0, 10)] == [True, False, False]
    assert used.use("a", 10.1, 20)


def test_what_nobody_can_use_takes_no_room() -> None:
    used = UsedOnce()
    for number in range(100):
        used.use(number, 0, 10)
    used.use("later", 11, 20)
    assert len(used) == 1


def test_the_oldest_goes_when_there_are_too_many() -> None:
    used = UsedOnce()
    for number in range(_SIZE + 5):
        assert used.use(number, 0, 10)
    assert len(used) == _SIZE
    assert not used.use(5, 0, 10)
    assert used.use(0, 0, 10)
