"""Backpressure: those who write wait for the client, and the client waits for those who read."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, copy_context

import pytest

from framework._http1.flow import BodyPump, DrainWaiters
from framework._http1.request import WireRequest
from framework.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from framework.iostream import StreamClosedError
from tests._http1.peer import Peer, Requests, answer, get

LINE = RequestStartLine("POST", "/", "HTTP/1.1")

# -- writers


async def test_waiters_are_released_together_and_once() -> None:
    waiters = DrainWaiters(asyncio.get_running_loop())
    first, second, third = waiters.wait(), waiters.wait(), waiters.wait()
    second.cancel()
    waiters.release()
    assert first.done()
    assert third.done()
    fourth = waiters.wait()
    assert not fourth.done()
    waiters.fail(StreamClosedError())
    with pytest.raises(StreamClosedError):
        await fourth
    fifth = waiters.wait()
    fifth.cancel()
    waiters.fail(StreamClosedError())
    waiters.release()


async def test_whoever_writes_waits_for_a_client_that_does_not_read() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append), write_high_water=1000)
    assert peer.transport.get_write_buffer_limits()[1] == 1000
    peer.send(get())
    connection = peer.connection
    connection.write(b"something")
    assert connection.drained() is None
    peer.transport.choke()
    waiting = [connection.drained(), connection.drained()]
    for one in waiting:
        assert one is not None
        assert not one.done()
    peer.transport.relieve()
    for one in waiting:
        assert one is not None
        await one
    assert connection.drained() is None


@pytest.mark.parametrize("end", ["lost", "aborted", "eof"])
async def test_whoever_waits_hears_that_the_client_has_gone(end: str) -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    peer.send(get())
    peer.transport.choke()
    waiting = peer.connection.drained()
    assert waiting is not None
    if end == "aborted":
        peer.connection.abort()
    elif end == "eof":
        peer.transport.feed_eof()
    after = peer.connection.drained()
    peer.transport.deliver_close(ConnectionResetError("reset"))
    with pytest.raises(StreamClosedError) as caught:
        await waiting
    assert isinstance(caught.value.real_error, ConnectionResetError)
    if end != "lost":
        assert after is not None
        with pytest.raises(StreamClosedError):
            await after


async def test_what_is_written_before_waiting_is_sent_before() -> None:
    def serve(request: WireRequest) -> None:
        request._wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        assert request._wire.drained() is None
        sent.append(peer.transport.take())
        request._wire.write(b"ab")
        request._wire.response_done(request)

    sent: list[bytes] = []
    peer = Peer(Requests(serve))
    assert peer.send(get()) == b"ab"
    assert sent == [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"]


# -- bodies


class Delegate(HTTPMessageDelegate):
    """Notes what it gets; waits, or raises, when told."""

    def __init__(self) -> None:
        self.got: list[object] = []
        self.wait: dict[str, asyncio.Future[None]] = {}
        self.errors: dict[str, BaseException] = {}

    def _note(self, event: str) -> asyncio.Future[None] | None:
        self.got.append(event)
        if event in self.errors:
            raise self.errors[event]
        return self.wait.get(event)

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> asyncio.Future[None] | None:
        """Note it."""
        return self._note("head")

    def data_received(self, chunk: bytes) -> asyncio.Future[None] | None:
        """Note it."""
        return self._note(chunk.decode())

    def finish(self) -> None:
        """Note it."""
        self._note("end")


class Pumped:
    """A pump, and what it has called."""

    def __init__(self, delegate: HTTPMessageDelegate) -> None:
        self.calls: list[object] = []
        self.pump = BodyPump(
            delegate,
            copy_context(),
            lambda: self.calls.append("pause"),
            lambda: self.calls.append("resume"),
            self.calls.append,
            lambda: self.calls.append("accepted"),
        )


def future() -> asyncio.Future[None]:
    """A future of the loop."""
    return asyncio.get_running_loop().create_future()


async def turns() -> None:
    """Let the loop do what is due."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_delegate_that_never_waits_gets_all_at_once() -> None:
    delegate = Delegate()
    pumped = Pumped(delegate)
    pumped.pump.begin(LINE, HTTPHeaders())
    pumped.pump.feed(b"a")
    pumped.pump.feed(b"b")
    assert not pumped.pump.busy
    pumped.pump.end()
    assert delegate.got == ["head", "a", "b", "end"]
    assert pumped.calls == ["accepted"]
    pumped.pump.feed(b"c")
    pumped.pump.end()
    assert delegate.got == ["head", "a", "b", "end"]


