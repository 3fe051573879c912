"""The time now, and a moment as precisely as all stores keep it."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now", "to_milliseconds"]


def now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def to_milliseconds(moment: datetime) -> datetime:
    """A moment of an account: MongoDB keeps no more, and an answer should not change when it is read back."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
