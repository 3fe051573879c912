"""HTTP dates and byte ranges."""

from __future__ import annotations

import datetime
import email.utils
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil.dates import content_range, format_timestamp, parse_date, parse_range
from tests.cost import growth

UTC = datetime.UTC
MOMENT = datetime.datetime(2013, 1, 27, 18, 43, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        1359312200,
        1359312200.9,
        datetime.datetime(2013, 1, 27, 18, 43, 20),  # noqa: DTZ001 - a naive datetime is meant
        datetime.datetime(2013, 1, 27, 18, 43, 20, 999999, tzinfo=UTC),
        datetime.datetime(2013, 1, 27, 20, 43, 20, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        (2013, 1, 27, 18, 43, 20, 6, 27, 0),
        (2013, 1, 27, 18, 43, 20),
        time.gmtime(1359312200),
    ],
)
def test_every_kind_of_time_is_formatted_in_gmt(moment: Any) -> None:
    assert format_timestamp(moment) == "Sun, 27 Jan 2013 18:43:20 GMT"


def test_times_far_away_are_formatted() -> None:
    assert format_timestamp(-1) == "Wed, 31 Dec 1969 23:59:59 GMT"
    assert format_timestamp(-62135596800) == "Mon, 01 Jan 0001 00:00:00 GMT"
    assert format_timestamp(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT"


@pytest.mark.parametrize("moment", [None, "1", datetime.date(2000, 1, 1), [2000, 1, 1, 0, 0, 0]])
def test_what_is_no_time_is_refused(moment: Any) -> None:
    with pytest.raises(TypeError, match="unknown timestamp type"):
        format_timestamp(moment)


@pytest.mark.parametrize("moment", [253402300800, float("nan"), (2000, 1, 2), (2000, 13, 1, 1, 1, 1)])
def test_time_that_does_not_exist_is_refused(moment: Any) -> None:
    with pytest.raises(ValueError):
        format_timestamp(moment)


@given(st.integers(0, 253402300799))
def test_formatted_times_are_those_of_the_standard_library_and_come_back(seconds: int) -> None:
    text = format_timestamp(seconds)
    assert text == email.utils.formatdate(seconds, usegmt=True)
    moment = parse_date(text)
    assert moment is not None
    assert moment.timestamp() == seconds


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 27 Jan 2013 18:43:20 GMT",
        "Sunday, 27-Jan-13 18:43:20 GMT",
        "Sun Jan 27 18:43:20 2013",
        "27 Jan 2013 18:43:20",
        "Sun, 27 Jan 2013 18:43:20",
        "Sun, 27 Jan 2013 19:43:20 +0100",
    ],
)
def test_dates_of_all_forms_are_read(text: str) -> None:
    assert parse_date(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "x",
        "Sun, 32 Jan 2013 18:43:20 GMT",
        "Sun, 27 Xyz 2013 18:43:20 GMT",
        "Sun, 27 Jan 2013 25:43:20 GMT",
        "Sun, 27 Jan 2013",
        "Sun, 27 Jan 2013 18:43:20 GMT" + " " * 100,
        "31 Dec 9999 23:59:59 -0900",
        "27 Jan 99999999999999999999 18:43:20",
    ],
)
def test_what_is_no_date_reads_as_none(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(st.sampled_from("SunJa 0123456789:,-+GMT"), max_size=40))
def test_reading_a_date_never_fails(text: str) -> None:
    moment = parse_date(text)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=1-2", (1, 3)),
        ("bytes=5-", (5, None)),
        ("bytes=-5", (-5, None)),
        ("bytes=-0", (None, 0)),
        ("bytes=-00", (None, 0)),
        ("bytes=2-1", (2, 2)),
        ("bytes=9-0", (9, 9)),
        (" bytes = 1 - 2 ", (1, 3)),
        ("bytes=0-18446744073709551616", (0, 18446744073709551617)),
        ("bytes=1-2,3-4", None),
        ("bytes=-5,-6", None),
        ("items=1-2", None),
        ("Bytes=1-2", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=1", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=1_0-20", None),
        ("bytes=--1", None),
        ("bytes=1--2", None),
        ("bytes=٣-٤", None),
        ("bytes=-" + "9" * 5000, None),
        ("", None),
    ],
)
def test_range_header_is_read(header: str, expected: tuple[int | None, int | None] | None) -> None:
    assert parse_range(header) == expected


@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_range_is_the_slice_it_names(first: int, last: int) -> None:
    assert parse_range(f"bytes={first}-{last}") == (first, last + 1 if last >= first else first)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 1, "bytes 0-0/10"),
        (None, None, "bytes 0-9/10"),
        (5, None, "bytes 5-9/10"),
        (None, 5, "bytes 0-4/10"),
        (3, 7, "bytes 3-6/10"),
    ],
)
def test_content_range_names_the_last_byte(start: int | None, end: int | None, expected: str) -> None:
    assert content_range(start, end, 10) == expected


@pytest.mark.parametrize("unit", [" ", "0", "bytes=", "-", "1-2,"])
def test_reading_a_range_takes_time_in_proportion_to_the_header(unit: str) -> None:
    assert growth(parse_range, lambda size: "bytes" + " " * size + "=" + unit * size, 2000) <= 13
