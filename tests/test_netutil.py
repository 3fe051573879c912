from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import stat
import threading
import warnings
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest

from framework import netutil
from framework.concurrent import Future
from framework.ioloop import IOLoop
from framework.netutil import (
    BlockingResolver,
    DefaultExecutorResolver,
    DefaultLoopResolver,
    ExecutorResolver,
    OverrideResolver,
    Resolver,
    ThreadedResolver,
    add_accept_handler,
    bind_sockets,
    bind_unix_socket,
    is_valid_ip,
    ssl_options_to_context,
    ssl_wrap_socket,
)


def closed(sockets: list[socket.socket]) -> list[Any]:
    """The names of the sockets, which are closed."""
    names = [sock.getsockname() for sock in sockets]
    for sock in sockets:
        sock.close()
    return names


# bind_sockets


def test_bind_makes_listening_sockets() -> None:
    [sock] = bind_sockets(0, "127.0.0.1", backlog=5)
    assert sock.family == socket.AF_INET
    assert not sock.getblocking()
    assert not sock.get_inheritable()
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    socket.create_connection(sock.getsockname()).close()
    sock.close()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_bind_takes_one_family(family: socket.AddressFamily) -> None:
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    [sock] = bind_sockets(0, address, family)
    assert sock.family == family
    if family == socket.AF_INET6:
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    sock.close()


def test_bind_refuses_an_address_of_another_family() -> None:
    with pytest.raises(socket.gaierror):
        bind_sockets(0, "::1", socket.AF_INET)


def both_families(*args: Any, **kwargs: Any) -> list[Any]:
    """What getaddrinfo answers for a name of both loopback addresses, IPv6 first and one of them twice."""
    port = int(args[1])
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
    ]


def test_bind_port_0_is_one_port_for_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", both_families)
    first, second = closed(bind_sockets(0, "localhost"))
    assert first[0] == "127.0.0.1"
    assert second[0] == "::1"
    assert first[1] == second[1] != 0


def test_bind_looks_for_a_port_that_is_free_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", both_families)
    failures = [errno.EADDRINUSE]
    real_bind = socket.socket.bind

    class Socket(socket.socket):
        def bind(self, address: Any) -> None:
            if self.family == socket.AF_INET6 and failures:
                raise OSError(failures.pop(), "taken")
            real_bind(self, address)

    monkeypatch.setattr(socket, "socket", Socket)
    first, second = closed(bind_sockets(0))
    assert first[1] == second[1]
    failures[:] = [errno.EADDRINUSE] * 100
    with pytest.raises(OSError, match="taken"):
        bind_sockets(0)
    failures[:] = [errno.EACCES]
    with pytest.raises(OSError, match="taken"):
        bind_sockets(0)


def test_bind_does_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", both_families)

    class NoIPv6(socket.socket):
        def __init__(self, family: int = -1, *args: Any, **kwargs: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(failure, "no IPv6")
            super().__init__(family, *args, **kwargs)

    monkeypatch.setattr(socket, "socket", NoIPv6)
    failure = errno.EAFNOSUPPORT
    assert [name[0] for name in closed(bind_sockets(0))] == ["127.0.0.1"]
    failure = errno.EMFILE
    with pytest.raises(OSError, match="no IPv6"):
        bind_sockets(0)


def test_bind_does_without_an_ipv6_address_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", both_families)
    real_bind = socket.socket.bind

    class Unassigned(socket.socket):
        def bind(self, address: Any) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(errno.EADDRNOTAVAIL, "not here")
            real_bind(self, address)

    monkeypatch.setattr(socket, "socket", Unassigned)
    assert [name[0] for name in closed(bind_sockets(0))] == ["127.0.0.1"]
    only_ipv6 = both_families(None, 0)[:1]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: only_ipv6)
    with pytest.raises(OSError, match="not here"):
        bind_sockets(0)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [])
    with pytest.raises(OSError, match="there is no address to listen at"):
        bind_sockets(5)


def test_bind_without_ipv6_in_python_asks_for_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_ipv6", False)
    asked: list[Any] = []

    def getaddrinfo(*args: Any) -> list[Any]:
        asked.append(args)
        return both_families(*args)[1:2]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    closed(bind_sockets(0, ""))
    closed(bind_sockets(0, None, flags=0))
    assert [(args[0], args[2], args[5]) for args in asked] == [
        (None, socket.AF_INET, socket.AI_PASSIVE),
        (None, socket.AF_INET, 0),
    ]


