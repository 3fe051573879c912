"""Bodies that are received piece by piece, and the larger ones that only those who receive them so may have."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable
from typing import Any

import pytest

from framework._http1.request import WireRequest
from framework.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from framework.iostream import StreamClosedError
from tests._http1.peer import Peer, Requests, answer, chunked, get, post

GZIP = b"Content-Encoding: gzip"


class Receiver(HTTPMessageDelegate):
    """Counts a body and answers at its end; each step does first what it is told."""

    def __init__(self, request: WireRequest) -> None:
        self.request = request
        self.connection: Any = request.connection
        self.events: list[str] = []
        self.body = b""
        self.steps: dict[str, Callable[[], Any]] = {}

    def _step(self, event: str) -> Any:
        self.events.append(event)
        step = self.steps.get(event)
        return step() if step else None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> asyncio.Future[None] | None:
        """Note it."""
        result: asyncio.Future[None] | None = self._step("head")
        return result

    def data_received(self, chunk: bytes) -> asyncio.Future[None] | None:
        """Note it."""
        self.body += chunk
        result: asyncio.Future[None] | None = self._step("data")
        return result

    def finish(self) -> None:
        """Answer."""
        if self._step("end") is None:
            self.answer(b"%d" % len(self.body))

    def answer(self, body: bytes) -> bool:
        """Answer."""
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
        self.request._wire.respond(self.request, head, body)
        return True


class Uploads:
    """A peer whose requests with bodies are received in pieces."""

    def __init__(self, steps: dict[str, Callable[[Receiver], Any]] | None = None, **settings: Any) -> None:
        self.receivers: list[Receiver] = []
        self.steps = steps or {}
        self.peer = Peer(Requests(open=self._open), **settings)

    def _open(self, request: WireRequest) -> HTTPMessageDelegate:
        receiver = Receiver(request)
        for event, step in self.steps.items():
            receiver.steps[event] = lambda step=step: step(receiver)  # type: ignore[misc]
        self.receivers.append(receiver)
        request._wire.set_close_callback(request, lambda: receiver.events.append("gone"))
        return receiver

    @property
    def events(self) -> list[str]:
        """What the last receiver has been told."""
        return self.receivers[-1].events


def future() -> asyncio.Future[None]:
    """A future of the loop."""
    return asyncio.get_running_loop().create_future()


CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly"


async def test_a_body_is_handed_over_as_it_comes() -> None:
    for data in (post(b"x" * 1000), chunked(b"x" * 300, b"x" * 700)):
        uploads = Uploads()
        peer = uploads.peer
        assert peer.send(*[data[at : at + 50] for at in range(0, len(data), 50)]) == answer(b"1000")
        assert uploads.events.count("data") > 10
        assert (uploads.events[0], uploads.events[-1]) == ("head", "end")
        assert uploads.receivers[0].body == b"x" * 1000
        # One that is there as a whole is served as one.
        assert peer.send(post(b"abc", path=b"/a"), get(b"/b")) == answer(b"/aabc") + answer(b"/b")
        assert len(uploads.receivers) == 1


async def test_requests_behind_an_upload_wait_for_its_answer() -> None:
    uploads = Uploads({"end": lambda receiver: "later"})
    peer = uploads.peer
    data = post(b"x" * 100) + get(b"/b")
    assert peer.send(data[:60], data[60:]) == b""
    uploads.receivers[0].answer(b"now")
    assert await peer.settle() == answer(b"now") + answer(b"/b")


async def test_an_upload_behind_a_request_waits_for_its_answer() -> None:
    requests: list[WireRequest] = []
    uploads = Uploads()
    uploads.peer = peer = Peer(Requests(requests.append, open=uploads._open))
    peer.send(get(b"/a") + post(b"x" * 100)[:-50])
    assert not uploads.receivers
    peer.send(b"x" * 20)
    assert not peer.transport.reading
    peer.service.respond(requests[0])
    assert await peer.settle() == answer(b"/a")
    assert uploads.receivers[0].body == b"x" * 70
    assert peer.send(b"x" * 30) == answer(b"100")


async def test_nothing_is_read_while_the_receiver_is_busy() -> None:
    waiting: list[asyncio.Future[None]] = []

    def wait(receiver: Receiver) -> asyncio.Future[None]:
        waiting.append(future())
        return waiting[-1]

    uploads = Uploads({"head": wait, "data": wait})
    peer = uploads.peer
    rest = post(b"x" * 100_000) + get(b"/b")
    peer.send(rest[:100])
    rest = rest[100:]
    assert uploads.events == ["head"]
    got = b""
    while waiting:
        assert not peer.transport.reading
        waiting.pop().set_result(None)
        got += await peer.settle()
        if peer.transport.reading:
            got += peer.send(rest[:30_000])
            rest = rest[30_000:]
    assert got == answer(b"100000") + answer(b"/b")
    assert uploads.events.count("data") >= 4


async def test_continue_is_said_once_the_header_is_accepted() -> None:
    waiting = future()
    uploads = Uploads({"head": lambda receiver: waiting})
    peer = uploads.peer
    assert peer.send(get(b"/", b"Expect: 100-continue", b"Content-Length: 3", method=b"POST")) == b""
    waiting.set_result(None)
    assert await peer.settle() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert peer.send(b"abc") == answer(b"3")


async def test_nobody_is_told_to_continue_to_be_refused() -> None:
    uploads = Uploads({"head": lambda receiver: receiver.answer(b"early") and None})
    peer = uploads.peer
    assert peer.send(get(b"/", b"Expect: 100-continue", b"Content-Length: 3", method=b"POST")) == CLOSING
    assert peer.state == "half closed"


@pytest.mark.parametrize("event", ["head", "data"])
async def test_an_answer_before_the_body_is_there_is_the_last(event: str) -> None:
    uploads = Uploads({event: lambda receiver: receiver.answer(b"early") and None})
    peer = uploads.peer
    data = post(b"x" * 100) + get(b"/b")
    assert peer.send(data[:80], data[80:]) == CLOSING
    assert peer.state == "half closed"
    # There is nobody to tell, and nothing to be told.
    assert "gone" not in uploads.events
    assert "end" not in uploads.events
    peer.transport.deliver_close()
    assert "gone" not in uploads.events


async def test_the_client_goes_away_in_the_middle() -> None:
    waiting = future()
    for steps in ({}, {"data": lambda receiver: waiting}):
        uploads = Uploads(steps)
        peer = uploads.peer
        peer.send(post(b"x" * 100)[:-50])
        peer.transport.deliver_close()
        assert uploads.events == ["head", "data", "gone"]
        with pytest.raises(StreamClosedError):
            uploads.receivers[0].answer(b"late")


async def test_a_body_that_breaks_is_refused_and_its_receiver_told() -> None:
    uploads = Uploads()
    peer = uploads.peer
    data = chunked(b"abc", b"def")
    peer.send(data[:-15])
    peer.transport.feed(b"garbage")
    assert peer.refused == 400
    assert uploads.events[-1] == "gone"
    assert peer.state == "half closed"


async def test_a_body_that_breaks_when_the_answer_has_begun() -> None:
    def begin(receiver: Receiver) -> None:
        receiver.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders())

    uploads = Uploads({"head": begin})
    peer = uploads.peer
    assert b"chunked" in peer.send(chunked(b"abc", b"def")[:-15])
    peer.transport.feed(b"garbage")
    # No end of the answer that could be taken for the whole.
    assert peer.transport.take() == b""
    assert peer.state == "aborted"


@pytest.mark.parametrize("event", ["head", "data", "end"])
async def test_a_receiver_that_raises(event: str, caplog: pytest.LogCaptureFixture) -> None:
    def fail(receiver: Receiver) -> None:
        raise RuntimeError("broken")

    uploads = Uploads({event: fail})
    data = post(b"x" * 100)
    uploads.peer.send(data[:80])
    if uploads.peer.state == "open":
        uploads.peer.transport.feed(data[80:])
    assert uploads.peer.state == "half closed"
    assert uploads.events[-1] == "gone"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_receiver_that_raises_later(caplog: pytest.LogCaptureFixture) -> None:
    for error in (RuntimeError("broken"), None):
        waiting = future()
        uploads = Uploads({"data": lambda receiver, waiting=waiting: waiting})  # type: ignore[misc]
        peer = uploads.peer
        peer.send(post(b"x" * 100)[:-50])
        if error is None:
            waiting.cancel()
        else:
            waiting.set_exception(error)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert peer.refused == 500
    assert len(caplog.records) == 1


async def test_a_receiver_that_raises_when_it_has_answered(caplog: pytest.LogCaptureFixture) -> None:
    waiting = future()

    def answer_and_wait(receiver: Receiver) -> asyncio.Future[None]:
        receiver.answer(b"early")
        return waiting

    uploads = Uploads({"data": answer_and_wait})
    data = post(b"x" * 100)
    assert uploads.peer.send(data[:-50], data[-50:]) == CLOSING
    waiting.set_exception(RuntimeError("late"))
    assert await uploads.peer.settle() == b""
    assert uploads.peer.state == "half closed"


async def test_a_service_that_fails_to_open(caplog: pytest.LogCaptureFixture) -> None:
    def open(request: WireRequest) -> HTTPMessageDelegate:
        raise RuntimeError("broken")

    peer = Peer(Requests(open=open))
    peer.transport.feed(post(b"abc")[:-1])
    assert peer.refused == 500


# -- larger bodies than the server's limit


@pytest.mark.parametrize("size", [11, 5000, 50_000])
async def test_a_receiver_may_allow_for_more(size: int) -> None:
    for data in (post(b"x" * size), chunked(b"x" * size)):
        for wait in (False, True):

            def allow(receiver: Receiver, wait: bool = wait) -> asyncio.Future[None] | None:
                receiver.connection.set_max_body_size(size)
                if not wait:
                    return None
                waiting = future()
                asyncio.get_running_loop().call_soon(waiting.set_result, None)
                return waiting

            for cut in (len(data), 100):
                uploads = Uploads({"head": allow}, max_body_size=10)
                peer = uploads.peer
                got = b""
                for at in range(0, len(data), cut):
                    got += peer.send(data[at : at + cut]) + await peer.settle()
                assert got == answer(b"%d" % size)
                # It was for this one only.
                peer.transport.feed(chunked(b"x" * 10, b"x"))
                got = peer.transport.take() + await peer.settle()
                assert got == answer(b"11")
                assert len(uploads.receivers) == 2


async def test_the_limit_of_one_does_not_hold_for_the_next() -> None:
    def allow(receiver: Receiver) -> None:
        if receiver.request.path == "/large":
            receiver.connection.set_max_body_size(1000)

    uploads = Uploads({"head": allow}, max_body_size=10)
    assert uploads.peer.send(post(b"x" * 1000, path=b"/large")) == answer(b"1000")
    uploads.peer.transport.feed(post(b"x" * 1000))
    assert uploads.peer.refused == 413
    assert uploads.receivers[1].body == b""


@pytest.mark.parametrize("limit", [99, 100, 101])
async def test_a_receiver_may_allow_for_less(limit: int) -> None:
    def allow(receiver: Receiver) -> None:
        receiver.connection.set_max_body_size(limit)

    for data in (post(b"x" * 100), chunked(b"x" * 50, b"x" * 50)):
        uploads = Uploads({"head": allow})
        peer = uploads.peer
        peer.transport.feed(data[:-20])
        if peer.state == "open":
            peer.transport.feed(data[-20:])
        if limit >= 100:
            assert peer.transport.take() == answer(b"100")
        else:
            assert peer.refused == 413
            assert "end" not in uploads.events


async def test_less_for_a_body_that_is_there() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    peer.send(post(b"x" * 100))
    connection: Any = requests[0].connection
    connection.set_max_body_size(100)
    assert peer.state == "open"
    connection.set_max_body_size(99)
    assert peer.refused == 413


async def test_more_than_anyone_allows_is_not_asked_for() -> None:
    uploads = Uploads(max_body_size=10)
    peer = uploads.peer
    peer.transport.feed(get(b"/", b"Expect: 100-continue", b"Content-Length: 11", method=b"POST"))
    assert peer.refused == 413
    assert uploads.events == ["head", "gone"]


async def test_an_answer_beats_the_refusal() -> None:
    uploads = Uploads({"head": lambda receiver: receiver.answer(b"early") and None}, max_body_size=10)
    assert uploads.peer.send(post(b"x" * 100)[:-10]) == CLOSING


# -- packed bodies


async def test_a_packed_body_is_unpacked_on_its_way() -> None:
    body = bytes(range(256)) * 1000
    data = post(gzip.compress(body), GZIP)
    for wait in (False, True):

        def pause(receiver: Receiver, wait: bool = wait) -> asyncio.Future[None] | None:
            waiting = future()
            asyncio.get_running_loop().call_soon(waiting.set_result, None)
            return waiting if wait else None

        uploads = Uploads({"data": pause}, decompress_request=True)
        peer = uploads.peer
        rest, got = data, b""
        while rest:
            if peer.transport.is_reading():
                peer.transport.feed(rest[:100])
                rest = rest[100:]
            got += await peer.settle()
        assert got == answer(b"%d" % len(body))
        assert uploads.receivers[0].body == body
        assert uploads.receivers[0].request.headers["X-Consumed-Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in uploads.receivers[0].request.headers


async def test_a_packed_body_is_handed_over_in_pieces_of_a_bounded_size() -> None:
    sizes: list[int] = []
    data = post(gzip.compress(bytes(5_000_000)), GZIP)

    def note(receiver: Receiver) -> None:
        sizes.append(len(receiver.body) - sum(sizes))

    uploads = Uploads({"data": note}, decompress_request=True)
    got = uploads.peer.send(data[:-10]) + await uploads.peer.settle()
    got += uploads.peer.send(data[-10:]) + await uploads.peer.settle()
    assert got == answer(b"5000000")
    assert max(sizes) <= 65536


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(bytes(1_000_001)), 413),
        (gzip.compress(bytes(1000))[:-3], 400),
        (b"no gzip at all", 400),
        (gzip.compress(b"abc") + b"trailing", 400),
    ],
    ids=["too large", "truncated", "junk", "junk behind"],
)
async def test_a_packed_body_that_is_refused(body: bytes, status: int) -> None:
    uploads = Uploads(decompress_request=True, max_body_size=1_000_000)
    peer = uploads.peer
    data = post(body, GZIP)
    peer.transport.feed(data[:-5])
    for _ in range(10):
        await asyncio.sleep(0)
    if peer.transport.is_reading():
        peer.transport.feed(data[-5:])
    for _ in range(10):
        await asyncio.sleep(0)
    assert peer.refused == status
    assert uploads.events[-1] == "gone"
    assert "end" not in uploads.events


async def test_the_limit_of_a_packed_body_is_that_of_its_receiver() -> None:
    def allow(receiver: Receiver) -> None:
        receiver.connection.set_max_body_size(2000)

    for size, served in [(2000, True), (2001, False)]:
        uploads = Uploads({"head": allow}, decompress_request=True, max_body_size=1000)
        data = post(gzip.compress(bytes(size)), GZIP)
        got = uploads.peer.send(data[:-1]) + await uploads.peer.settle()
        if uploads.peer.state == "open":
            got += uploads.peer.send(data[-1:]) + await uploads.peer.settle()
        assert (got == answer(b"2000")) is served


async def test_a_client_that_goes_away_with_a_packed_body() -> None:
    uploads = Uploads(decompress_request=True)
    uploads.peer.send(post(gzip.compress(b"abc"), GZIP)[:-1])
    await uploads.peer.settle()
    uploads.peer.transport.deliver_close()
    assert uploads.events[-1] == "gone"


async def test_detaching_in_the_middle_of_a_body() -> None:
    uploads = Uploads({"data": lambda receiver: receiver.connection.detach_transport() and None})
    peer = uploads.peer
    assert peer.send(post(b"x" * 100)[:-50]) == b""
    assert peer.state == "open"
    assert uploads.events == ["head", "data"]
