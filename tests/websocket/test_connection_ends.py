"""One connection on a transport without a network: every way to end, pings, and what it looks like from outside."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from framework.websocket import WebSocketClosedError, WebSocketProtocol, WebSocketProtocol13
from tests.streams import until
from tests.websocket.bench import Bench, Handler, gate, turns
from tests.websocket.wire import close, frame

TEXT, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A
TOO_MUCH = 16 * 65536


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

    async def test_one_that_reads_nothing_is_not_alive_whatever_waits_to_be_read(self) -> None:
        bench = self.bench()
        bench.flood()
        bench.feed(frame(PING))
        assert bench.connection.blocked
        bench.ping_deadline()
        bench.ping_deadline()
        assert bench.connection.is_closing()
        bench.lose()

    async def test_one_whose_handler_waits_for_it_to_read_is_not_either(self) -> None:
        bench = Bench(
            Handler(lambda message: bench.connection.write_message("x" * 70000)), ping_interval=1000
        )
        bench.transport.choke()
        bench.feed(frame(TEXT, b"more"))
        bench.ping_deadline()
        bench.ping_deadline()
        assert bench.connection.is_closing()
        bench.lose()

    async def test_one_that_has_read_all_and_been_sent_more_is_alive(self) -> None:
        async def much(message: str) -> None:
            while True:
                await bench.connection.write_message("x" * 70000)

        bench = Bench(Handler(much), ping_interval=1000)
        bench.transport.choke()
        bench.feed(frame(TEXT, b"more"))
        for _ in range(3):
            bench.ping_deadline()
            bench.transport.relieve()
            bench.transport.choke()
            await turns()
            assert bench.connection.unsent() > 65536
        assert not bench.connection.is_closing()
        bench.lose()
        await turns()

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
