"""What the suite's reports say: every case there, and every one of them OK in the strict sense."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

__all__ = ["QUICK", "Report", "Result", "expected_count"]

# How many cases the suite has in each of its sections, and in each set of the long ones.
_SIZES = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1}
_SIZES |= {f"12.{number}": 18 for number in range(1, 6)} | {f"13.{number}": 18 for number in range(1, 8)}
QUICK = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.*", "13.3.*")

# The suite judges these no further: RFC 6455 says nothing of what is right there.
_INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


def expected_count(patterns: Sequence[str]) -> int | None:
    """Return how many cases the patterns choose; None where they choose less than a section or a set."""
    count = 0
    for pattern in patterns:
        sections = [
            name for name in _SIZES if pattern == "*" or (name + ".").startswith(pattern.removesuffix("*"))
        ]
        if not sections or not pattern.endswith("*"):
            return None
        count += sum(_SIZES[name] for name in sections)
    return count


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went.

    Args:
        case: its number, like `5.19`.
        behavior: the suite's verdict on what was sent.
        closing: its verdict on how the connection ended.
        milliseconds: how long it took.
        path: where the suite tells all about it.
    """

    case: str
    behavior: str
    closing: str
    milliseconds: int
    path: str

    @property
    def section(self) -> str:
        """The section, or the set of a long one: `5`, `12.1`."""
        first, second, *_ = self.case.split(".")
        return first if first in _SIZES else f"{first}.{second}"

    @property
    def order(self) -> tuple[int, ...]:
        """By what cases are sorted."""
        return tuple(map(int, self.case.split(".")))

    @property
    def passed(self) -> bool:
        """Whether it is OK, or informational by the suite's own word."""
        allowed = {"OK", "INFORMATIONAL"} if self.case in _INFORMATIONAL else {"OK"}
        return self.behavior in allowed and self.closing in allowed


class Report:
    """The results of one side.

    Args:
        side: `server` or `client`, as it is printed.
        results: one for each case that was played.
        expected: how many there have to be; None where that is not known.
    """

    __slots__ = ("expected", "results", "side")

    def __init__(self, side: str, results: list[Result], expected: int | None) -> None:
        self.side = side
        self.results = sorted(results, key=lambda result: result.order)
        self.expected = expected

    @classmethod
    def read(cls, side: str, folder: str, expected: int | None) -> Self:
        """Read what the suite wrote into `folder`; nothing there is a report without results."""
        results = []
        try:
            with open(os.path.join(folder, "index.json"), encoding="utf-8") as file:
                agents = json.load(file)
        except FileNotFoundError:
            agents = {}
        for cases in agents.values():
            for case, said in cases.items():
                path = os.path.join(folder, said["reportfile"])
                results.append(Result(case, said["behavior"], said["behaviorClose"], said["duration"], path))
        return cls(side, results, expected)

    @property
    def failed(self) -> list[Result]:
        """The cases that are not as they should be."""
        return [result for result in self.results if not result.passed]

    @property
    def missing(self) -> int:
        """How many cases were not played; at least one where none was."""
        return max(0, (self.expected or 1) - len(self.results))

    def lines(self) -> list[str]:
        """Return a table by section, and a line for each case that failed."""
        lines = [f"{self.side:<10}{'cases':>8}{'OK':>8}{'inform.':>9}{'failed':>8}{'seconds':>9}"]
        sections = dict.fromkeys(result.section for result in self.results)
        lines += [self._row(name, [one for one in self.results if one.section == name]) for name in sections]
        lines += [self._row("all", self.results)]
        lines += [
            f"  {one.case}: {one.behavior}, closing {one.closing}, {one.milliseconds} ms{_told(one.path)}"
            for one in self.failed
        ]
        if self.missing:
            lines.append(f"  {self.missing} cases were not played")
        return lines

    def _row(self, name: str, results: list[Result]) -> str:
        failed = sum(not result.passed for result in results)
        informational = sum(result.passed and result.behavior != "OK" for result in results)
        good = len(results) - failed - informational
        seconds = sum(result.milliseconds for result in results) / 1000
        return f"{name:<10}{len(results):>8}{good:>8}{informational:>9}{failed:>8}{seconds:>9.1f}"


def _told(path: str) -> str:
    """Return the suite's own words on a case."""
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return ""
    words = f"{told.get('result', '')} {told.get('resultClose', '')}".split()
    return f"\n    {' '.join(words)}\n    {path}"
