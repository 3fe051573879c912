"""Streams over pipes."""

from __future__ import annotations

import os

import pytest

from framework.iostream import PipeIOStream, StreamClosedError
from tests.streams import Ends, ends, real_error, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops


def pipe(ends: Ends) -> tuple[PipeIOStream, PipeIOStream]:
    """The end to read from and the end to write to."""
    reading, writing = os.pipe()
    return ends.keep(PipeIOStream(reading), PipeIOStream(writing))  # type: ignore[no-any-return]


async def test_from_one_end_to_the_other(ends: Ends) -> None:
    reading, writing = pipe(ends)
    assert reading.fileno() == reading.fd
    assert not os.get_blocking(reading.fd)
    await writing.write(b"hello\nrest")
    assert await reading.read_until(b"\n") == b"hello\n"
    target = bytearray(4)
    assert await reading.read_into(target) == 4
    assert target == b"rest"
    future = reading.read_until_close()
    await turns()
    await writing.write(b"end")
    writing.close()
    assert await future == b"end"
    assert reading.closed()
    with pytest.raises(StreamClosedError):
        reading.read_bytes(1)


async def test_more_than_a_pipe_holds(ends: Ends) -> None:
    reading, writing = pipe(ends)
    written = writing.write(bytes(1_000_000))
    target = bytearray(999_999)
    assert await reading.read_into(target) == 999_999
    assert await reading.read_bytes(1) == b"\0"
    await written
    reading.set_nodelay(True)


async def test_nobody_reads_any_more(ends: Ends) -> None:
    reading, writing = pipe(ends)
    written = writing.write(bytes(1_000_000))
    await turns()
    reading.close()
    assert isinstance(await real_error(written), BrokenPipeError)


async def test_an_idle_writer_hears_of_the_end(ends: Ends) -> None:
    reading, writing = pipe(ends)
    called: list[int] = []
    writing.set_close_callback(lambda: called.append(1))
    reading.close()
    await until(lambda: called)
    assert isinstance(writing.error, BrokenPipeError)


async def test_an_idle_reader_hears_of_the_end(ends: Ends) -> None:
    reading, writing = pipe(ends)
    called: list[int] = []
    reading.set_close_callback(lambda: called.append(1))
    writing.close()
    await until(lambda: called)
    assert reading.error is None


async def test_the_wrong_end(ends: Ends) -> None:
    reading, writing = pipe(ends)
    assert isinstance(await real_error(writing.read_bytes(1)), BrokenPipeError)
    reading2, writing2 = pipe(ends)
    assert isinstance(await real_error(writing2.read_into(bytearray(1))), BrokenPipeError)
    assert not reading2.closed()
    assert isinstance(await real_error(reading.write(b"x")), OSError)


def test_no_descriptor() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        PipeIOStream(999_999)
