"""A server process for the time of a measurement."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks.ask import ask
from benchmarks.errors import BenchmarkError
from benchmarks.load import Request
from benchmarks.server import Server, free_port


def web_server(core: int | None = None) -> Server:
    port = free_port()
    code = (
        "import functools, http.server, sys\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(204)\n"
        "        self.end_headers()\n"
        "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n"
    )
    return Server([sys.executable, "-c", code, str(port)], port, core=core)


def test_it_listens_when_it_is_entered_and_is_gone_afterwards() -> None:
    with web_server() as server:
        answer, _ = ask(server.port, Request("/"))
        assert answer.status == 204
        assert server.memory() > 1_000_000
        assert server.threads() == 1
        assert server.cpu_seconds() >= 0
        assert '"GET / HTTP/1.1" 204' in server.log()
    with pytest.raises(OSError, match="refused"):
        ask(server.port, Request("/"))


@pytest.mark.parametrize("one", [True, False])
def test_it_has_one_core_or_all(one: bool) -> None:
    cores = os.sched_getaffinity(0)
    with web_server(min(cores) if one else None) as server:
        (pid,) = server._processes()
        assert os.sched_getaffinity(int(pid)) == ({min(cores)} if one else cores)


def test_one_that_ends_at_once_is_told_with_what_it_wrote() -> None:
    command = [sys.executable, "-c", "raise SystemExit('there is no such thing')"]
    server = Server(command, free_port(), core=None)
    with pytest.raises(BenchmarkError, match=r"(?s)does not listen on \d+:\nthere is no such thing"), server:
        pass


def test_nothing_is_known_of_one_that_does_not_run() -> None:
    with pytest.raises(BenchmarkError, match="does not run"):
        web_server().memory()
