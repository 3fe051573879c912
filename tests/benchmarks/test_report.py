"""Table and JSON of an outcome."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from benchmarks.load import Sample
from benchmarks.machine import Machine
from benchmarks.report import Report, Series

MACHINE = Machine("a processor", 2, "Linux 6 x86_64", "CPython 3.13.0", {"wrk": "4.1"})


def report(more_is_better: bool = True, idle: float = 0.25) -> Report:
    ours = Series("ours", [Sample(value, {"p99 ms": value / 10}) for value in (90.0, 110.0, 100.0)])
    details = {"load core idle": idle, "CPU µs/request": 500.0}
    peer = Series("a peer", [Sample(value, details) for value in (51.0, 49.0, 50.0)])
    return Report(
        "hello",
        "a title",
        "requests/s",
        more_is_better,
        [ours, peer],
        MACHINE,
        {"a peer": {"package": "1.2", "other": "3"}},
        {"a peer": "has threads"},
        {"another": "it was not to be had"},
    )


def test_ratios_tell_how_many_times_better_the_first_is() -> None:
    for more_is_better, ratio in ((True, 2.0), (False, 0.5)):
        both = report(more_is_better)
        assert both.ratio(both.series[1]) == ratio


def test_the_table_has_medians_spread_and_details() -> None:
    table = report().table()
    assert re.search(r"ours +100\.00 +90\.00 +110\.00 +1\.00 × +10\.00", table)
    assert re.search(r"a peer +50\.00 +49\.00 +51\.00 +2\.00 × +25%", table)


def test_below_the_table_is_what_the_figures_are_to_be_read_with() -> None:
    notes = report().table().splitlines()[-4:]
    assert notes == [
        "medians of 3 rounds; a processor, 2 cores, Linux 6 x86_64, CPython 3.13.0, wrk 4.1",
        "a peer: package 1.2, other 3",
        "a peer: has threads",
        "without another: it was not to be had",
    ]


def test_a_load_without_idle_time_is_told_of_with_what_the_server_could_serve_at_most() -> None:
    line = "a peer: the load had nothing in reserve; a core serves at most 2,000 requests/s at this cost"
    assert line in report(idle=0.01).table().splitlines()
    assert "in reserve" not in report(idle=0.25).table()


def test_json_has_samples_versions_and_machine(tmp_path: Path) -> None:
    path = report().save(str(tmp_path / "results"))
    assert os.path.basename(path) == "hello.json"
    values = json.loads(Path(path).read_text(encoding="utf-8"))
    assert values["series"][1] | {"samples": []} == {
        "name": "a peer",
        "median": 50.0,
        "min": 49.0,
        "max": 51.0,
        "ratio": 2.0,
        "versions": {"package": "1.2", "other": "3"},
        "samples": [],
    }
    assert [sample["value"] for sample in values["series"][1]["samples"]] == [51.0, 49.0, 50.0]
    assert values["machine"]["versions"] == {"wrk": "4.1"}
    assert values["remarks"] == {"a peer": "has threads"}
    assert values["left_out"] == {"another": "it was not to be had"}


def test_this_machine_is_described_without_its_name() -> None:
    values = Machine.this().values()
    assert os.uname().nodename not in json.dumps(values)
    assert values["cores"] == os.cpu_count()
