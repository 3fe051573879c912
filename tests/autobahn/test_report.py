"""A run passes if every case was played and is OK in the strict sense, and not otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.autobahn.report import QUICK, Report, Result, expected_count


def write(folder: Path, **verdicts: tuple[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    cases = {}
    for name, (behavior, closing) in verdicts.items():
        case = name.removeprefix("case_").replace("_", ".")
        cases[case] = {
            "behavior": behavior,
            "behaviorClose": closing,
            "duration": 1500,
            "remoteCloseCode": 1000,
            "reportfile": f"{name}.json",
        }
        told = {"result": f"What {case} did.", "resultClose": "How it ended."}
        (folder / f"{name}.json").write_text(json.dumps(told))
    (folder / "index.json").write_text(json.dumps({"framework": cases}))


@pytest.mark.parametrize(
    ("patterns", "count"),
    [
        (["*"], 517),
        (["1.*"], 16),
        (["1.*", "2.*"], 27),
        (["12.*"], 90),
        (["12.1.*"], 18),
        (["13.*"], 126),
        (QUICK, 337),
        (["1.1.*"], None),
        (["5.19"], None),
        (["11.*"], None),
    ],
)
def test_it_is_known_how_many_cases_there_are(patterns: list[str], count: int | None) -> None:
    assert expected_count(patterns) == count


@pytest.mark.parametrize(
    ("case", "behavior", "closing", "passed"),
    [
        ("5.19", "OK", "OK", True),
        ("5.19", "NON-STRICT", "OK", False),
        ("5.19", "FAILED", "OK", False),
        ("5.19", "OK", "WRONG CODE", False),
        ("5.19", "OK", "UNCLEAN", False),
        ("5.19", "INFORMATIONAL", "INFORMATIONAL", False),
        ("7.1.6", "INFORMATIONAL", "INFORMATIONAL", True),
        ("7.1.6", "FAILED", "INFORMATIONAL", False),
        ("7.13.2", "INFORMATIONAL", "OK", True),
        ("12.1.1", "UNIMPLEMENTED", "OK", False),
    ],
)
def test_only_ok_passes_where_the_suite_judges(case: str, behavior: str, closing: str, passed: bool) -> None:
    assert Result(case, behavior, closing, 1, "").passed is passed


def test_a_report_lists_what_failed_with_the_words_of_the_suite(tmp_path: Path) -> None:
    ok = ("OK", "OK")
    write(
        tmp_path,
        case_3_10=ok,
        case_3_2=("NON-STRICT", "OK"),
        case_12_1_7=ok,
        case_7_1_6=("INFORMATIONAL",) * 2,
    )
    report = Report.read("server", str(tmp_path), None)
    assert [result.case for result in report.results] == ["3.2", "3.10", "7.1.6", "12.1.7"]
    assert [result.case for result in report.failed] == ["3.2"]
    assert report.missing == 0
    head, *rows, every, case, words, path = "\n".join(report.lines()).splitlines()
    assert head.split() == ["server", "cases", "OK", "inform.", "failed", "seconds"]
    assert [row.split() for row in rows] == [
        ["3", "2", "1", "0", "1", "3.0"],
        ["7", "1", "0", "1", "0", "1.5"],
        ["12.1", "1", "1", "0", "0", "1.5"],
    ]
    assert every.split() == ["all", "4", "2", "1", "1", "6.0"]
    assert case == "  3.2: NON-STRICT, closing OK, 1500 ms"
    assert words == "    What 3.2 did. How it ended."
    assert path.strip() == str(tmp_path / "case_3_2.json")


def test_a_failure_is_listed_without_the_words_if_those_are_missing(tmp_path: Path) -> None:
    write(tmp_path, case_3_2=("FAILED", "FAILED"))
    (tmp_path / "case_3_2.json").write_text("{")
    assert Report.read("client", str(tmp_path), 1).lines()[-1] == "  3.2: FAILED, closing FAILED, 1500 ms"


def test_cases_that_were_not_played_are_missed(tmp_path: Path) -> None:
    write(tmp_path, case_1_1_1=("OK", "OK"))
    report = Report.read("server", str(tmp_path), 16)
    assert (report.failed, report.missing) == ([], 15)
    assert report.lines()[-1] == "  15 cases were not played"


@pytest.mark.parametrize(("expected", "missing"), [(None, 1), (517, 517)])
def test_no_report_is_no_success(tmp_path: Path, expected: int | None, missing: int) -> None:
    assert Report.read("client", str(tmp_path / "none"), expected).missing == missing
