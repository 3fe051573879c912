"""What runs beside the peers."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import pytest

from benchmarks.ask import ask
from benchmarks.errors import BenchmarkError
from benchmarks.load import Request
from benchmarks.surroundings import certificate, nginx_files, nothing, redis_server


def test_nothing_gives_no_arguments() -> None:
    with nothing() as more:
        assert list(more) == []


def test_redis_answers_at_its_url_and_ends() -> None:
    with redis_server() as (option, url):
        assert option == "--redis"
        port = urlsplit(url).port or 0
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100) == b"+PONG\r\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_nginx_serves_a_kilobyte_at_its_url() -> None:
    with nginx_files() as (option, url):
        assert option == "--url"
        parts = urlsplit(url)
        answer, body = ask(parts.port or 0, Request(parts.path))
    assert (answer.status, len(body)) == (200, 1000)


@pytest.mark.parametrize(
    ("needs", "package"),
    [(redis_server, "redis-server"), (certificate, "openssl"), (nginx_files, "nginx-light")],
)
def test_what_is_not_installed_is_named(
    needs: Callable[[], AbstractContextManager[object]], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(BenchmarkError, match=f"apt-get install {package}"), needs():
        pass
