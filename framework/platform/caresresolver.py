"""A resolver that asks name servers itself, without threads: by c-ares, with the package pycares.

::

    Resolver.configure("framework.platform.caresresolver.CaresResolver")

It reads ``/etc/hosts`` and ``/etc/resolv.conf``, but knows none of the other sources that the system's resolver
may have (``/etc/nsswitch.conf``).
"""

from __future__ import annotations

import socket
from typing import Any

import pycares
import pycares.errno

from framework.concurrent import Future
from framework.ioloop import IOLoop
from framework.netutil import Address, Resolver, is_valid_ip

__all__ = ["CaresResolver"]

# What c-ares says in the words of `socket.getaddrinfo`; for the rest `EAI_AGAIN`.
_CODES: dict[int, int] = {
    pycares.errno.ARES_ENODATA: socket.EAI_NONAME,
    pycares.errno.ARES_ENOTFOUND: socket.EAI_NONAME,
    pycares.errno.ARES_EBADNAME: socket.EAI_NONAME,
    pycares.errno.ARES_ENOTIMP: socket.EAI_FAMILY,
    pycares.errno.ARES_EBADFAMILY: socket.EAI_FAMILY,
    pycares.errno.ARES_ENOMEM: socket.EAI_MEMORY,
}


class CaresResolver(Resolver):
    """Finds addresses by c-ares, in the loop that is current where the resolver is made.

    :arg options: arguments of `pycares.Channel`, such as ``servers`` (a list of addresses), ``timeout``
        (seconds) and ``tries``.
    """

    def initialize(self, **options: Any) -> None:
        self.io_loop: IOLoop = IOLoop.current()
        # The events that c-ares waits for, by descriptor.
        self.fds: dict[int, int] = {}
        self.channel: Any = pycares.Channel(sock_state_cb=self._socket_changed, **options)
        self._timer: object | None = None
        self._closed = False

    def close(self) -> None:
        """Frees the sockets; names that are being asked for are not found."""
        if self._closed:
            return
        self._closed = True
        self.channel.cancel()
        for fd in list(self.fds):
            self._socket_changed(fd, False, False)
        self._set_timer()
        self.channel.close()

    async def resolve(self, host: str, port: int, family: int = 0) -> list[Address]:
        """As `Resolver.resolve`.

        :raises OSError: there is no such name, or nobody to ask (`socket.gaierror`).
        """
        if is_valid_ip(host):
            # c-ares does not know all ways to write one.
            found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
            return [(info[0], info[4]) for info in found]
        try:
            name = host if host.isascii() else host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is not a host name") from error
        future: Future[Any] = self.io_loop.asyncio_loop.create_future()

        def answered(result: Any, error: int | None) -> None:
            # When the channel is closed, that is in another thread.
            self.io_loop.add_callback(self._answered, future, result, error)

        self.channel.getaddrinfo(name, None, family=family, type=socket.SOCK_STREAM, callback=answered)
        self._set_timer()
        result, code = await future
        if code is not None:
            reason: Any = pycares.errno.strerror(code)
            text = f"C-Ares returned error {code}: {reason} while resolving {host}"
            raise socket.gaierror(_CODES.get(code, socket.EAI_AGAIN), text)
        return [(node.family, _address(node.addr, port)) for node in result.nodes]

    @staticmethod
    def _answered(future: Future[Any], result: Any, error: int | None) -> None:
        # Whoever asked may have been cancelled.
        if not future.done():
            future.set_result((result, error))

    def _socket_changed(self, fd: int, readable: bool, writable: bool) -> None:
        events = (IOLoop.READ if readable else 0) | (IOLoop.WRITE if writable else 0)
        known = fd in self.fds
        if events:
            self.fds[fd] = events
            (self.io_loop.update_handler if known else self._watch)(fd, events)
        elif known:
            # c-ares closes it next.
            del self.fds[fd]
            self.io_loop.remove_handler(fd)

    def _watch(self, fd: int, events: int) -> None:
        self.io_loop.add_handler(fd, self._ready, events)

    def _ready(self, fd: int, events: int) -> None:
        bad = pycares.ARES_SOCKET_BAD
        self.channel.process_fd(
            fd if events & IOLoop.READ else bad,
            fd if events & IOLoop.WRITE else bad,
        )
        self._set_timer()

    def _set_timer(self) -> None:
        """Has c-ares look again when its patience with a server is at its end."""
        if self._timer is not None:
            self.io_loop.remove_timeout(self._timer)
            self._timer = None
        if self.fds:
            self._timer = self.io_loop.call_later(self.channel.timeout(), self._overdue)

    def _overdue(self) -> None:
        self._timer = None
        self.channel.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        self._set_timer()


def _address(parts: tuple[Any, ...], port: int) -> tuple[Any, ...]:
    """What `socket.connect` takes, of what c-ares says: host and port, and two more for IPv6."""
    host, _, *rest = parts
    return (host.decode("ascii"), port, *rest)
