"""Table, JSON and chart of an outcome."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.chart import bars
from benchmarks.load import Sample
from benchmarks.machine import Machine
from benchmarks.report import Report, Series

MACHINE = Machine("a processor", 2, "Linux 6 x86_64", "CPython 3.13.0", {"peer": "1.2"})


def report(more_is_better: bool = True) -> Report:
    ours = Series("ours", [Sample(value, {"p99 ms": value / 10}) for value in (90.0, 110.0, 100.0)])
    peer = Series("a <peer>", [Sample(value, {"core idle": 0.25}) for value in (51.0, 49.0, 50.0)])
    return Report("hello", "a title", "requests/s", more_is_better, [ours, peer], MACHINE)


def test_ratios_tell_how_many_times_better_the_first_is() -> None:
    for more_is_better, ratio in ((True, 2.0), (False, 0.5)):
        both = report(more_is_better)
        assert both.ratio(both.series[1]) == ratio


def test_the_table_has_medians_spread_and_details() -> None:
    table = report().table()
    assert re.search(r"ours +100\.00 +90\.00 +110\.00 +1\.00 × +10\.00", table)
    assert re.search(r"a <peer> +50\.00 +49\.00 +51\.00 +2\.00 × +25%", table)
    assert "medians of 3 rounds; a processor, 2 cores" in table and "peer 1.2" in table


def test_json_and_chart_are_saved(tmp_path: Path) -> None:
    paths = report().save(str(tmp_path / "results"))
    assert [os.path.basename(path) for path in paths] == ["hello.json", "hello.svg"]
    values = json.loads(Path(paths[0]).read_text(encoding="utf-8"))
    assert values["series"][1] | {"samples": []} == {
        "name": "a <peer>",
        "median": 50.0,
        "min": 49.0,
        "max": 51.0,
        "ratio": 2.0,
        "samples": [],
    }
    assert values["machine"]["versions"] == {"peer": "1.2"}
    assert "a &lt;peer&gt;" in Path(paths[1]).read_text(encoding="utf-8")


@pytest.mark.parametrize("values", [(12345.6, 12.3, 1.23), (0.0, 0.0, 0.0)])
def test_the_chart_is_well_formed_and_stays_within_its_frame(values: tuple[float, ...]) -> None:
    svg = bars("a & b", "<note>", [(f"row {value}", value, value * 0.9, value * 1.1) for value in values])
    root = ElementTree.fromstring(svg)
    width = float((root.get("viewBox") or "").split()[2])
    boxes = root.findall("{http://www.w3.org/2000/svg}rect")
    assert len(boxes) == 3
    assert all(float(box.get("x", 0)) + float(box.get("width", 0)) <= width for box in boxes)


def test_this_machine_is_described_without_its_name() -> None:
    values = Machine.this({}).values()
    assert os.uname().nodename not in json.dumps(values)
    assert values["cores"] == os.cpu_count()
