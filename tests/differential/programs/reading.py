"""`iostream`: the ways of reading at their edges, their limits, and what becomes of a read that fails."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any

from tests.differential.programs.run import Api
from tests.differential.programs.streams import closing_abruptly, pair, tcp_sockets, until


async def partial_reads(api: Api) -> None:
    async with pair(api, read_chunk_size=4) as (reader, writer):
        waiting = reader.read_bytes(100, partial=True)
        await writer.write(b"abc")
        await api.attempt("what came", waiting)
        await writer.write(b"0123456789")
        await api.attempt("a chunk", lambda: reader.read_bytes(100, partial=True))
        await api.attempt("less than a chunk", lambda: reader.read_bytes(3, partial=True))
        await api.attempt("exactly", lambda: reader.read_bytes(3))
        waiting = reader.read_bytes(1, partial=True)
        await api.rounds()
        api.say(waiting.done())
        await writer.write(b"z")
        await api.attempt("one", waiting)


async def a_partial_read_at_the_end(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"rest")
        writer.close()
        await api.attempt("more than there is", lambda: reader.read_bytes(10))
        await api.attempt("partial", lambda: reader.read_bytes(10, partial=True))
        await api.attempt("again", lambda: reader.read_bytes(10, partial=True))


async def no_bytes_at_all(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await api.attempt("zero", lambda: reader.read_bytes(0))
        await api.attempt("zero, partial", lambda: reader.read_bytes(0, partial=True))
        await api.attempt("empty buffer", lambda: reader.read_into(bytearray()))
        await writer.write(b"x")
        await api.attempt("one", lambda: reader.read_bytes(1))
        reader.close()
        await api.attempt("none of a closed one", lambda: reader.read_bytes(0))


async def numbers_that_are_none(api: Api) -> None:
    for number in ("1", 1.0, None):
        async with pair(api) as (reader, _):
            api.allowed("read_bytes", reader.read_bytes, number)


async def a_limit_for_the_delimiter(api: Api) -> None:
    for limit in (0, 1, 4, 5, 6, 7):
        async with pair(api) as (reader, writer):
            await writer.write(b"abcd\r\nrest")
            await api.attempt(str(limit), partial(reader.read_until, b"\r\n", max_bytes=limit))
            api.say(reader.closed(), type(reader.error).__name__)


async def a_limit_for_the_pattern(api: Api) -> None:
    for limit in (0, 1, 4, 5, 6, 7):
        async with pair(api) as (reader, writer):
            await writer.write(b"abcd\r\nrest")
            await api.attempt(str(limit), partial(reader.read_until_regex, b"\r?\n", max_bytes=limit))
            api.say(reader.closed(), type(reader.error).__name__)


async def a_limit_that_is_passed_later(api: Api) -> None:
    for pieces in ((b"01", b"23", b"45"), (b"0123", b"\n"), (b"0123", b"4\n"), (b"0123", b"4", b"\n")):
        for name, what in (("read_until", b"\n"), ("read_until_regex", b"\n")):
            async with pair(api) as (reader, writer):
                reader.set_close_callback(lambda: api.say("closed"))
                waiting = getattr(reader, name)(what, max_bytes=5)
                for piece in pieces:
                    await writer.write(piece)
                    await asyncio.sleep(0.002)
                    if reader.closed():
                        break
                await api.attempt(name, waiting)
                try:
                    waiting.result()
                except Exception as error:
                    api.say(type(getattr(error, "real_error", None)).__name__)
                await api.rounds()


async def what_is_left_after_a_limit(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"0123456789")
        await api.attempt("until", lambda: reader.read_until(b"\n", max_bytes=5))
        await api.attempt("bytes", lambda: reader.read_bytes(3))
        await api.attempt("close", reader.read_until_close)


async def an_odd_delimiter(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"aXaYaXY")
        await api.attempt("overlapping", lambda: reader.read_until(b"aXY"))
        api.allowed("text", reader.read_until, "x")


async def a_delimiter_over_many_pieces(api: Api) -> None:
    async with pair(api, read_chunk_size=2) as (reader, writer):
        waiting = reader.read_until(b"--end--")
        for piece in (b"ab-", b"-e", b"nd-", b"x--en", b"d--", b"tail"):
            await writer.write(piece)
            await asyncio.sleep(0.001)
        await api.attempt("until", waiting)
        await api.attempt("tail", lambda: reader.read_bytes(4))


async def patterns(api: Api) -> None:
    for pattern in (
        rb"^b",
        rb"\bc",
        rb"a(?=b)",
        rb"(?<=a)b",
        rb"c$",
        rb"",
        rb"x*",
        rb"(?i)B",
        rb"(?s)a.",
        rb"[^a]",
    ):
        async with pair(api) as (reader, writer):
            await writer.write(b"abc")
            waiting = reader.read_until_regex(pattern)
            await api.rounds()
            api.say(pattern, waiting.result() if waiting.done() else "waits")
            writer.close()
            await api.attempt("end", waiting)


async def a_pattern_where_another_read_ended(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"ab1 ab2 ")
        await api.attempt("bytes", lambda: reader.read_bytes(1))
        await api.attempt("start", lambda: reader.read_until_regex(rb"^b"))
        await api.attempt("word", lambda: reader.read_until_regex(rb"\b\w+ "))
        await api.attempt("greedy", lambda: reader.read_until_regex(rb".*[0-9]"))


async def a_pattern_in_pieces(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_until_regex(rb"\r?\n\r?\n")
        for piece in (b"a\r", b"\n", b"b\n", b"\r", b"\ntail"):
            await writer.write(piece)
            await asyncio.sleep(0.002)
        await api.attempt("pattern", waiting)
        await api.attempt("tail", lambda: reader.read_bytes(4))


async def a_pattern_that_is_none(api: Api) -> None:
    async with pair(api) as (reader, _):
        api.kind("syntax", reader.read_until_regex, b"(")
        api.say(reader.reading())
        api.kind("text", reader.read_until_regex, None)
        api.say(reader.reading())


async def a_buffer_that_can_t_be_filled(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"abc")
        for buffer in (b"read only", "text", 5):
            api.allowed("into", reader.read_into, buffer)


async def into_a_part_of_a_buffer(api: Api) -> None:
    async with pair(api) as (reader, writer):
        buffer = bytearray(b"........")
        waiting = reader.read_into(memoryview(buffer)[2:6])
        await writer.write(b"abcdef")
        await api.attempt("part", waiting)
        api.say(bytes(buffer))
        await api.attempt("rest", lambda: reader.read_bytes(2))


async def into_a_buffer_at_the_end(api: Api) -> None:
    async with pair(api) as (reader, writer):
        buffer = bytearray(8)
        waiting = reader.read_into(buffer)
        await writer.write(b"abc")
        writer.close()
        await api.attempt("into", waiting)
        api.say(reader.closed())


async def into_a_large_buffer(api: Api) -> None:
    async with pair(api, max_buffer_size=1000, read_chunk_size=100) as (reader, writer):
        buffer = bytearray(50_000)
        waiting = reader.read_into(buffer)
        await writer.write(b"x" * 50_000)
        await api.attempt("into", waiting)
        api.say(buffer.count(b"x"))


async def everything_of_a_closed_stream(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"one\ntwo\nthree")
        await api.attempt("line", lambda: reader.read_until(b"\n"))
        reader.close()
        await api.attempt("all", reader.read_until_close)
        await api.attempt("again", reader.read_until_close)


async def everything_and_then_an_error(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"some")
        waiting = reader.read_until_close()
        await asyncio.sleep(0.005)
        reader.close(exc_info=KeyError("the reason"))
        await api.attempt("all", waiting)
        api.say(repr(reader.error))


async def everything_of_a_connection_that_is_reset(api: Api) -> None:
    mine, other = tcp_sockets()
    stream = api.iostream.IOStream(mine)
    waiting = stream.read_until_close()
    other.sendall(b"some")
    await asyncio.sleep(0.01)
    closing_abruptly(other)
    await api.attempt("all", waiting)
    api.say(stream.closed(), type(stream.error).__name__)
    stream.close()


async def more_than_the_buffer_may_hold(api: Api) -> None:
    for size in (999, 1000, 1001, 1500):
        async with pair(api, max_buffer_size=1000, read_chunk_size=100) as (reader, writer):
            waiting = reader.read_until_close()
            writer.write(b"x" * size)
            await api.rounds()
            writer.close()
            try:
                api.say(size, len(await waiting))
            except Exception as error:
                api.say(size, type(error).__name__, type(getattr(error, "real_error", None)).__name__)
            api.say(reader.closed(), type(reader.error).__name__)


async def as_many_bytes_as_the_buffer_may_hold(api: Api) -> None:
    for size in (999, 1000, 1001):
        async with pair(api, max_buffer_size=1000, read_chunk_size=100) as (reader, writer):
            writer.write(b"x" * 1200)
            try:
                api.say(size, len(await reader.read_bytes(size)))
            except Exception as error:
                api.say(size, type(error).__name__, type(getattr(error, "real_error", None)).__name__)
            api.say(reader.closed())


async def sizes_of_a_stream(api: Api) -> None:
    for options in (
        {},
        {"max_buffer_size": 1000},
        {"read_chunk_size": 5},
        {"max_buffer_size": 1000, "read_chunk_size": 600},
        {"max_write_buffer_size": 7},
    ):
        async with pair(api, **options) as (reader, _):
            api.say(reader.max_buffer_size, reader.read_chunk_size, reader.max_write_buffer_size)


async def a_fresh_stream(api: Api) -> None:
    async with pair(api) as (reader, _):
        api.say(reader.reading(), reader.writing(), reader.closed(), reader.error)
        api.say(reader.fileno() is reader.socket, reader.socket.gettimeout())
        api.say(reader.io_loop is api.ioloop.IOLoop.current())


async def what_is_wrong_with_a_stream_that_is_fine(api: Api) -> None:
    async with pair(api) as (reader, _):
        api.say(reader.get_fd_error())


async def whether_a_stream_reads(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_bytes(2)
        api.say(reader.reading())
        await writer.write(b"a")
        await api.rounds()
        api.say(reader.reading())
        await writer.write(b"b")
        await waiting
        api.say(reader.reading())
        await writer.write(b"c")
        await reader.read_bytes(1)
        api.say(reader.reading())


async def a_read_that_was_cancelled(api: Api) -> None:
    async with pair(api) as (reader, writer):
        waiting = reader.read_until(b"\n")
        await writer.write(b"ab")
        await api.rounds()
        waiting.cancel()
        await api.rounds()
        await writer.write(b"cd\n")
        await api.rounds()
        await api.attempt("another", lambda: reader.read_until(b"\n"))


async def reads_of_both_sides_at_once(api: Api) -> None:
    async with pair(api) as (first, second):

        async def talk(name: str, stream: Any) -> None:
            for number in range(3):
                await stream.write(f"{name}{number}\n".encode())
                api.say(name, await stream.read_until(b"\n"))

        await api.gen.multi([talk("first", first), talk("second", second)])


async def reads_in_a_generator(api: Api) -> None:
    async with pair(api) as (reader, writer):

        @api.gen.coroutine  # type: ignore[untyped-decorator]
        def lines() -> Any:
            yield writer.write(b"a\nb\n")
            found = yield [reader.read_until(b"\n")]
            found.append((yield reader.read_until(b"\n")))
            return found

        await api.attempt("lines", lines)


async def when_a_read_is_done(api: Api) -> None:
    async with pair(api) as (reader, writer):
        await writer.write(b"one\ntwo\n")
        first = reader.read_until(b"\n")
        api.say("at once", first.done())
        await first
        second = reader.read_until(b"\n")
        api.say("of the buffer", second.done())
        api.say(await second)


async def the_order_of_a_read_and_what_was_scheduled(api: Api) -> None:
    loop = asyncio.get_running_loop()
    async with pair(api) as (reader, writer):
        await writer.write(b"x\n")
        waiting = reader.read_until(b"\n")
        waiting.add_done_callback(lambda future: api.say("done callback"))
        loop.call_soon(api.say, "callback of the loop")
        api.say("read", await waiting)
        await api.rounds()


async def the_other_side_has_nothing_more_to_say(api: Api) -> None:
    mine, other = socket.socketpair()
    with other:
        stream = api.iostream.IOStream(mine)
        other.sendall(b"bye")
        other.shutdown(socket.SHUT_WR)
        await api.attempt("all", stream.read_until_close)
        api.say(stream.closed())
        await api.attempt("write", lambda: stream.write(b"x"))


async def nothing_is_received_before_a_read(api: Api) -> None:
    mine, other = socket.socketpair()
    with other:
        stream = api.iostream.IOStream(mine)
        other.sendall(b"abc")
        await asyncio.sleep(0.005)
        other.close()
        await api.attempt("bytes", lambda: stream.read_bytes(3))
        await until(api, lambda: True)
        await api.attempt("end", lambda: stream.read_bytes(1))
        api.say(stream.closed(), stream.error)
