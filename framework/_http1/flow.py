"""Backpressure both ways: writers that wait for a slow client, and bodies that wait for a slow handler."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context

from framework._background import start
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import HTTPMessageDelegate, RequestStartLine
from framework.iostream.errors import fail

__all__ = ["BodyPump", "DrainWaiters", "half_close"]


def half_close(transport: asyncio.WriteTransport) -> None:
    """Sends no more, and leaves it to the peer to end the connection.

    Closing with input unread would reset the connection, and what was sent last might be lost with it.
    """
    try:
        transport.write_eof()
    except OSError:
        # asyncio's transports tell so that the peer has reset the connection.
        transport.abort()


class DrainWaiters:
    """Futures of those who wait until a transport takes more."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self) -> asyncio.Future[None]:
        """A future that is done at the next `release` or `fail`."""
        future = self._loop.create_future()
        self._waiting.append(future)
        return future

    def release(self) -> None:
        """The transport takes more."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def fail(self, error: BaseException) -> None:
        """The transport takes nothing any more."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            fail(future, error)


class BodyPump:
    """Hands a message to a delegate piece by piece, each when the one before has been dealt with.

    - ``context`` is what the delegate runs in
    - ``pause`` and ``resume`` stop and restart the reading of what is behind
    - ``failed`` is called, once, with what the delegate raised; nothing is handed on after that
    - ``accepted`` is called before the first piece, when the delegate has dealt with the head
    """

    __slots__ = (
        "_accepted",
        "_chunks",
        "_context",
        "_delegate",
        "_ended",
        "_failed",
        "_pause",
        "_resume",
        "_waiting",
        "closed",
    )

    def __init__(
        self,
        delegate: HTTPMessageDelegate,
        context: Context,
        pause: Callable[[], None],
        resume: Callable[[], None],
        failed: Callable[[BaseException], None],
        accepted: Callable[[], None] | None = None,
    ) -> None:
        self._delegate = delegate
        self._context = context
        self._pause = pause
        self._resume = resume
        self._failed = failed
        self._accepted = accepted
        self._chunks: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._ended = False
        self.closed = False

    @property
    def busy(self) -> bool:
        """Whether the delegate is at something, so that more would have to wait."""
        return self._waiting is not None

    def begin(self, start_line: RequestStartLine, headers: HTTPHeaders) -> None:
        """Hands over the head."""
        self._context.run(self._hand_on_head, start_line, headers)
        self._run()

    def feed(self, chunk: bytes) -> None:
        """A piece of the body has arrived."""
        if not self.closed:
            self._chunks.append(chunk)
            self._run()

    def end(self) -> None:
        """The body is complete."""
        self._ended = True
        self._run()

    def close(self) -> None:
        """The connection is gone, or nothing more is wanted: the rest is dropped."""
        self.closed = True
        self._chunks.clear()

    def _fail(self, error: BaseException) -> None:
        self.close()
        self._failed(error)

    def _run(self) -> None:
        if self._waiting is None and not self.closed:
            self._context.run(self._hand_on)

    def _hand_on_head(self, start_line: RequestStartLine, headers: HTTPHeaders) -> None:
        try:
            self._wait_for(self._delegate.headers_received(start_line, headers))
        except Exception as error:
            self._fail(error)

    def _hand_on(self) -> None:
        try:
            while self._waiting is None and not self.closed:
                if self._accepted is not None:
                    accepted, self._accepted = self._accepted, None
                    accepted()
                elif self._chunks:
                    self._wait_for(self._delegate.data_received(self._chunks.popleft()))
                elif self._ended:
                    self.closed = True
                    self._delegate.finish()
                else:
                    break
        except Exception as error:
            self._fail(error)

    def _wait_for(self, awaitable: Awaitable[None] | None) -> None:
        if awaitable is None:
            return
        if asyncio.iscoroutine(awaitable):
            # One that never really waits is done by now.
            future: asyncio.Future[None] = start(awaitable, asyncio.get_running_loop())
        else:
            future = asyncio.ensure_future(awaitable)
        if future.done():
            future.result()
            return
        self._waiting = future
        self._pause()
        future.add_done_callback(self._continue)

    def _continue(self, future: asyncio.Future[None]) -> None:
        self._waiting = None
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            self._fail(error)
            return
        self._run()
        if self._waiting is None and not self.closed:
            self._resume()
