"""Listening sockets, name resolution and TLS contexts."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import stat
import warnings
from collections.abc import Awaitable, Callable
from concurrent import futures
from typing import Any

from framework.concurrent import dummy_executor, run_on_executor
from framework.ioloop import IOLoop
from framework.log import app_log
from framework.util import Configurable, errno_from_exception

__all__ = [
    "BlockingResolver",
    "DefaultExecutorResolver",
    "DefaultLoopResolver",
    "ExecutorResolver",
    "OverrideResolver",
    "Resolver",
    "ThreadedResolver",
    "add_accept_handler",
    "bind_sockets",
    "bind_unix_socket",
    "is_valid_ip",
    "ssl_options_to_context",
    "ssl_wrap_socket",
]

DEFAULT_BACKLOG = 128

# How many connections one readiness of a listening socket takes before others have their turn.
ACCEPTS_AT_ONCE = 128
# How long accepting pauses when the process has no descriptor or memory left for a connection.
ACCEPT_PAUSE_SECONDS = 1.0
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

# How often a free port is looked for that is free for IPv4 and IPv6 alike.
SAME_PORT_TRIES = 10

SSL_OPTIONS = ("ca_certs", "cert_reqs", "certfile", "ciphers", "keyfile", "ssl_version")

Address = tuple[int, Any]


def bind_sockets(
    port: int,
    address: str | None = None,
    family: socket.AddressFamily = socket.AF_UNSPEC,
    backlog: int = DEFAULT_BACKLOG,
    flags: int | None = None,
    reuse_port: bool = False,
) -> list[socket.socket]:
    """Makes the listening sockets for a port: one for each address that `address` means, non-blocking.

    :arg port: 0 takes a free one, the same for all sockets.
    :arg address: an IP address or a host name; None or "" means all interfaces, by IPv4 and IPv6.
    :arg family: `socket.AF_INET` or `socket.AF_INET6` to have only that one.
    :arg backlog: connections that the kernel holds until they are accepted.
    :arg flags: for `socket.getaddrinfo`, instead of ``AI_PASSIVE``.
    :arg reuse_port: lets several processes listen at the same port (``SO_REUSEPORT``).
    :raises ValueError: `reuse_port` where the platform has no such thing.
    :raises OSError: the address is not known, not this machine's, or in use.
    """
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("the platform doesn't support SO_REUSEPORT")
    if not socket.has_ipv6 and family == socket.AF_UNSPEC:
        family = socket.AF_INET
    infos = socket.getaddrinfo(
        address or None,
        port,
        family,
        socket.SOCK_STREAM,
        0,
        socket.AI_PASSIVE if flags is None else flags,
    )
    # Some resolvers name an address twice. IPv4 first: its absence is an error, that of IPv6 is not.
    infos = sorted(dict.fromkeys(infos), key=lambda info: info[0] == socket.AF_INET6)
    for _ in range(SAME_PORT_TRIES - 1):
        try:
            return _bind_all(infos, backlog, reuse_port)
        except OSError as error:
            # A port that is free at the first address may be taken at the second.
            chosen_here = any(info[4][1] == 0 for info in infos)
            if not chosen_here or error.errno != errno.EADDRINUSE:
                raise
    return _bind_all(infos, backlog, reuse_port)


def _bind_all(infos: list[Any], backlog: int, reuse_port: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    skipped: OSError | None = None
    port: int | None = None
    try:
        for family, kind, protocol, _, sockaddr in infos:
            host, asked_port, *rest = sockaddr
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:
                if error.errno != errno.EAFNOSUPPORT:
                    raise
                skipped = error
                continue
            sockets.append(sock)
            sock.setblocking(False)
            if os.name != "nt":
                # On Windows the option means something else: it steals ports in use.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                # Without this "::" would take IPv4 as well, where the first socket listens.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((host, asked_port or port or 0, *rest))
            except OSError as error:
                # A container's interface may have an IPv6 address by name only.
                if error.errno != errno.EADDRNOTAVAIL or family != socket.AF_INET6 or not rest:
                    raise
                skipped = error
                sockets.remove(sock)
                sock.close()
                continue
            port = sock.getsockname()[1]
            sock.listen(backlog)
        if not sockets:
            raise skipped or OSError(errno.EADDRNOTAVAIL, "there is no address to listen at")
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


if hasattr(socket, "AF_UNIX"):

    def bind_unix_socket(file: str, mode: int = 0o600, backlog: int = DEFAULT_BACKLOG) -> socket.socket:
        """Makes a listening unix socket, non-blocking. A socket that an earlier process left is replaced.

        :arg file: a path; one that begins with a NUL is a name in Linux's abstract namespace.
        :arg mode: the permissions of the path: who may connect.
        :raises ValueError: there is something else at the path.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            abstract = file.startswith("\0")
            if not abstract:
                try:
                    found = os.stat(file)
                except FileNotFoundError:
                    pass
                else:
                    if not stat.S_ISSOCK(found.st_mode):
                        raise ValueError(f"File {file} exists and is not a socket")
                    os.remove(file)
            sock.bind(file)
            if not abstract:
                # Before listen: until then nobody can connect, whatever the umask left open.
                os.chmod(file, mode)
            sock.listen(backlog)
        except BaseException:
            sock.close()
            raise
        return sock


