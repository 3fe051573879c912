"""One connection on a transport without a network: events, waiting for the handler, writing, slow readers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framework.websocket import WebSocketClosedError, WebSocketProtocol13
from framework.websocket.base import Params
from framework.websocket.deflate import Deflate, Parameters
from tests.streams import until
from tests.websocket.bench import Bench, Handler, gate, turns
from tests.websocket.wire import close, frame, masked

TEXT, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A
TOO_MUCH = 16 * 65536


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
        assert bench.connection._rules._reader.buffered <= 3 * 30008
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
