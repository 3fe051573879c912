"""The fake transport behaves to a protocol as a real one does."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes import FakeClock, FakeTransport


class Recorder(asyncio.Protocol):
    def __init__(self) -> None:
        self.events: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.events.append(data)

    def eof_received(self) -> bool:
        self.events.append("eof")
        return False

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append(("lost", exc))


class Buffered(asyncio.BufferedProtocol):
    def __init__(self) -> None:
        self.buffer = bytearray(4)
        self.data = b""

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data += self.buffer[:nbytes]


def test_a_connection_from_its_start_to_its_end() -> None:
    protocol = Recorder()
    transport = FakeTransport(protocol, peername=("192.0.2.1", 5))
    transport.connect()
    transport.feed(b"question")
    transport.write(b"an")
    transport.writelines([b"sw", b"er"])
    assert transport.take() == b"answer"
    assert (transport.written, transport.writes) == (b"", 2)
    transport.choke()
    transport.write(b"held")
    assert transport.get_write_buffer_size() == 4
    transport.relieve()
    assert transport.get_write_buffer_size() == 0
    transport.feed_eof()
    assert transport.is_closing()
    transport.deliver_close()
    transport.deliver_close()
    assert protocol.events == ["made", b"question", "pause", "resume", "eof", ("lost", None)]
    assert transport.get_extra_info("peername") == ("192.0.2.1", 5)
    assert transport.get_extra_info("nothing", "default") == "default"


def test_nothing_is_delivered_while_reading_is_paused() -> None:
    transport = FakeTransport(Recorder())
    transport.pause_reading()
    with pytest.raises(AssertionError, match="paused"):
        transport.feed(b"x")
    transport.resume_reading()
    transport.feed(b"x")


def test_writing_on_a_closed_transport_is_a_mistake() -> None:
    transport = FakeTransport(Recorder())
    transport.abort()
    assert transport.aborted
    with pytest.raises(AssertionError, match="after close"):
        transport.write(b"late")


def test_a_protocol_with_its_own_buffer_gets_everything() -> None:
    protocol = Buffered()
    transport = FakeTransport(protocol)
    transport.feed(b"0123456789")
    assert protocol.data == b"0123456789"
    with pytest.raises(RuntimeError, match="no protocol"):
        FakeTransport().get_protocol()


def test_write_buffer_limits_are_those_of_asyncio() -> None:
    transport = FakeTransport()
    transport.set_write_buffer_limits(low=10)
    assert transport.get_write_buffer_limits() == (10, 40)
    transport.set_write_buffer_limits(high=0)
    assert transport.get_write_buffer_limits() == (0, 0)
    with pytest.raises(ValueError, match="must be >= low"):
        transport.set_write_buffer_limits(high=1, low=2)


def test_the_clock_moves_only_forward_and_only_when_told() -> None:
    clock = FakeClock(5.0)
    assert (clock(), clock.now) == (5.0, 5.0)
    assert clock.advance(1.5) == 6.5
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)
