"""A Redis server with a password and an append-only file, as the deployment has it."""

from __future__ import annotations

import shutil
import socket
from io import BufferedReader

from tests.servers.process import NotInstalledError, ServerProcess

__all__ = ["RedisServer"]


class RedisServer(ServerProcess):
    """`redis-server`; `password` is asked for when not empty."""

    name = "redis"

    def __init__(self, port: int | None = None, *, password: str = "", shared: bool = True) -> None:
        super().__init__(port, shared=shared)
        self.password = password

    @property
    def url(self) -> str:
        """The address as clients take it."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}{self.host}:{self.port}/0"

    def command(self) -> list[str]:
        """Return the command line."""
        program = shutil.which("redis-server")
        if program is None:
            raise NotInstalledError("Redis", "the package redis-server (Debian, Ubuntu) or redis (others)")
        command = [program, "--bind", self.host, "--port", str(self.port), "--dir", self.folder]
        # A write is in the file before its answer goes out, so a crash of Redis loses nothing.
        command += ["--appendonly", "yes", "--appendfsync", "no", "--save", ""]
        if self.password:
            command += ["--requirepass", self.password]
        return command

    def answers(self) -> bool:
        """Say whether PING is answered."""
        return self.execute("PING") == b"PONG"

    def execute(self, *words: str | bytes | int) -> object:
        """Send one command on a connection of its own and return the answer (bytes, int, None, list).

        Raises RuntimeError with the server's words for an error, OSError while it is down or loads its data.
        """
        with (
            socket.create_connection((self.host, self.port), timeout=5) as connection,
            connection.makefile("rb") as answers,
        ):
            if self.password:
                connection.sendall(_command("AUTH", self.password))
                _receive(answers)
            connection.sendall(_command(*words))
            return _receive(answers)


def _command(*words: str | bytes | int) -> bytes:
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _receive(stream: BufferedReader) -> object:
    line = stream.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return None if rest == b"-1" else [_receive(stream) for _ in range(int(rest))]
    if rest.startswith(b"LOADING") or not kind:
        raise ConnectionError(rest.decode() or "the connection ended")
    raise RuntimeError(rest.decode())
