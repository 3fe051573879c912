"""The load of lines."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.lines import LINE, Lines


@contextmanager
def serve(answer: type[socketserver.StreamRequestHandler]) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False

    with Server(("127.0.0.1", 0), answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Echo(socketserver.StreamRequestHandler):
    """Sends each line back in two pieces."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            for line in self.rfile:
                self.request.sendall(line[:7])
                self.request.sendall(line[7:])
        except ConnectionError:
            pass


class Liar(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.readline()
        self.request.sendall(b"something else\n")


class Mute(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.readline()


def test_a_line_has_32_bytes_and_one_end() -> None:
    assert len(LINE) == 32
    assert LINE.index(b"\n") == 31


def test_lines_that_come_back_are_counted() -> None:
    with serve(Echo) as port:
        sample = Lines(connections=2).run(port, 0.2)
    assert sample.value >= 10
    assert 0 < sample.details["p50 ms"] <= sample.details["p99 ms"]
    assert "load core idle" in sample.details


@pytest.mark.parametrize(("answer", "message"), [(Liar, "b'something else"), (Mute, "b'' came back")])
def test_anything_else_is_an_error(answer: type[socketserver.StreamRequestHandler], message: str) -> None:
    with serve(answer) as port, pytest.raises(BenchmarkError, match=message):
        Lines(connections=1).run(port, 60)
