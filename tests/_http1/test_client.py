"""The client's connection on a fake transport: bytes in, bytes out, what the exchange and the owner are told."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework._http1.client import (
    ClientConnection,
    HeaderTooLarge,
    ResponseFailed,
    ResponseHead,
    ResponseLimits,
)
from tests.fakes import FakeTransport

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Exchange:
    """Notes what it is told."""

    def __init__(self, head_only: bool = False) -> None:
        self.head_only = head_only
        self.heads: list[ResponseHead] = []
        self.body = b""
        self.ended = False
        self.error: ResponseFailed | None = None
        self.untouched = False

    @property
    def head(self) -> ResponseHead:
        """The last one."""
        return self.heads[-1]

    def head_received(self, head: ResponseHead) -> None:
        """Notes it."""
        self.heads.append(head)

    def body_received(self, chunk: bytes) -> None:
        """Notes it."""
        self.body += chunk

    def response_ended(self) -> None:
        """Notes it."""
        assert not self.ended
        assert self.error is None
        self.ended = True

    def failed(self, error: ResponseFailed, untouched: bool) -> None:
        """Notes it."""
        assert not self.ended
        assert self.error is None
        self.error, self.untouched = error, untouched


class Owner:
    """Notes what connections tell."""

    def __init__(self) -> None:
        self.free: list[ClientConnection] = []
        self.gone: list[ClientConnection] = []

    def released(self, connection: ClientConnection) -> None:
        """Notes it."""
        self.free.append(connection)

    def lost(self, connection: ClientConnection) -> None:
        """Notes it."""
        self.gone.append(connection)


class Line:
    """A connection, its transport and its owner."""

    def __init__(self, loop: asyncio.AbstractEventLoop, **limits: int) -> None:
        self.owner = Owner()
        self.connection = ClientConnection(self.owner, "route", ResponseLimits(**limits), loop)
        self.transport = FakeTransport(self.connection)
        self.transport.connect()

    def begin(self, head_only: bool = False) -> Exchange:
        """Sends a request."""
        exchange = Exchange(head_only)
        self.connection.begin(exchange, REQUEST)
        assert self.transport.take() == REQUEST
        return exchange

    def ask(self, *pieces: bytes, head_only: bool = False) -> Exchange:
        """Sends a request and answers it, as far as the connection reads."""
        exchange = self.begin(head_only)
        for piece in pieces:
            if self.transport.is_reading():
                self.transport.feed(piece)
        return exchange

    @property
    def reusable(self) -> bool:
        """Whether the connection has been given back, and is open."""
        return self.owner.free == [self.connection] and not self.transport.is_closing()


def line(**limits: int) -> Line:
    """On the running loop."""
    return Line(asyncio.get_running_loop(), **limits)


async def test_a_request_is_one_write() -> None:
    one = line()
    one.begin()
    assert one.transport.writes == 1


async def test_a_response_with_a_length() -> None:
    one = line()
    exchange = one.ask(b"HTTP/1.1 200 Fine\r\nA: b \r\na:c\r\nContent-Length: 2\r\n\r\nok")
    assert (exchange.head.version, exchange.head.code, exchange.head.reason) == ("HTTP/1.1", 200, "Fine")
    assert list(exchange.head.headers.get_all()) == [("A", "b"), ("A", "c"), ("Content-Length", "2")]
    assert (exchange.body, exchange.ended, one.reusable, one.connection.served) == (b"ok", True, True, 1)


async def test_several_exchanges_on_one_connection() -> None:
    one = line()
    for answer, body, head_only in (
        (OK, b"ok", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", b"ab", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"", True),
        (b"HTTP/1.1 204 No\r\n\r\n", b"", False),
        (b"HTTP/1.1 304 No\r\nContent-Length: 7\r\n\r\n", b"", False),
        (OK, b"ok", False),
    ):
        one.owner.free.clear()
        exchange = one.ask(answer, head_only=head_only)
        assert (exchange.body, exchange.ended, one.reusable) == (body, True, True)
    assert one.connection.served == 6


@given(st.lists(st.integers(1, 60), max_size=8))
def test_it_does_not_matter_how_a_response_is_cut(cuts: list[int]) -> None:
    answer = (
        b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nC:\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\nA\r\n, world!!!\r\n0\r\nTrailer: x\r\n\r\n"
    )
    places = sorted({0, len(answer), *(cut * 2 for cut in cuts if cut * 2 < len(answer))})
    loop = asyncio.new_event_loop()
    try:
        one = Line(loop)
        exchange = one.ask(*[answer[a:b] for a, b in itertools.pairwise(places)])
    finally:
        loop.close()
    assert [head.code for head in exchange.heads] == [103, 200]
    assert dict(exchange.head.headers) == {"A": "b", "C": "", "Transfer-Encoding": "chunked"}
    assert (exchange.body, exchange.ended, one.reusable) == (b"hello, world!!!", True, True)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: a, CLOSE\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
    ],
)
@pytest.mark.parametrize("head_only", [False, True])
async def test_which_connections_are_kept(answer: bytes, kept: bool, head_only: bool) -> None:
    one = line()
    exchange = one.ask(answer, head_only=head_only)
    assert exchange.ended
    assert one.reusable == kept
    assert one.transport.is_closing() != kept
    assert (one.owner.gone == []) == kept


async def test_options_in_two_fields() -> None:
    one = line()
    answer = b"HTTP/1.1 200 OK\r\nConnection: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert one.ask(answer, head_only=True).ended
    assert not one.reusable


async def test_a_body_that_ends_with_the_connection() -> None:
    one = line()
    exchange = one.ask(b"HTTP/1.1 200 OK\r\n\r\n", b"all ", b"of it")
    assert not exchange.ended
    one.transport.feed_eof()
    one.transport.deliver_close()
    assert (exchange.body, exchange.ended, one.owner.gone) == (b"all of it", True, [one.connection])
    assert not one.owner.free
    other = line()
    exchange = other.ask(b"HTTP/1.1 200 OK\r\n\r\n", b"all ")
    other.transport.deliver_close(ConnectionResetError())
    assert str(exchange.error) == "Connection closed in the middle of the body"


@pytest.mark.parametrize(
    ("pieces", "message", "untouched"),
    [
        ((), "Stream closed", True),
        ((b"HTTP/1.",), "Stream closed in the middle of a header", False),
        ((b"HTTP/1.1 100 Continue\r\n\r\n",), "Stream closed in the middle of a header", False),
        ((OK[:-1],), "Connection closed after 1 of 2 bytes of the body", False),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",),
            "Connection closed in the middle of the body",
            False,
        ),
    ],
)
async def test_a_connection_that_breaks_off(pieces: tuple[bytes, ...], message: str, untouched: bool) -> None:
    one = line()
    exchange = one.ask(*pieces)
    one.transport.deliver_close()
    assert (str(exchange.error), exchange.untouched) == (message, untouched)
    assert one.owner.gone == [one.connection]


async def test_an_idle_connection_that_ends_is_lost_once() -> None:
    one = line()
    one.ask(OK)
    one.transport.feed_eof()
    assert one.owner.gone == [one.connection]
    one.transport.deliver_close()
    assert one.owner.gone == [one.connection]


async def test_what_comes_unasked_closes_an_idle_connection() -> None:
    one = line()
    one.ask(OK)
    one.transport.feed(OK)
    assert one.transport.aborted
    assert one.owner.gone == [one.connection]


@pytest.mark.parametrize("behind", [OK, b"x", b"\r\n\r\nHTTP/1.1 200 OK\r\n"])
async def test_what_comes_behind_a_response_closes(behind: bytes) -> None:
    one = line()
    exchange = one.ask(OK + behind)
    assert (exchange.ended, exchange.body, one.transport.aborted, one.owner.free) == (True, b"ok", True, [])
    # Also where HEAD has said that there is no body.
    two = line()
    exchange = two.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + behind, head_only=True)
    assert (exchange.ended, exchange.body, two.transport.aborted) == (True, b"", True)


async def test_a_request_that_was_not_sent_to_the_end_closes() -> None:
    one = line()
    exchange = one.begin()
    one.connection.request_sent = False
    one.transport.feed(OK)
    assert (exchange.ended, one.transport.aborted) == (True, True)


async def test_limits() -> None:
    one = line(max_header_size=100, max_body_size=10)
    head = b"HTTP/1.1 200 OK\r\n"
    exchange = one.ask(head + b"A: " + b"x" * 100 + b"\r\n\r\n")
    assert isinstance(exchange.error, HeaderTooLarge)
    for pieces in ((b"x" * 200,), tuple(b"x" for _ in range(200)), tuple(b"A: b\r\n" for _ in range(40))):
        exchange = line(max_header_size=100).ask(head, *pieces)
        assert isinstance(exchange.error, HeaderTooLarge)
    for answer in (
        head + b"Content-Length: 11\r\n\r\n",
        head + b"\r\n" + b"x" * 11,
        head + b"Transfer-Encoding: chunked\r\n\r\nb\r\n" + b"x" * 11,
    ):
        two = line(max_body_size=10)
        exchange = two.ask(answer)
        assert exchange.error is not None
        assert "too l" in str(exchange.error)
        assert two.transport.aborted


async def test_a_length_is_no_matter_where_there_is_no_body() -> None:
    answer = b"HTTP/1.1 %b OK\r\nContent-Length: 1000000\r\n\r\n"
    assert line(max_body_size=10).ask(answer % b"200", head_only=True).ended
    assert line(max_body_size=10).ask(answer % b"304").ended


async def test_a_request_that_is_still_in_the_buffer_closes() -> None:
    one = line()
    exchange = one.begin()
    one.transport.choke()
    one.connection.write(b"more of the request")
    one.transport.feed(OK)
    assert (exchange.ended, one.transport.aborted) == (True, True)


async def test_interim_responses() -> None:
    interim = b"HTTP/1.1 102 Processing\r\nA: b\r\n\r\n"
    exchange = line().ask(interim * 20 + OK)
    assert ([head.code for head in exchange.heads], exchange.ended) == ([102] * 20 + [200], True)
    assert dict(exchange.head.headers) == {"Content-Length": "2"}
    exchange = line().ask(interim * 21 + OK)
    assert str(exchange.error) == "Connection closed: Too many 1xx responses"


async def test_an_exchange_that_gives_up_hears_nothing_more() -> None:
    one = line()

    class GivesUp(Exchange):
        def head_received(self, head: ResponseHead) -> None:
            one.connection.abandon()

    exchange = GivesUp()
    one.connection.begin(exchange, REQUEST)
    one.transport.feed(OK)
    assert (exchange.body, exchange.ended, exchange.error) == (b"", False, None)
    one.transport.deliver_close()
    assert (exchange.ended, exchange.error) == (False, None)
    one.connection.abandon()
    assert one.owner.gone == [one.connection]
    assert one.connection.write(b"x") is None


async def test_reading_pauses() -> None:
    one = line()
    one.begin()
    one.connection.pause()
    one.connection.pause()
    assert not one.transport.reading
    one.connection.resume()
    one.connection.resume()
    assert one.transport.reading
    # A connection that is given back reads.
    one.connection.pause()
    one.connection.data_received(OK)
    assert one.transport.reading


async def test_writing_waits() -> None:
    one = line()
    one.begin()
    assert one.connection.write(b"a") is None
    one.transport.choke()
    waiting = one.connection.write(b"b")
    assert waiting is not None
    assert not waiting.done()
    one.transport.relieve()
    assert waiting.done()
    one.transport.choke()
    broken = one.connection.write(b"c")
    assert broken is not None
    one.transport.deliver_close()
    with pytest.raises(ConnectionResetError):
        await broken


async def test_lengths_that_agree_and_those_that_do_not() -> None:
    two = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: %b\r\nA: b\r\n\r\nok"
    for cut in range(1, len(two % b"2")):
        one = line()
        exchange = one.ask((two % b"2")[:cut], (two % b"2")[cut:])
        assert (exchange.ended, exchange.body, one.reusable) == (True, b"ok", True), cut
    exchange = line().ask(two % b"3")
    assert str(exchange.error) == "Connection closed: Multiple unequal Content-Lengths: b'2,3'"
    exchange = line().ask(two[:-6] % b"2" + b"X" * 9000)
    assert exchange.error is not None
    # What is wrong besides is still wrong.
    exchange = line().ask(two.replace(b"A: b", b"A : b") % b"2")
    assert str(exchange.error) == "Connection closed: Invalid header token"


async def test_names_of_fields_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from framework._http1 import client

    names: dict[bytes, str] = {}
    monkeypatch.setattr(client, "_names", names)
    monkeypatch.setattr(client, "_NAMES_LIMIT", 2)
    exchange = line().ask(b"HTTP/1.1 204 No\r\nA-b: 1\r\nC-d: 2\r\nE-f: 3\r\na-B: 4\r\n\r\n")
    assert list(exchange.head.headers.get_all()) == [("A-B", "1"), ("A-B", "4"), ("C-D", "2"), ("E-F", "3")]
    assert names == {b"A-b": "A-B", b"C-d": "C-D"}


async def test_a_third_value_joins_the_others() -> None:
    exchange = line().ask(b"HTTP/1.1 204 No\r\nA: 1\r\nA: 2\r\nA: 3\r\n\r\n")
    assert exchange.head.headers.get_list("A") == ["1", "2", "3"]


async def test_before_there_is_a_transport() -> None:
    owner: Any = Owner()
    connection = ClientConnection(owner, None, ResponseLimits(), asyncio.get_running_loop())
    connection.begin(Exchange(), REQUEST)
    connection.pause()
    connection.resume()
    assert connection.write(b"x") is None
    connection.abandon()
    assert owner.gone == [connection]