def test_bind_tells_that_a_port_is_in_use() -> None:
    [sock] = bind_sockets(0, "127.0.0.1")
    with pytest.raises(OSError, match="in use"):
        bind_sockets(sock.getsockname()[1], "127.0.0.1")
    sock.close()


def test_bind_lets_several_share_a_port() -> None:
    [first] = bind_sockets(0, "127.0.0.1", reuse_port=True)
    [second] = bind_sockets(first.getsockname()[1], "127.0.0.1", reuse_port=True)
    assert first.getsockname() == second.getsockname()
    closed([first, second])


def test_bind_tells_that_ports_cannot_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    with pytest.raises(ValueError, match="the platform doesn't support SO_REUSEPORT"):
        bind_sockets(0, "127.0.0.1", reuse_port=True)


# bind_unix_socket


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "s")


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_unix_socket_has_its_permissions(path: str, mode: int) -> None:
    sock = bind_unix_socket(path, mode)
    assert stat.S_IMODE(os.stat(path).st_mode) == mode
    assert not sock.getblocking()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    sock.close()


def test_unix_socket_replaces_an_old_one(path: str) -> None:
    bind_unix_socket(path).close()
    sock = bind_unix_socket(path)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    sock.close()


def test_unix_socket_does_not_replace_other_files(path: str) -> None:
    Path(path).write_text("precious")
    with pytest.raises(ValueError, match=f"File {path} exists and is not a socket"):
        bind_unix_socket(path)
    assert Path(path).read_text() == "precious"
    with pytest.raises(FileNotFoundError):
        bind_unix_socket("/nonexistent/s")


def test_unix_socket_in_the_abstract_namespace() -> None:
    name = f"\0framework-test-{os.getpid()}"
    sock = bind_unix_socket(name)
    assert sock.getsockname() == name.encode()
    sock.close()


# add_accept_handler


async def test_accept_handler_gets_connections_until_removed() -> None:
    [sock] = bind_sockets(0, "127.0.0.1")
    accepted: list[tuple[socket.socket, Any]] = []
    enough: Future[None] = Future()

    def callback(connection: socket.socket, address: Any) -> None:
        accepted.append((connection, address))
        if len(accepted) == 2:
            enough.set_result(None)

    remove = add_accept_handler(sock, callback)
    clients = [socket.create_connection(sock.getsockname()) for _ in range(2)]
    await asyncio.wait_for(enough, 5)
    assert [address for _, address in accepted] == [client.getsockname() for client in clients]
    assert not accepted[0][0].get_inheritable()
    remove()
    remove()
    clients.append(socket.create_connection(sock.getsockname()))
    await asyncio.sleep(0.005)
    assert len(accepted) == 2
    closed([sock, *clients, *(connection for connection, _ in accepted)])


async def test_accept_handler_may_be_removed_by_its_callback() -> None:
    [sock] = bind_sockets(0, "127.0.0.1")
    accepted: list[socket.socket] = []
    called: Future[None] = Future()

    def callback(connection: socket.socket, address: Any) -> None:
        accepted.append(connection)
        remove()
        called.set_result(None)

    clients = [socket.create_connection(sock.getsockname()) for _ in range(2)]
    remove = add_accept_handler(sock, callback)
    await asyncio.wait_for(called, 5)
    assert len(accepted) == 1
    closed([sock, *clients, *accepted])


class Listener:
    """A listening socket whose `accept` fails as told before it works."""

    def __init__(self, sock: socket.socket, failures: list[OSError]) -> None:
        self.sock = sock
        self.failures = failures

    def fileno(self) -> int:
        return self.sock.fileno()

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            raise self.failures.pop(0)
        return self.sock.accept()


