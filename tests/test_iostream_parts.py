"""What streams are made of: the buffer, what reads wait for, the queue of writes. Without I/O."""

from __future__ import annotations

import asyncio
import re
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.iostream._buffer import ReadBuffer
from framework.iostream._reads import NOT_YET, IntoBuffer, Read, UntilDelimiter, UntilRegex, _longest_match
from framework.iostream._writes import WriteQueue
from framework.iostream.errors import StreamClosedError, UnsatisfiableReadError, error_of, is_lost

PIECES = st.lists(
    st.one_of(st.binary(min_size=1, max_size=5), st.binary(min_size=1000, max_size=1100)), max_size=12
)


@given(PIECES, st.lists(st.integers(0, 1500), max_size=12), st.randoms(use_true_random=False))
def test_the_buffer_gives_what_it_got(pieces: list[bytes], sizes: list[int], chance: Random) -> None:
    buffer = ReadBuffer()
    expected = b""
    waiting = list(pieces)
    for size in sizes:
        while waiting and chance.random() < 0.5:
            piece = waiting.pop(0)
            buffer.append(piece)
            expected += piece
        if chance.random() < 0.5:
            whole, start = buffer.whole()
            assert bytes(whole[start:]) == expected
        size = min(size, buffer.size)
        taken = buffer.take(size)
        assert isinstance(taken, bytes)
        assert taken == expected[:size]
        expected = expected[size:]
        if chance.random() < 0.5:
            buffer.prepend(taken)
            expected = taken + expected
        assert buffer.size == len(expected)
    assert buffer.take(buffer.size) == expected


def test_a_message_that_came_alone_is_not_copied() -> None:
    buffer = ReadBuffer()
    message = b"x" * 5000
    buffer.append(message)
    assert buffer.take(5000) is message


def test_single_bytes_do_not_cost_an_object_each() -> None:
    buffer = ReadBuffer()
    for _ in range(10_000):
        buffer.append(b"x")
    assert len(buffer._more) == 1
    assert buffer.take(10_000) == b"x" * 10_000


def answers(read: Read, pieces: list[bytes]) -> tuple[int, int]:
    """After which piece a read is answered, and with how many bytes."""
    buffer = ReadBuffer()
    buffer.append(b"before")
    buffer.take(6)
    for number, piece in enumerate(pieces):
        buffer.append(piece)
        size = read.find(buffer)
        if size != NOT_YET:
            return number, size
    return len(pieces), NOT_YET


@given(st.lists(st.binary(min_size=1, max_size=3).map(lambda b: bytes(x % 3 for x in b)), max_size=20))
def test_a_delimiter_is_found_across_pieces(pieces: list[bytes]) -> None:
    delimiter = b"\0\1\0"
    number, size = answers(UntilDelimiter(delimiter, None), pieces)
    together = b"".join(pieces[: number + 1])
    if size == NOT_YET:
        assert delimiter not in together
    else:
        assert together.index(delimiter) + 3 == size
        assert delimiter not in b"".join(pieces[:number])


@pytest.mark.parametrize(
    "pattern",
    [
        rb"\x00\x01?\x02",
        rb"\x01{2,3}\b",
        rb"(\x00|\x01\x02)\1",
        rb"\x00+\x01",
        rb"\x02(?=\x00)",
        rb"(?<=\x00\x01)\x02",
    ],
)
@given(pieces=st.lists(st.binary(min_size=1, max_size=3).map(lambda b: bytes(x % 3 for x in b)), max_size=20))
def test_a_pattern_is_found_as_if_all_were_searched(pattern: bytes, pieces: list[bytes]) -> None:
    number, size = answers(UntilRegex(pattern, None), pieces)
    for count in range(1, number + 1):
        assert re.search(pattern, b"".join(pieces[:count])) is None
    if size != NOT_YET:
        match = re.search(pattern, b"".join(pieces[: number + 1]))
        assert match is not None
        assert match.end() == size


def test_how_long_a_match_can_be() -> None:
    assert _longest_match(rb"\r?\n\r?\n") == 4
    assert _longest_match(rb"a{2,5}|xyz") == 5
    for unknown in (rb"a+", rb"a{2,5000}", rb"a(?=b)", rb"a(?!b)", rb"(?<=a)b", rb"(?<!a)b"):
        assert _longest_match(unknown) is None


@pytest.mark.parametrize("read", [UntilDelimiter(b"\r\n\r\n", None), UntilRegex(rb"\r?\n\r?\n", None)])
def test_searching_goes_on_where_it_stopped(read: UntilDelimiter | UntilRegex) -> None:
    buffer = ReadBuffer()
    piece = b"x" * 100
    started = time.thread_time()
    for _ in range(20_000):
        buffer.append(piece)
        assert read.find(buffer) == NOT_YET
    # Searching all of it each time would be 20,000,000,000 bytes, and so as many nanoseconds at the very least.
    assert time.thread_time() - started < 10
    assert read.searched > 1_999_900


def test_limits() -> None:
    for read in (UntilDelimiter(b"ab", 5), UntilRegex(b"ab", 5)):
        assert answers(read, [b"xxx", b"ab"]) == (1, 5)
    for read in (UntilDelimiter(b"ab", 5), UntilRegex(b"ab", 5)):
        with pytest.raises(UnsatisfiableReadError, match="not found within 5 bytes"):
            answers(read, [b"xxx", b"xab"])
    with pytest.raises(UnsatisfiableReadError):
        answers(UntilDelimiter(b"long delimiter", 5), [b"x" * 6])


def test_a_read_into_that_is_not_answered_gives_back() -> None:
    buffer = ReadBuffer()
    target = bytearray(5)
    read = IntoBuffer(target, False)
    buffer.append(b"abc")
    assert read.find(buffer) == NOT_YET
    assert buffer.size == 0
    read.give_back(buffer)
    target.append(0)
    assert buffer.take(3) == b"abc"


async def test_writes_are_done_when_all_before_them_is_sent() -> None:
    queue = WriteQueue()
    loop = asyncio.get_running_loop()
    futures = []
    for piece in (b"a" * 10, b"b" * 5000, memoryview(b"c" * 5000), b"d", b"e"):
        queue.append(piece)
        future = loop.create_future()
        queue.wait(future)
        futures.append(future)
    assert queue.size == 10_012
    with queue.first() as piece:
        assert bytes(piece) == b"a" * 10
    queue.sent(4)
    with queue.first() as piece:
        assert len(piece) == 6
    queue.sent(6)
    assert [future.done() for future in futures] == [True, False, False, False, False]
    queue.sent(5000)
    futures[2].cancel()
    queue.sent(5000)
    with queue.first() as piece:
        assert bytes(piece) == b"de"
    queue.sent(1)
    assert [future.done() for future in futures] == [True, True, True, True, False]
    queue.fail(StreamClosedError())
    assert isinstance(futures[4].exception(), StreamClosedError)
    assert queue.size == 0


def test_errors() -> None:
    reason = ValueError("reason")
    assert StreamClosedError(reason).real_error is reason
    assert StreamClosedError().real_error is None
    assert str(StreamClosedError(real_error=reason)) == "Stream is closed"
    assert is_lost(ConnectionResetError(104, ""))
    assert not is_lost(OSError("something"))
    assert not is_lost(reason)
    assert error_of(reason) is reason
    assert error_of((ValueError, reason, None)) is reason
    assert error_of(True) is None
    assert error_of(False) is None
