"""`iostream`: how streams end and who is told of it in which order; pipes."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any

from tests.differential.programs.run import Api
from tests.differential.programs.streams import closing_abruptly, pair, tcp_sockets, until


async def who_is_told_first(api: Api) -> None:
    async with pair(api) as (reader, _):
        reader.set_close_callback(lambda: api.say("close callback"))
        waiting = reader.read_bytes(1)
        waiting.add_done_callback(lambda _: api.say("read is done"))
        reader.close()
        api.say("closed", reader.closed(), waiting.done())
        await api.attempt("read", waiting)
        await api.rounds()


async def who_is_told_first_when_the_other_side_closes(api: Api) -> None:
    async with pair(api) as (reader, writer):
        reader.set_close_callback(lambda: api.say("close callback"))
        waiting = reader.read_bytes(1)
        waiting.add_done_callback(lambda _: api.say("read is done"))
        await api.rounds()
        writer.close()
        await api.attempt("read", waiting)
        await api.rounds()


async def a_close_callback_that_fails(api: Api) -> None:
    async with pair(api) as (reader, _):

        def fail() -> None:
            raise KeyError("in the close callback")

        reader.set_close_callback(fail)
        reader.close()
        await api.rounds()


async def a_close_callback_that_is_replaced(api: Api) -> None:
    async with pair(api) as (reader, _):
        reader.set_close_callback(lambda: api.say("first"))
        reader.set_close_callback(lambda: api.say("second"))
        reader.close()
        await api.rounds()
    async with pair(api) as (reader, _):
        reader.set_close_callback(lambda: api.say("first"))
        reader.set_close_callback(None)
        reader.close()
        await api.rounds()


async def a_close_callback_of_a_closed_stream(api: Api) -> None:
    async with pair(api) as (reader, _):
        reader.close()
        await api.rounds()
        reader.set_close_callback(lambda: api.say("late"))
        await api.rounds()


async def a_close_callback_that_is_a_coroutine(api: Api) -> None:
    async with pair(api) as (reader, _):

        @api.gen.coroutine  # type: ignore[untyped-decorator]
        def closed() -> Any:
            yield api.gen.moment
            api.say("closed")

        reader.set_close_callback(closed)
        reader.close()
        await api.rounds()


async def a_close_callback_with_pending_writes(api: Api) -> None:
    async with pair(api) as (writer, _):
        writer.set_close_callback(lambda: api.say("close callback"))
        future = writer.write(b"x" * 5_000_000)
        future.add_done_callback(lambda _: api.say("write is done"))
        writer.close()
        await api.attempt("write", future)
        await api.rounds()


async def an_idle_stream_s_other_side_closes(api: Api) -> None:
    async with pair(api) as (reader, writer):
        reader.set_close_callback(lambda: api.say("close callback", reader.closed(), reader.error))
        await asyncio.sleep(0.002)
        writer.close()
        await until(api, reader.closed)
        await api.rounds()
        await api.attempt("read", lambda: reader.read_bytes(1))


async def an_idle_stream_without_a_callback(api: Api) -> None:
    async with pair(api) as (reader, writer):
        writer.close()
        await asyncio.sleep(0.005)
        api.say(reader.closed())
        await api.attempt("read", lambda: reader.read_bytes(1))
        api.say(reader.closed())


async def an_idle_connection_that_is_reset(api: Api) -> None:
    mine, other = tcp_sockets()
    stream = api.iostream.IOStream(mine)
    stream.set_close_callback(lambda: api.say("close callback", type(stream.error).__name__))
    await asyncio.sleep(0.002)
    closing_abruptly(other)
    await until(api, stream.closed)
    await api.rounds()
    try:
        await stream.read_bytes(1)
    except Exception as error:
        api.say(type(error).__name__, type(getattr(error, "real_error", None)).__name__)


async def the_reasons_for_closing(api: Api) -> None:
    async with pair(api) as (reader, _):
        try:
            raise KeyError("handled")
        except KeyError:
            reader.close(exc_info=True)
        api.say(repr(reader.error))
    async with pair(api) as (reader, _):
        try:
            raise KeyError("triple")
        except KeyError:
            reader.close(exc_info=sys.exc_info())
        api.say(repr(reader.error))
    async with pair(api) as (reader, _):
        reader.close(exc_info=OSError(5, "own"))
        reader.close(exc_info=KeyError("second"))
        api.say(repr(reader.error))
    async with pair(api) as (reader, _):
        reader.close(exc_info=True)
        api.say(repr(reader.error))


async def the_reason_reaches_reads_and_writes(api: Api) -> None:
    async with pair(api) as (stream, _):
        read, written = stream.read_bytes(1), stream.write(b"x" * 5_000_000)
        stream.close(exc_info=KeyError("the reason"))
        for waiting in (read, written):
            try:
                await waiting
            except Exception as error:
                api.say(type(error).__name__, repr(getattr(error, "real_error", None)))
        for method, argument in ((stream.read_bytes, 1), (stream.write, b"x")):
            try:
                await method(argument)
            except Exception as error:
                api.say(type(error).__name__, repr(getattr(error, "real_error", None)))


async def what_was_received_can_be_read_after_closing(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"one\ntwo\nthree\nfour")
        await api.attempt("first", lambda: reader.read_until(b"\n"))
        reader.close()
        await api.attempt("second", lambda: reader.read_until(b"\n"))
        await api.attempt("bytes", lambda: reader.read_bytes(2))
        await api.attempt("pattern", lambda: reader.read_until_regex(b"e+"))
        buffer = bytearray(2)
        await api.attempt("into", lambda: reader.read_into(buffer))
        api.say(bytes(buffer))
        await api.attempt("too many", lambda: reader.read_bytes(100))


async def a_read_after_one_that_failed(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"one\ntwo")
        await api.attempt("first", lambda: reader.read_until(b"\n"))
        reader.close()
        await api.attempt("too many", lambda: reader.read_bytes(100))
        await api.attempt("enough", lambda: reader.read_bytes(3))


async def what_a_closed_stream_is(api: Api) -> None:
    async with pair(api) as (reader, _):
        reader.close()
        api.say(reader.closed(), reader.reading(), reader.writing(), reader.socket, reader.error)
        reader.set_nodelay(True)
        api.say(reader.close())


async def closing_in_the_middle_of_reading(api: Api) -> None:
    async with pair(api) as (reader, writer):

        async def read() -> None:
            await api.attempt("line", lambda: reader.read_until(b"\n"))
            reader.close()
            await api.attempt("next", lambda: reader.read_until(b"\n"))
            await api.attempt("last", lambda: reader.read_until(b"\n"))

        await writer.write(b"a\nb\n")
        await read()


async def a_socket_that_was_closed_behind_the_stream(api: Api) -> None:
    mine, other = socket.socketpair()
    with other:
        stream = api.iostream.IOStream(mine)
        mine.close()
        api.allowed("write", stream.write, b"x")
        api.say(stream.closed())


# Pipes


def _pipe(api: Api, **options: Any) -> tuple[Any, Any]:
    read, write = os.pipe()
    return api.iostream.PipeIOStream(read, **options), api.iostream.PipeIOStream(write)


async def reading_from_a_pipe(api: Api) -> None:
    reader, writer = _pipe(api)
    waiting = reader.read_bytes(100, partial=True)
    await writer.write(b"some")
    await api.attempt("partial", waiting)
    buffer = bytearray(4)
    waiting = reader.read_into(buffer)
    await writer.write(b"into")
    await api.attempt("into", waiting)
    api.say(bytes(buffer), reader.fileno() == reader.fd)
    reader.set_close_callback(lambda: api.say("closed"))
    writer.close()
    await api.attempt("end", lambda: reader.read_bytes(1))
    await api.rounds()
    api.say(reader.closed(), reader.error)


async def much_through_a_pipe(api: Api) -> None:
    reader, writer = _pipe(api)
    future = writer.write(b"x" * 1_000_000 + b"\n")
    api.say(future.done(), writer.writing())
    data = await reader.read_until(b"\n")
    await future
    api.say(len(data))
    reader.close()
    writer.close()


async def a_pipe_that_nobody_reads_any_more(api: Api) -> None:
    reader, writer = _pipe(api)
    writer.set_close_callback(lambda: api.say("closed"))
    reader.close()
    await api.attempt("write", lambda: writer.write(b"x"))
    await until(api, writer.closed)
    await api.rounds()
    api.say(type(writer.error).__name__)


async def the_limits_of_a_pipe(api: Api) -> None:
    reader, writer = _pipe(api, max_buffer_size=1000, read_chunk_size=100)
    await writer.write(b"x" * 1200)
    try:
        await reader.read_until(b"\n", max_bytes=500)
    except Exception as error:
        api.say(type(error).__name__, type(getattr(error, "real_error", None)).__name__)
    api.say(reader.closed())
    reader.close()
    writer.close()


async def a_pipe_with_pending_reads_closes(api: Api) -> None:
    reader, writer = _pipe(api)
    waiting = reader.read_until(b"\n")
    await writer.write(b"half")
    await api.rounds()
    reader.close()
    await api.attempt("read", waiting)
    writer.close()
