"""What a run has reached of the aims."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.aims import AIMS, COLUMNS, SOCKET_AIMS, SOCKET_COLUMNS, best_ratios, table
from benchmarks.peers import find_peers
from benchmarks.workloads import find_workloads


def result(workload: str, **ratios: float) -> dict[str, Any]:
    names = {"tornado": "Tornado", "granian": "Granian, bare ASGI", "limit": "the limit"}
    series = [{"name": names.get(name, name), "ratio": ratio} for name, ratio in ratios.items()]
    return {"workload": workload, "series": [{"name": "framework", "ratio": 1.0}, *series]}


@pytest.mark.parametrize(("aims", "columns"), [(AIMS, COLUMNS), (SOCKET_AIMS, SOCKET_COLUMNS)])
def test_aims_are_those_of_workloads_and_peers_that_are_there(
    aims: dict[str, tuple[float | None, ...]], columns: tuple[str, ...]
) -> None:
    assert set(aims) <= set(find_workloads())
    assert set(columns) - {"best in Python"} <= {peer.name for peer in find_peers()}
    assert {len(row) for row in aims.values()} == {len(columns)}


def test_the_best_peer_in_python_is_neither_native_nor_the_limit() -> None:
    ratios = best_ratios(
        result("hello", tornado=9.0, falcon=2.5, granian=0.8, limit=0.3), ["Granian, bare ASGI"]
    )
    assert ratios["best in Python"] == 2.5
    assert "best in Python" not in best_ratios(result("hello", limit=0.3), [])


def test_each_workload_with_aims_has_a_row_of_what_was_reached() -> None:
    lines = table(
        [result("hello", tornado=12.04, falcon=1.9, limit=0.4), result("startup", tornado=2)]
    ).splitlines()
    assert [line.split("  ")[0] for line in lines[3:]] == ["hello"]
    cells = [cell.strip() for cell in lines[3].split("  ") if cell.strip()]
    assert cells == ["hello", "12.04 of 12 ✓", "? of 2.5", "1.90 of 2 ✗", "? of 1.1", "0.40 of 0.5 ✗"]


def test_a_ratio_without_an_aim_is_shown_and_one_without_either_is_a_dash() -> None:
    (line,) = table([result("form", tornado=9.0, limit=0.2)]).splitlines()[3:]
    cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
    assert cells == ["form", "9.00 of 8 ✓", "? of 2", "9.00 of 1.8 ✓", "–", "0.20"]


def test_without_aims_there_is_nothing_to_print() -> None:
    assert table([result("startup", tornado=2.0)]) == ""


def test_websockets_have_columns_of_their_own() -> None:
    lines = table([result("hello", tornado=13.0), result("websocket", tornado=4.5, aiohttp=1.1)]).splitlines()
    assert lines[4] == ""
    assert lines[5].split() == ["Tornado", "aiohttp", "websockets"]
    cells = [cell.strip() for cell in lines[6].split("  ") if cell.strip()]
    assert cells == ["websocket", "4.50 of 4 ✓", "1.10 of 1.2 ✗", "–"]
