"""Which cores are for what, and how busy they are."""

from __future__ import annotations

import os

import pytest

from benchmarks.cores import LOAD_CORES, SERVER_CORE, Busy, _numbers, load_cores


@pytest.mark.parametrize(
    ("cores", "siblings", "expected"),
    [
        ([0], {0}, [0]),
        ([0, 1], {0}, [1]),
        # The other half of the server's core is better than the same half.
        ([0, 1], {0, 1}, [1]),
        ([0, 1, 2, 3], {0, 2}, [1, 3]),
        (list(range(16)), {0, 8}, [12, 13, 14, 15]),
    ],
)
def test_the_load_has_other_cores_than_the_server(
    cores: list[int], siblings: set[int], expected: list[int]
) -> None:
    assert load_cores(cores, 0, siblings) == expected


def test_the_cores_are_some_that_this_machine_has() -> None:
    assert {SERVER_CORE, *LOAD_CORES} <= set(range(os.cpu_count() or 1))


def test_lists_of_the_kernel_are_read() -> None:
    assert _numbers("0\n") == {0}
    assert _numbers("0-2,8,10-11\n") == {0, 1, 2, 8, 10, 11}


def test_busy_is_a_share_of_the_time_of_cores() -> None:
    busy = Busy(SERVER_CORE, *LOAD_CORES)
    assert 0.0 <= busy.share() <= 1.0


def test_nothing_is_known_of_a_core_that_is_not_there() -> None:
    assert Busy(100_000).share() == 0.0
