"""What this project aims at, and what of it a run has reached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.peers import find_peers

__all__ = ["AIMS", "COLUMNS", "SOCKET_AIMS", "SOCKET_COLUMNS", "best_ratios", "table"]

_BEST_PYTHON = "best in Python"
_LIMIT = "the limit"
COLUMNS = ("Tornado", "Starlette on uvicorn", _BEST_PYTHON, "Granian, bare ASGI", _LIMIT)

#: How many times better than each column the medians of one run are to be, on one core.
AIMS: dict[str, tuple[float | None, ...]] = {
    "hello": (12, 2.5, 2, 1.1, 0.5),
    "hello_async": (11, 2.3, 1.8, 1, 0.45),
    "json": (10, 2.5, 2, None, 0.35),
    "form": (8, 2, 1.8, None, None),
    "cookie": (8, 2, 1.8, None, None),
    "upload": (3, 2, 1.5, None, None),
    "static_1k": (8, 4, 2, None, None),
    "static_1m": (2, 1.5, 1.2, None, None),
    # Of an idle connection's memory: a third, half, less.
    "connections": (3, 2, 1, None, None),
    "pipelined": (12, 3, 2, None, None),
}

SOCKET_COLUMNS = ("Tornado", "aiohttp", "websockets")

#: The same for WebSockets.
SOCKET_AIMS: dict[str, tuple[float | None, ...]] = {
    "websocket": (4, 1.2, None),
    "websocket_64k": (None, None, 2),
    "websocket_broadcast": (4, None, None),
    # Half the memory.
    "websocket_idle": (2, None, None),
}


def best_ratios(result: dict[str, Any], native: Iterable[str]) -> dict[str, float]:
    """Return how many times better the first series of a result is than each column.

    Args:
        result: a workload's outcome, as its JSON has it.
        native: the names of the peers whose server is not of Python.
    """
    ratios: dict[str, float] = {series["name"]: series["ratio"] for series in result["series"][1:]}
    apart = {*native, _LIMIT}
    python = [ratio for name, ratio in ratios.items() if name not in apart]
    return ratios | ({_BEST_PYTHON: min(python)} if python else {})


def table(results: Iterable[dict[str, Any]]) -> str:
    """Return what was reached of the aims, in the workloads that have some; empty if none has."""
    results = list(results)
    tables = [_table(results, AIMS, COLUMNS), _table(results, SOCKET_AIMS, SOCKET_COLUMNS)]
    lines = [line for table in tables if table for line in ("", *table)]
    return "\n".join(["how many times better, of the aim:", *lines]) if lines else ""


def _table(
    results: Iterable[dict[str, Any]], all_aims: dict[str, tuple[float | None, ...]], columns: tuple[str, ...]
) -> list[str]:
    native = [peer.name for peer in find_peers() if peer.native]
    lines = []
    for result in results:
        if aims := all_aims.get(result["workload"]):
            ratios = best_ratios(result, native)
            cells = [_cell(ratios.get(column), aim) for column, aim in zip(columns, aims, strict=True)]
            lines.append("  ".join([f"{result['workload']:20}", *(f"{cell:>20}" for cell in cells)]))
    head = "  ".join([f"{'':20}", *(f"{column:>20}" for column in columns)])
    return [head, *lines] if lines else []


def _cell(ratio: float | None, aim: float | None) -> str:
    if ratio is None:
        return "–" if aim is None else f"? of {aim:g}  "
    if aim is None:
        return f"{ratio:.2f}    "
    return f"{ratio:.2f} of {aim:g} {'✓' if ratio >= aim else '✗'}"
