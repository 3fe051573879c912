"""The time, as precisely as all stores keep it."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now"]


def now() -> datetime:
    """The time now, to the millisecond: MongoDB keeps no more, and an answer should not change when it is read back."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
