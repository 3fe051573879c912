"""What is measured: one module each with a `WORKLOAD`, found by being here.

Most are a `PeerWorkload`: a request that each peer answers alike, asked as often as it can be. One of another
kind is an object with `name`, `title`, `unit`, `more_is_better` and a method `measure(setup)` that returns
the samples of each series.
"""

from __future__ import annotations

import importlib
import os
from typing import Protocol

from benchmarks.errors import BenchmarkError
from benchmarks.load import Sample
from benchmarks.setup import Setup

__all__ = ["Workload", "find_workloads"]


class Workload(Protocol):
    """Something that can be measured."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in file names."""

    @property
    def title(self) -> str:
        """What it is, in a line."""

    @property
    def unit(self) -> str:
        """What the values are."""

    @property
    def more_is_better(self) -> bool:
        """Whether a larger value is the better one."""

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure, and return the samples of each series by its name, this project's first."""


def find_workloads() -> dict[str, Workload]:
    """Return all workloads by name."""
    files = sorted(os.listdir(os.path.dirname(__file__)))
    names = [file[:-3] for file in files if file.endswith(".py") and file != "__init__.py"]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    workloads: dict[str, Workload] = {module.WORKLOAD.name: module.WORKLOAD for module in modules}
    if len(workloads) != len(modules):
        raise BenchmarkError("two workloads have the same name")
    return workloads