def add_accept_handler(
    sock: socket.socket, callback: Callable[[socket.socket, Any], Any]
) -> Callable[[], None]:
    """Calls ``callback(connection, address)`` in the current loop for each connection to `sock`.

    When the process has no descriptors left, that is logged and accepting pauses for a second.

    :arg sock: a listening, non-blocking socket, as `bind_sockets` gives.
    :returns: a function that ends it; it may be called again.
    """
    io_loop = IOLoop.current()
    removed = False
    pause: object | None = None

    def accept(_: object, events: int) -> None:
        for _turn in range(ACCEPTS_AT_ONCE):
            # The callback may have ended it.
            if removed:
                return
            try:
                connection, address = sock.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                # It was closed while it waited in the backlog.
                continue
            except OSError as error:
                if errno_from_exception(error) not in EXHAUSTED:
                    raise
                app_log.error("Cannot accept connections for a moment: %s", error)
                rest()
                return
            callback(connection, address)

    def rest() -> None:
        nonlocal pause
        io_loop.remove_handler(sock)
        pause = io_loop.call_later(ACCEPT_PAUSE_SECONDS, resume)

    def resume() -> None:
        nonlocal pause
        pause = None
        io_loop.add_handler(sock, accept, IOLoop.READ)

    def remove() -> None:
        nonlocal removed
        if removed:
            return
        removed = True
        if pause is not None:
            io_loop.remove_timeout(pause)
        else:
            io_loop.remove_handler(sock)

    io_loop.add_handler(sock, accept, IOLoop.READ)
    return remove


def is_valid_ip(ip: str) -> bool:
    """Whether `ip` is an IPv4 or IPv6 address in numbers, as `socket.getaddrinfo` reads them."""
    if not ip or "\x00" in ip:
        # getaddrinfo takes an empty string for localhost and stops at a NUL.
        return False
    try:
        return bool(socket.getaddrinfo(ip, 0, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST))
    except (socket.gaierror, UnicodeError):
        return False


class Resolver(Configurable):
    """Finds the addresses of a host name.

    ``Resolver()`` makes the configured kind, `DefaultLoopResolver` unless ``Resolver.configure`` says
    otherwise: `DefaultExecutorResolver`, `ThreadedResolver`, `OverrideResolver`, or one by
    ``"framework.platform.caresresolver.CaresResolver"``.
    """

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """`Resolver`."""
        return Resolver

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """`DefaultLoopResolver`."""
        return DefaultLoopResolver

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Awaitable[list[Address]]:
        """The addresses of `host`, as pairs of a family and what `socket.connect` of that family takes.

        :arg family: only addresses of this one.
        :raises OSError: there is none (`socket.gaierror`).
        """
        raise NotImplementedError(f"{type(self).__name__} does not define resolve()")

    def close(self) -> None:
        """Frees what the resolver holds; it is not used afterwards."""


def _addresses(infos: list[Any]) -> list[Address]:
    return [(family, address) for family, _, _, _, address in infos]


def _resolve_blocking(host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Address]:
    try:
        return _addresses(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
    except UnicodeError as error:
        raise _no_such_name(host) from error


def _no_such_name(host: str) -> socket.gaierror:
    """What a name is answered with that cannot even be asked for: a label too long, or empty."""
    return socket.gaierror(socket.EAI_NONAME, f"{host!r} is not a host name")


class DefaultLoopResolver(Resolver):
    """Asks the system by the asyncio loop's `getaddrinfo`."""

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[Address]:
        """As `Resolver.resolve`."""
        loop = asyncio.get_running_loop()
        try:
            return _addresses(await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))
        except UnicodeError as error:
            raise _no_such_name(host) from error


class DefaultExecutorResolver(Resolver):
    """Asks the system in the threads of `IOLoop.run_in_executor`."""

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[Address]:
        """As `Resolver.resolve`."""
        return await IOLoop.current().run_in_executor(None, _resolve_blocking, host, port, family)


class ExecutorResolver(Resolver):
    """Asks the system in an executor.

    :arg executor: without one, the calls run at once and block the loop.
    :arg close_executor: whether `close` shuts the executor down.
    """

    def initialize(self, executor: futures.Executor | None = None, close_executor: bool = True) -> None:
        self.executor: futures.Executor | None
        if executor is not None:
            self.executor = executor
            self.close_executor = close_executor
        else:
            self.executor = dummy_executor
            self.close_executor = False

    def close(self) -> None:
        """Shuts the executor down if it is the resolver's own."""
        if self.close_executor and self.executor is not None:
            self.executor.shutdown()
        self.executor = None

    @run_on_executor
    def resolve(self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Address]:
        """As `Resolver.resolve`."""
        return _resolve_blocking(host, port, family)


class BlockingResolver(ExecutorResolver):
    """Asks the system at once: the loop stands still meanwhile."""

    def initialize(self) -> None:  # type: ignore[override]
        super().initialize()


