"""The charts: `python -m benchmarks.chart FOLDER`, in the environment that has matplotlib.

One of each workload, and one of all ratios, as PNG and as SVG beside the JSON that they are made of.
"""

from __future__ import annotations

import math
import os
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from benchmarks.overview import Overview, load_results

_OURS, _PEER, _DOT = "#2a6fb0", "#9db4c8", "#333333"


def main() -> None:
    """Draw all charts of a folder's results."""
    (folder,) = sys.argv[1:]
    # The same picture gives the same file.
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
    results = load_results(folder)
    for result in results:
        _save(_bars(result), folder, result["workload"])
    overview = Overview.of(results)
    if overview.workloads:
        _save(_grid(overview), folder, "overview")


def _bars(result: dict[str, Any]) -> Figure:
    """A bar for each median, a line from the least to the greatest value, a dot for each sample."""
    first, *others = result["series"]
    series = [first, *sorted(others, key=lambda one: one["median"], reverse=result["more_is_better"])]
    figure = Figure(figsize=(9, 1.3 + 0.36 * len(series)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(series))
    colors = [_OURS, *[_PEER] * len(others)]
    axes.barh(places, [one["median"] for one in series], color=colors)
    for place, one in zip(places, series, strict=True):
        values = [sample["value"] for sample in one["samples"]]
        axes.plot([one["min"], one["max"]], [place, place], color=_DOT, linewidth=1.2)
        axes.plot(values, [place] * len(values), ".", color=_DOT, markersize=3)
        shown = f"{one['median']:,.{_digits(one['median'])}f}"
        if one is not first:
            shown += f"   {one['ratio']:.2f} ×"
        axes.annotate(shown, (one["max"], place), (6, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(places, [one["name"] for one in series])
    axes.invert_yaxis()
    axes.set_xlim(0, max(one["max"] for one in series) * 1.22 or 1)
    axes.xaxis.set_major_formatter("{x:,g}")
    rounds = len(first["samples"])
    axes.set_xlabel(f"{result['unit']}: median, least and greatest of {rounds} rounds; × times better")
    axes.set_title(f"{result['workload']}: {result['title']}", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    machine = result["machine"]
    figure.supxlabel(
        ", ".join([machine["processor"], machine["system"], machine["python"]]), fontsize=7, color="#666666"
    )
    return figure


def _grid(overview: Overview) -> Figure:
    """A cell for each ratio, blue where this project is ahead and red where it is behind."""
    width, height = 3 + 0.72 * len(overview.peers), 2.2 + 0.34 * len(overview.workloads)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    shades = [[math.nan if one is None else math.log2(one or 1) for one in row] for row in overview.ratios]
    axes.imshow(shades, aspect="auto", cmap="RdBu", norm=TwoSlopeNorm(0, -4, 4))
    for row, ratios in enumerate(overview.ratios):
        for column, ratio in enumerate(ratios):
            if ratio is not None:
                color = "white" if abs(shades[row][column]) > 2.6 else "black"
                text = f"{ratio:.{1 if ratio >= 10 else 2}f}"
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(overview.peers)), overview.peers, rotation=35, ha="right")
    axes.set_yticks(range(len(overview.workloads)), overview.workloads)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("how many times better than each peer, medians", loc="left", fontsize=11)
    return figure


def _save(figure: Figure, folder: str, name: str) -> None:
    figure.savefig(os.path.join(folder, f"{name}.png"), dpi=144)
    figure.savefig(os.path.join(folder, f"{name}.svg"), metadata={"Date": None})


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2


if __name__ == "__main__":
    main()
