"""`iostream`: reading in every way, writing, closing, over a pair of sockets."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial

from tests.differential.programs.run import Api
from tests.differential.programs.streams import pair


async def reading_up_to_a_delimiter(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"first\nsecond\r\n\r\nrest")
        await api.attempt("line", lambda: reader.read_until(b"\n"))
        await api.attempt("blank line", lambda: reader.read_until(b"\r\n\r\n"))
        waiting = reader.read_until(b"!")
        await api.rounds()
        api.say(waiting.done())
        await writer.write(b" of it!more")
        await api.attempt("later", waiting)


async def reading_up_to_a_delimiter_in_pieces(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_until(b"\r\n")
        for piece in (b"ab", b"\r", b"c\r", b"\n", b"d"):
            await writer.write(piece)
            await asyncio.sleep(0.002)
        await api.attempt("pieces", waiting)


async def reading_a_number_of_bytes(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"0123456789")
        await api.attempt("three", lambda: reader.read_bytes(3))
        await api.attempt("none", lambda: reader.read_bytes(0))
        await api.attempt("partial", lambda: reader.read_bytes(100, partial=True))
        waiting = reader.read_bytes(4)
        await writer.write(b"ab")
        await api.rounds()
        api.say(waiting.done())
        await writer.write(b"cdef")
        await api.attempt("four", waiting)
        await api.attempt("rest", lambda: reader.read_bytes(5, True))


async def reading_by_a_pattern(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"key: value\nnumber 42;")
        await api.attempt("pattern", lambda: reader.read_until_regex(rb":\s*\w+\n"))
        await api.attempt("digits", lambda: reader.read_until_regex(b"[0-9]+;"))


async def reading_until_the_end(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_until_close()
        await writer.write(b"one ")
        await writer.write(b"two")
        writer.close()
        await api.attempt("all", waiting)
        api.say(reader.closed())
        await api.attempt("again", reader.read_until_close)
        await api.attempt("bytes", lambda: reader.read_bytes(1))


async def reading_into_a_buffer(api: Api) -> None:
    async with pair(api) as (reader, writer):
        buffer = bytearray(5)
        await writer.write(b"abcdefgh")
        await api.attempt("full", lambda: reader.read_into(buffer))
        api.say(bytes(buffer))
        await api.attempt("partial", lambda: reader.read_into(buffer, partial=True))
        api.say(bytes(buffer))
        waiting = reader.read_into(memoryview(buffer))
        for piece in (b"12", b"345", b"6"):
            await writer.write(piece)
        await api.attempt("pieces", waiting)
        api.say(bytes(buffer))
        await api.attempt("rest", lambda: reader.read_bytes(1))


async def two_reads_at_once(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_bytes(1)
        for label, read in (
            ("bytes", lambda: reader.read_bytes(1)),
            ("until", lambda: reader.read_until(b"x")),
            ("close", reader.read_until_close),
            ("into", lambda: reader.read_into(bytearray(1))),
        ):
            await api.attempt(label, read)
        await writer.write(b"a")
        await api.attempt("first", waiting)
        api.say(reader.reading())


async def limits_of_what_is_searched(api: Api) -> None:
    for text in (b"0123456789\n", b"01\n3456789", b"0123\n", b"01234\n"):
        async with pair(api) as (reader, writer):
            await writer.write(text)
            await api.attempt("until", partial(reader.read_until, b"\n", max_bytes=5))
            api.say(reader.closed(), type(reader.error).__name__)
        async with pair(api) as (reader, writer):
            await writer.write(text)
            await api.attempt("regex", partial(reader.read_until_regex, b"\n", max_bytes=5))
            api.say(reader.closed())


async def limits_in_pieces(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_until(b"\n", max_bytes=5)
        for piece in (b"012", b"345", b"6"):
            await api.attempt("write", partial(writer.write, piece))
            await asyncio.sleep(0.002)
        await api.attempt("until", waiting)


async def the_reading_buffer_s_size(api: Api) -> None:
    async with pair(api, max_buffer_size=1000, read_chunk_size=100) as (reader, writer):
        waiting = reader.read_until(b"\n")
        for _ in range(12):
            writer.write(b"x" * 100)
        await api.attempt("until", waiting)
        api.say(reader.closed(), type(reader.error).__name__)
    async with pair(api, max_buffer_size=1000) as (reader, writer):
        await api.attempt("bytes", lambda: reader.read_bytes(2000))


async def the_writing_buffer_s_size(api: Api) -> None:
    async with pair(api, max_write_buffer_size=100_000) as (writer, _):
        writer.write(b"x" * 100_000)
        await api.attempt("too much", lambda: writer.write(b"x" * 10_000_000))
        api.say(writer.closed())


async def writing(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await api.attempt("write", lambda: writer.write(b"abc"))
        await api.attempt("view", lambda: writer.write(memoryview(b"def")))
        await api.attempt("array", lambda: writer.write(bytearray(b"ghi")))
        await api.attempt("nothing", lambda: writer.write(b""))
        api.kind("text", writer.write, "jkl")
        await api.attempt("read", lambda: reader.read_bytes(9))


async def writing_much_while_reading_slowly(api: Api) -> None:
    async with pair(api) as (reader, writer):
        size = 3_000_000
        written = writer.write(b"a" * size + b"\n")
        await api.rounds()
        api.say(written.done(), writer.writing())
        data = await reader.read_until(b"\n")
        await written
        api.say(len(data), writer.writing())


async def writing_and_closing_at_once(api: Api) -> None:
    async with pair(api) as (reader, writer):
        written = writer.write(b"last words")
        writer.close()
        await api.attempt("written", written)
        await api.attempt("read", reader.read_until_close)


async def writing_to_a_closed_stream(api: Api) -> None:
    async with pair(api) as (_, writer):
        writer.close()
        await api.attempt("write", lambda: writer.write(b"x"))
        await api.attempt("read", lambda: writer.read_bytes(1))
        await api.attempt("empty", lambda: writer.write(b""))
        api.say(writer.closed())
        writer.close()


async def the_other_side_closes(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_until(b"\n")
        await writer.write(b"no end")
        writer.close()
        await api.attempt("until", waiting)
        api.say(reader.closed(), reader.error)


async def what_has_come_before_the_end_can_be_read(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"one\ntwo\nrest")
        writer.close()
        await api.attempt("first", lambda: reader.read_until(b"\n"))
        await api.attempt("second", lambda: reader.read_until(b"\n"))
        await api.attempt("third", lambda: reader.read_until(b"\n"))


async def the_close_callback(api: Api) -> None:
    async with pair(api) as (reader, writer):
        reader.set_close_callback(lambda: api.say("reader closed"))
        writer.set_close_callback(lambda: api.say("writer closed"))
        writer.close()
        api.say("close was called")
        await api.rounds()
        waiting = reader.read_bytes(1)
        await api.attempt("read", waiting)
        await api.rounds()
        reader.set_close_callback(lambda: api.say("late"))
        await api.rounds()


async def the_close_callback_without_a_read(api: Api) -> None:
    async with pair(api) as (reader, writer):
        closed = api.locks.Event()
        reader.set_close_callback(closed.set)
        writer.close()
        await api.attempt("noticed", lambda: closed.wait(api.soon(0.5)))


async def the_close_callback_while_something_is_buffered(api: Api) -> None:
    async with pair(api) as (reader, writer):
        reader.set_close_callback(lambda: api.say("closed"))
        await writer.write(b"one\ntwo\n")
        writer.close()
        await api.attempt("first", lambda: reader.read_until(b"\n"))
        await asyncio.sleep(0.01)
        await api.attempt("second", lambda: reader.read_until(b"\n"))
        await asyncio.sleep(0.01)


async def closing_with_an_error(api: Api) -> None:
    async with pair(api) as (reader, _):
        waiting = reader.read_bytes(1)
        reader.close(exc_info=KeyError("the reason"))
        try:
            await waiting
        except Exception as error:
            api.say(type(error).__name__, str(error), repr(error.real_error))  # type: ignore[attr-defined]
        api.say(repr(reader.error))


async def a_connection_that_is_reset(api: Api) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    with listening:
        stream = api.iostream.IOStream(socket.socket())
        await stream.connect(listening.getsockname())
        accepted, _ = listening.accept()
        waiting = stream.read_bytes(1)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        accepted.close()
        await api.attempt("read", waiting)
        api.say(type(stream.error).__name__)
        stream.close()


async def connecting(api: Api) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    with listening:
        stream = api.iostream.IOStream(socket.socket())
        connected = stream.connect(address)
        early = stream.write(b"early")
        api.say((await connected) is stream)
        await early
        accepted, _ = listening.accept()
        with accepted:
            api.say(accepted.recv(10))
        stream.close()
    refused = api.iostream.IOStream(socket.socket())
    try:
        await refused.connect(address)
    except Exception as error:
        api.say(type(error).__name__, type(error.real_error).__name__)  # type: ignore[attr-defined]
    api.say(refused.closed(), type(refused.error).__name__)


async def pipes(api: Api) -> None:
    read, write = os.pipe()
    reader, writer = api.iostream.PipeIOStream(read), api.iostream.PipeIOStream(write)
    waiting = reader.read_until(b"\n")
    await writer.write(b"through the pipe\nrest")
    await api.attempt("line", waiting)
    writer.close()
    await api.attempt("rest", reader.read_until_close)
    reader.close()


async def errors(api: Api) -> None:
    module = api.iostream
    api.say(module.StreamClosedError.__mro__[1:-2], module.UnsatisfiableReadError.__mro__[1:-2])
    api.say(module.StreamBufferFullError.__mro__[1:-2])
    api.say(str(module.StreamClosedError()), module.StreamClosedError().real_error)
    api.say(repr(module.StreamClosedError(real_error=KeyError(1)).real_error))


async def arguments_that_make_no_sense(api: Api) -> None:
    for name, argument in (("read_bytes", "x"), ("read_until_regex", b"("), ("write", 5)):
        async with pair(api) as (reader, _):
            api.allowed(name, getattr(reader, name), argument)


async def a_read_in_time_and_one_that_is_late(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_until(b"\n")
        await api.attempt("late", api.gen.with_timeout(api.soon(), waiting))
        await writer.write(b"line\n")
        await api.attempt("still", waiting)


async def no_delay(api: Api) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    with listening:
        stream = api.iostream.IOStream(socket.socket())
        await stream.connect(listening.getsockname())
        stream.set_nodelay(True)
        api.say(bool(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        stream.close()
        api.say(stream.socket)
