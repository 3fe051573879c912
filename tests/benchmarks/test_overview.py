"""The grid of ratios."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.overview import Overview, load_results


def result(workload: str, **ratios: float) -> dict[str, Any]:
    series = [{"name": name, "ratio": ratio, "versions": {name: "1"}} for name, ratio in ratios.items()]
    return {"workload": workload, "series": [{"name": "framework", "ratio": 1.0, "versions": {}}, *series]}


def test_peers_that_take_part_most_often_come_first() -> None:
    grid = Overview.of([result("hello", limit=0.5, tornado=9.0), result("json", falcon=2.0, tornado=8.0)])
    assert grid.workloads == ["hello", "json"]
    assert grid.peers == ["tornado", "falcon", "limit"]
    assert grid.ratios == [[9.0, None, 0.5], [8.0, 2.0, None]]


def test_results_that_compare_no_peers_are_left_out() -> None:
    alone = result("alone")
    of_itself = result("flat", routes=1.0)
    of_itself["series"][1]["versions"] = {}
    assert Overview.of([alone, of_itself]) == Overview([], [], [])


def test_results_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("json", "hello"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"workload": name}))
    (tmp_path / "hello.png").write_bytes(b"\x89PNG")
    assert load_results(str(tmp_path)) == [{"workload": "hello"}, {"workload": "json"}]
