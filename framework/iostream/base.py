"""Streams: reads and writes of whole messages on anything that a loop can watch by its descriptor.

A stream asks its descriptor for data only while somebody reads, or, when it is idle and somebody wants to hear of its
end, until the first data: so memory is bounded by `max_buffer_size`, and a peer that sends more than is read has to
wait. The loop goes on watching the descriptor from one read to the next: an exchange of messages costs one receive and
one send each.
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Awaitable, Callable
from typing import Any

from framework.ioloop import IOLoop
from framework.iostream._buffer import ReadBuffer
from framework.iostream._reads import ExactBytes, IntoBuffer, Read, UntilClose, UntilDelimiter, UntilRegex
from framework.iostream._watch import DescriptorWatch, Watch
from framework.iostream._writes import WriteQueue
from framework.iostream.errors import (
    ExcInfo,
    StreamBufferFullError,
    StreamClosedError,
    UnsatisfiableReadError,
    error_of,
    fail,
    is_lost,
)
from framework.log import gen_log
from framework.platform.asyncio import Selectable

__all__ = ["BaseIOStream"]

DEFAULT_MAX_BUFFER_SIZE = 104857600
DEFAULT_CHUNK_SIZE = 65536

# How many chunks one readiness takes before other connections have their turn.
_CHUNKS_AT_ONCE = 16


class BaseIOStream:
    """Reads and writes without blocking; what can't be had at once is a future.

    There may be one read at a time, and any number of writes. A read that is cancelled takes nothing from the stream:
    the next one begins where it began.

    Subclasses define `fileno`, `close_fd`, `write_to_fd`, `read_from_fd` and, where errors can be asked for,
    `get_fd_error`.

    :arg max_buffer_size: bytes that may be received and not yet read; 104,857,600 unless told otherwise.
    :arg read_chunk_size: bytes to ask the descriptor for at once, 65,536; at most half of `max_buffer_size`.
    :arg max_write_buffer_size: bytes that may wait to be sent; no limit unless told otherwise.
    """

    def __init__(
        self,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        self.io_loop = IOLoop.current()
        self.max_buffer_size = max_buffer_size or DEFAULT_MAX_BUFFER_SIZE
        self.read_chunk_size = max(1, min(read_chunk_size or DEFAULT_CHUNK_SIZE, self.max_buffer_size // 2))
        self.max_write_buffer_size = max_write_buffer_size
        # What closed the stream, if it wasn't the program or an orderly end.
        self.error: BaseException | None = None
        self._new_future = self.io_loop.asyncio_loop.create_future
        self._buffer = ReadBuffer()
        self._read: Read | None = None
        self._read_future: asyncio.Future[Any] | None = None
        self._output = WriteQueue()
        # For all writes that are done at once.
        self._written: asyncio.Future[None] | None = None
        self._close_callback: Callable[[], Any] | None = None
        self._closed = False
        # Nothing can be sent or received yet.
        self._connecting = False
        self._watch = self._make_watch()
        self._scratch = bytearray()

    def _make_watch(self) -> Watch:
        return DescriptorWatch(self.io_loop)

    # What subclasses define

    def fileno(self) -> int | Selectable:
        """The descriptor, as a number or an object that has one."""
        raise NotImplementedError(f"{type(self).__name__} does not define fileno()")

    def close_fd(self) -> None:
        """Closes the descriptor. Called by `close`, once."""
        raise NotImplementedError(f"{type(self).__name__} does not define close_fd()")

    def write_to_fd(self, data: memoryview) -> int:
        """Sends as much of ``data`` as can be sent at once.

        :returns: how many bytes that were.
        :raises BlockingIOError: none.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define write_to_fd()")

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Receives up to ``len(buf)`` bytes into ``buf``.

        :returns: how many; 0 at the end of the stream, None if there is nothing now.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define read_from_fd()")

    def get_fd_error(self) -> Exception | None:
        """What is wrong with the descriptor, if that can be asked for."""
        return None

    # Reading

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Reads up to a delimiter, and with it.

        :arg max_bytes: the stream is closed if the delimiter doesn't end within so many bytes.
        :raises StreamClosedError: the stream was closed before; its ``real_error`` is an `UnsatisfiableReadError` for
            that reason.
        """
        return self._begin(UntilDelimiter(delimiter, max_bytes))

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Reads up to the end of the first match of a pattern.

        :arg max_bytes: as for `read_until`. Set it where the peer isn't trusted.
        :raises re.error: the pattern is wrong.
        """
        return self._begin(UntilRegex(regex, max_bytes))

    def read_bytes(self, num_bytes: int, partial: bool = False) -> Awaitable[bytes]:
        """Reads so many bytes.

        :arg partial: be content with fewer, as soon as there are any.
        """
        size = operator.index(num_bytes)
        if size < 0:
            raise ValueError(f"read_bytes({size}): a number of bytes is 0 or more")
        return self._begin(ExactBytes(size, partial))

    def read_into(self, buf: bytearray | memoryview, partial: bool = False) -> Awaitable[int]:
        """Fills ``buf``, without a copy where the data isn't there yet; it must not be resized meanwhile.

        :arg partial: be content with less, as soon as there is any.
        :returns: how many bytes it has got.
        """
        return self._begin(IntoBuffer(buf, partial))

    def read_until_close(self) -> Awaitable[bytes]:
        """Reads everything until the stream is closed, at most `max_buffer_size`."""
        if self._closed:
            return self._done(self._buffer.take(self._buffer.size))
        return self._begin(UntilClose())

    def _done(self, result: object) -> asyncio.Future[Any]:
        future = self._new_future()
        future.set_result(result)
        return future

    def _begin(self, request: Read) -> asyncio.Future[Any]:
        if self._read is not None:
            self._forget_cancelled()
            if self._read is not None:
                raise AssertionError("Already reading")
        future = self._new_future()
        # Most messages are waited for before they come.
        if self._buffer.size or not isinstance(request, UntilDelimiter):
            try:
                size = request.find(self._buffer)
            except UnsatisfiableReadError as error:
                self._unsatisfiable(error)
                fail(future, StreamClosedError(self.error))
                return future
            if size >= 0:
                future.set_result(request.take(self._buffer, size))
                if self._close_callback is not None:
                    self._watch_idle()
                return future
        if self._closed:
            request.give_back(self._buffer)
            raise StreamClosedError(self.error)
        self._read = request
        self._read_future = future
        if isinstance(request, IntoBuffer):
            future.add_done_callback(self._read_into_done)
        if not self._connecting and (not self._watch.reading or self._has_more()):
            self._read_now()
        return future

    def _read_into_done(self, future: asyncio.Future[Any]) -> None:
        # The caller has the buffer to itself again: it must not be waited with until the next read.
        if future.cancelled() and self._read_future is future:
            self._forget_cancelled()

    def _forget_cancelled(self) -> None:
        future, request = self._read_future, self._read
        if future is not None and future.cancelled() and request is not None:
            self._read = self._read_future = None
            request.give_back(self._buffer)

    def _read_now(self) -> None:
        """Answers the pending read at once if that can be; has the loop watch for data if not."""
        try:
            self._fill()
        except Exception as error:
            if not is_lost(error):
                self.close(exc_info=error)
                raise
            self._lost(error)
        if self._read is not None:
            self._watch.read(self)
        elif self._close_callback is not None:
            self._watch_idle()

    def _fill(self) -> None:
        """Receives until the pending read is answered or there is nothing more."""
        request, buffer = self._read, self._buffer
        if request is None:
            return
        if isinstance(request, IntoBuffer):
            self._fill_into(request)
            return
        limit = self.max_buffer_size
        for _ in range(_CHUNKS_AT_ONCE):
            # One byte more than may be: what is to be read until the end may fill the buffer to the last byte.
            wanted = min(self.read_chunk_size, limit + 1 - buffer.size)
            try:
                data = self._receive(wanted)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            buffer.append(data)
            try:
                size = request.find(buffer)
            except UnsatisfiableReadError as error:
                self._unsatisfiable(error)
                return
            if 0 <= size <= limit:
                self._answer(request, size)
                return
            if buffer.size > limit:
                gen_log.error("Reached maximum read buffer size")
                raise StreamBufferFullError("Reached maximum read buffer size")
            if len(data) < wanted and not self._has_more():
                return
        if self._has_more():
            self.io_loop.asyncio_loop.call_soon(self._on_readable)

    def _fill_into(self, request: IntoBuffer) -> None:
        for _ in range(_CHUNKS_AT_ONCE):
            count = self.read_from_fd(request.room[request.filled :])
            if count is None:
                return
            if not count:
                self.close()
                return
            request.filled += count
            size = request.find(self._buffer)
            if size >= 0:
                self._answer(request, size)
                return

    def _answer(self, request: Read, size: int) -> None:
        future, self._read_future, self._read = self._read_future, None, None
        if future is not None:
            future.set_result(request.take(self._buffer, size))

    def _receive(self, size: int) -> bytes:
        """The next bytes; none at the end of the stream.

        :raises BlockingIOError: there is nothing now.
        """
        if len(self._scratch) < size:
            self._scratch = bytearray(self.read_chunk_size)
        with memoryview(self._scratch) as view, view[:size] as room:
            count = self.read_from_fd(room)
            if count is None:
                raise BlockingIOError
            return bytes(room[:count])

    def _has_more(self) -> bool:
        """Whether data has come that the loop can't see."""
        return False

    def _unread(self, data: bytes) -> None:
        """Puts back what was read, for the next read to begin with."""
        self._buffer.prepend(data)

    def reading(self) -> bool:
        """Whether a read is pending."""
        return self._read_future is not None and not self._read_future.cancelled()

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> asyncio.Future[None]:
        """Sends data, in the order of the calls.

        A bytearray or memoryview that isn't sent when this returns must be left alone until the future is done.

        :returns: a future that is done when the data has left for the system; nobody has to wait for it.
        :raises StreamClosedError: the stream is closed.
        :raises StreamBufferFullError: more than `max_write_buffer_size` would wait; nothing of ``data`` is sent.
        """
        if self._closed:
            raise StreamClosedError(self.error)
        piece = data if isinstance(data, bytes) else _as_bytes(data)
        output = self._output
        limit = self.max_write_buffer_size
        if limit is not None and output.size + len(piece) > limit:
            raise StreamBufferFullError("Reached maximum write buffer size")
        if not output.size and not self._connecting:
            try:
                sent = self._send(piece) if piece else 0
            except BlockingIOError:
                sent = 0
            except Exception as error:
                return self._not_written(error)
            if sent == len(piece):
                if self._written is None:
                    self._written = self._done(None)
                return self._written
            piece = memoryview(piece)[sent:]
        future = self._new_future()
        if piece:
            output.append(piece)
        output.wait(future)
        if not self._connecting:
            self._flush()
        return future

    def _not_written(self, error: Exception) -> asyncio.Future[None]:
        self._write_failed(error)
        future = self._new_future()
        fail(future, StreamClosedError(self.error))
        return future

    def _send(self, data: bytes | memoryview) -> int:
        """Sends some of the data, and says how much.

        :raises BlockingIOError: nothing can be sent now.
        """
        return self.write_to_fd(memoryview(data))

    def _flush(self) -> None:
        """Sends what waits; has the loop watch for room if it isn't all."""
        output = self._output
        try:
            while output.size:
                with output.first() as piece:
                    sent = self._send(piece)
                if not sent:
                    break
                output.sent(sent)
        except BlockingIOError:
            pass
        except Exception as error:
            self._write_failed(error)
            return
        if output.size:
            self._watch.write(self)
        else:
            self._watch.stop_writing()

    def _write_failed(self, error: Exception) -> None:
        if is_lost(error):
            self._lost(error)
        else:
            gen_log.warning("Write error on %s: %s", self.fileno(), error)
            self.close(exc_info=error)

    def writing(self) -> bool:
        """Whether anything waits to be sent."""
        return self._output.size > 0

    # The end

    def set_close_callback(self, callback: Callable[[], Any] | None) -> None:
        """Has a function called, in the loop's next round, when the stream has been closed by either side.

        It isn't called if the stream is closed already, unless `close` is called again. Where reads or writes are
        pending, they fail before.
        """
        self._close_callback = callback
        if callback is not None:
            self._watch_idle()

    def close(self, exc_info: ExcInfo = False) -> None:
        """Closes the stream. What waits to be sent is not sent, what was received can still be read.

        :arg exc_info: why, for the attribute ``error``: an exception, a triple of `sys.exc_info`, or True for the
            exception that is being handled.
        """
        try:
            if not self._closed:
                self._end(exc_info)
        finally:
            callback, self._close_callback = self._close_callback, None
            if callback is not None:
                self.io_loop.add_callback(callback)

    def _end(self, exc_info: ExcInfo) -> None:
        if exc_info:
            self.error = error_of(exc_info)
        self._closed = True
        self._watch.stop_reading()
        self._watch.stop_writing()
        self._end_read()
        error = StreamClosedError(self.error)
        try:
            self.close_fd()
        finally:
            self._fail_pending(error)

    def _end_read(self) -> None:
        self._forget_cancelled()
        request, future = self._read, self._read_future
        self._read = self._read_future = None
        if request is None or future is None:
            return
        if isinstance(request, UntilClose) and (self.error is None or is_lost(self.error)):
            future.set_result(self._buffer.take(self._buffer.size))
            return
        request.give_back(self._buffer)
        fail(future, StreamClosedError(self.error))

    def _fail_pending(self, error: StreamClosedError) -> None:
        self._output.fail(error)

    def _lost(self, error: BaseException) -> None:
        # The traceback shows nothing but this module, and would hold the stream.
        self.close(exc_info=error.with_traceback(None))

    def _unsatisfiable(self, error: UnsatisfiableReadError) -> None:
        gen_log.info("Unsatisfiable read, closing connection: %s", error)
        self._lost(error)

    def closed(self) -> bool:
        """Whether the stream has been closed, by either side as far as that is known."""
        return self._closed

    def set_nodelay(self, value: bool) -> None:
        """Has small writes sent at once, where the kind of stream would wait for more (TCP)."""

    # The loop's side

    def _watch_idle(self) -> None:
        """Looks out for the end of the stream while nobody reads, until data comes."""
        if self._read is None and not (
            self._watch.reading or self._connecting or self._closed or self._buffer.size
        ):
            self._watch.read(self)

    def _on_readable(self) -> None:
        if self._read is None or self._read_future is None or self._read_future.cancelled():
            self._on_idle_readable()
            return
        try:
            self._fill()
        except Exception as error:
            self._read_failed(error)

    def _on_idle_readable(self) -> None:
        self._forget_cancelled()
        if self._close_callback is None or self._buffer.size:
            self._watch.stop_reading()
            return
        try:
            data = self._receive(self.read_chunk_size)
        except BlockingIOError:
            return
        except Exception as error:
            self._read_failed(error)
            return
        if data:
            self._buffer.append(data)
            self._watch.stop_reading()
        else:
            self.close()

    def _read_failed(self, error: Exception) -> None:
        if is_lost(error):
            self._lost(error)
            return
        gen_log.warning("error on read: %s", error)
        self.close(exc_info=error)

    def _on_writable(self) -> None:
        self._flush()


def _as_bytes(data: bytearray | memoryview) -> memoryview:
    view = memoryview(data)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")
