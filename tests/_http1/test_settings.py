"""The limits of a server."""

from __future__ import annotations

from dataclasses import fields

import pytest

from framework._http1.settings import ServerSettings

NUMBERS = [
    one.name
    for one in fields(ServerSettings)
    if isinstance(getattr(ServerSettings(), one.name), (int, float))
    and not isinstance(getattr(ServerSettings(), one.name), bool)
]


@pytest.mark.parametrize("name", [*NUMBERS, "body_timeout"])
def test_limits_are_more_than_nothing(name: str) -> None:
    assert len(NUMBERS) >= 10
    values = dict.fromkeys([name], 1)
    assert getattr(ServerSettings(**values), name) == 1  # type: ignore[arg-type]
    for bad in (0, -1):
        values[name] = bad
        with pytest.raises(ValueError, match=f"{name} must be more than 0"):
            ServerSettings(**values)  # type: ignore[arg-type]
