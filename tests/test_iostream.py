"""Reading from streams: each way to say what is wanted, its limits, and what is there already."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from typing import Any

import pytest

from framework.iostream import (
    BaseIOStream,
    IOStream,
    StreamBufferFullError,
    StreamClosedError,
    UnsatisfiableReadError,
)
from tests.streams import Ends, ends, real_error, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops


# -- read_until


async def test_read_until_takes_one_message_at_a_time(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"a\r\nbb\r\nc")
    assert await stream.read_until(b"\r\n") == b"a\r\n"
    assert await stream.read_until(b"\r\n") == b"bb\r\n"
    pending = stream.read_until(b"\r\n")
    other.send(b"\r")
    await turns()
    assert stream.reading()
    other.send(b"\n")
    assert await pending == b"c\r\n"
    assert not stream.reading()


async def test_what_is_there_is_answered_at_once(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"a\nb\n")
    first = asyncio.ensure_future(stream.read_until(b"\n"))
    assert first.done()
    assert asyncio.ensure_future(stream.read_until(b"\n")).result() == b"b\n"
    assert first.result() == b"a\n"


@pytest.mark.parametrize(("data", "answer"), [(b"abc\n", b"abc\n"), (b"abcd", None), (b"abc", None)])
async def test_max_bytes_counts_the_delimiter(ends: Ends, data: bytes, answer: bytes | None) -> None:
    stream, other = ends.stream()
    other.send(data)
    future = asyncio.ensure_future(stream.read_until(b"\n", max_bytes=4))
    await turns()
    assert not stream.closed()
    if answer is None:
        assert not future.done()
        future.cancel()
    else:
        assert future.result() == answer


@pytest.mark.parametrize("data", [b"abcd\n", b"abcde", b"abcdefgh\n"])
@pytest.mark.parametrize("later", [False, True])
async def test_more_than_max_bytes_closes_the_stream(
    ends: Ends, caplog: pytest.LogCaptureFixture, data: bytes, later: bool
) -> None:
    caplog.set_level(logging.INFO)
    stream, other = ends.stream()
    if later:
        future = stream.read_until(b"\n", max_bytes=4)
        other.send(data)
    else:
        other.send(data)
        future = stream.read_until(b"\n", max_bytes=4)
    message = "delimiter b'\\n' not found within 4 bytes"
    error = await real_error(future)
    assert isinstance(error, UnsatisfiableReadError)
    assert str(error) == message
    assert stream.error is error
    assert caplog.messages == [f"Unsatisfiable read, closing connection: {message}"]
    assert await stream.read_bytes(4) == b"abcd"


async def test_more_than_max_bytes_in_the_buffer(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"\nabcdef")
    await stream.read_until(b"\n")
    future = asyncio.ensure_future(stream.read_until(b"\n", max_bytes=3))
    assert future.done()
    assert isinstance(await real_error(future), UnsatisfiableReadError)
    assert stream.closed()


# -- read_until_regex


async def test_read_until_regex(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"ab12cd34")
    assert await stream.read_until_regex(rb"\d+") == b"ab12"
    # What was read before is no part of what is searched.
    assert await stream.read_until_regex(rb"^c") == b"c"
    assert await stream.read_until_regex(rb"(?=3)") == b"d"
    future = stream.read_until_regex(rb"\r?\n\r?\n")
    for piece in (b"x\r", b"\n", b"y\r\n\r", b"\n"):
        other.send(piece)
        await turns()
    assert await future == b"34x\r\ny\r\n\r\n"


async def test_read_until_regex_has_a_limit(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"xxabc")
    assert await stream.read_until_regex(b"abc", max_bytes=5) == b"xxabc"
    other.send(b"xxxabc")
    error = await real_error(stream.read_until_regex(b"abc", max_bytes=5))
    assert str(error) == "delimiter re.compile(b'abc') not found within 5 bytes"


async def test_patterns_that_are_none(ends: Ends) -> None:
    stream, _ = ends.stream()
    with pytest.raises(re.error):
        stream.read_until_regex(b"(")
    with pytest.raises(TypeError):
        stream.read_until_regex("text")  # type: ignore[arg-type]
    assert not stream.reading()


# -- read_bytes


async def test_read_bytes(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"0123456789")
    assert await stream.read_bytes(3) == b"012"
    assert await stream.read_bytes(0) == b""
    assert await stream.read_bytes(4, partial=True) == b"3456"
    assert await stream.read_bytes(100, partial=True) == b"789"
    future = stream.read_bytes(100, partial=True)
    await turns()
    other.send(b"z")
    assert await future == b"z"
    assert await stream.read_bytes(0, partial=True) == b""


async def test_read_bytes_wants_a_number(ends: Ends) -> None:
    stream, _ = ends.stream()
    for wrong in ("3", 1.5, None):
        with pytest.raises(TypeError):
            stream.read_bytes(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 or more"):
        stream.read_bytes(-1)


async def test_a_large_read_of_many_pieces(ends: Ends) -> None:
    stream, other = ends.streams()
    data = bytes(range(256)) * 20_000
    written = other.write(data)
    assert await stream.read_bytes(1_000_001) == data[:1_000_001]
    assert await stream.read_bytes(len(data) - 1_000_001) == data[1_000_001:]
    await written


async def test_pieces_are_as_large_as_a_chunk(ends: Ends) -> None:
    stream, other = ends.stream(read_chunk_size=4)
    other.send(b"0123456789")
    assert [await stream.read_bytes(100, partial=True) for _ in range(3)] == [b"0123", b"4567", b"89"]


# -- read_into


async def test_read_into(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"0123456789")
    target = bytearray(4)
    assert await stream.read_into(target) == 4
    assert target == b"0123"
    # It is the caller's again.
    target.append(0)
    assert await stream.read_into(bytearray(20), partial=True) == 6
    target = bytearray(20)
    future = stream.read_into(target)
    other.send(b"x" * 10)
    await turns()
    other.send(b"y" * 15)
    assert await future == 20
    assert target == b"x" * 10 + b"y" * 10
    assert await stream.read_bytes(5) == b"y" * 5
    assert await stream.read_into(bytearray(0)) == 0
    other.send(b"abc")
    view = memoryview(bytearray(3))
    assert await stream.read_into(view) == 3
    assert bytes(view) == b"abc"


async def test_read_into_may_be_larger_than_the_streams_buffer(ends: Ends) -> None:
    stream, other = ends.streams(max_buffer_size=1000)
    written = other.write(bytes(5_000_000))
    target = bytearray(5_000_000)
    assert await stream.read_into(target) == 5_000_000
    await written


async def test_read_into_gives_back_what_it_got_when_the_stream_ends(ends: Ends) -> None:
    stream, other = ends.stream()
    target = bytearray(10)
    future = stream.read_into(target)
    other.send(b"abc")
    await turns()
    other.close()
    assert await real_error(future) is None
    target.append(0)
    assert await stream.read_bytes(3) == b"abc"


async def test_read_into_of_a_closed_stream_takes_what_is_left(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"abc\ndef")
    await stream.read_until(b"\n")
    stream.close()
    with pytest.raises(StreamClosedError):
        stream.read_into(bytearray(4))
    assert await stream.read_into(bytearray(4), partial=True) == 3


# -- read_until_close


async def test_read_until_close(ends: Ends) -> None:
    stream, other = ends.stream()
    future = stream.read_until_close()
    other.send(b"abc")
    await turns()
    assert not asyncio.ensure_future(future).done()
    other.send(b"def")
    other.close()
    assert await future == b"abcdef"
    assert stream.closed()
    assert stream.error is None
    assert await stream.read_until_close() == b""


async def test_read_until_close_takes_what_was_left(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"xyz\nrest")
    await stream.read_until(b"\n")
    other.close()
    assert await stream.read_until_close() == b"rest"
    with pytest.raises(StreamClosedError):
        stream.read_bytes(1)


async def test_closing_ends_it_as_well(ends: Ends) -> None:
    stream, other = ends.stream()
    future = stream.read_until_close()
    other.send(b"qq")
    await turns()
    stream.close()
    assert await future == b"qq"


# -- one at a time, and cancellation


async def test_only_one_may_read(ends: Ends) -> None:
    stream, other = ends.stream()
    future = stream.read_bytes(1)
    for read in (
        lambda: stream.read_bytes(1),
        lambda: stream.read_until(b"x"),
        lambda: stream.read_until_regex(b"x"),
        lambda: stream.read_into(bytearray(1)),
        stream.read_until_close,
    ):
        with pytest.raises(AssertionError, match="Already reading"):
            read()
    other.send(b"z")
    assert await future == b"z"


async def test_the_next_read_may_begin_before_the_answer_was_looked_at(ends: Ends) -> None:
    stream, other = ends.stream()
    first = stream.read_bytes(1)
    other.send(b"ab")
    await until(lambda: not stream.reading())
    second = stream.read_bytes(1)
    assert (await first, await second) == (b"a", b"b")


async def test_a_cancelled_read_takes_nothing(ends: Ends) -> None:
    stream, other = ends.stream()
    cancelled = asyncio.ensure_future(stream.read_bytes(5))
    other.send(b"ab")
    await turns()
    cancelled.cancel()
    assert not stream.reading()
    await turns()
    other.send(b"c\n")
    await turns()
    assert await stream.read_until(b"\n") == b"abc\n"


async def test_a_cancelled_read_into_takes_nothing(ends: Ends) -> None:
    stream, other = ends.stream()
    target = bytearray(5)
    cancelled = asyncio.ensure_future(stream.read_into(target))
    other.send(b"ab")
    await turns()
    cancelled.cancel()
    await turns()
    target[:2] = b"??"
    target.append(0)
    other.send(b"c")
    assert await stream.read_bytes(3) == b"abc"


async def test_a_read_that_timed_out_may_be_followed_by_another(ends: Ends) -> None:
    stream, other = ends.stream()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await stream.read_until(b"\n")
    future = stream.read_until(b"\n")
    other.send(b"one\n")
    assert await future == b"one\n"


async def test_a_cancelled_read_does_not_keep_the_stream_open(ends: Ends) -> None:
    stream, other = ends.stream()
    closed: list[int] = []
    stream.set_close_callback(lambda: closed.append(1))
    asyncio.ensure_future(stream.read_bytes(5)).cancel()
    other.close()
    await until(lambda: closed)
    assert stream.closed()


# -- memory


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("read", ["read_until", "read_bytes", "read_until_close"])
async def test_more_than_the_buffer_holds(
    ends: Ends, caplog: pytest.LogCaptureFixture, read: str, later: bool
) -> None:
    stream, other = ends.stream(max_buffer_size=100)
    given: dict[str, list[Any]] = {"read_until": [b"\n"], "read_bytes": [200], "read_until_close": []}
    arguments = given[read]
    if later:
        future = getattr(stream, read)(*arguments)
        other.send(bytes(200))
        error = await real_error(future)
        full = "Reached maximum read buffer size"
        assert caplog.messages == [full, f"error on read: {full}"]
    else:
        other.send(bytes(200))
        with pytest.raises(StreamBufferFullError, match="Reached maximum read buffer size"):
            getattr(stream, read)(*arguments)
        error = stream.error
    assert isinstance(error, StreamBufferFullError)
    assert stream.closed()


async def test_no_answer_is_larger_than_the_buffer_may_be(ends: Ends) -> None:
    stream, other = ends.stream(max_buffer_size=100)
    other.send(bytes(200))
    with pytest.raises(StreamBufferFullError, match="Reached maximum read buffer size"):
        stream.read_bytes(101)
    assert stream.closed()


async def test_the_buffer_may_be_full_to_the_last_byte(ends: Ends) -> None:
    stream, other = ends.stream(max_buffer_size=100)
    other.send(b"x" * 99 + b"\n")
    assert len(await stream.read_until(b"\n")) == 100
    other.send(b"x" * 300)
    assert await stream.read_bytes(10) == b"x" * 10
    # What is behind an answer doesn't count against the next.
    for _ in range(2):
        assert await stream.read_bytes(100) == b"x" * 100
    future = stream.read_until_close()
    other.close()
    assert await future == b"x" * 90


@pytest.mark.parametrize("watched", [False, True])
async def test_nothing_is_read_that_nobody_asked_for(ends: Ends, watched: bool) -> None:
    stream, other = ends.stream(max_buffer_size=20_000, read_chunk_size=1000)
    if watched:
        stream.set_close_callback(lambda: None)
    other.send(b"\n")
    await stream.read_until(b"\n")
    sent = 0
    for _ in range(1000):
        try:
            sent += other.send(bytes(10_000))
        except BlockingIOError:
            break
        await turns(2)
    assert stream._buffer.size <= 1000
    assert len(await stream.read_bytes(10_000)) == 10_000
    while sent > 10_000:
        sent -= len(await stream.read_bytes(10_000, partial=True))


def test_settings() -> None:
    first, second = socket.socketpair()
    loop = asyncio.new_event_loop()

    async def look() -> None:
        stream = IOStream(first)
        assert (stream.max_buffer_size, stream.read_chunk_size) == (104857600, 65536)
        assert stream.max_write_buffer_size is None
        assert stream.error is None
        assert stream.socket is first
        assert stream.fileno() is first
        assert not first.getblocking()
        small = IOStream(second, max_buffer_size=10, read_chunk_size=1000, max_write_buffer_size=5)
        assert (small.max_buffer_size, small.read_chunk_size, small.max_write_buffer_size) == (10, 5, 5)
        assert IOStream(second, max_buffer_size=1).read_chunk_size == 1
        stream.close()
        small.close()

    loop.run_until_complete(look())
    loop.close()
    first.close()
    second.close()


# -- what streams are made of, by others


class Plain(BaseIOStream):
    """A stream that does by itself what `BaseIOStream` asks for."""

    def __init__(self, sock: socket.socket, **options: Any) -> None:
        self.sock = sock
        self.calls: list[str] = []
        super().__init__(**options)

    def fileno(self) -> int:
        """As the base says."""
        return self.sock.fileno()

    def close_fd(self) -> None:
        """As the base says."""
        self.calls.append("close_fd")
        self.sock.close()

    def write_to_fd(self, data: memoryview) -> int:
        """As the base says."""
        self.calls.append(f"write {len(data)}")
        return self.sock.send(data)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """As the base says."""
        try:
            return self.sock.recv_into(buf)
        except BlockingIOError:
            return None


async def test_a_stream_of_ones_own(ends: Ends) -> None:
    first, other = ends.sockets()
    stream = Plain(first, read_chunk_size=5)
    future = stream.read_until(b"\n")
    other.send(b"abc\ndefghij")
    assert await future == b"abc\n"
    await stream.write(b"hello")
    assert other.recv(10) == b"hello"
    target = bytearray(3)
    assert await stream.read_into(target) == 3
    other.close()
    assert await stream.read_until_close() == b"ghij"
    assert stream.calls == ["write 5", "close_fd"]
    assert stream.get_fd_error() is None
    stream.set_nodelay(True)


async def test_a_socket_stream_with_a_say_in_between(ends: Ends) -> None:
    class Counting(IOStream):
        read = written = 0

        def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
            count = super().read_from_fd(buf)
            self.read += count or 0
            return count

        def write_to_fd(self, data: memoryview) -> int:
            count = super().write_to_fd(data)
            self.written += count
            return count

    first, second = ends.sockets()
    counting, other = Counting(first), ends.keep(IOStream(second))
    ends.keep(counting)
    await other.write(b"abc\n")
    assert await counting.read_until(b"\n") == b"abc\n"
    await counting.write(b"de")
    assert (counting.read, counting.written) == (4, 2)


async def test_the_base_says_what_is_missing() -> None:
    stream = BaseIOStream()
    for name, arguments in (
        ("fileno", []),
        ("close_fd", []),
        ("write_to_fd", [memoryview(b"")]),
        ("read_from_fd", [bytearray(1)]),
    ):
        with pytest.raises(NotImplementedError, match=f"BaseIOStream does not define {name}"):
            getattr(stream, name)(*arguments)
