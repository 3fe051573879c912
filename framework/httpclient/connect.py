"""From a route to a connection: name look-up, TCP, a proxy's tunnel, TLS."""

from __future__ import annotations

import asyncio
import errno
import inspect
import itertools
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from framework._http1.client_tunnel import Tunnel, TunnelRefused
from framework.httpclient.errors import HTTPProxyError
from framework.httpclient.target import host_and_port
from framework.log import gen_log
from framework.netutil import Resolver, is_valid_ip

__all__ = ["Route", "connect"]

# RFC 8305 section 5: how long one address has before the next is tried beside it.
_NEXT_ADDRESS_SECONDS: Final = 0.25

Address = tuple[int, Any]


class Route(NamedTuple):
    """What has to agree for two requests to share a connection."""

    # Scheme, host, port; for a proxy without a tunnel that of nobody, as it connects to all.
    origin: tuple[str, str, int] | None
    context: ssl.SSLContext | None = None
    proxy: tuple[str, int] | None = None
    # Proxy-Authorization.
    credentials: str | None = None
    # The local address.
    interface: str | None = None
    family: socket.AddressFamily = socket.AF_UNSPEC


async def connect(
    route: Route,
    connection: asyncio.BaseProtocol,
    resolver: Resolver,
    report: Callable[[str], None],
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Connects ``connection``.

    :arg report: told of each step when it begins: "while resolving host", "while connecting to host:port".
    :raises OSError: the name is not known, or nobody answers there; `ssl.SSLError` is one.
    :raises HTTPProxyError: the proxy refuses.
    """
    if route.interface is not None and not is_valid_ip(route.interface):
        raise ValueError(f"Unrecognized IPv4 or IPv6 address for network_interface, got {route.interface!r}")
    origin = route.origin
    host, port = route.proxy if route.proxy is not None or origin is None else origin[1:]  # type: ignore[misc]
    report(f"while resolving {host}")
    addresses = await _resolve(resolver, host, port, route.family)
    report(f"while connecting to {host_and_port(host, port)}")
    sock = await _first(addresses, route.interface, loop)
    if route.proxy is not None and origin is not None:
        await _tunnel(sock, origin, route.context, route.credentials, connection, report, loop)
        return
    if route.context is None:
        await _transport(sock, connection, loop)
        return
    transport = await _transport(sock, asyncio.Protocol(), loop)
    await _encrypt(transport, connection, route.context, host, port, report, loop)


async def _transport(
    sock: socket.socket, protocol: asyncio.BaseProtocol, loop: asyncio.AbstractEventLoop
) -> asyncio.Transport:
    # A resolver may name a unix socket.
    unix = sock.family == getattr(socket, "AF_UNIX", None)
    make: Callable[..., Awaitable[Any]] = loop.create_unix_connection if unix else loop.create_connection
    transport: asyncio.Transport
    transport, _ = await make(lambda: protocol, sock=sock)
    return transport


async def _encrypt(
    transport: asyncio.Transport,
    connection: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    host: str,
    port: int,
    report: Callable[[str], None],
    loop: asyncio.AbstractEventLoop,
) -> None:
    authority = host_and_port(host, port)
    report(f"during TLS handshake with {authority}")
    try:
        # Not by create_connection, which forgets its socket if the handshake can't even begin.
        encrypted = await loop.start_tls(transport, connection, context, server_hostname=host)
    except BaseException as error:
        transport.abort()
        if isinstance(error, ssl.SSLError):
            gen_log.warning("SSL Error on the connection to %s: %s", authority, error)
        if not isinstance(error, ConnectionError):
            raise
        # The loops say it in words of their own, or in none.
        encrypted = None
    if encrypted is None:
        raise ConnectionResetError(
            errno.ECONNRESET, f"Connection to {authority} was lost during the TLS handshake"
        )
    connection.connection_made(encrypted)


async def _resolve(resolver: Resolver, host: str, port: int, family: socket.AddressFamily) -> list[Address]:
    found: Any = resolver.resolve(host, port, family)
    addresses: list[Address] = await found if inspect.isawaitable(found) else found
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, f"no address for {host!r}")
    return addresses


async def _tunnel(
    sock: socket.socket,
    origin: tuple[str, str, int],
    context: ssl.SSLContext | None,
    credentials: str | None,
    connection: asyncio.BaseProtocol,
    report: Callable[[str], None],
    loop: asyncio.AbstractEventLoop,
) -> None:
    _, host, port = origin
    authority = host_and_port(host, port)
    report(f"while connecting to {authority} through the proxy")
    tunnel = Tunnel(authority, credentials, loop)
    transport = await _transport(sock, tunnel, loop)
    try:
        await tunnel.opened
    except TunnelRefused as error:
        transport.abort()
        raise HTTPProxyError(f"No connection to {authority}: {error}", error.status) from error
    except BaseException:
        transport.abort()
        raise
    if context is None:
        transport.set_protocol(connection)
        connection.connection_made(transport)
        transport.resume_reading()
    else:
        await _encrypt(transport, connection, context, host, port, report, loop)


async def _first(
    addresses: list[Address], interface: str | None, loop: asyncio.AbstractEventLoop
) -> socket.socket:
    """A socket connected to the first address that answers, by RFC 8305."""
    if len(addresses) == 1:
        return await _connected(addresses[0], interface, loop)
    waiting = _interleaved(addresses)
    trying: set[asyncio.Task[socket.socket]] = set()
    failed: OSError | None = None
    try:
        while waiting or trying:
            if waiting:
                trying.add(loop.create_task(_connected(waiting.pop(), interface, loop)))
            done, trying = await asyncio.wait(
                trying,
                timeout=_NEXT_ADDRESS_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                error = task.exception()
                if error is None or not isinstance(error, OSError):
                    # Another that is done in the same turn goes with those that are still trying.
                    trying |= done - {task}
                    return task.result()
                # That of the address that was preferred says most.
                failed = failed or error
    finally:
        for task in trying:
            task.cancel()
        for late in await asyncio.gather(*trying, return_exceptions=True):
            if isinstance(late, socket.socket):
                late.close()
    raise failed or OSError("no address to connect to")


def _interleaved(addresses: list[Address]) -> list[Address]:
    """The addresses from the last to the first to try: families in turn (RFC 8305 section 4)."""
    first = addresses[0][0]
    preferred = [address for address in addresses if address[0] == first]
    others = [address for address in addresses if address[0] != first]
    pairs = itertools.zip_longest(preferred, others)
    return [address for pair in pairs for address in pair if address is not None][::-1]


async def _connected(
    address: Address, interface: str | None, loop: asyncio.AbstractEventLoop
) -> socket.socket:
    family, sockaddr = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if interface is not None:
            sock.bind((interface, 0))
        await loop.sock_connect(sock, sockaddr)
    except BaseException as error:
        sock.close()
        if isinstance(error, ConnectionRefusedError):
            # In the system's words; each loop has words of its own.
            number = error.errno or errno.ECONNREFUSED
            raise ConnectionRefusedError(number, f"{os.strerror(number)}: {sockaddr}") from None
        raise
    return sock
