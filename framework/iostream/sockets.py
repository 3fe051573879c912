"""Streams over sockets, and over TLS on them."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import Any, TypeVar

from framework.iostream.base import BaseIOStream
from framework.iostream.errors import StreamClosedError, fail
from framework.log import gen_log
from framework.netutil import ssl_options_to_context, ssl_wrap_socket
from framework.platform.asyncio import Selectable

__all__ = ["IOStream", "SSLIOStream"]

SSLOptions = dict[str, Any] | ssl.SSLContext

# By this name, since a stream's attribute hides the module's.
Socket = socket.socket

_S = TypeVar("_S", bound="IOStream")

# What a connect that goes on in the background says. Others, such as EAGAIN of a unix socket whose listener has no
# place in its queue, mean that it has failed.
_IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK) if os.name == "nt" else (errno.EINPROGRESS,)


class IOStream(BaseIOStream):
    """A stream on a socket, connected or to be connected by `connect`.

    :arg socket: belongs to the stream from now on, as its attribute ``socket``. It is made non-blocking.
    :arg args: as `BaseIOStream` takes.
    """

    socket: Socket

    def __init__(self, socket: Socket, *args: Any, **kwargs: Any) -> None:
        self.socket = socket
        socket.setblocking(False)
        super().__init__(*args, **kwargs)
        self._connect_future: asyncio.Future[Any] | None = None
        self._set_shortcuts()

    def _set_shortcuts(self) -> None:
        """Sends and receives by the socket's own functions, unless somebody has a say in between.

        The shortest way for small messages: a tenth of what an exchange of them takes otherwise.
        """
        kind = type(self)
        if kind.read_from_fd is IOStream.read_from_fd and kind._receive is IOStream._receive:
            self._receive = self.socket.recv  # type: ignore[method-assign, assignment]
        if kind.write_to_fd is IOStream.write_to_fd and kind._send is IOStream._send:
            self._send = self.socket.send  # type: ignore[method-assign, assignment]

    def fileno(self) -> int | Selectable:
        return self.socket

    def close_fd(self) -> None:
        self.socket.close()
        self._drop_socket()

    def _drop_socket(self) -> None:
        self.socket = None  # type: ignore[assignment]  # as programs look for it after the end
        self.__dict__.pop("_receive", None)
        self.__dict__.pop("_send", None)

    def get_fd_error(self) -> Exception | None:
        """What the system says is wrong with the socket (``SO_ERROR``); None if nothing is."""
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(code, os.strerror(code)) if code else None

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        try:
            return self.socket.recv_into(buf)
        except BlockingIOError:
            return None

    def write_to_fd(self, data: memoryview) -> int:
        return self.socket.send(data)

    def set_nodelay(self, value: bool) -> None:
        """Turns off the waiting for more of small writes (``TCP_NODELAY``), or on again; nothing for other sockets."""
        if self.socket is not None and self.socket.family in (socket.AF_INET, socket.AF_INET6):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1 if value else 0)

    # Connecting

    def connect(self: _S, address: Any, server_hostname: str | None = None) -> asyncio.Future[_S]:
        """Connects the socket. Reads and writes may be begun at once: they wait for it.

        :arg address: as the socket's family has it: ``(host, port)`` with the host in numbers, as names would block,
            or the path of a unix socket.
        :arg server_hostname: whom to expect, for TLS.
        :returns: a future with the stream itself, or with a `StreamClosedError` whose ``real_error`` is the reason.
        """
        future = self._new_future()
        try:
            self.socket.connect(address)
        except OSError as error:
            if error.errno not in _IN_PROGRESS:
                self._connect_future = future
                self.close(exc_info=error.with_traceback(None))
                return future
        self._connect_future = future
        self._connecting = True
        self._watch.stop_reading()
        self._watch.write(self)
        return future

    def _on_writable(self) -> None:
        if self._connecting:
            self._connect_ended()
        else:
            self._flush()

    def _connect_ended(self) -> None:
        error = self.get_fd_error()
        if error is not None:
            self.close(exc_info=error)
        else:
            self._connected()

    def _connected(self) -> None:
        """Both directions are open: what waited for that is done."""
        self._connecting = False
        future, self._connect_future = self._connect_future, None
        if future is not None and not future.done():
            future.set_result(self)
        self._flush()
        if self._closed:
            return
        if self._read is not None:
            try:
                self._read_now()
            except Exception as error:
                gen_log.warning("error on read: %s", error)
        elif self._close_callback is not None:
            self._watch_idle()

    def _fail_pending(self, error: StreamClosedError) -> None:
        super()._fail_pending(error)
        future, self._connect_future = self._connect_future, None
        fail(future, error)

    # TLS

    def start_tls(
        self,
        server_side: bool,
        ssl_options: SSLOptions | None = None,
        server_hostname: str | None = None,
    ) -> asyncio.Future[SSLIOStream]:
        """Goes on with TLS, on a stream where both sides have agreed to.

        This stream is no longer to be used; its close callback goes to the new one.

        :arg ssl_options: an `ssl.SSLContext` or what `ssl_options_to_context` takes. A client that gives none checks
            certificate and name by the system's authorities.
        :arg server_hostname: whom a client expects.
        :returns: a future with the `SSLIOStream` when the handshake is done.
        :raises ValueError: reads or writes are pending, or there is data that nobody has read.
        """
        if self._closed or self._connecting or self.reading() or self.writing() or self._buffer.size:
            raise ValueError("IOStream is not idle; cannot convert to SSL")
        context = _context(ssl_options, server_side)
        self._watch.stop_reading()
        self._watch.stop_writing()
        plain = self.socket
        self._drop_socket()
        callback, self._close_callback = self._close_callback, None
        self._closed = True
        try:
            wrapped = ssl_wrap_socket(
                plain,
                context,
                server_hostname=server_hostname,
                server_side=server_side,
                do_handshake_on_connect=False,
            )
        except BaseException:
            plain.close()
            raise
        stream = SSLIOStream(
            wrapped,
            ssl_options=context,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
            max_write_buffer_size=self.max_write_buffer_size,
        )
        stream.set_close_callback(callback)
        future = stream.wait_for_handshake()
        # The future is the only way to the new stream.
        future.add_done_callback(lambda done: stream.close() if done.cancelled() else None)
        return future


def _context(ssl_options: SSLOptions | None, server_side: bool) -> ssl.SSLContext:
    return ssl_options_to_context({} if ssl_options is None else ssl_options, server_side=server_side)


class SSLIOStream(IOStream):
    """A stream with TLS.

    A socket that is connected must be wrapped already, with ``do_handshake_on_connect=False``: the handshake begins
    by itself. One that isn't is wrapped by `connect`. Reads and writes wait for the handshake.

    :arg ssl_options: an `ssl.SSLContext` or what `ssl_options_to_context` takes, for `connect`. Certificate and name
        are checked by the system's authorities unless it says otherwise.
    :arg args: as `IOStream` takes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ssl_options: SSLOptions | None = kwargs.pop("ssl_options", None)
        super().__init__(*args, **kwargs)
        self._server_hostname: str | None = None
        self._handshake_future: asyncio.Future[SSLIOStream] | None = None
        # What TLS has to do in the other direction before the one that was asked for can go on.
        self._read_needs_room = False
        self._write_needs_data = False
        self._shaking = False
        if isinstance(self.socket, ssl.SSLSocket):
            self._connecting = self._shaking = True
            # The loop may not run yet.
            self.io_loop.asyncio_loop.call_soon(self._shake_hands)

    def wait_for_handshake(self) -> asyncio.Future[SSLIOStream]:
        """A future with the stream itself when the handshake is done.

        :raises RuntimeError: somebody waits for it already.
        """
        if self._handshake_future is not None:
            raise RuntimeError("Already waiting")
        future = self._new_future()
        if self._closed:
            fail(future, StreamClosedError(self.error))
        elif self._connecting:
            self._handshake_future = future
        else:
            future.set_result(self)
        return future

    def connect(
        self, address: tuple[Any, ...], server_hostname: str | None = None
    ) -> asyncio.Future[SSLIOStream]:
        """Connects the socket and shakes hands; as `IOStream.connect` besides.

        :arg server_hostname: whose certificate to expect, and to ask for.
        :returns: a future with the stream itself. A handshake that fails is its `ssl.SSLError`, everything else a
            `StreamClosedError` whose ``real_error`` is the reason.
        """
        self._server_hostname = server_hostname
        return super().connect(address, server_hostname)

    def _connect_ended(self) -> None:
        if self._shaking:
            self._shake_hands()
            return
        error = self.get_fd_error()
        if error is not None:
            self.close(exc_info=error)
            return
        try:
            self._wrap()
        except Exception as failure:
            gen_log.error("TLS cannot be begun: %s", failure)
            self._handshake_failed(failure)
            return
        self._shaking = True
        self._shake_hands()

    def _wrap(self) -> None:
        self._watch.stop_reading()
        self._watch.stop_writing()
        self.socket = ssl_wrap_socket(
            self.socket,
            _context(self._ssl_options, False),
            server_hostname=self._server_hostname,
            server_side=False,
            do_handshake_on_connect=False,
        )

    def _shake_hands(self) -> None:
        if self._closed:
            return
        wrapped: ssl.SSLSocket = self.socket  # type: ignore[assignment]
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            self._watch.read(self)
            self._watch.stop_writing()
        except ssl.SSLWantWriteError:
            self._watch.write(self)
        except Exception as error:
            self._handshake_failed(error)
        else:
            self._shaking = False
            future, self._handshake_future = self._handshake_future, None
            if future is not None and not future.done():
                future.set_result(self)
            self._connected()

    def _handshake_failed(self, error: Exception) -> None:
        if isinstance(error, ssl.SSLError) and not isinstance(
            error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)
        ):
            gen_log.warning("SSL Error on %s %s: %s", self.socket.fileno(), _peer(self.socket), error)
        error = error.with_traceback(None)
        # Whoever waits for the handshake is told itself, not only that the stream is closed.
        for future in (self._connect_future, self._handshake_future):
            fail(future, error)
        self._connect_future = self._handshake_future = None
        self.close(exc_info=error)

    def _fail_pending(self, error: StreamClosedError) -> None:
        super()._fail_pending(error)
        future, self._handshake_future = self._handshake_future, None
        fail(future, error)

    def close_fd(self) -> None:
        wrapped = self.socket
        if isinstance(wrapped, ssl.SSLSocket) and not self._connecting:
            try:
                # Says that this is the end (RFC 8446 section 6.1); the answer isn't waited for.
                wrapped.unwrap()
            except (OSError, ValueError):
                pass
        super().close_fd()

    def start_tls(
        self,
        server_side: bool,
        ssl_options: SSLOptions | None = None,
        server_hostname: str | None = None,
    ) -> asyncio.Future[SSLIOStream]:
        """:raises ValueError: there is TLS on the stream already."""
        raise ValueError("the stream speaks TLS already")

    # TLS may have to send in order to receive, and the other way round.

    def _receive(self, size: int) -> bytes:
        try:
            return self.socket.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            self._cannot_read(error)
            raise BlockingIOError from None

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        try:
            return self.socket.recv_into(buf)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            self._cannot_read(error)
            return None

    def _cannot_read(self, error: ssl.SSLError) -> None:
        if isinstance(error, ssl.SSLWantWriteError):
            self._read_needs_room = True
            self._watch.write(self)

    def _send(self, data: bytes | memoryview) -> int:
        return self.write_to_fd(memoryview(data))

    def write_to_fd(self, data: memoryview) -> int:
        try:
            return self.socket.send(data)
        except ssl.SSLWantWriteError:
            raise BlockingIOError from None
        except ssl.SSLWantReadError:
            self._write_needs_data = True
            self._watch.read(self)
            raise BlockingIOError from None

    def _has_more(self) -> bool:
        # Decrypted already: the loop sees nothing of it.
        return self.socket.pending() > 0  # type: ignore[attr-defined, no-any-return]

    def _on_readable(self) -> None:
        if self._shaking:
            self._shake_hands()
            return
        if self._write_needs_data:
            self._write_needs_data = False
            self._flush()
        if not self._closed:
            super()._on_readable()

    def _on_writable(self) -> None:
        super()._on_writable()
        if self._read_needs_room and not self._closed:
            self._read_needs_room = False
            self._on_readable()


def _peer(sock: socket.socket) -> object:
    try:
        return sock.getpeername()
    except OSError:
        return "(not connected)"
