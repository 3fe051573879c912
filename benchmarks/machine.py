"""What the figures were measured on: kind of machine and versions, nothing that names it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass

__all__ = ["Machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Processor, operating system, versions."""

    processor: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]

    @classmethod
    def this(cls) -> Machine:
        """Describe this machine, and the programs that load servers or stand before them."""
        return cls(
            _processor(),
            os.cpu_count() or 1,
            f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
            f"{platform.python_implementation()} {platform.python_version()}",
            _tools(),
        )

    def summary(self) -> str:
        """Return it in a line."""
        versions = [f"{name} {version}" for name, version in self.versions.items()]
        return ", ".join([self.processor, f"{self.cores} cores", self.system, self.python, *versions])

    def values(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "processor": self.processor,
            "cores": self.cores,
            "system": self.system,
            "python": self.python,
            "versions": self.versions,
        }


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def _tools() -> dict[str, str]:
    tools = {}
    for tool, option in (("wrk", "--version"), ("nginx", "-v")):
        path = shutil.which(tool)
        if path is not None:
            done = subprocess.run([path, option], capture_output=True, text=True, check=False)
            words = (done.stdout + done.stderr).replace("/", " ").split()
            tools[tool] = next((word for word in words if word[:1].isdigit()), "unknown")
    return tools
