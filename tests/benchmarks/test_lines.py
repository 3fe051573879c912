"""The load of lines."""

from __future__ import annotations

import socketserver

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.lines import LINE, Lines
from tests.benchmarks.web import Serving, running


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
    with running(Serving(Echo)) as port:
        sample = Lines(connections=2).run(port, 0.2)
    assert sample.value >= 10
    assert 0 < sample.details["p50 ms"] <= sample.details["p99 ms"]
    assert "load core idle" in sample.details


@pytest.mark.parametrize(("answer", "message"), [(Liar, "b'something else"), (Mute, "b'' came back")])
def test_anything_else_is_an_error(answer: type[socketserver.StreamRequestHandler], message: str) -> None:
    with running(Serving(answer)) as port, pytest.raises(BenchmarkError, match=message):
        Lines(connections=1).run(port, 60)
