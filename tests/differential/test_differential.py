"""The same application on this project and on Tornado gives the same answers to the same bytes."""

from __future__ import annotations

import collections

import pytest

from tests.differential.cases import CASES
from tests.differential.client import Answer, differing
from tests.differential.differences import DIFFERENCES, by_case, check

Answers = dict[str, tuple[Answer, Answer]]

INTENDED = by_case(DIFFERENCES)


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 200


def test_each_case_has_a_name_of_its_own() -> None:
    assert max(collections.Counter(case.name for case in CASES).values()) == 1


def test_each_difference_is_of_a_case_that_exists() -> None:
    assert set(INTENDED) <= {case.name for case in CASES}


def test_no_two_differences_speak_of_one_case() -> None:
    named = [name for difference in DIFFERENCES for name in difference.cases]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_same_answer_but_for_what_is_intended(answers: Answers, name: str) -> None:
    found = differing(*answers[name])
    check(found, INTENDED.get(name, set()), "differences.py")
