"""The results of several workloads side by side: how many times better this project is than each peer."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

__all__ = ["Overview", "load_results"]


def load_results(folder: str) -> list[dict[str, Any]]:
    """Return what the JSON files in a folder say, in the order of their names."""
    results = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                results.append(json.load(file))
    return results


@dataclass(frozen=True, slots=True)
class Overview:
    """A grid of ratios.

    Args:
        workloads: the rows.
        peers: the columns.
        ratios: a row of ratios for each workload; None where a peer does not take part.
    """

    workloads: list[str]
    peers: list[str]
    ratios: list[list[float | None]]

    @classmethod
    def of(cls, results: list[dict[str, Any]]) -> Overview:
        """Make one of the results that compare peers; those who take part most often come first."""
        grids = {
            result["workload"]: {series["name"]: series["ratio"] for series in result["series"][1:]}
            for result in results
            if result["series"][1:] and any(series.get("versions") for series in result["series"][1:])
        }
        peers = sorted(
            {name for ratios in grids.values() for name in ratios},
            key=lambda name: (-sum(name in ratios for ratios in grids.values()), name),
        )
        return cls(list(grids), peers, [[grids[name].get(peer) for peer in peers] for name in grids])
