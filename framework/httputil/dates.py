"""Dates of HTTP (RFC 9110 section 5.6.7) and single byte ranges (section 14)."""

from __future__ import annotations

import datetime
import re
import time

__all__ = ["content_range", "format_timestamp", "parse_date", "parse_range"]

_UTC = datetime.UTC
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS) if name}

# More digits than 64 bits need, but no more: such a position is in no file.
_is_position = re.compile(r"[0-9]{0,30}").fullmatch
_is_imf_fixdate = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
).fullmatch


def format_timestamp(ts: int | float | tuple[int, ...] | time.struct_time | datetime.datetime) -> str:
    """A time in the format of HTTP headers: ``Sun, 27 Jan 2013 18:43:20 GMT``.

    ``ts`` is in seconds since 1970, or a time tuple or naive datetime in UTC, or an aware datetime.
    Raises ``TypeError`` for anything else and ``ValueError`` outside of the years 1 to 9999.
    """
    if isinstance(ts, (int, float)):
        moment = datetime.datetime.fromtimestamp(ts, _UTC)
    elif isinstance(ts, datetime.datetime):
        moment = ts if ts.tzinfo is None else ts.astimezone(_UTC)
    elif isinstance(ts, tuple):
        year, month, day, hour, minute, second = ts[:6]
        # Like a leap second, what is too large goes on to the next minute, day and so on.
        moment = datetime.datetime(year, month, 1, tzinfo=_UTC) + datetime.timedelta(
            days=day - 1, hours=hour, minutes=minute, seconds=second
        )
    else:
        raise TypeError(f"unknown timestamp type: {ts!r}")
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month]} {moment.year:04}"
        f" {moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"
    )


def parse_date(text: str) -> datetime.datetime | None:
    """The time in UTC that a date header tells, or ``None`` if it is none.

    Understands the form that is sent today and the two obsolete ones (RFC 9110 section 5.6.7), and
    the zones and missing weekdays of e-mail, which some clients send.
    """
    match = _is_imf_fixdate(text)
    try:
        if match is not None:
            day, month, year, hour, minute, second = match.groups()
            return datetime.datetime(
                int(year), _MONTH_NUMBERS[month], int(day), int(hour), int(minute), int(second), tzinfo=_UTC
            )
        if len(text) > 100:
            return None
        # Only what hardly anybody sends needs it, and it brings half of the package with it.
        from email.utils import parsedate_tz

        parts = parsedate_tz(text)
        if parts is None:
            return None
        moment = datetime.datetime(*parts[:6], tzinfo=_UTC)
        return moment - datetime.timedelta(seconds=parts[9] or 0)
    except (ValueError, OverflowError, KeyError):
        return None


def parse_range(header: str) -> tuple[int | None, int | None] | None:
    """The start and end of a ``Range`` header with one range of bytes; ``None`` if it is to be ignored.

    The end is exclusive, as in slices: ``bytes=1-2`` gives ``(1, 3)``, ``bytes=5-`` ``(5, None)``, and
    the last five bytes, ``bytes=-5``, ``(-5, None)``. ``(None, 0)`` and a start that is not before the
    end can't be satisfied. Several ranges and other units are ignored (RFC 9110 section 14.2 allows it).
    """
    unit, _, positions = header.partition("=")
    first, dash, last = positions.partition("-")
    # Whitespace around the parts is not in the grammar, but met.
    first, last = first.strip(), last.strip()
    if unit.strip() != "bytes" or not dash or not _is_position(first) or not _is_position(last):
        return None
    if first:
        start = int(first)
        # A last position before the first becomes an empty range, which is answered with 416.
        return start, max(start, int(last) + 1) if last else None
    if not last:
        return None
    suffix = int(last)
    return (-suffix, None) if suffix else (None, 0)


def content_range(start: int | None, end: int | None, total: int) -> str:
    """The value of a ``Content-Range`` header for bytes ``start`` to before ``end`` of ``total``."""
    first = start or 0
    last = (end or total) - 1
    return f"bytes {first}-{last}/{total}"
