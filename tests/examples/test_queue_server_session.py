"""What the queue server's commands do, without a connection: sessions on a store."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from examples.queue_server.protocol import Parser
from examples.queue_server.records import LogError
from examples.queue_server.session import Counters, Session
from examples.queue_server.store import Store
from framework import __version__
from tests.examples.queue_server import new_store


class Talk:
    """Sessions on one store."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.now = 1_000_000_000.0
        self.options = options
        self.counters = Counters()
        self.failures = 0
        self.store: Store = self._open()

    def _open(self) -> Store:
        return new_store(self.folder, clock=lambda: self.now, failed=self._failed, **self.options)

    def _failed(self) -> None:
        self.failures += 1

    def session(self, reserving: bool = False) -> Session:
        return Session(self.store, self.counters, reserving)

    async def restart(self) -> None:
        """Ends the server in order, and starts it again."""
        await self.store.close()
        self.counters = Counters()
        self.store = self._open()


def ask(session: Session, data: bytes, sent: bool = True) -> bytes:
    """The answer to commands; `sent` says whether it goes out."""
    parser = Parser(100_000)
    parser.feed(data)
    answers = []
    while (command := parser.next()) is not None:
        answers += list(session.execute(command))
    if sent:
        session.sent()
    return b"".join(answers)


def put(session: Session, queue: bytes, *values: bytes) -> None:
    for value in values:
        assert ask(session, b"set %b 0 0 %d\r\n%b\r\n" % (queue, len(value), value)) == b"STORED\r\n"


def get(session: Session, queue: bytes, sent: bool = True) -> bytes | None:
    lines = ask(session, b"get " + queue + b"\r\n", sent).split(b"\r\n")
    return lines[1] if len(lines) == 4 else None


@pytest_asyncio.fixture
async def talk(tmp_path: Path) -> Any:
    talk = Talk(tmp_path)
    yield talk
    await talk.store.close()


async def test_items_come_in_their_order_each_once_and_from_their_queue(talk: Talk) -> None:
    session = talk.session()
    put(session, b"a", b"1", b"2")
    put(session, b"b", b"3")
    assert [get(session, queue) for queue in (b"a", b"b", b"a", b"a", b"b", b"c")] == [
        b"1",
        b"3",
        b"2",
        None,
        None,
        None,
    ]


async def test_flags_and_unique_numbers_come_with_the_items(talk: Talk) -> None:
    session = talk.session()
    ask(session, b"set a 9 0 1\r\nx\r\nset b 8 0 1\r\ny\r\nset a 7 0 0\r\n\r\n")
    assert ask(session, b"gets b none a\r\n") == b"VALUE b 8 1 2\r\ny\r\nVALUE a 9 1 1\r\nx\r\nEND\r\n"
    assert ask(session, b"get a a\r\n") == b"VALUE a 7 0\r\n\r\nEND\r\n"


async def test_add_wants_an_empty_queue_and_replace_one_that_is_not(talk: Talk) -> None:
    session = talk.session()
    assert ask(session, b"replace a 0 0 1\r\n0\r\n") == b"NOT_STORED\r\n"
    assert ask(session, b"add a 0 0 1\r\n1\r\n") == b"STORED\r\n"
    assert ask(session, b"add a 0 0 1\r\n2\r\n") == b"NOT_STORED\r\n"
    assert ask(session, b"replace a 0 0 1\r\n3\r\n") == b"STORED\r\n"
    # What is reserved is still there.
    other = talk.session(reserving=True)
    assert get(other, b"a") == b"1"
    assert get(session, b"a") == b"3"
    assert ask(session, b"add a 0 0 1\r\n4\r\n") == b"NOT_STORED\r\n"
    assert ask(other, b"delete a\r\n") == b"DELETED\r\n"
    assert ask(session, b"add a 0 0 1\r\n5\r\n") == b"STORED\r\n"


async def test_a_reserved_item_is_nobody_elses_until_it_is_confirmed_or_its_client_goes(talk: Talk) -> None:
    first, second, third = (talk.session(reserving=True) for _ in range(3))
    put(first, b"a", b"1", b"2", b"3", b"4")
    assert [get(session, b"a") for session in (first, second, third)] == [b"1", b"2", b"3"]
    # One at a time.
    assert get(first, b"a") is None
    assert ask(second, b"delete a\r\n") == b"DELETED\r\n"
    assert ask(second, b"delete a\r\n") == b"NOT_FOUND\r\n"
    # Those that come back are before those that wait, in their order.
    third.close()
    first.close()
    assert talk.counters.returned == 2
    rest = talk.session()
    assert [get(rest, b"a") for _ in range(4)] == [b"1", b"3", b"4", None]


async def test_delete_without_a_reservation_deletes_nothing(talk: Talk) -> None:
    session = talk.session()
    put(session, b"a", b"1")
    assert ask(session, b"delete a\r\n") == b"NOT_FOUND\r\n"
    assert get(session, b"a") == b"1"


