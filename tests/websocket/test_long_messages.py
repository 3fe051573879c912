"""Long messages are sent without a copy, and are the same on the wire as if they were not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from framework.websocket import WebSocketClosedError, WebSocketProtocol13
from framework.websocket.base import Params
from framework.websocket.deflate import Deflate, Parameters
from framework.websocket.frames import BINARY, TEXT, encode, header
from framework.websocket.protocol import Protocol
from tests.fakes import FakeTransport
from tests.websocket.wire import KEY


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536, 100_000])
@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("rsv1", [False, True])
def test_a_header_is_what_a_frame_begins_with(length: int, key: bytes | None, rsv1: bool) -> None:
    frame = encode(BINARY, bytes(length), rsv1=rsv1, key=key)
    assert header(BINARY, length, rsv1=rsv1, key=key) == frame[: len(frame) - length]


@pytest.mark.parametrize("message", ["x" * 70_000, "ü" * 9000, b"\xff" * 70_000])
def test_both_ways_of_sending_are_the_same(message: str | bytes) -> None:
    server = Protocol(False, max_message_size=1 << 20)
    assert b"".join(server.send_long(message)) == server.send_message(message)
    client = Protocol(True, max_message_size=1 << 20)
    server.receive(b"".join(client.send_long(message)))
    assert server.next_event() == message


def test_binary_is_what_was_given() -> None:
    message = bytes(70_000)
    assert Protocol(False, max_message_size=1 << 20).send_long(message)[1] is message


def test_long_messages_are_compressed_where_that_was_agreed_upon() -> None:
    server, client = (
        Protocol(side, max_message_size=1 << 20, deflate=Deflate(Parameters(), client=side))
        for side in (False, True)
    )
    sent = b"".join(client.send_long("the same " * 10_000))
    assert len(sent) < 1000
    server.receive(sent)
    assert server.next_event() == "the same " * 10_000


def test_a_closed_connection_sends_no_long_messages_either() -> None:
    server = Protocol(False, max_message_size=1 << 20)
    server.send_close()
    with pytest.raises(WebSocketClosedError):
        server.send_long(bytes(70_000))


class Taker(FakeTransport):
    """Keeps the pieces that are written together, as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[object] = []

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        pieces = list(list_of_data)
        self.pieces += pieces
        super().writelines(pieces)


@pytest.mark.parametrize("size", [16_384, 65_536, 100_000])
async def test_what_was_written_before_goes_out_before(size: int) -> None:
    connection = WebSocketProtocol13(None, False, Params())
    transport = Taker()
    connection.begin(transport, b"", lambda: None)
    long = bytes(size)
    connection.write_message("short")
    connection.write_message(long, binary=True)
    connection.write_message("after")
    connection.send_output()
    assert transport.written == encode(TEXT, b"short") + encode(BINARY, long) + encode(TEXT, b"after")
    assert any(piece is long for piece in transport.pieces)