class ThreadedResolver(ExecutorResolver):
    """Asks the system in threads that all resolvers of the kind share.

    :arg num_threads: how many; the first resolver of a process decides.
    """

    _threadpool: futures.ThreadPoolExecutor | None = None
    _threadpool_pid: int | None = None

    def initialize(self, num_threads: int = 10) -> None:  # type: ignore[override]
        super().initialize(executor=self._shared_threads(num_threads), close_executor=False)

    @classmethod
    def _shared_threads(cls, num_threads: int) -> futures.ThreadPoolExecutor:
        # A fork copies the executor but not its threads.
        if ThreadedResolver._threadpool is None or ThreadedResolver._threadpool_pid != os.getpid():
            ThreadedResolver._threadpool = futures.ThreadPoolExecutor(num_threads, "framework resolver")
            ThreadedResolver._threadpool_pid = os.getpid()
        return ThreadedResolver._threadpool


class OverrideResolver(Resolver):
    """Asks another resolver, but for what a table says otherwise. For tests, and special cases.

    :arg resolver: the other one.
    :arg mapping: host names, ``(host, port)`` or ``(host, port, family)`` to a host name, or a
        ``(host, port)`` for the latter two.
    """

    def initialize(self, resolver: Resolver, mapping: dict[Any, Any]) -> None:
        self.resolver = resolver
        self.mapping = mapping

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Awaitable[list[Address]]:
        """As `Resolver.resolve`; the narrowest entry that fits counts."""
        if (host, port, family) in self.mapping:
            host, port = self.mapping[(host, port, family)]
        elif (host, port) in self.mapping:
            host, port = self.mapping[(host, port)]
        elif host in self.mapping:
            host = self.mapping[host]
        return self.resolver.resolve(host, port, family)

    def close(self) -> None:
        """Closes the other resolver."""
        self.resolver.close()


def ssl_options_to_context(
    ssl_options: dict[str, Any] | ssl.SSLContext, server_side: bool | None = None
) -> ssl.SSLContext:
    """Makes an `ssl.SSLContext` of a dict of options; a context is returned as it is.

    The options: ``certfile`` and ``keyfile``, ``ca_certs`` (a file), ``cert_reqs`` (`ssl.CERT_REQUIRED`
    and its like), ``ciphers`` (OpenSSL's list), ``ssl_version`` (``ssl.PROTOCOL_...``; otherwise
    TLS 1.2 and newer).

    :arg server_side: True for a server; False for a client, which then checks certificates and host
        names unless ``cert_reqs`` is ``CERT_NONE``; None gives a context for either, which checks nothing
        but by ``cert_reqs``.
    :raises ValueError: an unknown option.
    """
    if isinstance(ssl_options, ssl.SSLContext):
        return ssl_options
    unknown = sorted(set(ssl_options) - set(SSL_OPTIONS))
    if unknown:
        raise ValueError(f"unknown ssl options {', '.join(unknown)}; known are {', '.join(SSL_OPTIONS)}")
    context = _new_context(ssl_options.get("ssl_version"), server_side)
    # Compression leaks secrets by length (CRIME).
    context.options |= ssl.OP_NO_COMPRESSION
    if "certfile" in ssl_options:
        context.load_cert_chain(ssl_options["certfile"], ssl_options.get("keyfile"))
    cert_reqs = ssl_options.get("cert_reqs")
    if cert_reqs is not None:
        if cert_reqs == ssl.CERT_NONE:
            # Without a certificate there is no name to check.
            context.check_hostname = False
        context.verify_mode = cert_reqs
    if "ca_certs" in ssl_options:
        context.load_verify_locations(ssl_options["ca_certs"])
    elif server_side is False and context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if "ciphers" in ssl_options:
        context.set_ciphers(ssl_options["ciphers"])
    return context


def _new_context(version: Any, server_side: bool | None) -> ssl.SSLContext:
    if version is not None:
        return ssl.SSLContext(version)
    if server_side is None:
        with warnings.catch_warnings():
            # Deprecated because it checks nothing; it is the only one that serves either side.
            warnings.simplefilter("ignore", DeprecationWarning)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    # Some distributions build Python to leave it to OpenSSL, which still knows 1.0 and 1.1 (RFC 8996).
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def ssl_wrap_socket(
    socket: socket.socket,
    ssl_options: dict[str, Any] | ssl.SSLContext,
    server_hostname: str | None = None,
    server_side: bool | None = None,
    **kwargs: Any,
) -> ssl.SSLSocket:
    """Puts TLS on a connected socket.

    :arg ssl_options: as `ssl_options_to_context` takes.
    :arg server_hostname: what a client expects of the certificate, and asks for by SNI.
    :arg kwargs: for `ssl.SSLContext.wrap_socket`, such as ``do_handshake_on_connect``.
    """
    context = ssl_options_to_context(ssl_options, server_side=server_side)
    return context.wrap_socket(
        socket, server_hostname=server_hostname, server_side=bool(server_side), **kwargs
    )
