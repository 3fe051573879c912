"""Connecting by name: to whichever of a host's addresses answers first."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from framework.iostream import IOStream, StreamClosedError
from framework.netutil import Resolver, is_valid_ip

__all__ = ["TCPClient"]

# How long an attempt has for itself before the next address is tried beside it (RFC 8305 section 5).
ATTEMPT_DELAY_SECONDS = 0.25

Address = tuple[int, Any]


class TCPClient:
    """Makes connections.

    :arg resolver: a `Resolver`, which remains the caller's to close; the configured one unless given.
    """

    def __init__(self, resolver: Resolver | None = None) -> None:
        self.resolver = Resolver() if resolver is None else resolver
        self._own_resolver = resolver is None

    def close(self) -> None:
        """Frees what name resolution holds. Connections go on."""
        if self._own_resolver:
            self.resolver.close()

    async def connect(
        self,
        host: str,
        port: int,
        af: socket.AddressFamily = socket.AF_UNSPEC,
        ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
        max_buffer_size: int | None = None,
        source_ip: str | None = None,
        source_port: int | None = None,
        timeout: float | datetime.timedelta | None = None,  # noqa: ASYNC109
    ) -> IOStream:
        """Connects to a host, and shakes hands with it for TLS if ``ssl_options`` is given.

        The addresses of the host are tried one after the other, IPv6 and IPv4 in turns, each as soon as the one before
        has failed or kept us waiting for a quarter of a second; the first that answers wins (RFC 8305).

        :arg af: only addresses of this family.
        :arg ssl_options: an `ssl.SSLContext`, or a dict of what `ssl_options_to_context` takes. Certificate and host
            name are checked unless it says otherwise.
        :arg max_buffer_size: for the stream.
        :arg source_ip: the address to connect from, in numbers.
        :arg source_port: the port to connect from.
        :arg timeout: seconds, or a `datetime.timedelta`, for everything together.
        :raises StreamClosedError: no address could be connected to. ``real_error`` is why the last one couldn't.
        :raises OSError: the host or the source address isn't known (`socket.gaierror`), or not this machine's.
        :raises ssl.SSLError: the handshake failed.
        :raises TimeoutError: it took too long.
        """
        if source_ip is not None and not is_valid_ip(source_ip):
            raise socket.gaierror(socket.EAI_NONAME, f"source_ip {source_ip!r} is not an IP address")
        source = None if source_ip is None and source_port is None else (source_ip, source_port or 0)
        doing = f"while resolving {host}"
        try:
            async with asyncio.timeout(_seconds(timeout)):
                addresses = await self.resolver.resolve(host, port, af)
                doing = f"while connecting to {host}:{port}"
                stream = await _Race(addresses, source, max_buffer_size).run()
                if ssl_options is None:
                    return stream
                doing = f"during TLS handshake with {host}:{port}"
                return await _handshake(stream, ssl_options, host)
        except TimeoutError as error:
            if error.errno is not None:
                # The system's, not ours.
                raise
            raise TimeoutError(f"Timeout {doing}") from None


def _seconds(timeout: float | datetime.timedelta | None) -> float | None:
    if isinstance(timeout, datetime.timedelta):
        return timeout.total_seconds()
    if timeout is None or isinstance(timeout, (int, float)):
        return timeout
    raise TypeError(f"Unsupported timeout {timeout!r}")


async def _handshake(stream: IOStream, ssl_options: dict[str, Any] | ssl.SSLContext, host: str) -> IOStream:
    try:
        return await stream.start_tls(False, ssl_options=ssl_options, server_hostname=host)
    except BaseException:
        # Options that are no good: TLS has not been begun.
        stream.close()
        raise


def _in_turns(addresses: Iterable[Address]) -> Iterator[Address]:
    """The addresses with those of the first one's family and the others alternating (RFC 8305 section 4)."""
    first: list[Address] = []
    others: list[Address] = []
    for address in addresses:
        (first if not first or address[0] == first[0][0] else others).append(address)
    for pair in zip_longest(first, others):
        yield from (address for address in pair if address is not None)


class _Race:
    """Attempts to connect to several addresses of one host."""

    def __init__(
        self, addresses: Iterable[Address], source: tuple[str | None, int] | None, max_buffer_size: int | None
    ) -> None:
        self.waiting = deque(_in_turns(addresses))
        self.source = source
        self.max_buffer_size = max_buffer_size
        self.running: dict[asyncio.Future[IOStream], IOStream] = {}
        self.error: Exception = StreamClosedError(OSError("the host has no addresses"))

    async def run(self) -> IOStream:
        """The first stream that is connected.

        :raises Exception: there is none: why not, of the last attempt.
        """
        winner: IOStream | None = None
        try:
            while winner is None and (self.waiting or self.running):
                if self.waiting and not self._start(*self.waiting.popleft()):
                    continue
                winner = await self._next_connected()
        finally:
            for stream in self.running.values():
                stream.close()
        if winner is None:
            raise self.error
        return winner

    def _start(self, family: int, address: Any) -> bool:
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._bind(sock)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            # Such as a source of another family, or a machine without IPv6.
            self.error = error
            return False
        stream = IOStream(sock, max_buffer_size=self.max_buffer_size)
        self.running[stream.connect(address)] = stream
        return True

    def _bind(self, sock: socket.socket) -> None:
        if self.source is not None:
            host, port = self.source
            sock.bind((host or ("::" if sock.family == socket.AF_INET6 else "0.0.0.0"), port))  # noqa: S104

    async def _next_connected(self) -> IOStream | None:
        """The stream that is connected first, if it is before the next attempt is due."""
        done, _ = await asyncio.wait(
            self.running,
            timeout=ATTEMPT_DELAY_SECONDS if self.waiting else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        winner: IOStream | None = None
        for future in done:
            error = future.exception()
            if error is not None:
                del self.running[future]
                self.error = error if isinstance(error, Exception) else self.error
            elif winner is None:
                winner = self.running.pop(future)
        return winner