@pytest.mark.parametrize("failure", [ConnectionAbortedError(), OSError(errno.EMFILE, "too many open files")])
async def test_accept_handler_survives(
    failure: OSError, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(netutil, "ACCEPT_PAUSE_SECONDS", 0.01)
    [sock] = bind_sockets(0, "127.0.0.1")
    accepted: Future[socket.socket] = Future()
    listener: Any = Listener(sock, [failure])
    remove = add_accept_handler(listener, lambda connection, address: accepted.set_result(connection))
    client = socket.create_connection(sock.getsockname())
    connection = await asyncio.wait_for(accepted, 5)
    remove()
    closed([sock, client, connection])
    assert ("Cannot accept connections for a moment" in caplog.text) == (failure.errno == errno.EMFILE)


async def test_accept_handler_may_be_removed_while_it_pauses() -> None:
    [sock] = bind_sockets(0, "127.0.0.1")
    failures = [OSError(errno.ENFILE, "too many open files")]
    listener: Any = Listener(sock, failures)
    remove = add_accept_handler(listener, lambda *_: pytest.fail("called"))
    client = socket.create_connection(sock.getsockname())
    async with asyncio.timeout(5):
        while failures:  # noqa: ASYNC110 - a list knows no event
            await asyncio.sleep(0)
    remove()
    assert IOLoop.current().handlers == {}
    closed([sock, client])


async def test_accept_handler_tells_of_other_errors(caplog: pytest.LogCaptureFixture) -> None:
    [sock] = bind_sockets(0, "127.0.0.1")
    accepted: Future[socket.socket] = Future()
    listener: Any = Listener(sock, [OSError(errno.EPERM, "forbidden")])
    remove = add_accept_handler(listener, lambda connection, address: accepted.set_result(connection))
    client = socket.create_connection(sock.getsockname())
    connection = await asyncio.wait_for(accepted, 5)
    assert "forbidden" in caplog.text
    remove()
    closed([sock, client, connection])


async def test_accept_handler_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netutil, "ACCEPTS_AT_ONCE", 2)
    [sock] = bind_sockets(0, "127.0.0.1")
    clients = [socket.create_connection(sock.getsockname()) for _ in range(5)]
    accepted: list[socket.socket] = []
    remove = add_accept_handler(sock, lambda connection, address: accepted.append(connection))
    async with asyncio.timeout(5):
        while len(accepted) < 5:  # noqa: ASYNC110 - a list knows no event
            await asyncio.sleep(0)
    remove()
    closed([sock, *clients, *accepted])


# is_valid_ip


@pytest.mark.parametrize("ip", ["127.0.0.1", "4.4.4.4", "::1", "2001:db8::1", "fe80::1%lo", "::ffff:1.2.3.4"])
def test_valid_addresses(ip: str) -> None:
    assert is_valid_ip(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "", "a", "localhost", "www.example.org", "4.4.4.4.4", "256.1.1.1", " 127.0.0.1", "127.0.0.1 ",
        "\x00", "127.0.0.1\x00", "127.0.0.1\n", "[::1]", "127.0.0.1:80", "é", "a" * 70, "fe80::1%no-such",
    ],
)  # fmt: skip
def test_what_is_no_address(ip: str) -> None:
    assert not is_valid_ip(ip)


# Resolvers


@pytest.fixture(
    params=[
        DefaultLoopResolver,
        DefaultExecutorResolver,
        ExecutorResolver,
        BlockingResolver,
        ThreadedResolver,
    ]
)
def resolver(request: pytest.FixtureRequest) -> Iterator[Resolver]:
    resolver: Resolver = request.param()
    yield resolver
    resolver.close()
    threads, ThreadedResolver._threadpool = ThreadedResolver._threadpool, None
    if threads is not None:
        threads.shutdown()


async def test_resolvers_answer(resolver: Resolver) -> None:
    assert await resolver.resolve("127.0.0.1", 80) == [(socket.AF_INET, ("127.0.0.1", 80))]
    assert await resolver.resolve("::1", 80) == [(socket.AF_INET6, ("::1", 80, 0, 0))]
    found = await resolver.resolve("localhost", 80, socket.AF_INET)
    assert (socket.AF_INET, ("127.0.0.1", 80)) in found
    assert {family for family, _ in found} == {socket.AF_INET}


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("127.0.0.1", socket.AF_INET6),
        ("an invalid domain", socket.AF_UNSPEC),
        ("a" * 70 + "ü", socket.AF_UNSPEC),
        ("a..b", socket.AF_UNSPEC),
    ],
)
async def test_resolvers_raise(resolver: Resolver, host: str, family: socket.AddressFamily) -> None:
    with pytest.raises(OSError) as raised:
        await resolver.resolve(host, 80, family)
    assert isinstance(raised.value, socket.gaierror)


def test_resolver_is_configurable() -> None:
    assert type(Resolver()) is DefaultLoopResolver
    Resolver.configure("framework.netutil.ThreadedResolver", num_threads=3)
    try:
        first, second = Resolver(), Resolver()
        assert type(first) is ThreadedResolver
        assert type(second) is ThreadedResolver
        assert first.executor is second.executor
        first.close()
        assert first.executor is None
        assert second.executor is not None
        assert second.executor.submit(int).result() == 0
        second.executor.shutdown()
    finally:
        Resolver.configure(None)
        ThreadedResolver._threadpool = None


def test_threads_are_not_shared_across_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    parent: Any = ThreadedResolver()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    child: Any = ThreadedResolver()
    assert parent.executor is not child.executor
    ThreadedResolver._threadpool = None