async def test_a_delegate_that_waits_gets_one_thing_at_a_time() -> None:
    delegate = Delegate()
    delegate.wait = {"head": future(), "a": future()}
    pumped = Pumped(delegate)
    pumped.pump.begin(LINE, HTTPHeaders())
    for chunk in (b"a", b"b"):
        pumped.pump.feed(chunk)
    pumped.pump.end()
    assert delegate.got == ["head"]
    assert pumped.calls == ["pause"]
    delegate.wait["head"].set_result(None)
    await turns()
    assert delegate.got == ["head", "a"]
    assert pumped.calls == ["pause", "accepted", "pause"]
    assert pumped.pump.busy
    delegate.wait["a"].set_result(None)
    await turns()
    assert delegate.got == ["head", "a", "b", "end"]
    # There is nothing behind the end.
    assert pumped.calls == ["pause", "accepted", "pause"]


async def test_reading_is_resumed_when_the_delegate_has_caught_up() -> None:
    delegate = Delegate()
    delegate.wait = {"a": future()}
    pumped = Pumped(delegate)
    pumped.pump.begin(LINE, HTTPHeaders())
    pumped.pump.feed(b"a")
    delegate.wait["a"].set_result(None)
    await turns()
    assert pumped.calls == ["accepted", "pause", "resume"]


async def test_a_coroutine_that_does_not_wait_is_not_waited_for() -> None:
    class Quick(Delegate):
        async def data_received(self, chunk: bytes) -> None:  # type: ignore[override]
            self._note(chunk.decode())

    delegate = Quick()
    pumped = Pumped(delegate)
    pumped.pump.begin(LINE, HTTPHeaders())
    pumped.pump.feed(b"a")
    pumped.pump.end()
    await turns()
    assert delegate.got == ["head", "a", "end"]
    # Before Python 3.12 every coroutine waits for the loop.
    assert pumped.calls in (["accepted"], ["accepted", "pause"])


@pytest.mark.parametrize("event", ["head", "a", "end"])
async def test_what_a_delegate_raises_is_told_once(event: str) -> None:
    error = RuntimeError(event)
    delegate = Delegate()
    delegate.errors = {event: error}
    pumped = Pumped(delegate)
    pumped.pump.begin(LINE, HTTPHeaders())
    pumped.pump.feed(b"a")
    pumped.pump.feed(b"b")
    pumped.pump.end()
    assert pumped.calls[-1] is error
    assert pumped.calls.count(error) == 1
    assert delegate.got[-1] == event


@pytest.mark.parametrize("event", ["head", "a"])
async def test_what_an_awaitable_raises_is_told_once(event: str) -> None:
    for cancel in (False, True):
        delegate = Delegate()
        waiting = future()
        delegate.wait = {event: waiting}
        pumped = Pumped(delegate)
        pumped.pump.begin(LINE, HTTPHeaders())
        pumped.pump.feed(b"a")
        pumped.pump.end()
        if cancel:
            waiting.cancel()
        else:
            waiting.set_exception(RuntimeError(event))
        await turns()
        assert isinstance(pumped.calls[-1], asyncio.CancelledError if cancel else RuntimeError)
        assert delegate.got[-1] == event
        pumped.pump.feed(b"c")
        assert delegate.got[-1] == event


async def test_an_awaitable_that_has_failed_already() -> None:
    delegate = Delegate()
    delegate.wait = {"a": future()}
    delegate.wait["a"].set_exception(RuntimeError("a"))
    pumped = Pumped(delegate)
    pumped.pump.begin(LINE, HTTPHeaders())
    pumped.pump.feed(b"a")
    assert isinstance(pumped.calls[-1], RuntimeError)


async def test_a_closed_pump_hands_over_no_more() -> None:
    delegate = Delegate()
    delegate.wait = {"a": future()}
    pumped = Pumped(delegate)
    pumped.pump.begin(LINE, HTTPHeaders())
    for chunk in (b"a", b"b"):
        pumped.pump.feed(chunk)
    pumped.pump.close()
    delegate.wait["a"].set_result(None)
    await turns()
    assert delegate.got == ["head", "a"]
    assert pumped.calls == ["accepted", "pause"]


async def test_the_delegate_runs_in_the_context_it_was_given() -> None:
    name: ContextVar[str] = ContextVar("name", default="nobody")

    class Contextual(HTTPMessageDelegate):
        def headers_received(
            self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
        ) -> None:
            name.set("somebody")

        def finish(self) -> None:
            seen.append(name.get())

    seen: list[str] = []
    pumped = Pumped(Contextual())
    pumped.pump.begin(LINE, HTTPHeaders())
    pumped.pump.end()
    assert seen == ["somebody"]
    assert name.get() == "nobody"


async def test_a_pump_without_anyone_who_wants_to_know() -> None:
    delegate = Delegate()
    calls: list[object] = []
    pump = BodyPump(delegate, copy_context(), lambda: None, lambda: None, calls.append)
    pump.begin(LINE, HTTPHeaders())
    pump.end()
    assert delegate.got == ["head", "end"]
    assert not calls


async def test_a_body_that_answers_is_over() -> None:
    peer = Peer()
    assert peer.send(get()) == answer(b"/")
