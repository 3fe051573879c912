"""What was measured, as a table and as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.load import Sample
from benchmarks.machine import Machine

__all__ = ["RESULTS", "Report", "Series"]

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")

#: With less idle time than this the load may have been what was measured.
_LEAST_IDLE = 0.05
_IDLE = "load core idle"
_COST = "CPU µs/request"


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one peer."""

    name: str
    samples: list[Sample]

    @property
    def median(self) -> float:
        """The value in the middle."""
        return median(sample.value for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest value."""
        values = [sample.value for sample in self.samples]
        return min(values), max(values)

    def detail(self, name: str) -> float | None:
        """The median of what was seen beside the value."""
        found = [sample.details[name] for sample in self.samples if name in sample.details]
        return median(found) if found else None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a workload.

    Args:
        name: of the workload.
        title: what it is, in a line.
        unit: what the values are.
        more_is_better: whether a larger value is the better one.
        series: the samples of each peer, this project's first.
        machine: what they were measured on.
        versions: of what each peer consists of, by its name.
        remarks: what a peer's figures are to be read with, by its name.
        left_out: why others are missing, by their names.
    """

    name: str
    title: str
    unit: str
    more_is_better: bool
    series: list[Series]
    machine: Machine
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def ratio(self, other: Series) -> float:
        """How many times better the first series is than another."""
        first = self.series[0].median
        return first / other.median if self.more_is_better else other.median / first

    def table(self) -> str:
        """Return a table for people to read."""
        width = max(len(series.name) for series in self.series)
        details = list(
            dict.fromkeys(key for s in self.series for sample in s.samples for key in sample.details)
        )
        head = f"{'':{width}}  {self.unit:>12}  {'least':>10}  {'greatest':>10}  {'ratio':>14}"
        lines = [f"{self.name}: {self.title}", "", "  ".join([head, *(f"{key:>16}" for key in details)])]
        for series in self.series:
            least, greatest = series.spread
            line = f"{series.name:{width}}  {series.median:12,.2f}  {least:10,.2f}  {greatest:10,.2f}"
            line += f"  {self.ratio(series):12.2f} ×"
            for key in details:
                value = series.detail(key)
                shown = "" if value is None else f"{value:.0%}" if "core" in key else f"{value:.2f}"
                line += f"  {shown:>16}"
            lines.append(line)
        return "\n".join([*lines, "", *self._notes()])

    def _notes(self) -> list[str]:
        lines = [f"medians of {len(self.series[0].samples)} rounds; {self.machine.summary()}"]
        for series in self.series:
            if versions := self.versions.get(series.name):
                parts = ", ".join(f"{name} {version}" for name, version in versions.items())
                lines.append(f"{series.name}: {parts}")
        for series in self.series:
            idle = series.detail(_IDLE)
            if idle is not None and idle < _LEAST_IDLE:
                lines.append(f"{series.name}: the load had nothing in reserve{_bound(series)}")
        lines += [f"{name}: {remark}" for name, remark in self.remarks.items()]
        lines += [f"without {name}: {reason}" for name, reason in self.left_out.items()]
        return lines

    def save(self, folder: str = RESULTS) -> str:
        """Write it as JSON, and return the path."""
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{self.name}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.values(), file, indent=2, ensure_ascii=False)
            file.write("\n")
        return path

    def values(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "workload": self.name,
            "title": self.title,
            "unit": self.unit,
            "more_is_better": self.more_is_better,
            "machine": self.machine.values(),
            "series": [
                {
                    "name": series.name,
                    "median": series.median,
                    "min": series.spread[0],
                    "max": series.spread[1],
                    "ratio": self.ratio(series),
                    "versions": self.versions.get(series.name, {}),
                    "samples": [{"value": sample.value, **sample.details} for sample in series.samples],
                }
                for series in self.series
            ],
            "remarks": self.remarks,
            "left_out": self.left_out,
        }


def _bound(series: Series) -> str:
    """Say what the server could have reached at most, by the processor time that it took."""
    cost = series.detail(_COST)
    return f"; a core serves at most {1e6 / cost:,.0f} requests/s at this cost" if cost else ""
