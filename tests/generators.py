"""What the tests of `framework.gen` yield and wait for."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Generator
from typing import Any

__all__ = ["LONG", "SOON", "Gen", "outcome", "value"]

Gen = Generator[Any, Any, Any]
SOON = datetime.timedelta(milliseconds=5)
LONG = datetime.timedelta(seconds=30)


async def value(result: Any, rounds: int = 0) -> Any:
    for _ in range(rounds):
        await asyncio.sleep(0)
    if isinstance(result, BaseException):
        raise result
    return result


async def outcome(waited: Any) -> Any:
    """The result of `waited`, or the error it raised."""
    try:
        return await waited
    except (Exception, asyncio.CancelledError) as error:
        return error
