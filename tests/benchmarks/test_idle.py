"""Connections that are kept open."""

from __future__ import annotations

import resource

import pytest

from benchmarks import idle
from benchmarks.errors import BenchmarkError
from benchmarks.idle import Idle, allow_descriptors
from benchmarks.load import Request
from tests.benchmarks.web import serve


def test_connections_are_asked_on_once_and_kept_from_several_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idle, "_PER_ADDRESS", 2)
    with serve() as port, Idle(port, 5, Request("/hello")) as connections:
        connections.check()
        sources = [connection.getsockname()[0] for connection in connections._sockets]
        assert sources == ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3"]
    assert all(connection.fileno() == -1 for connection in connections._sockets)


def test_a_server_that_ends_them_is_told_of() -> None:
    with serve() as port, Idle(port, 3, Request("/once")) as connections:
        for connection in connections._sockets:
            # The end, which is there to be read as soon as the server is done.
            assert connection.recv(1) == b""
        with pytest.raises(BenchmarkError, match="ended 3 of 3 idle connections"):
            connections.check()


def test_an_answer_without_a_length_cannot_be_told_from_its_beginning() -> None:
    with (
        serve() as port,
        pytest.raises(BenchmarkError, match="without a length"),
        Idle(port, 1, Request("/endless")),
    ):
        pass


def test_which_connection_failed_is_told() -> None:
    with serve() as port:
        pass
    with pytest.raises(BenchmarkError, match="connection 1 of 7: "), Idle(port, 7, Request("/hello")):
        pass


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits on open files as they are set; 1,024 and 4,096 at first, and the second cannot be raised."""
    values = [(1024, 4096)]

    def setrlimit(which: int, limit: tuple[int, int]) -> None:
        if limit[1] > 4096:
            raise ValueError("not allowed to raise maximum limit")
        values.append(limit)

    monkeypatch.setattr(resource, "getrlimit", lambda which: values[-1])
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    return values


def test_the_limit_on_open_files_is_raised_as_far_as_needed(limits: list[tuple[int, int]]) -> None:
    allow_descriptors(100)
    assert limits == [(1024, 4096)]
    allow_descriptors(3000)
    assert limits[-1] == (3500, 4096)


def test_a_limit_that_cannot_be_raised_is_told_with_what_to_do(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(
        BenchmarkError, match=r"need 10,500 open files, and the hard limit is 4,096.*ulimit -Hn 10500"
    ):
        allow_descriptors(10_000)
