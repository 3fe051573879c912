"""One connection on a transport without a network: events, waiting, slow readers, pings, and every way to end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import pytest

from framework.websocket import WebSocketClosedError, WebSocketProtocol, WebSocketProtocol13
from framework.websocket.base import Params
from framework.websocket.deflate import Deflate, Parameters
from tests.fakes import FakeTransport
from tests.streams import until
from tests.websocket.wire import close, frame, masked

TEXT, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A
TOO_MUCH = 16 * 65536


class Handler:
    """Notes what it is told; ``answer`` is called with each message."""

    def __init__(self, answer: Callable[[Any], Awaitable[Any] | None] = lambda message: None) -> None:
        self.seen: list[Any] = []
        self.errors: list[BaseException | None] = []
        self.answer = answer

    def on_message(self, message: str | bytes) -> Awaitable[Any] | None:
        self.seen.append(message)
        return self.answer(message)

    def on_ping(self, data: bytes) -> None:
        self.seen.append(("ping", data))

    def on_pong(self, data: bytes) -> None:
        self.seen.append(("pong", data))

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        self.seen.append(("close", close_code, close_reason))

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.errors.append(value)


class Bench:
    """A connection, its handler and its transport."""

    def __init__(
        self,
        handler: Handler | None = None,
        client: bool = False,
        opening: Callable[[], Awaitable[Any] | None] = lambda: None,
        rest: bytes = b"",
        deflate: Deflate | None = None,
        ssl_object: object | None = None,
        **params: Any,
    ) -> None:
        self.handler = handler or Handler()
        self.connection = WebSocketProtocol13(self.handler, client, Params(**params))
        self.transport = FakeTransport(ssl_object=ssl_object)
        self.transport.before_look = self.connection.send_output
        self.connection.begin(self.transport, rest, opening, "chat", deflate)

    def feed(self, *frames: bytes) -> None:
        """Delivers bytes in one piece."""
        self.transport.feed(b"".join(frames))

    def take(self) -> bytes:
        """What was written since the last look."""
        return self.transport.take()

    def ping_deadline(self) -> None:
        """The time of the next ping, or of its answer, has come."""
        pinger = self.connection._pinger
        assert pinger is not None
        pinger.deadline_passed()

    def lose(self) -> None:
        """The transport is gone."""
        self.connection.connection_lost(None)

    def flood(self, *, until: int = TOO_MUCH) -> None:
        """The peer reads nothing, and so much is written to it."""
        self.transport.choke()
        while self.transport.get_write_buffer_size() <= until:
            self.connection.write_message(b"x" * 65536, binary=True)
            self.connection.send_output()

    @property
    def seen(self) -> list[Any]:
        """What the handler was told."""
        return self.handler.seen


def gate() -> asyncio.Future[None]:
    """Something to wait for."""
    return asyncio.get_running_loop().create_future()


async def turns(count: int = 5) -> None:
    """Lets the loop go on."""
    for _ in range(count):
        await asyncio.sleep(0)


class TestEvents:
    async def test_they_come_in_order(self) -> None:
        bench = Bench()
        bench.feed(frame(TEXT, b"a"), frame(PING, b"b"), frame(BINARY, b"c"), frame(PONG, b"d"))
        bench.feed(close(1000, b"e"))
        assert bench.seen == ["a", ("ping", b"b"), b"c", ("pong", b"d"), ("close", 1000, "e")]
        assert bench.take() == b"\x8a\x01b\x88\x02\x03\xe8"
        bench.lose()

    async def test_the_next_waits_for_what_the_handler_waits_for(self) -> None:
        gates = [gate(), gate()]
        waiting = iter(gates)
        bench = Bench(Handler(lambda message: next(waiting, None)))
        bench.feed(frame(TEXT, b"1"), frame(TEXT, b"2"), frame(TEXT, b"3"))
        assert bench.seen == ["1"]
        gates[0].set_result(None)
        await turns()
        assert bench.seen == ["1", "2"]
        bench.feed(frame(TEXT, b"4"))
        gates[1].set_result(None)
        await turns()
        assert bench.seen == ["1", "2", "3", "4"]
        bench.lose()

    async def test_a_coroutine_that_does_not_wait_is_done_at_once_or_soon(self) -> None:
        async def answer(message: str) -> None:
            done.append(message)

        done: list[str] = []
        bench = Bench(Handler(answer))
        bench.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
        await turns()
        assert done == ["1", "2"]
        bench.lose()

    async def test_what_comes_meanwhile_is_kept_up_to_a_bound(self) -> None:
        release = gate()
        bench = Bench(Handler(lambda message: release))
        bench.feed(frame(TEXT, b"first"))
        for _ in range(3):
            bench.feed(frame(TEXT, b"x" * 30000))
        assert not bench.transport.reading
        assert bench.connection._rules.buffered <= 3 * 30008
        release.set_result(None)
        await turns(20)
        assert len(bench.seen) == 4
        assert bench.transport.reading
        bench.lose()

    async def test_many_in_one_piece_leave_others_their_turn(self) -> None:
        bench = Bench()
        bench.feed(*[frame(TEXT, b"x")] * 1000)
        assert len(bench.seen) == 256
        await turns(2)
        bench.feed(close(1000))
        await turns(10)
        assert len(bench.seen) == 1001
        assert bench.seen[-1] == ("close", 1000, None)
        bench.lose()

    async def test_the_end_waits_for_its_turn(self) -> None:
        bench = Bench()
        bench.feed(*[frame(TEXT, b"x")] * 300)
        bench.lose()
        await turns(3)
        assert bench.seen[-1] == ("close", None, None)
        assert len(bench.seen) == 301

    @pytest.mark.parametrize("event", [frame(TEXT, b"x"), frame(PING, b"x"), frame(PONG, b"x")])
    async def test_a_handler_that_raises_is_logged_and_the_connection_closed(self, event: bytes) -> None:
        class Failing(Handler):
            def on_message(self, message: object) -> None:
                raise ValueError("no")

            def on_ping(self, data: bytes) -> None:
                raise ValueError("no")

            def on_pong(self, data: bytes) -> None:
                raise ValueError("no")

        bench = Bench(Failing())
        bench.feed(event, frame(TEXT, b"never seen"))
        assert bench.take().endswith(b"\x88\x02\x03\xf3")
        assert repr(bench.handler.errors) == "[ValueError('no')]"
        assert bench.seen == [("close", None, None)]
        # What comes behind is thrown away, so that the close frame is not lost by a reset.
        assert bench.transport.eof_written
        bench.feed(frame(TEXT, b"never seen"))
        assert bench.connection.eof_received() is None
        bench.lose()
        assert bench.seen == [("close", None, None)]

    async def test_one_that_raises_later_as_well(self) -> None:
        release = gate()
        bench = Bench(Handler(lambda message: release))
        bench.feed(frame(TEXT, b"x"), frame(TEXT, b"never seen"))
        release.set_exception(ValueError("later"))
        await turns()
        assert repr(bench.handler.errors) == "[ValueError('later')]"
        assert bench.take() == b"\x88\x02\x03\xf3"
        bench.lose()

    async def test_one_that_is_cancelled_ends_the_connection_without_a_word_in_the_log(self) -> None:
        release = gate()
        bench = Bench(Handler(lambda message: release))
        bench.feed(frame(TEXT, b"x"))
        release.cancel()
        await turns()
        assert bench.handler.errors == []
        assert bench.take() == b"\x88\x02\x03\xf3"
        bench.lose()

    async def test_what_can_t_be_waited_for_is_an_error(self) -> None:
        number: Any = 5
        bench = Bench(Handler(lambda message: number))
        bench.feed(frame(TEXT, b"x"))
        assert "yielded unknown object 5" in str(bench.handler.errors[0])
        bench.lose()

    async def test_an_end_that_raises_is_logged(self) -> None:
        class Failing(Handler):
            def on_ws_connection_close(self, *args: object) -> None:
                raise ValueError("in the end")

        bench = Bench(Failing())
        bench.lose()
        assert repr(bench.handler.errors) == "[ValueError('in the end')]"


class TestWriting:
    async def test_frames_of_one_turn_leave_together(self) -> None:
        bench = Bench()
        for text in ("a", "b", "c"):
            assert bench.connection.write_message(text).done()
        bench.connection.write_ping(b"d")
        await turns(1)
        assert bench.transport.writes == 1
        assert bench.take() == b"\x81\x01a\x81\x01b\x81\x01c\x89\x01d"
        bench.lose()

    async def test_many_do_not_wait_for_the_end_of_the_turn(self) -> None:
        bench = Bench()
        for _ in range(65):
            bench.connection.write_message("x")
        assert bench.transport.writes == 1
        bench.connection.write_message("x" * 65536)
        assert bench.transport.writes == 2
        bench.lose()

    async def test_a_client_masks(self) -> None:
        bench = Bench(client=True)
        bench.connection.write_message("hello")
        data = bench.take()
        assert (data[:2], masked(data[2:6], data[6:])) == (b"\x81\x85", b"hello")
        bench.lose()

    async def test_compression(self) -> None:
        bench = Bench(deflate=Deflate(Parameters(), client=False))
        bench.connection.write_message("hello")
        assert bench.take() == b"\xc1\x07\xcaH\xcd\xc9\xc9\x07\x00"
        bench.feed(frame(0xC1, b"\xcaH\xcd\xc9\xc9\x07\x00"))
        assert bench.seen == ["hello"]
        bench.lose()

    async def test_nothing_can_be_written_to_one_that_is_not_there(self) -> None:
        connection = WebSocketProtocol13(Handler(), False, Params())
        bench = Bench()
        bench.lose()
        for gone in (connection, bench.connection):
            with pytest.raises(WebSocketClosedError):
                gone.write_message("x")
            with pytest.raises(WebSocketClosedError):
                gone.write_ping(b"")
            gone.set_nodelay(True)
            gone.abort()
            assert gone.is_closing()
            assert gone.eof_received() is None


class TestSlowReader:
    async def test_awaiting_waits_until_it_has_read(self) -> None:
        bench = Bench()
        bench.transport.choke()
        assert bench.connection.write_message("x" * 70000) is not None
        first = bench.connection.write_message("y")
        second = bench.connection.write_message("z")
        assert not first.done()
        bench.transport.relieve()
        await asyncio.gather(first, second)
        assert bench.connection.write_message("more").done()
        bench.lose()

    async def test_who_waits_when_it_is_lost_is_told(self) -> None:
        bench = Bench()
        bench.flood(until=0)
        waiting = bench.connection.write_message("y")
        bench.lose()
        with pytest.raises(WebSocketClosedError):
            await waiting

    async def test_who_waits_when_it_is_closed_is_told(self) -> None:
        bench = Bench()
        bench.flood(until=0)
        waiting = bench.connection.write_message("y")
        bench.feed(close(1000))
        with pytest.raises(WebSocketClosedError):
            await waiting
        bench.lose()

    async def test_drop_sends_what_can_be_sent(self) -> None:
        bench = Bench(slow_reader="drop")
        bench.transport.choke()
        for _ in range(1000):
            assert bench.connection.write_message("y" * 70000).done()
        assert bench.connection.dropped == 1000
        assert bench.transport.get_write_buffer_size() == 0
        bench.transport.relieve()
        bench.connection.write_message("z")
        assert bench.take() == b"\x81\x01z"
        bench.lose()

    async def test_close_closes(self) -> None:
        bench = Bench(slow_reader="close")
        bench.transport.choke()
        with pytest.raises(WebSocketClosedError):
            bench.connection.write_message("y")
        assert b"\x03\xf5messages are not read fast enough" in bench.take()
        assert bench.connection.is_closing()
        bench.connection.deadline_passed()
        assert bench.transport.aborted
        bench.lose()
        assert bench.seen == [("close", None, None)]

    async def test_wait_has_a_bound(self) -> None:
        bench = Bench(max_write_buffer_size=200_000)
        bench.transport.choke()
        written = 0
        with pytest.raises(WebSocketClosedError):
            while written < 10_000_000:
                bench.connection.write_message("x" * 10_000)
                written += 10_000
        assert bench.transport.get_write_buffer_size() < 300_000
        assert b"\x88" in bench.take()
        bench.lose()

    async def test_pings_have_the_same(self) -> None:
        bench = Bench(max_write_buffer_size=200_000)
        bench.flood(until=200_000)
        size = bench.transport.get_write_buffer_size()
        for _ in range(1000):
            bench.connection.write_ping(b"x" * 125)
        bench.connection.send_output()
        assert bench.transport.get_write_buffer_size() == size
        bench.lose()

    async def test_one_that_reads_no_answers_is_not_read_either(self) -> None:
        def answer(message: str) -> None:
            bench.connection.write_message(message * 100)

        bench = Bench(Handler(answer))
        bench.transport.choke()
        while bench.transport.reading:
            bench.feed(*[frame(TEXT, b"x" * 1000)] * 8)
        assert bench.transport.get_write_buffer_size() < 2 * TOO_MUCH
        answered = len(bench.seen)
        bench.transport.relieve()
        await turns()
        assert bench.transport.reading
        assert len(bench.seen) > answered
        bench.lose()

    async def test_one_that_sends_pings_only_is_not_read_either(self) -> None:
        bench = Bench()
        bench.transport.choke()
        while bench.transport.reading:
            bench.feed(*[frame(PING, b"x" * 125)] * 100)
            await asyncio.sleep(0)
        assert bench.transport.get_write_buffer_size() < 2 * TOO_MUCH
        bench.lose()
        await until(lambda: bench.seen[-1] == ("close", None, None))

    async def test_the_answer_to_a_close_frame_is_looked_for_all_the_same(self) -> None:
        bench = Bench()
        bench.flood()
        bench.feed(frame(PING), frame(PING), close(1000))
        assert bench.seen == [("ping", b"")]
        bench.connection.close()
        await turns()
        assert bench.seen == [("ping", b""), ("ping", b""), ("close", 1000, None)]
        bench.lose()


class TestClosing:
    async def test_the_peer_begins(self) -> None:
        bench = Bench()
        bench.feed(close(3000, b"why"), frame(TEXT, b"never seen"))
        assert bench.take() == b"\x88\x02\x0b\xb8"
        assert bench.transport.is_closing()
        assert bench.connection.client_terminated
        assert (bench.connection.close_code, bench.connection.close_reason) == (3000, "why")
        bench.lose()
        assert bench.seen == [("close", 3000, "why")]

    async def test_this_side_begins(self) -> None:
        bench = Bench()
        bench.connection.close(4000, "why")
        bench.connection.close(4001, "again")
        assert bench.take() == b"\x88\x05\x0f\xa0why"
        assert bench.connection.server_terminated
        assert not bench.transport.is_closing()
        with pytest.raises(WebSocketClosedError):
            bench.connection.write_message("x")
        bench.feed(frame(TEXT, b"still seen"), close(4000))
        assert bench.transport.is_closing()
        bench.connection.close()
        bench.lose()
        assert bench.seen == ["still seen", ("close", 4000, None)]

    async def test_the_peer_does_not_answer(self) -> None:
        bench = Bench(close_timeout=0.01)
        bench.connection.close()
        await until(lambda: bench.transport.aborted)
        bench.lose()
        assert bench.seen == [("close", None, None)]

    async def test_the_peer_does_not_end_the_connection(self) -> None:
        bench = Bench(client=True, close_timeout=0.01)
        bench.feed(frame(0x88, b"\x03\xe8", None))
        assert bench.seen == [("close", 1000, None)]
        assert not bench.transport.is_closing()
        await until(lambda: bench.transport.aborted)
        bench.lose()

    async def test_a_client_leaves_the_end_to_the_server(self) -> None:
        bench = Bench(client=True)
        bench.connection.close(1000)
        bench.feed(frame(0x88, b"\x03\xe8", None))
        assert not bench.transport.is_closing()
        assert bench.connection.eof_received() is None
        bench.lose()
        assert bench.seen == [("close", 1000, None)]

    async def test_a_violation(self) -> None:
        bench = Bench()
        bench.feed(frame(TEXT, b"x", None))
        assert bench.take()[2:4] == (1002).to_bytes(2, "big")
        assert bench.transport.eof_written
        assert bench.seen == [("close", None, None)]
        bench.lose()

    async def test_the_end_without_a_word(self) -> None:
        bench = Bench()
        bench.feed(frame(TEXT, b"x"), frame(TEXT, b"half")[:-1])
        assert not bench.connection.eof_received()
        assert bench.seen == ["x", ("close", None, None)]
        bench.lose()

    async def test_half_an_end_leaves_time_for_answers(self) -> None:
        async def answer(message: str) -> None:
            await release
            await bench.connection.write_message(message)

        release = gate()
        bench = Bench(Handler(answer))
        bench.feed(frame(TEXT, b"1"), frame(TEXT, b"2"), close(1000))
        await turns()
        assert bench.connection.eof_received() is True
        release.set_result(None)
        await turns(10)
        assert bench.take() == b"\x81\x011\x81\x012\x88\x02\x03\xe8"
        assert bench.seen == ["1", "2", ("close", 1000, None)]
        bench.lose()

    async def test_tls_knows_no_half_ends(self) -> None:
        release = gate()
        bench = Bench(Handler(lambda message: release), ssl_object=object())
        bench.feed(frame(TEXT, b"1"))
        assert bench.connection.eof_received() is False
        bench.lose()
        release.set_result(None)
        await turns()
        assert bench.seen == ["1", ("close", None, None)]

    async def test_a_loss_waits_for_the_handler_and_what_came_before(self) -> None:
        gates = [gate(), gate()]
        waiting = iter(gates)
        bench = Bench(Handler(lambda message: next(waiting)))
        bench.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
        bench.lose()
        assert bench.seen == ["1"]
        for one in gates:
            one.set_result(None)
            await turns()
        assert bench.seen == ["1", "2", ("close", None, None)]

    async def test_a_loss_while_opening(self) -> None:
        release = gate()
        bench = Bench(opening=lambda: release, rest=frame(TEXT, b"1"))
        bench.lose()
        assert bench.seen == []
        release.set_result(None)
        await turns()
        assert bench.seen == ["1", ("close", None, None)]

    async def test_a_loss_while_opening_that_fails(self) -> None:
        release = gate()
        bench = Bench(opening=lambda: release, rest=frame(TEXT, b"1"))
        bench.lose()
        release.set_exception(ValueError("no"))
        await turns()
        assert bench.seen == []
        assert repr(bench.handler.errors) == "[ValueError('no')]"
        await bench.connection.wait_closed()

    async def test_a_handler_that_fails_when_all_is_over(self) -> None:
        release = gate()
        bench = Bench(Handler(lambda message: release))
        bench.feed(frame(TEXT, b"1"))
        bench.connection.close()
        bench.connection.deadline_passed()
        bench.lose()
        release.set_exception(ValueError("late"))
        await turns()
        assert bench.seen == ["1", ("close", None, None)]

    async def test_waiting_for_the_end(self) -> None:
        bench = Bench()
        waiting = [asyncio.create_task(bench.connection.wait_closed()) for _ in range(2)]
        await turns()
        bench.feed(close(1000))
        await turns()
        assert not waiting[0].done()
        bench.lose()
        await asyncio.gather(*waiting)
        await bench.connection.wait_closed()

    async def test_a_server_that_ends_says_so(self) -> None:
        bench = Bench()
        bench.connection.close_when_idle()
        assert bench.take() == b"\x88\x02\x03\xe9"
        bench.connection.on_connection_close()
        assert bench.transport.aborted
        bench.lose()

    async def test_a_close_in_the_middle_of_a_loss_is_nothing(self) -> None:
        release = gate()
        bench = Bench(Handler(lambda message: release))
        bench.feed(frame(TEXT, b"1"))
        bench.lose()
        bench.connection.close()
        with pytest.raises(WebSocketClosedError):
            bench.connection.write_message("x")
        release.set_result(None)
        await turns()
        assert bench.seen == ["1", ("close", None, None)]


class TestPings:
    def bench(self, **params: Any) -> Bench:
        """One whose deadlines the test lets pass by itself."""
        return Bench(ping_interval=1000, **params)

    async def test_one_is_sent_at_each_interval(self) -> None:
        bench = self.bench()
        for _ in range(3):
            bench.ping_deadline()
            assert bench.take() == b"\x89\x00"
            bench.feed(frame(PONG))
        assert bench.seen == [("pong", b"")] * 3
        bench.lose()

    async def test_with_a_shorter_timeout_there_is_a_pause(self) -> None:
        bench = self.bench(ping_timeout=400)
        assert (bench.connection.ping_interval, bench.connection.ping_timeout) == (1000, 400)
        bench.ping_deadline()
        bench.feed(frame(PONG))
        bench.take()
        bench.ping_deadline()
        assert bench.take() == b""
        bench.ping_deadline()
        assert bench.take() == b"\x89\x00"
        bench.lose()

    async def test_one_that_is_not_answered_ends_the_connection(self) -> None:
        bench = self.bench()
        bench.ping_deadline()
        bench.feed(frame(TEXT, b"no pong"))
        bench.take()
        bench.ping_deadline()
        assert bench.take() == b"\x88\x10\x03\xe8ping timed out"
        bench.connection.deadline_passed()
        assert bench.transport.aborted
        bench.lose()
        assert bench.seen == ["no pong", ("close", None, None)]

    async def test_without_a_timeout_none_has_to_be_answered(self) -> None:
        bench = self.bench(ping_timeout=0)
        for _ in range(3):
            bench.ping_deadline()
            assert bench.take() == b"\x89\x00"
        bench.lose()

    async def test_the_answer_of_one_that_waits_to_be_read_is_not_missed(self) -> None:
        release = gate()
        bench = Bench(Handler(lambda message: release), ping_interval=1000)
        bench.feed(frame(TEXT, b"x"))
        bench.ping_deadline()
        bench.feed(frame(PONG))
        bench.ping_deadline()
        assert bench.take() == b"\x89\x00\x89\x00"
        release.set_result(None)
        await turns()
        bench.lose()

    async def test_one_that_reads_slowly_is_alive(self) -> None:
        bench = self.bench()
        bench.flood(until=0)
        bench.ping_deadline()
        bench.transport._buffered = 1
        bench.ping_deadline()
        assert not bench.connection.is_closing()
        bench.ping_deadline()
        assert bench.connection.is_closing()
        bench.lose()

    async def test_a_timeout_longer_than_the_interval_makes_no_sense(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            bench = self.bench(ping_timeout=2000)
        assert (
            "The websocket_ping_timeout (2000) cannot be longer than the websocket_ping_interval"
            in caplog.text
        )
        assert bench.connection.ping_timeout == 1000
        bench.lose()

    async def test_short_intervals_are_kept(self) -> None:
        bench = Bench(ping_interval=0.02, ping_timeout=0)
        await until(lambda: bench.transport.written.count(b"\x89\x00") >= 3)
        bench.lose()

    async def test_periodic_ping_lasts_until_the_end(self) -> None:
        bench = self.bench()
        pinging = asyncio.create_task(bench.connection.periodic_ping())
        await turns()
        bench.feed(close(1000))
        bench.lose()
        await pinging


class TestFace:
    def test_ping_sleep_time(self) -> None:
        sleep_time = WebSocketProtocol13.ping_sleep_time
        assert sleep_time(last_ping_time=1, interval=10, now=2) == 9
        assert sleep_time(last_ping_time=1, interval=10, now=20) == 0

    def test_compute_accept_value(self) -> None:
        accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert WebSocketProtocol13.compute_accept_value("dGhlIHNhbXBsZSBub25jZQ==") == accept
        assert WebSocketProtocol13.compute_accept_value(b"dGhlIHNhbXBsZSBub25jZQ==") == accept

    async def test_attributes(self) -> None:
        bench = Bench(client=True)
        connection = bench.connection
        assert connection.selected_subprotocol == "chat"
        assert connection.mask_outgoing
        assert connection.handler is bench.handler
        assert not connection.is_closing()
        bench.lose()

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("write_message", ("x",)),
            ("write_ping", (b"",)),
            ("start_pinging", ()),
            ("close", ()),
            ("is_closing", ()),
            ("on_connection_close", ()),
            ("set_nodelay", (True,)),
        ],
    )
    def test_another_protocol_has_to_define_all(self, name: str, arguments: tuple[Any, ...]) -> None:
        protocol = WebSocketProtocol(Handler())
        with pytest.raises(NotImplementedError, match=f"WebSocketProtocol does not define {name}"):
            getattr(protocol, name)(*arguments)

    async def test_that_it_can_accept_and_tell_its_subprotocol_as_well(self) -> None:
        protocol = WebSocketProtocol(Handler())
        with pytest.raises(NotImplementedError):
            await protocol.accept_connection(None)
        with pytest.raises(NotImplementedError):
            _ = protocol.selected_subprotocol
