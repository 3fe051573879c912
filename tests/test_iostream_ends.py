"""Writing to streams, and their ends: what is told to whom, and in which order."""

from __future__ import annotations

import array
import asyncio
import gc
import logging
import socket
import sys
from functools import partial
from typing import Any

import pytest

from framework.ioloop import IOLoop
from framework.iostream import IOStream, StreamBufferFullError, StreamClosedError
from tests.streams import Ends, closed_port, ends, real_error, reset, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops

LARGE = 5_000_000


async def drain(sock: socket.socket, size: int) -> bytes:
    """Receive so many bytes from a non-blocking socket, and return the last piece."""
    piece = b""
    while size:
        try:
            piece = sock.recv(min(size, 1_000_000))
        except BlockingIOError:
            await asyncio.sleep(0)
            continue
        size -= len(piece)
    return piece


def note(numbers: list[int], number: int, future: object) -> None:
    """Add a number to a list."""
    numbers.append(number)


# -- writing


async def test_a_write_that_fits_is_done_at_once(ends: Ends) -> None:
    stream, other = ends.stream()
    for data in (b"abc", memoryview(b"def"), bytearray(b"ghi"), b"", memoryview(array.array("H", [1, 2]))):
        assert stream.write(data).done()
    assert not stream.writing()
    assert other.recv(100) == b"abcdefghi" + array.array("H", [1, 2]).tobytes()


async def test_only_bytes_can_be_written(ends: Ends) -> None:
    stream, _ = ends.stream()
    for wrong in ("text", 5, None, [1]):
        with pytest.raises(TypeError):
            stream.write(wrong)  # type: ignore[arg-type]


async def test_large_writes_are_done_in_their_order(ends: Ends) -> None:
    stream, other = ends.streams()
    done: list[int] = []
    futures = [stream.write(bytes([number]) * 1_000_000) for number in range(5)]
    futures.append(stream.write(b"end"))
    empty = stream.write(b"")
    for number, future in enumerate(futures):
        future.add_done_callback(partial(note, done, number))
    assert stream.writing()
    assert not any(future.done() for future in futures)
    received = await other.read_bytes(2_000_000)
    await until(lambda: len(done) > 1)
    received += await other.read_bytes(3_000_003)
    await asyncio.gather(*futures, empty)
    assert received == b"".join(bytes([number]) * 1_000_000 for number in range(5)) + b"end"
    assert done == list(range(6))
    assert not stream.writing()


async def test_many_small_writes_behind_a_large_one(ends: Ends) -> None:
    stream, other = ends.streams()
    large = stream.write(bytes(LARGE))
    futures = [stream.write(b"%d\n" % number) for number in range(20_000)]
    assert len(stream._output._pieces) < 10
    await other.read_bytes(LARGE)
    for number in range(20_000):
        assert await other.read_until(b"\n") == b"%d\n" % number
    await asyncio.gather(large, *futures)


async def test_what_is_not_sent_yet_is_not_copied(ends: Ends) -> None:
    stream, other = ends.stream()
    data = bytearray(b"x" * LARGE)
    future = stream.write(memoryview(data))
    data[-1] = ord("y")
    with pytest.raises(BufferError):
        data.append(0)
    assert (await drain(other, LARGE))[-1:] == b"y"
    await future
    data.append(0)


async def test_a_cancelled_write_is_sent_all_the_same(ends: Ends) -> None:
    stream, other = ends.stream()
    stream.write(bytes(LARGE)).cancel()
    await drain(other, LARGE)
    await until(lambda: not stream.writing())
    await stream.write(b"y")
    assert other.recv(10) == b"y"


async def test_more_than_may_wait_is_refused(ends: Ends) -> None:
    stream, other = ends.stream(max_write_buffer_size=1_000_000)
    with pytest.raises(StreamBufferFullError, match="Reached maximum write buffer size"):
        stream.write(bytes(1_000_001))
    with pytest.raises(StreamBufferFullError):
        for _ in range(10_000):
            stream.write(bytes(1000))
    assert not stream.closed()
    waiting = stream.write(b"")
    assert not waiting.done()
    other.close()
    assert isinstance(await real_error(waiting), OSError)


