"""The loads of WebSockets, and the bytes that they are made of."""

from __future__ import annotations

import socketserver
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.samples import LONG, SHORT
from benchmarks.server import Server, free_port
from benchmarks.sockets_load import Everybody, Messages, opened
from benchmarks.websocket import Message, frame
from tests.benchmarks.web import Serving, running

HELLO = Message(SHORT, text=True)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"sec-websocket-accept: ZUMfVsyqSAUmd7No7hKfcMwKXCA=\r\n%s\r\n"
)


class Fake(socketserver.StreamRequestHandler):
    """Reads a handshake and a message, and answers what it is told."""

    answers: tuple[bytes, bytes]

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.request.sendall(self.answers[0])
        if not self.answers[1]:
            return
        self.rfile.read(len(HELLO.sent))
        self.request.sendall(self.answers[1])


def fake(handshake: bytes, answer: bytes = b"") -> AbstractContextManager[int]:
    return running(Serving(type("Handler", (Fake,), {"answers": (handshake, answer)})))


@pytest.fixture
def port() -> Iterator[int]:
    """Where this project's server of the benchmarks listens."""
    port = free_port()
    with Server([sys.executable, "-m", "benchmarks.sockets.framework", "--port", str(port)], port, core=None):
        yield port


def test_frames_are_those_of_the_standard() -> None:
    # The examples of RFC 6455 section 5.7.
    assert frame(b"Hello", text=True) == bytes.fromhex("810548656c6c6f")
    assert frame(b"Hello", text=True, mask=bytes.fromhex("37fa213d")) == bytes.fromhex(
        "818537fa213d7f9f4d5158"
    )
    assert frame(bytes(256), text=False)[:4] == bytes.fromhex("827e0100")
    assert frame(bytes(65536), text=False)[:10] == bytes.fromhex("827f0000000000010000")


def test_messages_have_the_sizes_that_the_workloads_tell_of() -> None:
    assert (len(SHORT), len(LONG)) == (32, 65536)


def test_messages_that_come_back_are_counted(port: int) -> None:
    for message in (HELLO, Message(LONG, text=False)):
        sample = Messages(message, connections=3).run(port, 0.1)
        assert sample.value > 0
        assert sample.details["p50 ms"] <= sample.details["p99 ms"]


def test_messages_to_everybody_are_counted_at_each(port: int) -> None:
    sample = Everybody(HELLO, connections=5).run(port, 0.1)
    # A round is five of them, and took so long on average.
    assert sample.value == pytest.approx(5 * 1000 / sample.details["ms to all"])


def test_a_message_on_a_connection_that_blocks(port: int) -> None:
    with opened(port, "/echo", 2) as sockets:
        for connection in sockets:
            HELLO.exchange(connection)
            Message(LONG, text=False).exchange(connection)
    assert all(connection.fileno() == -1 for connection in sockets)


@pytest.mark.parametrize("answer", [b"", frame(b"something else", text=True), HELLO.back[:-1]])
def test_another_answer_is_an_error(answer: bytes) -> None:
    with (
        fake(ANSWER % b"", answer) as port,
        opened(port, "/echo", 1) as sockets,
        pytest.raises(BenchmarkError, match="came back, not"),
    ):
        HELLO.exchange(sockets[0])


@pytest.mark.parametrize("load", [Messages(HELLO, connections=1), Everybody(HELLO, connections=1)])
def test_a_load_does_not_count_other_answers(load: Messages | Everybody) -> None:
    with (
        fake(ANSWER % b"", frame(b"something else", text=True)) as port,
        pytest.raises(BenchmarkError, match=r"something else.* not b'.*a message of 32 bytes"),
    ):
        load.run(port, 60)


@pytest.mark.parametrize(
    ("handshake", "message"),
    [
        (b"", "ended in its handshake, after b''"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "no handshake of a WebSocket: b'HTTP/1.1 404"),
        ((ANSWER % b"").replace(b"ZUMf", b"none"), "no handshake of a WebSocket"),
        (ANSWER % b"Sec-WebSocket-Extensions: permessage-deflate\r\n", "nobody asked for extensions"),
    ],
)
def test_a_handshake_has_to_be_one(handshake: bytes, message: str) -> None:
    with fake(handshake) as port, pytest.raises(BenchmarkError, match=message), opened(port, "/echo", 1):
        pass


def test_which_connection_failed_is_told() -> None:
    with fake(b"") as port:
        pass
    with pytest.raises(BenchmarkError, match="connection 1 of 7: "), opened(port, "/echo", 7):
        pass
