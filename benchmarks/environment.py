"""The environments that the peers are installed into: one each, apart from this project's own.

Each has the newest releases that this peer takes: what one of them insists on never holds another back.
"""

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
    """A virtual environment below `.cache/bench`, of the interpreter that runs this.

    Args:
        name: of its folder.
        folder: that of all environments of this interpreter.
    """

    def __init__(
        self, name: str, folder: str = os.path.join(CACHE, "bench", str(sys.implementation.cache_tag))
    ) -> None:
        self.name = name
        self.folder = os.path.join(folder, name)
        self.python = os.path.join(self.folder, "bin", "python")

    def install(self, requirements: Iterable[str], upgrade: bool = False) -> None:
        """Make the environment where it is not there yet, and install what is missing in it.

        Args:
            requirements: as for pip.
            upgrade: whether what is installed gives way to newer releases.

        Raises:
            BenchmarkError: something cannot be installed.
        """
        if not os.path.exists(self.python):
            self._run("making an environment", sys.executable, "-m", "venv", "--without-pip", self.folder)
        wanted = sorted(set(requirements))
        if not upgrade:
            installed = self.versions(wanted)
            wanted = [requirement for requirement in wanted if _name(requirement) not in installed]
        if wanted:
            pip = (sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check")
            what = "installing " + ", ".join(wanted)
            self._run(what, *pip, "install", "--quiet", "--upgrade", *wanted)

    def versions(self, requirements: Iterable[str]) -> dict[str, str]:
        """Return the versions of those that are installed."""
        names = [_name(requirement) for requirement in requirements]
        done = subprocess.run([self.python, "-c", _VERSIONS, *names], capture_output=True, check=True)
        versions: dict[str, str] = json.loads(done.stdout)
        return versions

    def _run(self, what: str, *command: str) -> None:
        print(f"{self.name}: {what}", file=sys.stderr)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{what} failed: {_reason(done.stdout + done.stderr)}")


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]


def _reason(output: str) -> str:
    """Return what pip gives as errors, without the paths and the lines around them."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    return " ".join(errors or lines[-3:]) or "it gave no reason"
