"""What a loop looks out for on behalf of a stream."""

from __future__ import annotations

from typing import Protocol

from framework.ioloop import IOLoop
from framework.platform.asyncio import Selectable

__all__ = ["DescriptorWatch", "Watch", "Watched"]


class Watched(Protocol):
    """A stream, to what looks out for it."""

    def fileno(self) -> int | Selectable: ...

    def _on_readable(self) -> None: ...

    def _on_writable(self) -> None: ...


class Watch(Protocol):
    """Has a stream told when it can read or write. It doesn't hold the stream, whose part it is."""

    # For what it looks out.
    reading: bool
    writing: bool

    def read(self, stream: Watched) -> None:
        """Begins to look out for data, and for the end of the stream."""

    def stop_reading(self) -> None:
        """Ends that."""

    def write(self, stream: Watched) -> None:
        """Begins to look out for room."""

    def stop_writing(self) -> None:
        """Ends that."""


class DescriptorWatch:
    """Looks out for a descriptor's readiness.

    It is entered among the loop's handlers, for `IOLoop.close` to find, but called without a detour by way of them.
    """

    __slots__ = ("_fd", "_io_loop", "_loop", "reading", "writing")

    def __init__(self, io_loop: IOLoop) -> None:
        self._io_loop = io_loop
        self._loop = io_loop.selector_loop
        self._fd = -1
        self.reading = False
        self.writing = False

    def read(self, stream: Watched) -> None:
        if not self.reading:
            self._enter(stream)
            self._loop.add_reader(self._fd, stream._on_readable)
            self._io_loop.readers.add(self._fd)
            self.reading = True

    def stop_reading(self) -> None:
        if self.reading:
            self.reading = False
            if not self._loop.is_closed():
                self._io_loop.readers.discard(self._fd)
                self._loop.remove_reader(self._fd)
            self._leave()

    def write(self, stream: Watched) -> None:
        if not self.writing:
            self._enter(stream)
            self._loop.add_writer(self._fd, stream._on_writable)
            self._io_loop.writers.add(self._fd)
            self.writing = True

    def stop_writing(self) -> None:
        if self.writing:
            self.writing = False
            if not self._loop.is_closed():
                self._io_loop.writers.discard(self._fd)
                self._loop.remove_writer(self._fd)
            self._leave()

    def _enter(self, stream: Watched) -> None:
        if self.reading or self.writing:
            return
        # The number is kept: somebody may close the descriptor under the stream, and the loop must let go of it
        # all the same.
        self._fd, fileobj = self._io_loop.split_fd(stream.fileno())
        if self._fd in self._io_loop.handlers:
            raise ValueError(f"fd {self._fd} added twice")
        self._io_loop.handlers[self._fd] = (fileobj, _called_directly)

    def _leave(self) -> None:
        if not (self.reading or self.writing):
            self._io_loop.handlers.pop(self._fd, None)


def _called_directly(*args: object) -> None:
    """Stands for the stream's own callbacks among the loop's handlers."""
