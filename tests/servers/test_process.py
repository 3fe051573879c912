"""The servers of the tests start, stop, break and come back as told, and never outlive the run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.client import eventually
from tests.servers import (
    MongoServer,
    NginxServer,
    NotInstalledError,
    PostgresServer,
    RedisServer,
    ServerProcess,
)
from tests.servers.process import free_port

ROOT = Path(__file__).resolve().parents[2]


class PlainServer(ServerProcess):
    """The smallest thing that listens."""

    name = "plain"

    def command(self) -> list[str]:
        """Return the command line."""
        code = "import socket, sys\nwith socket.create_server(('127.0.0.1', int(sys.argv[1]))) as s:\n"
        code += "    print('listening', flush=True)\n    while True: s.accept()[0].close()"
        return [sys.executable, "-c", code, str(self.port)]


class BrokenServer(ServerProcess):
    """Ends at once."""

    name = "broken"

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-c", "import sys; sys.exit('no such luck')"]


def test_a_server_through_its_life() -> None:
    with PlainServer(shared=False) as server:
        first = server.pid
        assert server.running
        assert "listening" in server.log()
        server.kill()
        assert (server.running, server.returncode) == (False, -9)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port))
        server.ensure()
        assert server.pid != first
        server.pause()
        server.ensure()
        assert server.answers()
        assert server.stop() == -15
        folder = server.folder
    assert not os.path.exists(folder)


def test_a_server_that_does_not_start_shows_its_log() -> None:
    server = BrokenServer(shared=False)
    with pytest.raises(RuntimeError, match="no such luck"):
        server.start()
    server.close()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    for server in (RedisServer(), MongoServer(), PostgresServer(), NginxServer()):
        with pytest.raises(NotInstalledError, match="not installed here: install "):
            server.start()
        server.close()


def test_ports_are_given_once() -> None:
    ports = {free_port() for _ in range(50)}
    assert len(ports) == 50


def test_the_end_of_the_run_is_the_end_of_its_servers() -> None:
    code = (
        "import os, signal\nfrom tests.servers.test_process import PlainServer\ns = PlainServer().start()\n"
    )
    code += "print(s.pid, s.folder, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    pid, folder = run.stdout.split()
    assert run.returncode == -9
    eventually(lambda: not _alive(int(pid)) and not os.path.exists(folder))


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_stores_survive_a_stop_and_a_crash_with_their_data(
    redis_server: RedisServer, mongo_server: MongoServer, postgres_server: PostgresServer
) -> None:
    redis_server.execute("SET", "survives", "1")
    postgres_server.query("CREATE TABLE survives (n int)")
    postgres_server.query("INSERT INTO survives VALUES (1)")
    for server in (redis_server, mongo_server, postgres_server):
        assert server.stop() == 0
        server.start()
        server.kill()
        server.start()
    assert redis_server.execute("GET", "survives") == b"1"
    assert postgres_server.query("SELECT n FROM survives") == [["1"]]
    postgres_server.query("DROP TABLE survives")
    redis_server.execute("DEL", "survives")


def test_nginx_answers_as_configured() -> None:
    port = free_port()
    http = f'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "from nginx"; }} }}'
    with NginxServer(http, port, shared=False) as server:
        with socket.create_connection((server.host, port)) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with connection.makefile("rb") as answer:
                assert answer.read().endswith(b"from nginx")
        assert server.stop() == 0
