"""An environment with Tornado in it, made once and kept in .cache."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.differential.cases import CASES
from tests.differential.client import ROOT, Answer, Server

TORNADO = "tornado==6.6"
MINUTES = 60.0


@pytest.fixture(scope="session")
def tornado_python() -> str:
    """The interpreter of an environment with Tornado; the version of Python is that of the tests."""
    folder = os.path.join(ROOT, ".cache", f"tornado-{sys.version_info.major}.{sys.version_info.minor}")
    python = os.path.join(folder, "bin", "python")
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    # Each worker of the tests asks for it, and one makes it.
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        check = [python, "-c", "import tornado; raise SystemExit(tornado.version != '6.6')"]
        if os.path.exists(python) and subprocess.run(check, capture_output=True).returncode == 0:
            return python
        for command in (
            [sys.executable, "-m", "venv", "--clear", folder],
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TORNADO],
        ):
            try:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=5 * MINUTES)
            except (OSError, subprocess.SubprocessError) as error:
                details = getattr(error, "stderr", "") or ""
                pytest.skip(f"{TORNADO} can't be installed: {error} {details[-500:]}")
    return python


Answers = dict[str, tuple[Answer, Answer]]


@pytest.fixture(scope="session")
def answers(tornado_python: str) -> Iterator[Answers]:
    """For each case our answer and theirs."""
    with Server(sys.executable, "framework") as ours, Server(tornado_python, "tornado") as theirs:
        yield {case.name: (ours.answer(case), theirs.answer(case)) for case in CASES}
