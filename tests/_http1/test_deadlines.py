"""The coarse clock, and what a connection does when time is up in each of its states."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from framework._http1.deadlines import NEVER, Clock
from framework._http1.request import WireRequest
from framework._http1.settings import ServerSettings
from framework.httputil import HTTPMessageDelegate
from tests._http1.peer import Peer, Requests, answer, chunked, get, post
from tests.fakes import FakeTransport


class FakeLoop:
    """As much of a loop as the clock needs."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        """The time."""
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeLoop:
        """Notes it."""
        self.due.append((self.now + delay, callback))
        return self

    def cancel(self) -> None:
        """Forgets the last one."""
        self.due.pop()

    def turn(self, seconds: float) -> None:
        """Lets time go by, and calls what is due, once."""
        self.now += seconds
        due, self.due = self.due, []
        for when, callback in due:
            if when <= self.now:
                callback()
            else:
                self.due.append((when, callback))


class Member:
    """Notes when its deadline passed."""

    passed: int

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.passed = 0

    def deadline_passed(self) -> None:
        """Note it."""
        self.passed += 1
        self.deadline = NEVER


def make(interval: float = 1.0) -> tuple[FakeLoop, Clock]:
    """A clock and its loop."""
    loop = FakeLoop()
    return loop, Clock(cast(asyncio.AbstractEventLoop, loop), interval)


def test_a_deadline_passes_once_and_never_early() -> None:
    loop, clock = make()
    member = Member(NEVER)
    clock.add(member)
    loop.turn(0.9)
    member.deadline = clock.after(5)
    made = loop.now
    while not member.passed:
        loop.turn(0.25)
    assert 5 <= loop.now - made <= 5 + 2 * clock.interval + 0.25
    for _ in range(100):
        loop.turn(0.25)
    assert member.passed == 1


def test_the_clock_stands_still_without_members() -> None:
    loop, clock = make()
    assert not loop.due
    one, other = Member(NEVER), Member(NEVER)
    clock.add(one)
    clock.add(other)
    assert len(loop.due) == 1
    clock.discard(one)
    clock.discard(one)
    assert len(loop.due) == 1
    clock.discard(other)
    assert not loop.due
    clock.discard(other)
    loop.now += 1000
    clock.add(one)
    assert clock.now == loop.now


def test_what_may_have_come_while_the_loop_was_busy_is_waited_for() -> None:
    loop, clock = make()
    member = Member(clock.after(3))
    clock.add(member)
    passed = []
    # But not if it is always busy.
    for _ in range(2):
        loop.turn(60)
        passed.append(member.passed)
    assert passed == [0, 1]
    member.deadline = clock.after(3)
    loop.turn(1)
    for _ in range(2):
        loop.turn(60)
        passed.append(member.passed)
        loop.turn(1)
    assert passed == [0, 1, 1, 2]


# -- connections


LIMITS: dict[str, Any] = {
    "header_timeout": 10.0,
    "idle_timeout": 20.0,
    "body_stall_timeout": 5.0,
    "write_timeout": 30.0,
    "linger_timeout": 2.0,
}


def waits(peer: Peer, seconds: float) -> None:
    """Nothing happens for so many seconds."""
    state = peer.state
    peer.clock.advance(seconds)
    assert peer.state == state
    assert not peer.transport.written


def test_every_limit_is_in_the_table() -> None:
    names = {name for name in ServerSettings.__dataclass_fields__ if name.endswith("_timeout")}
    assert names == {*LIMITS, "body_timeout"}


async def test_a_connection_that_says_nothing() -> None:
    peer = Peer(**LIMITS)
    waits(peer, 10)
    peer.clock.advance(2)
    assert (peer.state, peer.transport.take()) == ("closed", b"")


@pytest.mark.parametrize("data", [b"G", b"BREW", b"GET / HTTP/1.1\r\n", get()[:-1]])
async def test_a_header_that_does_not_come(data: bytes) -> None:
    for before in (b"", get(), post(b"abc")):
        peer = Peer(**LIMITS)
        if before:
            assert peer.send(before).startswith(b"HTTP/1.1 200")
            waits(peer, 15)
        peer.send(data)
        waits(peer, 10)
        peer.clock.advance(2)
        assert peer.refused == 408
        assert peer.state == "half closed"


async def test_a_header_that_drips_has_its_time_from_the_first_byte() -> None:
    peer = Peer(**LIMITS)
    data = get(b"/", *[b"X: y"] * 100)
    for at in range(0, len(data), 10):
        if peer.state == "open":
            peer.transport.feed(data[at : at + 10])
            peer.clock.advance(1)
    assert at > 100
    assert peer.refused == 408
    assert not peer.service.seen


async def test_a_header_that_ends_in_time_is_served() -> None:
    peer = Peer(**LIMITS)
    data = get()
    peer.send(data[:10])
    waits(peer, 9)
    assert peer.send(data[10:]) == answer(b"/")


@pytest.mark.parametrize("data", [post(b"body")[:-1], post(b"body")[:-4], chunked(b"abc")[:-4]])
async def test_a_body_that_stalls(data: bytes) -> None:
    for service in (Requests(), Requests(open=lambda request: None)):
        peer = Peer(service, **LIMITS)
        peer.send(data)
        waits(peer, 5)
        peer.clock.advance(2)
        assert peer.refused == 408


async def test_a_body_that_comes_slowly() -> None:
    for limit, served in [(None, True), (100.0, True), (50.0, False)]:
        peer = Peer(**LIMITS, body_timeout=limit)
        data = post(b"x" * 20)
        peer.send(data[:-20])
        for _ in range(20):
            if peer.state == "open":
                peer.transport.feed(b"x")
                peer.clock.advance(4)
        assert (peer.transport.take() == answer(b"/" + b"x" * 20)) is served
        assert (peer.state == "open") is served


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    peer = Peer(**LIMITS)
    for data in (get(), post(b"abc"), chunked(b"abc"), get() * 3):
        peer.send(data)
        waits(peer, 20)
    peer.clock.advance(2)
    assert (peer.state, peer.transport.take()) == ("closed", b"")


async def test_a_client_that_takes_not_even_a_short_answer() -> None:
    # It never pauses the writing, yet closing waits for it.
    peer = Peer(**LIMITS)
    peer.send(get())
    peer.transport._buffered = 100
    peer.clock.advance(22)
    assert peer.state == "closed"
    waits(peer, 25)
    peer.clock.advance(10)
    assert peer.state == "aborted"


async def test_whoever_answers_may_take_any_time() -> None:
    for data in (get(b"/a"), post(b"", path=b"/a"), get(b"/a") + get(b"/b"), get(b"/a") + get(b"/b")[:-3]):
        requests: list[WireRequest] = []
        peer = Peer(Requests(requests.append), **LIMITS)
        peer.send(get(b"/0"))
        peer.service.respond(requests[0])
        peer.transport.take()
        peer.send(data)
        waits(peer, 1000)
        peer.service.respond(requests[1])
        assert peer.transport.take() == answer(b"/a")


async def test_the_last_request_too_may_take_any_time() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append), **LIMITS)
    peer.send(get(b"/0"))
    peer.service.respond(requests[0])
    peer.send(get(b"/a", b"Connection: close"))
    peer.transport.take()
    waits(peer, 1000)
    peer.service.respond(requests[1])
    assert peer.transport.take().endswith(b"/a")
    assert peer.state == "closed"


@pytest.mark.parametrize(
    ("rest", "seconds"), [(get(b"/b")[:-3], 10), (b"", 20), (get(b"/b", b"Content-Length: 5") + b"x", 5)]
)
async def test_the_deadline_runs_again_when_the_answer_is_given(rest: bytes, seconds: int) -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append), **LIMITS)
    peer.send(get(b"/a") + rest)
    waits(peer, 100)
    peer.service.respond(requests[0])
    assert peer.transport.take() == answer(b"/a")
    waits(peer, seconds)
    peer.clock.advance(2)
    assert peer.refused == (408 if rest else None)
    assert peer.state == ("half closed" if rest else "closed")


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    for data in (get(), get() + get(b"/b")[:-3], get() + post(b"abc")[:-1]):
        peer = Peer(**LIMITS)
        peer.send(data)
        peer.transport.choke()
        waits(peer, 30)
        peer.clock.advance(2)
        assert peer.state == "aborted"


async def test_a_client_that_takes_slowly_is_not_given_up() -> None:
    peer = Peer(**LIMITS)
    peer.transport._buffered = 1000
    peer.transport.choke()
    for left in range(900, 0, -100):
        peer.clock.advance(20)
        peer.transport._buffered = left
    assert peer.state == "open"
    peer.transport.relieve()
    waits(peer, 20)
    peer.clock.advance(2)
    assert peer.state == "closed"


@pytest.mark.parametrize(("data", "seconds"), [(get(b"/b")[:-3], 10), (post(b"abc")[:-1], 5), (b"", 20)])
async def test_the_deadline_runs_again_when_the_client_reads_again(data: bytes, seconds: int) -> None:
    peer = Peer(**LIMITS)
    peer.send(data)
    peer.transport.choke()
    peer.clock.advance(25)
    peer.transport.relieve()
    waits(peer, seconds)
    peer.clock.advance(2)
    assert peer.state == ("half closed" if data else "closed")


async def test_a_refused_client_is_read_from_a_little_longer() -> None:
    peer = Peer(**LIMITS)
    peer.transport.feed(b"\x00")
    assert peer.refused == 400
    for _ in range(2):
        assert peer.send(b"more") == b""
        waits(peer, 1)
    peer.clock.advance(2)
    assert peer.state == "closed"
    peer.clock.advance(100)
    assert peer.state == "aborted"


async def test_a_refused_client_that_has_not_taken_the_answer() -> None:
    for taken in (True, False):
        peer = Peer(**LIMITS)
        peer.send(get())
        peer.transport._buffered = 500
        peer.transport.feed(b"\x00")
        assert peer.refused == 400
        waits(peer, 25)
        if taken:
            peer.transport._buffered = 0
            peer.clock.advance(7)
            waits(peer, 1)
            peer.clock.advance(3)
            assert peer.state == "closed"
        else:
            peer.clock.advance(10)
            assert peer.state == "aborted"


async def test_output_that_resumes_on_a_connection_at_its_end() -> None:
    peer = Peer(**LIMITS)
    peer.transport.feed(b"\x00")
    peer.transport.choke()
    peer.transport.relieve()
    await peer.settle()
    assert peer.state == "half closed"


async def test_a_client_that_has_ended_its_half_and_takes_nothing() -> None:
    peer = Peer(transport=FakeTransport(), **LIMITS)
    peer.send(get())
    peer.transport._buffered = 100
    peer.transport.feed_eof()
    waits(peer, 25)
    peer.clock.advance(10)
    assert peer.state == "aborted"


class Slow(HTTPMessageDelegate):
    """Takes the pieces of a body when told."""

    def __init__(self) -> None:
        self.waiting: asyncio.Future[None] | None = None

    def data_received(self, chunk: bytes) -> asyncio.Future[None]:
        """Wait."""
        self.waiting = asyncio.get_running_loop().create_future()
        return self.waiting


async def test_whoever_receives_a_body_may_take_any_time() -> None:
    slow = Slow()
    peer = Peer(Requests(open=lambda request: slow), **LIMITS)
    peer.send(post(b"x" * 100)[:-50])
    waits(peer, 1000)
    assert slow.waiting is not None
    slow.waiting.set_result(None)
    await peer.settle()
    waits(peer, 5)
    peer.clock.advance(2)
    assert peer.refused == 408


async def test_a_body_has_a_time_of_its_own_when_its_handler_says_so() -> None:
    opened: list[WireRequest] = []

    def open(request: WireRequest) -> HTTPMessageDelegate:
        opened.append(request)
        return HTTPMessageDelegate()

    peer = Peer(Requests(open=open), **LIMITS)
    peer.send(post(b"x" * 100)[:-50])
    connection: Any = opened[0].connection
    connection.set_body_timeout(7)
    for _ in range(3):
        peer.clock.advance(3)
        if peer.state == "open":
            peer.transport.feed(b"x")
    assert peer.refused == 408