async def test_reserving_is_turned_on_and_off_by_a_setting(talk: Talk) -> None:
    session = talk.session()
    put(session, b"a", b"1", b"2")
    put(session, b"config:reserv", b"1")
    assert get(session, b"a") == b"1"
    put(session, b"config:reserv", b"0")
    # What is reserved stays so.
    assert get(session, b"a") is None
    assert ask(session, b"delete a\r\n") == b"DELETED\r\n"
    assert get(session, b"a") == b"2"
    assert ask(session, b"delete a\r\n") == b"NOT_FOUND\r\n"
    assert get(session, b"config:reserv") is None
    assert ask(session, b"set config:reserv 0 0 2\r\nno\r\n") == b"CLIENT_ERROR config:reserv is 0 or 1\r\n"
    assert (
        ask(session, b"set config:x 0 0 1\r\n1\r\n") == b"CLIENT_ERROR the only setting is config:reserv\r\n"
    )


async def test_a_taken_item_that_was_not_sent_is_given_back(talk: Talk) -> None:
    session, other = talk.session(), talk.session()
    put(session, b"a", b"1", b"2")
    assert get(session, b"a", sent=False) == b"1"
    assert get(other, b"a") == b"2"
    session.close()
    assert [get(other, b"a") for _ in range(2)] == [b"1", None]


async def test_noreply_is_silent(talk: Talk) -> None:
    session = talk.session()
    assert ask(session, b"set a 0 0 1 noreply\r\n1\r\nadd a 0 0 1 noreply\r\n2\r\n") == b""
    assert ask(session, b"verbosity 1 noreply\r\ndelete a noreply\r\n") == b""
    assert get(session, b"a") == b"1"
    put(session, b"a", b"3")
    assert ask(session, b"flush_all noreply\r\n") == b""
    assert get(session, b"a") is None


async def test_flush_all_drops_what_waits_and_what_is_held(talk: Talk) -> None:
    session, reserving = talk.session(), talk.session(reserving=True)
    put(session, b"a", b"1", b"2")
    get(reserving, b"a")
    get(session, b"a", sent=False)
    assert ask(talk.session(), b"flush_all\r\n") == b"OK\r\n"
    assert ask(reserving, b"delete a\r\n") == b"NOT_FOUND\r\n"
    session.close()
    session = talk.session()
    put(session, b"a", b"3")
    assert [get(session, b"a") for _ in range(2)] == [b"3", None]
    later = b"CLIENT_ERROR flush_all is done at once or not at all\r\n"
    assert ask(session, b"flush_all 0\r\nflush_all 10\r\n") == b"OK\r\n" + later
    await talk.restart()
    assert len(talk.store.queues) == 0


async def test_an_item_is_gone_when_its_time_is_over(talk: Talk) -> None:
    session = talk.session()
    date = int(talk.now) + 60
    ask(session, b"set a 0 60 1\r\n1\r\nset a 0 %d 1\r\n2\r\nset a 0 0 1\r\n3\r\n" % date)
    assert ask(session, b"set a 0 -1 1\r\n4\r\n") == b"STORED\r\n"
    ask(session, b"set b 0 60 1\r\n5\r\n")
    talk.now += 59
    assert get(session, b"b") == b"5"
    await talk.restart()
    session = talk.session()
    assert get(session, b"a") == b"1"
    talk.now += 1
    assert [get(session, b"a") for _ in range(2)] == [b"3", None]
    assert len(talk.store.queues) == 0


async def test_what_is_held_survives_a_restart_in_its_place_and_what_was_taken_does_not(talk: Talk) -> None:
    session = talk.session()
    put(session, b"a", b"1", b"2", b"3", b"4")
    reserving = talk.session(reserving=True)
    get(reserving, b"a")
    assert get(session, b"a") == b"2"
    get(session, b"a", sent=False)
    await talk.restart()
    session = talk.session()
    assert [get(session, b"a") for _ in range(4)] == [b"1", b"3", b"4", None]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Talk]:
    yield Talk(tmp_path, max_bytes=1000, max_queues=2)


async def test_memory_and_queues_are_bounded(small: Talk) -> None:
    session = small.session()
    full = b"SERVER_ERROR out of memory storing object\r\n"
    assert ask(session, b"set a 0 0 800\r\n%b\r\n" % (b"x" * 800)) == full
    put(session, b"a", b"x" * 100)
    put(session, b"b", b"x" * 100)
    assert ask(session, b"set a 0 0 100\r\n%b\r\n" % (b"x" * 100)) == full
    assert ask(session, b"set c 0 0 1\r\nx\r\n") == b"SERVER_ERROR too many queues\r\n"
    assert get(session, b"b") is not None
    put(session, b"c", b"x")
    # What was there before is taken whatever the limits are.
    small.options = {"max_bytes": 1, "max_queues": 1}
    await small.restart()
    session = small.session()
    assert get(session, b"a") is not None
    assert get(session, b"c") is not None
    await small.store.close()


