"""What was measured, as a table, as JSON, as a chart."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from statistics import median

from benchmarks.chart import bars
from benchmarks.load import Sample
from benchmarks.machine import Machine

__all__ = ["Report", "Series"]

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")


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
    """The outcome of a workload."""

    name: str
    title: str
    unit: str
    more_is_better: bool
    series: list[Series]
    machine: Machine

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
        rounds = len(self.series[0].samples)
        lines += ["", f"medians of {rounds} rounds; {self.machine.summary()}"]
        return "\n".join(lines)

    def save(self, folder: str = RESULTS) -> list[str]:
        """Write JSON and chart, and return the paths."""
        os.makedirs(folder, exist_ok=True)
        paths = [os.path.join(folder, f"{self.name}{ending}") for ending in (".json", ".svg")]
        with open(paths[0], "w", encoding="utf-8") as file:
            json.dump(self._values(), file, indent=2, ensure_ascii=False)
            file.write("\n")
        with open(paths[1], "w", encoding="utf-8") as file:
            file.write(
                bars(
                    self.title,
                    f"{self.unit}; medians, least and greatest of {len(self.series[0].samples)} rounds",
                    [(series.name, series.median, *series.spread) for series in self.series],
                )
            )
        return paths

    def _values(self) -> dict[str, object]:
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
                    "samples": [{"value": sample.value, **sample.details} for sample in series.samples],
                }
                for series in self.series
            ],
        }
