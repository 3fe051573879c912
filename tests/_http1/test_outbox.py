"""Output of many connections, sent at the end of a turn of the loop."""

from __future__ import annotations

import asyncio

import pytest

from framework._http1 import outbox as module
from framework._http1.outbox import Outbox
from tests._http1.peer import HOST, Peer, answer, get


class Notes:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def sender(self, name: str) -> Sender:
        return Sender(self, name)


class Sender:
    def __init__(self, notes: Notes, name: str) -> None:
        self.notes = notes
        self.name = name

    def send_output(self) -> None:
        self.notes.sent.append(self.name)


@pytest.mark.both_loops
async def test_what_was_added_is_sent_in_order_at_the_end_of_the_turn() -> None:
    notes = Notes()
    outbox = Outbox(asyncio.get_running_loop())
    for name in "abc":
        outbox.add(notes.sender(name))
    assert notes.sent == []
    await asyncio.sleep(0)
    assert notes.sent == ["a", "b", "c"]
    outbox.add(notes.sender("d"))
    await asyncio.sleep(0)
    assert notes.sent == ["a", "b", "c", "d"]


async def test_what_is_ready_does_not_wait_for_those_who_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    notes = Notes()
    outbox = Outbox(asyncio.get_running_loop())
    outbox.add(notes.sender("a"))
    outbox.add(notes.sender("b"))
    now += 0.002
    outbox.add(notes.sender("c"))
    assert notes.sent == ["a", "b", "c"]
    outbox.add(notes.sender("d"))
    assert notes.sent == ["a", "b", "c"]
    await asyncio.sleep(0)
    assert notes.sent == ["a", "b", "c", "d"]


async def test_sending_twice_sends_once() -> None:
    notes = Notes()
    outbox = Outbox(asyncio.get_running_loop())
    outbox.add(notes.sender("a"))
    outbox.flush()
    await asyncio.sleep(0)
    assert notes.sent == ["a"]


async def test_a_connection_sends_at_the_end_of_the_turn() -> None:
    peer = Peer()
    peer.transport.before_look = None
    peer.transport.feed(get(b"/one"))
    assert peer.transport.written == b""
    await asyncio.sleep(0)
    assert peer.transport.written == answer(b"/one")


async def test_requests_of_one_turn_are_answered_in_one_write() -> None:
    peer = Peer()
    peer.transport.before_look = None
    peer.transport.feed(get(b"/one"))
    peer.transport.feed(get(b"/two"))
    await asyncio.sleep(0)
    assert peer.transport.written == answer(b"/one") + answer(b"/two")
    assert peer.transport.writes == 1


async def test_a_client_that_closes_its_half_at_once_gets_its_answer() -> None:
    peer = Peer()
    peer.transport.before_look = None
    peer.transport.feed(get(b"/one"))
    assert not peer.transport.feed_eof()
    assert peer.transport.written == answer(b"/one")


async def test_what_a_lost_connection_had_to_say_is_forgotten() -> None:
    peer = Peer()
    peer.transport.before_look = None
    peer.transport.feed(get(b"/one"))
    peer.transport.deliver_close()
    await asyncio.sleep(0)
    assert peer.transport.written == b""


async def test_a_connection_that_ends_says_everything_before() -> None:
    peer = Peer()
    peer.transport.before_look = None
    peer.transport.feed(get(b"/one") + b"GET /two HTTP/9.9\r\n" + HOST + b"\r\n")
    written = peer.transport.written
    assert written.startswith(answer(b"/one") + b"HTTP/1.1 ")
    assert b"Connection: close\r\n" in written