async def test_a_write_error_that_is_no_lost_connection_is_logged(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    stream = IOStream(ends.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
    error = await real_error(stream.write(b"x"))
    assert isinstance(error, OSError)
    assert caplog.messages[0].startswith("Write error on ")
    assert stream.error is error


# -- close


async def test_closing_fails_what_is_pending_reads_first(ends: Ends) -> None:
    stream, _ = ends.stream()
    events: list[str] = []
    stream.set_close_callback(lambda: events.append("closed"))
    write = stream.write(bytes(LARGE))
    write.add_done_callback(lambda _: events.append("write"))
    read = asyncio.ensure_future(stream.read_bytes(1))
    read.add_done_callback(lambda _: events.append("read"))
    stream.close()
    assert read.done()
    assert write.done()
    assert events == []
    await turns()
    assert events == ["read", "write", "closed"]
    assert await real_error(read) is None
    assert await real_error(write) is None
    assert stream.closed()
    assert not (stream.reading() or stream.writing())
    assert stream.socket is None
    assert stream.fileno() is None


async def test_a_closed_stream_refuses(ends: Ends) -> None:
    stream, _ = ends.stream()
    stream.close(exc_info=ValueError("why"))
    stream.close(exc_info=KeyError("later"))
    for act in (
        lambda: stream.write(b"x"),
        lambda: stream.write(b""),
        lambda: stream.read_bytes(1),
        lambda: stream.read_until(b"x"),
        lambda: stream.read_until_regex(b"x"),
        lambda: stream.read_into(bytearray(1)),
    ):
        with pytest.raises(StreamClosedError) as caught:
            act()
        assert isinstance(caught.value.real_error, ValueError)
    stream.set_nodelay(True)
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    await turns()
    assert called == []


@pytest.mark.parametrize("how", ["error", "true", "triple"])
async def test_why_it_was_closed(ends: Ends, how: str) -> None:
    stream, _ = ends.stream()
    future = stream.read_bytes(1)
    try:
        raise KeyError("reason")
    except KeyError as error:
        given: Any = {"error": error, "true": True, "triple": sys.exc_info()}[how]
        stream.close(exc_info=given)
    assert repr(stream.error) == "KeyError('reason')"
    assert await real_error(future) is stream.error


@pytest.mark.parametrize("nothing", [True, False, None, (None, None, None)])
async def test_no_reason_is_none(ends: Ends, nothing: Any) -> None:
    stream, _ = ends.stream()
    stream.close(exc_info=nothing)
    assert stream.error is None


async def test_failures_nobody_asks_for_are_not_complained_about(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    stream, _ = ends.stream()
    stream.read_bytes(1)
    stream.write(bytes(LARGE))
    stream.close()
    await turns()
    gc.collect()
    assert caplog.messages == []


# -- the other side ends it


async def test_the_end_is_noticed_by_who_waits_for_it(ends: Ends) -> None:
    stream, other = ends.stream()
    called: list[str] = []
    stream.set_close_callback(lambda: called.append("first"))
    stream.set_close_callback(lambda: called.append("second"))
    other.close()
    await until(lambda: called)
    assert called == ["second"]
    assert stream.closed()
    assert stream.error is None


async def test_the_end_is_not_noticed_by_who_does_not(ends: Ends) -> None:
    stream, other = ends.stream()
    other.send(b"request\n")
    assert await stream.read_until(b"\n") == b"request\n"
    # Half closed: there may still be an answer.
    other.shutdown(socket.SHUT_WR)
    await turns()
    assert not stream.closed()
    await stream.write(b"response")
    assert other.recv(100) == b"response"
    assert await real_error(stream.read_bytes(1)) is None


async def test_data_comes_before_the_end(ends: Ends) -> None:
    stream, other = ends.stream()
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    other.send(b"abcdef")
    other.close()
    await turns()
    assert not stream.closed()
    assert await stream.read_bytes(2) == b"ab"
    await turns()
    assert called == []
    assert await real_error(stream.read_bytes(5)) is None
    await turns()
    assert called == [1]
    # What did not suffice is still there.
    assert await stream.read_bytes(4) == b"cdef"


async def test_an_idle_stream_notices_the_end_when_all_is_read(ends: Ends) -> None:
    stream, other = ends.stream()
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    other.send(b"abc")
    other.close()
    await turns()
    assert await stream.read_bytes(3) == b"abc"
    await until(lambda: called)
    assert stream.closed()


async def test_a_reader_is_told_before_the_close_callback(ends: Ends) -> None:
    stream, other = ends.stream()
    events: list[object] = []
    stream.set_close_callback(lambda: events.append("closed"))

    async def read() -> None:
        try:
            while True:
                events.append(await stream.read_until(b"\n"))
        except StreamClosedError as error:
            events.append(error.real_error)

    task = asyncio.ensure_future(read())
    await turns()
    other.send(b"1\n2\n3")
    await turns()
    other.send(b"\n4")
    other.close()
    await task
    await turns()
    assert events == [b"1\n", b"2\n", b"3\n", None, "closed"]


async def test_what_a_close_callback_raises_is_logged(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    async def later() -> None:
        raise ValueError("in a coroutine")

    def at_once() -> None:
        raise ValueError("at once")

    for callback in (later, at_once):
        stream, _ = ends.stream()
        stream.set_close_callback(callback)
        stream.close()
    await until(lambda: len(caplog.messages) == 2)
    assert all("Exception in callback" in message for message in caplog.messages)


async def test_a_callback_set_after_the_end_is_called_by_the_next_close(ends: Ends) -> None:
    stream, _ = ends.stream()
    stream.close()
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    await turns()
    assert not called
    stream.close()
    stream.close()
    await until(lambda: called)
    await turns()
    assert called == [1]


async def test_an_error_of_the_program_s_own_fails_read_until_close(ends: Ends) -> None:
    stream, other = ends.stream()
    future = stream.read_until_close()
    other.send(b"some")
    await turns()
    reason = KeyError("the reason")
    stream.close(exc_info=reason)
    assert await real_error(future) is reason


async def test_a_callback_that_was_taken_back(ends: Ends) -> None:
    stream, other = ends.stream()
    stream.set_close_callback(lambda: pytest.fail("it was taken back"))
    stream.set_close_callback(None)
    other.close()
    await turns()
    assert await real_error(stream.read_bytes(1)) is None


# -- TCP


async def test_a_reset_while_reading(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    stream, other = await ends.connection()
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    other.send(b"abc")
    future = stream.read_bytes(10)
    await until(lambda: stream._buffer.size)
    reset(other)
    assert isinstance(await real_error(future), ConnectionResetError)
    assert isinstance(stream.error, ConnectionResetError)
    await turns()
    assert called == [1]
    assert await stream.read_bytes(3) == b"abc"
    assert caplog.messages == []


async def test_a_reset_of_an_idle_stream(ends: Ends) -> None:
    stream, other = await ends.connection()
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    reset(other)
    await until(lambda: called)
    with pytest.raises(StreamClosedError) as caught:
        stream.read_bytes(1)
    assert isinstance(caught.value.real_error, ConnectionResetError)


async def test_a_reset_ends_read_until_close(ends: Ends) -> None:
    stream, other = await ends.connection()
    future = stream.read_until_close()
    other.send(b"abc")
    await until(lambda: stream._buffer.size)
    reset(other)
    assert await future == b"abc"
    assert isinstance(stream.error, ConnectionResetError)


async def test_a_reset_before_anybody_reads(ends: Ends) -> None:
    stream, other = await ends.connection()
    reset(other)
    assert isinstance(await real_error(stream.read_bytes(1)), ConnectionResetError)


async def test_writing_to_one_who_has_gone(ends: Ends) -> None:
    stream, other = ends.stream()
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    other.close()
    assert isinstance(await real_error(stream.write(b"x")), BrokenPipeError)
    await turns()
    assert called == [1]


async def test_one_who_goes_while_being_written_to(ends: Ends) -> None:
    stream, other = ends.stream()
    future = stream.write(bytes(LARGE))
    await turns()
    other.close()
    assert isinstance(await real_error(future), OSError)
    assert stream.closed()


async def test_nodelay(ends: Ends) -> None:
    stream, _ = await ends.connection()
    for value in (True, False):
        stream.set_nodelay(value)
        assert bool(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is value
    local, _ = ends.stream()
    local.set_nodelay(True)


async def test_errors_of_a_socket(ends: Ends) -> None:
    stream, other = await ends.connection()
    assert stream.get_fd_error() is None
    reset(other)
    error = stream.get_fd_error()
    assert isinstance(error, OSError)
    assert "reset" in str(error)


# -- connect


async def test_reads_and_writes_wait_for_the_connection(ends: Ends) -> None:
    stream = ends.keep(IOStream(socket.socket()))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connected = stream.connect(listening.getsockname())
        written = stream.write(b"early")
        read = stream.read_bytes(2)
        assert stream.reading()
        assert stream.writing()
        assert await connected is stream
        accepted = ends.keep(listening.accept()[0])
    await written
    assert accepted.recv(10) == b"early"
    accepted.send(b"hi")
    assert await read == b"hi"


async def test_the_end_is_noticed_after_connecting(ends: Ends) -> None:
    stream = ends.keep(IOStream(socket.socket()))
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await stream.connect(listening.getsockname())
        listening.accept()[0].close()
    await until(lambda: called)


async def test_a_refused_connection(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    taken, address = closed_port()
    ends.keep(taken)
    stream = ends.keep(IOStream(socket.socket()))
    called: list[int] = []
    stream.set_close_callback(lambda: called.append(1))
    assert isinstance(await real_error(stream.connect(address)), ConnectionRefusedError)
    await turns()
    assert called == [1]
    assert isinstance(stream.error, ConnectionRefusedError)
    assert caplog.messages == []


async def test_a_connection_that_fails_at_once(ends: Ends) -> None:
    stream = ends.keep(IOStream(socket.socket(socket.AF_UNIX)))
    future = stream.connect("/nonexistent/socket")
    assert future.done()
    assert isinstance(await real_error(future), FileNotFoundError)
    other = ends.keep(IOStream(socket.socket()))
    with pytest.raises(TypeError):
        other.connect("nonsense")
    assert not other.closed()


async def test_closing_while_connecting(ends: Ends) -> None:
    stream = ends.keep(IOStream(socket.socket()))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        future = stream.connect(listening.getsockname())
        stream.close()
        assert await real_error(future) is None
        cancelled = ends.keep(IOStream(socket.socket()))
        cancelled.connect(listening.getsockname()).cancel()
        await until(lambda: not cancelled._connecting)
        assert not cancelled.closed()


async def test_reading_from_a_socket_that_is_not_connected(ends: Ends) -> None:
    stream = ends.keep(IOStream(socket.socket()))
    with pytest.raises(OSError, match="not connected"):
        stream.read_bytes(1)
    assert stream.closed()
    assert stream.error is not None


# -- what can't be seen from outside


async def test_a_socket_that_was_closed_under_the_stream(ends: Ends) -> None:
    stream, _ = ends.stream()
    future = stream.read_bytes(1)
    stream.socket.close()
    stream.close()
    assert await real_error(future) is None


async def test_no_reference_cycles(ends: Ends) -> None:
    first, second = ends.streams()
    await asyncio.gather(first.write(b"x\n" * 10), second.read_until(b"\n"))
    del first, second
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            a, b = socket.socketpair()
            client, server = IOStream(a), IOStream(b)
            server.set_close_callback(lambda: None)
            reading = asyncio.ensure_future(server.read_until(b"\n"))
            await client.write(b"hello\n")
            assert await reading == b"hello\n"
            client.close()
            await until(server.closed)
            server.close()
            del client, server, reading, a, b
        await turns()
        assert gc.collect() == 0
    finally:
        gc.enable()


async def test_a_descriptor_belongs_to_one_stream(ends: Ends) -> None:
    stream, _ = ends.stream()
    stream.read_bytes(1)
    with pytest.raises(ValueError, match="added twice"):
        IOStream(stream.socket).read_bytes(1)


def test_closing_the_loop_closes_descriptors_if_told_to(io_loop: IOLoop) -> None:
    first, second = socket.socketpair()

    async def make() -> None:
        IOStream(first).write(bytes(LARGE))
        IOStream(second).read_bytes(2 * LARGE)

    io_loop.run_sync(make)
    io_loop.close(all_fds=True)
    assert first.fileno() == second.fileno() == -1


def test_a_stream_may_outlive_its_loop() -> None:
    first, second = socket.socketpair()
    loop = asyncio.new_event_loop()
    streams: list[IOStream] = []

    async def make() -> None:
        streams.append(IOStream(first))
        streams[0].read_bytes(1)
        await streams[0].write(b"x")

    loop.run_until_complete(make())
    loop.close()
    streams[0].close()
    assert streams[0].closed()
    second.close()
