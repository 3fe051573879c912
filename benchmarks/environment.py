"""The environment that the peers are installed into, apart from this project's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable

from benchmarks.errors import BenchmarkError

__all__ = ["CACHE", "ROOT", "Environment"]

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(ROOT, ".cache")

_VERSIONS = """
import json, sys
from importlib.metadata import version, PackageNotFoundError
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class Environment:
    """A virtual environment in `.cache/bench-venv`, of the interpreter that runs this."""

    def __init__(self, folder: str = os.path.join(CACHE, "bench-venv")) -> None:
        self.folder = folder
        self.python = os.path.join(folder, "bin", "python")

    def install(self, requirements: Iterable[str]) -> None:
        """Make the environment where it is not there yet, and install what is missing in it."""
        if not os.path.exists(self.python):
            self._run("making an environment for the peers", sys.executable, "-m", "venv", self.folder)
        wanted = sorted(set(requirements))
        installed = self.versions(wanted)
        missing = [requirement for requirement in wanted if _name(requirement) not in installed]
        if missing:
            pip = (self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            self._run("installing " + ", ".join(missing), *pip, *missing)

    def versions(self, requirements: Iterable[str]) -> dict[str, str]:
        """Return the versions of those that are installed."""
        names = [_name(requirement) for requirement in requirements]
        done = subprocess.run([self.python, "-c", _VERSIONS, *names], capture_output=True, check=True)
        versions: dict[str, str] = json.loads(done.stdout)
        return versions

    def _run(self, what: str, *command: str) -> None:
        print(what, file=sys.stderr)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{what} failed:\n{done.stdout}{done.stderr}")


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]
