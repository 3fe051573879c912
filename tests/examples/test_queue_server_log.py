"""The queue server's log: what it is read back as, whole, torn, and damaged."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.queue_server.log import LogFile
from examples.queue_server.records import FILE_HEADER_SIZE, Format, Item, LogError


def item(number: int, data: bytes = b"data", queue: bytes = b"q") -> Item:
    return Item(number, queue, 7, 0, data)


def fields(items: Iterable[Item]) -> list[tuple[int, bytes, int, int, bytes]]:
    return [(one.id, one.queue, one.flags, one.expires, one.data) for one in items]


def read(folder: Path) -> list[Item]:
    log = LogFile(str(folder))
    log.close()
    return log.items


def path_of(folder: Path) -> Path:
    return folder / "queue.log"


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    assert log.items == []
    strange = Item(3, b"\xff" * 250, (1 << 32) - 1, 1 << 40, bytes(range(256)))
    log.write([log.format.put(item(1)), log.format.put(item(2, b""))])
    log.write([log.format.remove(1), log.format.put(strange)])
    log.close()
    again = LogFile(str(tmp_path))
    assert fields(again.items) == fields([item(2, b""), strange])
    assert again.next_id == 4
    again.write([again.format.flush(), again.format.put(item(4))])
    again.close()
    assert fields(read(tmp_path)) == fields([item(4)])


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    LogFile(str(folder)).close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path_of(folder).stat().st_mode & 0o777 == 0o600


def test_a_folder_is_for_one_process(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    with pytest.raises(LogError, match="in use by another process"):
        LogFile(str(tmp_path))
    log.close()
    LogFile(str(tmp_path)).close()


def test_a_log_that_is_written_anew_has_the_items_and_the_next_id_and_goes_on(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(n, b"x" * 1000)) for n in range(1, 3000)])
    before = log.size
    kept = [item(n, b"x" * 1000) for n in range(1500, 3000)]
    log.rewrite(kept, 5000)
    assert FILE_HEADER_SIZE + 1500 * 1000 < log.size < before
    assert log.size == path_of(tmp_path).stat().st_size
    log.write([log.format.remove(1500), log.format.put(item(5000))])
    log.close()
    again = LogFile(str(tmp_path))
    assert fields(again.items) == fields([*kept[1:], item(5000)])
    assert again.next_id == 5001
    again.close()
    assert sorted(os.listdir(tmp_path)) == ["lock", "queue.log"]


def test_what_a_crash_left_of_a_log_that_was_being_written_anew_is_ignored(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(1))])
    log.close()
    (tmp_path / "queue.log.new").write_bytes(b"QLOG half")
    again = LogFile(str(tmp_path))
    assert fields(again.items) == fields([item(1)])
    again.rewrite([item(2)], 3)
    again.close()
    assert fields(read(tmp_path)) == fields([item(2)])


def test_ids_are_not_given_twice_though_all_items_are_gone(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    log.rewrite([], 100)
    log.close()
    again = LogFile(str(tmp_path))
    assert (again.items, again.next_id) == ([], 100)
    again.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"QLOG", "not a log of this program"),
        (b"#!/bin/sh\n" + b"x" * 100, "not a log of this program"),
        (Format(1).file_header(1)[:-1] + b"\0", "first bytes are damaged"),
    ],
)
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: bytes, reason: str) -> None:
    path_of(tmp_path).write_bytes(content)
    with pytest.raises(LogError, match=reason):
        LogFile(str(tmp_path))
    assert path_of(tmp_path).read_bytes() == content


def test_a_later_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.queue_server.records._VERSION", 2)
    LogFile(str(tmp_path)).close()
    monkeypatch.undo()
    with pytest.raises(LogError, match="it has version 2, this program writes and reads 1"):
        LogFile(str(tmp_path))


def test_a_folder_that_can_not_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="can't be used"):
        LogFile(str(tmp_path / "file" / "folder"))


def test_a_log_that_can_not_be_written_anew_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(1))])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        log.rewrite([], 9)
    monkeypatch.undo()
    log.close()
    assert fields(read(tmp_path)) == fields([item(1)])


class Written:
    """A log of several batches. A size below 0 is the removal of the first item."""

    def __init__(self, folder: Path, batches: list[list[int]]) -> None:
        log = LogFile(str(folder))
        self.start = log.size
        # The file's size after each batch, and the items after each of its records.
        self.batches: list[tuple[int, list[list[Item]]]] = [(log.size, [[]])]
        items: list[Item] = []
        number = 0
        for batch in batches:
            records = []
            states = []
            for size in batch:
                if size < 0 and items:
                    gone, *items = items
                    records.append(log.format.remove(gone.id))
                else:
                    number += 1
                    items = [*items, item(number, bytes([number % 256]) * abs(size))]
                    records.append(log.format.put(items[-1]))
                states.append(items)
            log.write(records)
            self.batches.append((log.size, states))
        log.close()
        self.content = path_of(folder).read_bytes()

    def possible(self, size: int) -> list[list[Item]]:
        """What so many bytes may give: all that was synced, and any part of the batch behind it."""
        last = max(number for number, (end, _) in enumerate(self.batches) if end <= size)
        later = [] if self.batches[last][0] == size else self.batches[last + 1][1]
        return [self.batches[last][1][-1], *later]


_BATCHES = st.lists(st.lists(st.integers(-1, 60), min_size=1, max_size=4), min_size=1, max_size=6)


@settings(deadline=None)
@given(_BATCHES, st.integers(0, 1 << 30))
def test_a_log_that_is_cut_anywhere_has_all_that_was_synced_before(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], place: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    written = Written(folder, batches)
    cut = written.start + place % (len(written.content) - written.start + 1)
    path_of(folder).write_bytes(written.content[:cut])
    log = LogFile(str(folder))
    assert fields(log.items) in [fields(items) for items in written.possible(cut)]
    # What comes next can be read.
    fresh = item(log.next_id, b"fresh")
    log.write([log.format.put(fresh)])
    log.close()
    assert fields(read(folder)) == fields([*log.items, fresh])


@settings(deadline=None)
@given(_BATCHES, st.integers(0, 1 << 30), st.integers(0, 7))
def test_a_flipped_bit_costs_what_it_hit_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], place: int, bit: int
) -> None:
    # Without removals: what a lost removal brings back is another test's.
    folder = tmp_path_factory.mktemp("log")
    written = Written(folder, [[abs(size) for size in batch] for batch in batches])
    at = written.start + place % (len(written.content) - written.start)
    content = bytearray(written.content)
    content[at] ^= 1 << bit
    path_of(folder).write_bytes(content)
    found = read(folder)
    hit = next(number for number, (end, _) in enumerate(written.batches) if end > at)
    before, after = written.batches[hit - 1][1][-1], written.batches[hit][1][-1]
    everything = written.batches[-1][1][-1]
    # Nothing is invented, and only items of the batch that was hit are missing.
    survived = {one.id for one in found}
    assert fields(found) == fields(one for one in everything if one.id in survived)
    assert {one.id for one in everything} - survived <= {one.id for one in after} - {one.id for one in before}
    if hit < len(written.batches) - 1:
        assert (folder / "queue.log.damaged-1").read_bytes() == content
    assert fields(read(folder)) == fields(found)


def test_damage_in_a_value_costs_one_item_and_is_told_and_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(n, b"value %d" % n)) for n in range(1, 6)])
    log.close()
    for number in (1, 2):
        content = path_of(tmp_path).read_bytes().replace(b"value %d" % (2 * number), b"valse 2")
        path_of(tmp_path).write_bytes(content)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "queue_server"):
            items = read(tmp_path)
        assert [one.id for one in items] == [[1, 3, 4, 5], [1, 3, 5]][number - 1]
        told = [record.getMessage() for record in caplog.records]
        assert "is damaged from byte" in told[0]
        assert "items in there are lost, or come once more" in told[0]
        assert told[1] == f"it is kept as {path_of(tmp_path)}.damaged-{number}"
        assert (tmp_path / f"queue.log.damaged-{number}").read_bytes() == content
    caplog.clear()
    read(tmp_path)
    assert not caplog.records


def test_the_removal_that_is_damaged_brings_its_item_back(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(1)), log.format.put(item(2))])
    at = log.size
    log.write([log.format.remove(1)])
    log.write([log.format.remove(2)])
    log.close()
    content = bytearray(path_of(tmp_path).read_bytes())
    content[at + len(log.format.batch(at)) + 15] ^= 1
    path_of(tmp_path).write_bytes(content)
    assert [one.id for one in read(tmp_path)] == [1]


def test_a_torn_end_is_cut_with_a_line_in_the_programs_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(1))])
    whole = log.size
    log.write([log.format.put(item(2))])
    log.close()
    os.truncate(path_of(tmp_path), log.size - 1)
    with caplog.at_level(logging.WARNING, "queue_server"):
        assert [one.id for one in read(tmp_path)] == [1]
    (record,) = caplog.records
    assert "bytes that were being written when the server ended; cut" in record.getMessage()
    assert whole <= path_of(tmp_path).stat().st_size < log.size - 1
    caplog.clear()
    assert [one.id for one in read(tmp_path)] == [1]
    assert not caplog.records


def test_pages_of_a_torn_end_that_did_not_reach_the_disk_are_cut(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(1))])
    whole = log.size
    log.write([log.format.put(item(2, b"x" * 9000))])
    log.close()
    content = path_of(tmp_path).read_bytes()
    # The file's size may be on disk before its content, and later pages before earlier ones.
    for torn in (
        content[:whole] + bytes(len(content) - whole),
        content[: whole + 9] + bytes(4096) + content[whole + 4105 :],
    ):
        path_of(tmp_path).write_bytes(torn)
        assert [one.id for one in read(tmp_path)] == [1]


def test_a_value_can_not_pass_for_a_record(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path))
    log.write([log.format.put(item(1))])
    start = log.size
    # Records as another log would have them, wherever they may come to lie.
    forged = Format(log.format.salt ^ 1)
    data = b"".join(forged.batch(start + n) + forged.put(item(99)) for n in range(200))
    log.write([log.format.put(item(2, data))])
    log.write([log.format.put(item(3))])
    log.close()
    content = bytearray(path_of(tmp_path).read_bytes())
    # The record of item 2 can't be found any more.
    content[start + len(log.format.batch(start))] ^= 1
    path_of(tmp_path).write_bytes(content)
    assert [one.id for one in read(tmp_path)] == [1, 3]