async def test_stats_and_the_like(talk: Talk) -> None:
    session, reserving = talk.session(), talk.session(reserving=True)
    put(session, b"a", b"1", b"2")
    put(session, b"b", b"345")
    get(reserving, b"a")
    get(session, b"none")
    lines = ask(session, b"stats\r\n").decode().split("\r\n")
    stats = dict(line.split(" ")[1:] for line in lines[:-2])
    assert lines[-2:] == ["END", ""]
    expected = {
        "pid": str(os.getpid()),
        "version": __version__,
        "curr_connections": "2",
        "total_connections": "2",
        "cmd_get": "2",
        "cmd_set": "3",
        "get_hits": "1",
        "get_misses": "1",
        "curr_items": "3",
        "bytes": str(3 * 257 + 5),
        "queues": "2",
        "reserved_items": "1",
        "returned_items": "0",
    }
    assert {name: stats[name] for name in expected} == expected
    per_queue = b"STAT a:waiting 1\r\nSTAT a:reserved 1\r\nSTAT b:waiting 1\r\nSTAT b:reserved 0\r\nEND\r\n"
    assert ask(session, b"stats queues\r\n") == per_queue
    assert ask(session, b"stats slabs\r\n") == b"CLIENT_ERROR there are stats, and stats queues\r\n"
    assert ask(session, b"version\r\n") == f"VERSION {__version__}\r\n".encode()
    assert (
        ask(session, b"verbosity 2\r\nverbosity x\r\n") == b"OK\r\nCLIENT_ERROR bad command line format\r\n"
    )
    assert ask(session, b"quit\r\n") == b""
    assert session.ended


async def test_a_log_that_is_mostly_dead_is_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    talk = Talk(tmp_path, compact_at=20_000)
    session = talk.session()
    put(session, b"kept", b"first", b"second")
    with caplog.at_level(logging.INFO, "queue_server"):
        for number in range(100):
            put(session, b"a", b"%1000d" % number)
            assert get(session, b"a") == b"%1000d" % number
            await talk.store.synced()
    assert talk.store.log.rewritten >= 4
    assert talk.store.file.size < 23_000
    assert "the log is written anew: 2 items" in caplog.text
    await talk.restart()
    session = talk.session()
    assert [get(session, b"kept") for _ in range(3)] == [b"first", b"second", None]
    await talk.store.close()


async def test_what_comes_while_the_log_is_written_anew_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(tmp_path, compact_at=0)
    session = talk.session()
    put(session, b"a", b"1")
    await talk.store.synced()
    go_on, started = threading.Event(), threading.Event()
    rename = os.rename

    def slow(old: str, new: str) -> None:
        started.set()
        go_on.wait()
        rename(old, new)

    monkeypatch.setattr(os, "rename", slow)
    get(session, b"a")
    ask(session, b"flush_all\r\n")
    rewriting = asyncio.ensure_future(talk.store.synced())
    await asyncio.to_thread(started.wait)
    put(session, b"a", b"2")
    later = asyncio.ensure_future(talk.store.synced())
    assert not later.done()
    go_on.set()
    await asyncio.gather(rewriting, later)
    await talk.restart()
    assert get(talk.session(), b"a") == b"2"
    await talk.store.close()


async def test_one_sync_is_shared_by_all_who_come_while_the_disk_is_busy(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    fdatasync = os.fdatasync

    def slow(fd: int) -> None:
        go_on.wait()
        fdatasync(fd)

    monkeypatch.setattr(os, "fdatasync", slow)
    before = talk.store.file.syncs
    waiting = []
    for number in range(50):
        put(talk.session(), b"a", b"%d" % number)
        waiting.append(asyncio.ensure_future(talk.store.synced()))
        await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    go_on.set()
    await asyncio.gather(*waiting)
    assert talk.store.file.syncs - before <= 3


async def test_a_disk_that_fails_ends_all_changes_and_loses_nothing_acknowledged(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session = talk.session()
    put(session, b"a", b"1", b"2")
    await talk.store.synced()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    put(session, b"a", b"3")
    reason = "the log can't be written: No space left on device"
    with pytest.raises(LogError, match=reason):
        await talk.store.synced()
    monkeypatch.undo()
    assert (talk.failures, talk.store.log.failed) == (1, True)
    assert f"{reason}; the server ends" in caplog.text
    with pytest.raises(LogError, match=reason):
        put(session, b"a", b"4")
    with pytest.raises(LogError, match=reason):
        get(session, b"a")
    session.close()
    await talk.restart()
    assert get(talk.session(), b"a") == b"1"
    assert get(talk.session(), b"a") == b"2"


async def test_those_who_come_while_the_disk_fails_are_told_as_well(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slow(fd: int) -> None:
        go_on.wait()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", slow)
    session = talk.session()
    put(session, b"a", b"1")
    first = asyncio.ensure_future(talk.store.synced())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    put(session, b"a", b"2")
    second = asyncio.ensure_future(talk.store.synced())
    await asyncio.sleep(0)
    go_on.set()
    for waiting in (first, second):
        with pytest.raises(LogError, match="Input/output error"):
            await waiting
