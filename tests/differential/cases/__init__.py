"""The requests that both packages are sent: raw bytes, for one of the site's applications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.differential.cases import inputs, inside, outputs, paths, protection

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """``raw`` goes to ``application`` piece by piece; a pause lies between pieces."""

    name: str
    application: str
    raw: tuple[bytes, ...]


SOURCES = (
    outputs.plain,
    inputs.bodies,
    inputs.headers,
    paths.routes,
    protection.protection,
    paths.pages,
    paths.files,
    outputs.outputs,
    inside.inside,
    inside.statics,
)


def _all() -> Iterator[Case]:
    for source in SOURCES:
        for name, application, raw in source():
            yield Case(name, application, (raw,))
    for name, application, pieces in outputs.streams():
        yield Case(name, application, pieces)


CASES = list(_all())
