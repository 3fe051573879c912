"""The numbered changes of the SQL schema: `0001_what_it_does.sql`, applied in order, each once.

A file that has been applied anywhere is never edited: its checksum is kept with it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["Migration", "MigrationError", "load", "pending"]

_NAME = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")


class MigrationError(Exception):
    """The schema's changes don't fit together, or don't fit the database."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One change: its number, file name, SQL and the checksum of that."""

    number: int
    name: str
    sql: str
    checksum: str


def load(folder: Traversable | None = None) -> list[Migration]:
    """Read the changes, in order.

    Args:
        folder: where they are; this package unless told otherwise.

    Raises:
        MigrationError: a name that doesn't fit, a number twice, or a gap.
    """
    found = []
    for file in (folder or files(__name__)).iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _NAME.fullmatch(file.name)
        if match is None:
            raise MigrationError(f"{file.name}: it should be called like 0001_what_it_does.sql")
        content = file.read_bytes()
        found.append(
            Migration(int(match[1]), file.name, content.decode(), hashlib.sha256(content).hexdigest())
        )
    found.sort(key=lambda migration: (migration.number, migration.name))
    for expected, migration in enumerate(found, 1):
        if migration.number != expected:
            raise MigrationError(f"{migration.name}: number {expected:04} should come here")
    return found


def pending(known: list[Migration], applied: dict[int, str]) -> list[Migration]:
    """The changes that a database still needs.

    Args:
        known: all changes, in order.
        applied: number to checksum of those the database has.

    Raises:
        MigrationError: the database has a change in another version, or one that isn't known here.
    """
    for migration in known:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"{migration.name} was changed after it had been applied: undo that, add a new one"
            )
    unknown = sorted(applied.keys() - {migration.number for migration in known})
    if unknown:
        raise MigrationError(f"the database has change {unknown[0]:04}, which this version doesn't know")
    return [migration for migration in known if migration.number not in applied]
