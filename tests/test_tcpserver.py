"""Servers of any protocol: sockets, processes, TLS, and the end."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from framework.ioloop import IOLoop
from framework.netutil import bind_sockets, bind_unix_socket
from framework.tcpserver import TCPServer


class Echo(asyncio.Protocol):
    """Sends back what it gets, in capitals."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data.upper())


class EchoServer(TCPServer):
    """A server of it."""

    def make_protocol(self) -> asyncio.Protocol:
        """A new one."""
        return Echo()


def ports(server: TCPServer) -> list[int]:
    """The ports a server listens on."""
    return [one.getsockname()[1] for one in server._sockets.values()]


async def ask(port: int, **options: Any) -> bytes:
    """Say something and return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    writer.write(b"hello")
    answer = await reader.read(100)
    writer.close()
    await writer.wait_closed()
    return answer


async def closed(port: int) -> bool:
    """Whether nobody listens."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


pytestmark = pytest.mark.both_loops


async def test_listen_serves_at_once_and_several_ports() -> None:
    server = EchoServer()
    server.listen(0, "127.0.0.1")
    server.listen(0, "127.0.0.1", backlog=5)
    first, second = ports(server)
    assert first != second
    assert [await ask(first), await ask(second)] == [b"HELLO", b"HELLO"]
    server.stop()
    assert await closed(first)
    assert await closed(second)
    server.stop()


async def test_bind_waits_for_start() -> None:
    server = EchoServer()
    server.bind(0, "127.0.0.1")
    server.bind(0, "127.0.0.1")
    assert ports(server) == []
    server.start()
    assert len(ports(server)) == 2
    assert [await ask(port) for port in ports(server)] == [b"HELLO"] * 2
    # What is bound later is served at once.
    server.bind(0, "127.0.0.1")
    assert await ask(ports(server)[2]) == b"HELLO"
    with pytest.raises(RuntimeError, match="twice"):
        server.start()
    server.stop()


async def test_sockets_of_ones_own(tmp_path: Path) -> None:
    server = EchoServer()
    (one,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(one)
    path = str(tmp_path / "socket")
    server.add_sockets([bind_unix_socket(path)])
    assert await ask(one.getsockname()[1]) == b"HELLO"
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"hello")
    assert await reader.read(100) == b"HELLO"
    writer.close()
    await writer.wait_closed()
    server.stop()


async def test_connections_outlive_the_listening() -> None:
    server = EchoServer()
    server.listen(0, "127.0.0.1")
    (port,) = ports(server)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"one")
    assert await reader.read(100) == b"ONE"
    server.stop()
    assert await closed(port)
    writer.write(b"two")
    assert await reader.read(100) == b"TWO"
    writer.close()
    await writer.wait_closed()


async def test_a_server_stopped_before_it_began_never_does() -> None:
    for turns in range(4):
        server = EchoServer()
        server.listen(0, "127.0.0.1")
        (port,) = ports(server)
        for _ in range(turns):
            await asyncio.sleep(0)
        server.stop()
        for _ in range(4):
            await asyncio.sleep(0)
        assert await closed(port)
        assert not server._servers


async def test_a_stopped_server_may_listen_again() -> None:
    server = EchoServer()
    for _ in range(2):
        server.listen(0, "127.0.0.1")
        (port,) = ports(server)
        assert await ask(port) == b"HELLO"
        server.stop()
        assert await closed(port)


def test_a_server_may_listen_before_the_loop_runs() -> None:
    loop = IOLoop.current()

    async def use() -> bytes:
        return await ask(ports(server)[0])

    try:
        server = EchoServer()
        server.listen(0, "127.0.0.1")
        assert loop.run_sync(use) == b"HELLO"
        server.stop()
        # One that never gets to serve leaves nothing behind either.
        server = EchoServer()
        server.listen(0, "127.0.0.1")
        server.stop()
    finally:
        loop.close()


async def test_a_server_of_nothing_says_so() -> None:
    with pytest.raises(NotImplementedError, match="TCPServer does not define make_protocol"):
        TCPServer().make_protocol()


async def test_a_socket_that_cannot_be_served_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    server = EchoServer()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.add_socket(datagrams)
    for _ in range(5):
        await asyncio.sleep(0)
    assert "Uncaught exception in a background task" in caplog.text
    server.stop()
    datagrams.close()


# -- TLS


async def test_tls(certificate: tuple[str, str]) -> None:
    cert, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    options: list[Any] = [{"certfile": cert, "keyfile": key}, context]
    for one in options:
        server = EchoServer(ssl_options=one)
        server.listen(0, "127.0.0.1")
        client = ssl.create_default_context(cafile=cert)
        answer = await ask(ports(server)[0], ssl=client, server_hostname="localhost")
        assert answer == b"HELLO"
        server.stop()


def test_missing_certificates_are_missed_at_once(tmp_path: Path) -> None:
    here = tmp_path / "cert.pem"
    here.touch()
    with pytest.raises(KeyError, match="certfile"):
        TCPServer(ssl_options={})
    with pytest.raises(ValueError, match='certfile "/nonexistent" does not exist'):
        TCPServer(ssl_options={"certfile": "/nonexistent"})
    with pytest.raises(ValueError, match='keyfile "/nonexistent" does not exist'):
        TCPServer(ssl_options={"certfile": str(here), "keyfile": "/nonexistent"})
    assert TCPServer(ssl_options={"certfile": str(here)}, max_buffer_size=5).max_buffer_size == 5


# -- processes


FORKING = """
import asyncio, os, sys
from framework.ioloop import IOLoop
from framework.tcpserver import TCPServer

class Pid(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(str(os.getpid()).encode())
        transport.close()

class Server(TCPServer):
    def make_protocol(self):
        return Pid()

server = Server()
server.bind(0, "127.0.0.1")
print(server._pending_sockets[0].getsockname()[1], flush=True)
server.start(2)
IOLoop.current().start()
"""


def test_forked_processes_share_the_socket() -> None:
    with subprocess.Popen([sys.executable, "-c", FORKING], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            port = int(parent.stdout.readline())
            pids = set()
            # Which of them accepts is the system's choice.
            for _ in range(2000):
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    pids.add(int(connection.recv(100)))
                if len(pids) == 2:
                    break
            assert pids
            assert parent.pid not in pids
        finally:
            parent.terminate()
            parent.wait(30)
