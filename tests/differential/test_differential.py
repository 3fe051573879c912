"""The same application on this project and on Tornado gives the same answers to the same bytes."""

from __future__ import annotations

import collections

import pytest

from tests.differential.cases import CASES
from tests.differential.client import Answer, differing
from tests.differential.differences import DIFFERENCES

Answers = dict[str, tuple[Answer, Answer]]

INTENDED: dict[str, set[str]] = collections.defaultdict(set)
for difference in DIFFERENCES:
    for name in difference.cases:
        INTENDED[name].update(difference.aspects)


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
    unintended = {aspect: pair for aspect, pair in found.items() if aspect not in INTENDED[name]}
    assert not unintended, "\n".join(
        f"{aspect}\n  ours   {ours}\n  theirs {theirs}" for aspect, (ours, theirs) in unintended.items()
    )
    no_more = INTENDED[name] - set(found)
    assert not no_more, f"no difference any more, so that differences.py is wrong: {sorted(no_more)}"
