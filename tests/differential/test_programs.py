"""Small programs with coroutines, locks, queues, timeouts, streams and options: both say the same, in order."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.differential.client import ROOT
from tests.differential.programs.differences import DIFFERENCES
from tests.differential.programs.run import MODULES

Said = dict[str, list[str]]

NAMES = [
    f"{module}.{name}"
    for module in MODULES
    for name, function in vars(importlib.import_module(f"tests.differential.programs.{module}")).items()
    if inspect.iscoroutinefunction(function) and not name.startswith("_")
]


def run(python: str, package: str, loop: str = "") -> Said:
    """What each program says with a package."""
    done = subprocess.run(
        [python, "-W", "ignore", "-m", "tests.differential.programs.run", package],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "FRAMEWORK_LOOP": loop, "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.fixture(scope="session")
def theirs(tornado_python: str) -> Said:
    return run(tornado_python, "tornado")


@pytest.fixture(scope="session")
def ours() -> Callable[[str], Said]:
    """What our programs say on a loop; each loop is asked once."""
    answers: dict[str, Said] = {}

    def ask(loop: str) -> Said:
        if loop not in answers:
            answers[loop] = run(sys.executable, "framework", loop)
        return answers[loop]

    return ask


def test_there_are_many_programs() -> None:
    assert len(NAMES) >= 300


def test_each_difference_is_of_a_program_that_exists() -> None:
    assert set(DIFFERENCES) <= set(NAMES)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("name", NAMES)
def test_both_say_the_same(theirs: Said, ours: Callable[[str], Said], name: str, loop: str) -> None:
    if name in DIFFERENCES:
        assert ours(loop)[name] != theirs[name], "no difference any more, so that differences.py is wrong"
    else:
        assert ours(loop)[name] == theirs[name]
