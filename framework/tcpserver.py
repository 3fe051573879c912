"""Servers: listening sockets, and the processes that share them."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterable
from typing import Any

from framework._background import run_in_background
from framework.ioloop import IOLoop
from framework.netutil import bind_sockets, ssl_options_to_context
from framework.process import fork_processes

__all__ = ["TCPServer"]


def _check_files(ssl_options: dict[str, Any]) -> None:
    """Finds what is missing when the server is made, rather than when the first client comes."""
    if "certfile" not in ssl_options:
        raise KeyError('missing key "certfile" in ssl_options')
    for key in ("certfile", "keyfile"):
        path = ssl_options.get(key)
        if path is not None and not os.path.exists(path):
            raise ValueError(f'{key} "{path}" does not exist')


class TCPServer:
    """Accepts connections on any number of sockets.

    Three ways to start one:

    - `listen`: one process, the sockets are made and served at once
    - `bind` and `start`: several processes, forked by `start`, share the sockets
    - `add_sockets`: the caller makes the sockets, and forks, as it likes

    ``ssl_options`` is an `ssl.SSLContext`, or a dict of what `ssl_options_to_context` takes: ``certfile`` at least
    (`KeyError`), and files that exist (`ValueError`).
    """

    def __init__(
        self,
        ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
    ) -> None:
        if isinstance(ssl_options, dict):
            _check_files(ssl_options)
        self.ssl_options = ssl_options
        self.max_buffer_size = max_buffer_size
        self.read_chunk_size = read_chunk_size
        self._pending_sockets: list[socket.socket] = []
        # By file descriptor: the socket, and what serves it once it does.
        self._sockets: dict[int, socket.socket] = {}
        self._servers: dict[int, asyncio.AbstractServer] = {}
        # Those that the loop is about to take over.
        self._starting: set[socket.socket] = set()
        self._started = False
        self._backlog = 128

    def make_protocol(self) -> asyncio.Protocol:
        """The protocol for a new connection."""
        raise NotImplementedError(f"{type(self).__name__} does not implement make_protocol")

    def listen(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = 128,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Serves a port, in this process, from now on. May be called for several ports.

        ``address`` is an IP address or a name that stands for some; all interfaces if it is missing.
        """
        self._backlog = backlog
        self.add_sockets(
            bind_sockets(
                port, address=address, family=family, backlog=backlog, flags=flags, reuse_port=reuse_port
            )
        )

    def bind(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = 128,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Binds a port that `start` will serve. May be called for several ports."""
        self._backlog = backlog
        sockets = bind_sockets(
            port, address=address, family=family, backlog=backlog, flags=flags, reuse_port=reuse_port
        )
        if self._started:
            self.add_sockets(sockets)
        else:
            self._pending_sockets.extend(sockets)

    def start(self, num_processes: int | None = 1, max_restarts: int | None = None) -> None:
        """Serves what was bound, in this process or in ``num_processes`` forked ones.

        None or 0 stand for the number of processors. Must be called before there is a loop if it forks.
        A child that dies is replaced, ``max_restarts`` times at most.
        """
        if self._started:
            raise RuntimeError("start() was called twice")
        self._started = True
        if num_processes != 1:
            fork_processes(num_processes, max_restarts)
        sockets, self._pending_sockets = self._pending_sockets, []
        self.add_sockets(sockets)

    def add_socket(self, socket: socket.socket) -> None:
        """Serves a listening socket."""
        self.add_sockets([socket])

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Serves listening sockets on the current loop."""
        loop = IOLoop.current().asyncio_loop
        context = (
            None if self.ssl_options is None else ssl_options_to_context(self.ssl_options, server_side=True)
        )
        for listening in sockets:
            listening.setblocking(False)
            self._sockets[listening.fileno()] = listening
            if asyncio._get_running_loop() is loop:
                self._begin(loop, listening, context)
            else:
                # The loop's first turn will run it.
                loop.call_soon(self._begin, loop, listening, context)

    def _begin(
        self, loop: asyncio.AbstractEventLoop, listening: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        run_in_background(self._serve(loop, listening, context))

    def _serves(self, listening: socket.socket) -> bool:
        """Whether nobody has called `stop` since."""
        return self._sockets.get(listening.fileno()) is listening

    async def _serve(
        self, loop: asyncio.AbstractEventLoop, listening: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        if not self._serves(listening):
            return
        server: asyncio.AbstractServer | None = None
        self._starting.add(listening)
        try:
            server = await loop.create_server(
                self.make_protocol, sock=listening, ssl=context, backlog=self._backlog
            )
        finally:
            self._starting.discard(listening)
            if not self._serves(listening):
                # `stop` has left it to us: a loop can't let go of a socket that is closed.
                if server is not None:
                    server.close()
                listening.close()
            elif server is not None:
                self._servers[listening.fileno()] = server

    def stop(self) -> None:
        """Accepts no more connections. Those there are go on."""
        for descriptor, listening in self._sockets.items():
            server = self._servers.get(descriptor)
            if server is not None:
                server.close()
            if listening not in self._starting:
                listening.close()
        self._sockets.clear()
        self._servers.clear()
