"""Reading the schema's changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_app.migrations import MigrationError, load, pending


def test_the_shipped_changes_fit_together() -> None:
    found = load()
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    assert found[0].name == "0001_account_events.sql"
    assert pending(found, {}) == found
    assert pending(found, {migration.number: migration.checksum for migration in found}) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1_x.sql"], "0001_what_it_does"),
        (["0001_a.sql", "0003_c.sql"], "0002 should come"),
        (["0001_a.sql", "0001_b.sql"], "0002 should come"),
    ],
)
def test_names_that_do_not_fit_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    for name in [*names, "README"]:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match=message):
        load(tmp_path)


def test_a_database_of_a_newer_version_is_refused() -> None:
    with pytest.raises(MigrationError, match="0099"):
        pending(load(), {99: "x"})