async def test_executor_resolver_uses_and_closes_its_executor() -> None:
    own = futures.ThreadPoolExecutor(1)
    resolver: Any = ExecutorResolver(executor=own)
    assert await resolver.resolve("127.0.0.1", 1) == [(socket.AF_INET, ("127.0.0.1", 1))]
    resolver.close()
    resolver.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        own.submit(int)
    with futures.ThreadPoolExecutor(1) as shared:
        ExecutorResolver(executor=shared, close_executor=False).close()
        assert shared.submit(int).result() == 0


async def test_override_resolver() -> None:
    below: Any = DefaultLoopResolver()
    mapping = {
        "x": "127.0.0.1",
        ("y", 80): ("127.0.0.1", 81),
        ("x", 90, socket.AF_INET): ("127.0.0.2", 91),
    }
    resolver: Any = OverrideResolver(resolver=below, mapping=mapping)
    assert await resolver.resolve("x", 5) == [(socket.AF_INET, ("127.0.0.1", 5))]
    assert await resolver.resolve("y", 80) == [(socket.AF_INET, ("127.0.0.1", 81))]
    assert await resolver.resolve("x", 90, socket.AF_INET) == [(socket.AF_INET, ("127.0.0.2", 91))]
    assert await resolver.resolve("127.0.0.3", 7) == [(socket.AF_INET, ("127.0.0.3", 7))]
    resolver.close()


def test_resolver_without_a_way_to_resolve() -> None:
    class Incomplete(Resolver):
        pass

    with pytest.raises(NotImplementedError, match="Incomplete does not define resolve"):
        Incomplete().resolve("x", 1)


# TLS


def test_context_defaults_are_safe() -> None:
    client = ssl_options_to_context({}, server_side=False)
    assert (client.verify_mode, client.check_hostname) == (ssl.CERT_REQUIRED, True)
    server = ssl_options_to_context({}, server_side=True)
    assert server.verify_mode == ssl.CERT_NONE
    for context in (client, server, ssl_options_to_context({})):
        assert context.options & ssl.OP_NO_COMPRESSION
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_context_options(certificate: tuple[str, str]) -> None:
    certfile, keyfile = certificate
    context = ssl_options_to_context(
        {"certfile": certfile, "keyfile": keyfile, "ca_certs": certfile, "cert_reqs": ssl.CERT_REQUIRED},
        server_side=True,
    )
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509"] == 1
    context = ssl_options_to_context({"cert_reqs": ssl.CERT_NONE}, server_side=False)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert ssl_options_to_context(context) is context
    context = ssl_options_to_context({"ciphers": "ECDHE-RSA-AES256-GCM-SHA384"})
    assert "ECDHE-RSA-AES256-GCM-SHA384" in {cipher["name"] for cipher in context.get_ciphers()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ssl_options_to_context({"ssl_version": ssl.PROTOCOL_TLSv1_2})
    assert context.protocol == ssl.PROTOCOL_TLSv1_2


def test_context_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="unknown ssl options certificate, foo; known are ca_certs"):
        ssl_options_to_context({"foo": 1, "certificate": 2})
    for option in ("certfile", "ca_certs"):
        with pytest.raises(FileNotFoundError):
            ssl_options_to_context({option: "/nonexistent"})


def test_wrapped_sockets_talk(certificate: tuple[str, str]) -> None:
    certfile, keyfile = certificate
    a, b = socket.socketpair()
    received: list[bytes] = []

    def serve() -> None:
        options = {"certfile": certfile, "keyfile": keyfile}
        with ssl_wrap_socket(a, options, server_side=True) as server:
            received.append(server.recv(10))
            server.sendall(b"answer")

    thread = threading.Thread(target=serve)
    thread.start()
    trusting = ssl_options_to_context({"ca_certs": certfile}, server_side=False)
    with ssl_wrap_socket(b, trusting, server_hostname="localhost", suppress_ragged_eofs=True) as client:
        client.sendall(b"question")
        assert client.recv(10) == b"answer"
        assert client.server_hostname == "localhost"
    thread.join()
    assert received == [b"question"]


def test_wrapped_client_refuses_another_name(certificate: tuple[str, str]) -> None:
    certfile, keyfile = certificate
    a, b = socket.socketpair()

    def serve() -> None:
        try:
            ssl_wrap_socket(a, {"certfile": certfile, "keyfile": keyfile}, server_side=True).close()
        except OSError:
            a.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl_wrap_socket(b, {"ca_certs": certfile}, server_hostname="example.org", server_side=False)
    b.close()
    thread.join()
