"""The same fetches by this project's client and by Tornado's give the same, but for what is intended."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import pytest

from tests.differential.client import ROOT
from tests.differential.differences import by_case, check
from tests.differential.fetch_cases import FETCHES, FetchCase
from tests.differential.fetch_differences import DIFFERENCES
from tests.differential.fetch_server import FetchServer

Result = dict[str, Any]

INTENDED = by_case(DIFFERENCES)


def results(python: str, package: str) -> dict[str, Result]:
    """What came of every case, with the requests that were sent as ``sent``."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ROOT if package == "framework" else ""}
    found: dict[str, Result] = {}
    with FetchServer() as server:
        port = str(server.server_address[1])
        script = os.path.join(ROOT, "tests", "differential", "fetch.py")
        done = subprocess.run(
            [python, script, package, port],
            input=json.dumps([asdict(case) for case in FETCHES]),
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
            env=environment,
        )
        found = json.loads(done.stdout)
    # What belongs to a case is between its own first request and that of the next.
    own: dict[str, list[str]] = collections.defaultdict(list)
    for line in server.seen:
        own[_case_of(line)].append(line)
    for name in found:
        found[name]["sent"] = own.get(name, [])
    return found


_NAMES = {case.name for case in FETCHES}


def _case_of(line: str) -> str:
    path = line.split(" ")[1].partition("?")[0].partition(";")[0].lstrip("/")
    return path.split("/")[0] if path.split("/")[0] in _NAMES else "elsewhere"


def differing(ours: Result, theirs: Result) -> dict[str, tuple[object, object]]:
    """The aspects that differ: ``outcome`` for another error, or one where the other has none; or its parts."""
    if ours["error"] != theirs["error"] or ("url" in ours) != ("url" in theirs):
        found: dict[str, tuple[object, object]] = {"outcome": (_outcome(ours), _outcome(theirs))}
        if ours["sent"] != theirs["sent"]:
            found["sent"] = (ours["sent"], theirs["sent"])
        return found
    return {
        aspect: (ours.get(aspect), theirs.get(aspect))
        for aspect in sorted(set(ours) | set(theirs))
        if ours.get(aspect) != theirs.get(aspect)
    }


def _outcome(result: Result) -> str:
    return f"{result['error']} {result['code']} {result['body']!r}"


@pytest.fixture(scope="module")
def both(tornado_python: str) -> tuple[dict[str, Result], dict[str, Result]]:
    """Ours and theirs."""
    return results(sys.executable, "framework"), results(tornado_python, "tornado")


def test_there_are_many_cases_with_names_of_their_own() -> None:
    assert len(_NAMES) == len(FETCHES) >= 200


def test_each_difference_is_of_a_case_that_exists() -> None:
    assert set(INTENDED) <= _NAMES


@pytest.mark.parametrize("case", FETCHES, ids=lambda case: case.name)
def test_same_result_but_for_what_is_intended(
    both: tuple[dict[str, Result], dict[str, Result]], case: FetchCase
) -> None:
    ours, theirs = both[0][case.name], both[1][case.name]
    found = differing(ours, theirs)
    check(found, INTENDED.get(case.name, set()), "fetch_differences.py")
