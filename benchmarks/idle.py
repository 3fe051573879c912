"""Connections that are kept alive and ask for nothing more."""

from __future__ import annotations

import resource
import select
import socket
from contextlib import ExitStack
from typing import Self

from benchmarks.errors import BenchmarkError
from benchmarks.load import Request

__all__ = ["Idle", "allow_descriptors", "connect"]

#: What is open beside the connections, on either side.
_SPARE = 500
#: From one source address; it has 28,000 ports by default, and those of past connections rest for a minute.
_PER_ADDRESS = 5000
#: Lets the port be chosen when it is known where the connection leads (`ip(7)`; in `socket` since 3.12).
_IP_BIND_ADDRESS_NO_PORT = 24
_SECONDS = 10.0


def allow_descriptors(connections: int) -> None:
    """Let this process, and those it starts from now on, have that many connections open.

    Raises:
        BenchmarkError: the system does not allow it.
    """
    wanted = connections + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = hard if hard == resource.RLIM_INFINITY or hard >= wanted else wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    except (OSError, ValueError) as error:
        raise BenchmarkError(
            f"{connections:,} connections need {wanted:,} open files, and the hard limit is {hard:,}:"
            f" raise it as root (ulimit -Hn {wanted}) and try again"
        ) from error


def connect(connection: socket.socket, port: int, number: int) -> None:
    """Connect to `port` of 127.0.0.1, from a source address that has ports for that many connections."""
    connection.settimeout(_SECONDS)
    connection.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    connection.bind((f"127.0.0.{1 + number // _PER_ADDRESS}", 0))
    connection.connect(("127.0.0.1", port))


class Idle:
    """Opens connections, asks once on each, and keeps them; a context manager closes them.

    Args:
        port: of 127.0.0.1.
        count: how many.
        request: what is asked, without a body.
    """

    def __init__(self, port: int, count: int, request: Request) -> None:
        self._port = port
        self._count = count
        fields = {"Host": "localhost", **request.headers}
        lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items())]
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self._sockets: list[socket.socket] = []
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            for number in range(self._count):
                connection = ends.enter_context(socket.socket())
                self._sockets.append(connection)
                try:
                    connect(connection, self._port, number)
                    self._ask(connection)
                except OSError as error:
                    raise BenchmarkError(f"connection {number + 1:,} of {self._count:,}: {error}") from error
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.close()

    def check(self) -> None:
        """See that the server has kept all of them.

        Raises:
            BenchmarkError: it has ended some.
        """
        poll = select.poll()
        for connection in self._sockets:
            poll.register(connection, select.POLLIN)
        # There is nothing to read but the end.
        if ended := len(poll.poll(0)):
            raise BenchmarkError(f"the server has ended {ended:,} of {self._count:,} idle connections")

    def _ask(self, connection: socket.socket) -> None:
        connection.sendall(self._request)
        answer = b""
        while not _is_whole(answer):
            received = connection.recv(65536)
            if not received:
                raise ConnectionError(f"the server ended it after {answer!r}")
            answer += received


def _is_whole(answer: bytes) -> bool:
    """Say whether an answer of known length is there; one without a length never is."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return len(body) >= int(value)
    raise BenchmarkError(f"an answer without a length: {head!r}")
