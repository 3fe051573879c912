"""Streams over pipes and the like."""

from __future__ import annotations

import errno
import os
from typing import Any

from framework.iostream.base import BaseIOStream

__all__ = ["PipeIOStream"]


class PipeIOStream(BaseIOStream):
    """A stream on one end of a pipe: either for reading or for writing.

    :arg fd: the descriptor, which belongs to the stream from now on. It is made non-blocking.
    :arg args: as `BaseIOStream` takes.
    """

    def __init__(self, fd: int, *args: Any, **kwargs: Any) -> None:
        self.fd = fd
        os.set_blocking(fd, False)
        super().__init__(*args, **kwargs)

    def fileno(self) -> int:
        return self.fd

    def close_fd(self) -> None:
        os.close(self.fd)

    def write_to_fd(self, data: memoryview) -> int:
        return os.write(self.fd, data)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        try:
            return os.readv(self.fd, [buf])
        except BlockingIOError:
            return None
        except OSError as error:
            raise _meaning(error) from None

    def _receive(self, size: int) -> bytes:
        try:
            return os.read(self.fd, size)
        except BlockingIOError:
            raise
        except OSError as error:
            raise _meaning(error) from None


def _meaning(error: OSError) -> OSError:
    # From the end that one writes to nothing can be read; the loop asks for it when the other end is closed.
    if error.errno == errno.EBADF:
        return BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    return error
