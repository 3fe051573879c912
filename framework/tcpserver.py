"""Servers: listening sockets, the processes that share them, and a stream for each connection."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from framework._background import run_in_background
from framework.gen import convert_yielded
from framework.ioloop import IOLoop
from framework.iostream import IOStream, SSLIOStream
from framework.log import app_log, gen_log
from framework.netutil import add_accept_handler, bind_sockets, ssl_options_to_context, ssl_wrap_socket
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
    """Accepts connections on any number of sockets, and hands each on as a stream.

    Subclasses define `handle_stream`::

        class EchoServer(TCPServer):
            async def handle_stream(self, stream, address):
                try:
                    while True:
                        await stream.write(await stream.read_until(b"\\n"))
                except StreamClosedError:
                    pass

    Three ways to start one:

    - `listen`: one process, the sockets are made and served at once
    - `bind` and `start`: several processes, forked by `start`, share the sockets
    - `add_sockets`: the caller makes the sockets, and forks, as it likes

    ``ssl_options`` is an `ssl.SSLContext`, or a dict of what `ssl_options_to_context` takes: ``certfile`` at least
    (`KeyError`), and files that exist (`ValueError`). ``max_buffer_size`` and ``read_chunk_size`` are for the streams.
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
        self._end_accepting: dict[int, Callable[[], None]] = {}
        # Those that the loop is about to take over.
        self._starting: set[socket.socket] = set()
        self._started = False
        self._backlog = 128

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> Awaitable[None] | None:
        """Called with each connection; may be a coroutine. What it raises is logged, and ends the connection.

        :arg stream: an `SSLIOStream` with ``ssl_options``. The handshake has not been waited for.
        :arg address: the other side's, as the socket's family has it: ``(host, port)`` for IPv4.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define handle_stream()")

    def make_protocol(self) -> asyncio.Protocol:
        """The protocol for a new connection, of a server that speaks to asyncio's transports instead of streams."""
        raise NotImplementedError(f"{type(self).__name__} does not define make_protocol()")

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
            if type(self).make_protocol is TCPServer.make_protocol:
                self._accept_streams(listening, context)
            elif asyncio._get_running_loop() is loop:
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

    def _accept_streams(self, listening: socket.socket, context: ssl.SSLContext | None) -> None:
        def accepted(connection: socket.socket, address: Any) -> None:
            try:
                stream = self._make_stream(connection, context)
            except OSError as error:
                # Such as a client that has gone by now.
                gen_log.debug("A connection ended before it began: %s", error)
                connection.close()
                return
            self._handle(stream, address)

        self._end_accepting[listening.fileno()] = add_accept_handler(listening, accepted)

    def _make_stream(self, connection: socket.socket, context: ssl.SSLContext | None) -> IOStream:
        sizes = {"max_buffer_size": self.max_buffer_size, "read_chunk_size": self.read_chunk_size}
        if context is None:
            return IOStream(connection, **sizes)
        wrapped = ssl_wrap_socket(connection, context, server_side=True, do_handshake_on_connect=False)
        return SSLIOStream(wrapped, ssl_options=context, **sizes)

    def _handle(self, stream: IOStream, address: Any) -> None:
        try:
            result = self.handle_stream(stream, address)
            if result is not None:
                run_in_background(_watch(stream, convert_yielded(result)))
        except Exception:
            app_log.error("Error in connection callback", exc_info=True)
            stream.close()

    def stop(self) -> None:
        """Accepts no more connections. Those there are go on."""
        for end_accepting in self._end_accepting.values():
            end_accepting()
        self._end_accepting.clear()
        for descriptor, listening in self._sockets.items():
            server = self._servers.get(descriptor)
            if server is not None:
                server.close()
            if listening not in self._starting:
                listening.close()
        self._sockets.clear()
        self._servers.clear()


async def _watch(stream: IOStream, handled: Awaitable[Any]) -> None:
    try:
        await handled
    except Exception:
        app_log.error("Exception in callback %r", handled, exc_info=True)
        stream.close()
    except BaseException:
        # Cancelled, as when the loop ends.
        stream.close()
        raise
