"""`iostream`: writes, their futures and limits; connecting."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from typing import Any

from tests.differential.programs.run import Api
from tests.differential.programs.streams import closing_abruptly, pair, tcp_sockets, until

MUCH = 5_000_000


async def the_order_of_writes_futures(api: Api) -> None:
    async with pair(api) as (writer, reader):
        futures = [writer.write(b"x" * MUCH), writer.write(b"y"), writer.write(b""), writer.write(b"z")]
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, number=number: api.say("written", number))
        api.say([future.done() for future in futures])
        data = await reader.read_bytes(MUCH + 2)
        api.say(data[-3:])
        await futures[-1]
        await api.rounds()


async def what_a_write_s_future_is(api: Api) -> None:
    async with pair(api) as (writer, reader):
        future = writer.write(b"abc")
        api.say(asyncio.isfuture(future), await future)
        future = writer.write(b"x" * MUCH)
        api.say(asyncio.isfuture(future), future.done())
        await reader.read_bytes(MUCH + 3)
        api.say(await future)


async def a_write_s_future_that_is_cancelled(api: Api) -> None:
    async with pair(api) as (writer, reader):
        future = writer.write(b"x" * MUCH)
        future.cancel()
        more = writer.write(b"end")
        data = await reader.read_bytes(MUCH + 3)
        api.say(len(data), data[-4:])
        await more
        api.say(writer.closed())


async def pending_writes_of_a_stream_that_closes(api: Api) -> None:
    async with pair(api) as (writer, _):
        first, second = writer.write(b"x" * MUCH), writer.write(b"y")
        writer.set_close_callback(lambda: api.say("closed"))
        writer.close()
        api.say(first.done(), second.done())
        await api.attempt("first", first)
        await api.attempt("second", second)
        await api.rounds()
        api.say(writer.writing())


async def pending_writes_of_a_stream_that_nobody_waits_for(api: Api) -> None:
    async with pair(api) as (writer, _):
        writer.write(b"x" * MUCH)
        writer.close()
    await api.rounds()


async def the_other_side_closes_while_much_is_written(api: Api) -> None:
    async with pair(api) as (writer, reader):
        future = writer.write(b"x" * MUCH)
        await reader.read_bytes(10)
        reader.close()
        await api.attempt("write", future)
        api.say(writer.closed(), type(writer.error).__name__)


async def writing_to_a_side_that_is_closed(api: Api) -> None:
    async with pair(api) as (writer, reader):
        reader.close()
        await asyncio.sleep(0.005)
        await api.attempt("write", lambda: writer.write(b"x"))
        await until(api, writer.closed)
        api.say(type(writer.error).__name__)
        await api.attempt("again", lambda: writer.write(b"x"))
        await api.attempt("read", lambda: writer.read_bytes(1))


async def writing_to_a_connection_that_is_reset(api: Api) -> None:
    mine, other = tcp_sockets()
    stream = api.iostream.IOStream(mine)
    closing_abruptly(other)
    await asyncio.sleep(0.005)
    await api.attempt("write", lambda: stream.write(b"x" * 100))
    await until(api, stream.closed)
    api.say(type(stream.error).__name__)
    stream.close()


async def the_limit_of_what_waits(api: Api) -> None:
    async with pair(api, max_write_buffer_size=1000) as (writer, reader):
        await api.attempt("exactly", lambda: writer.write(b"x" * 1000))
        await api.attempt("one more", lambda: writer.write(b"x" * 1001))
        api.say(writer.closed(), writer.writing())
        await api.attempt("little", lambda: writer.write(b"end"))
        await api.attempt("read", lambda: reader.read_until(b"end"))


async def the_limit_when_much_waits_already(api: Api) -> None:
    async with pair(api, max_write_buffer_size=MUCH + 10) as (writer, reader):
        future = writer.write(b"x" * MUCH)
        try:
            await writer.write(b"y" * MUCH)
        except Exception as error:
            api.say(type(error).__name__, str(error))
        more = writer.write(b"z" * 10)
        data = await reader.read_bytes(MUCH + 10)
        await future
        await more
        api.say(data[-11:], writer.writing())
        await api.attempt("again", lambda: writer.write(b"w"))


async def views_of_other_shapes(api: Api) -> None:
    import array

    async with pair(api) as (writer, reader):
        numbers = array.array("I", [1, 2, 3])
        await api.attempt("numbers", lambda: writer.write(memoryview(numbers)))
        await api.attempt("read", lambda: reader.read_bytes(12))
        await api.attempt("empty view", lambda: writer.write(memoryview(b"")))


async def a_view_that_changes_after_it_was_written(api: Api) -> None:
    async with pair(api) as (writer, reader):
        data = bytearray(b"abc")
        await writer.write(data)
        data[:] = b"xyz"
        await api.attempt("read", lambda: reader.read_bytes(3))


async def whether_a_stream_writes(api: Api) -> None:
    async with pair(api) as (writer, reader):
        await writer.write(b"a")
        api.say(writer.writing())
        future = writer.write(b"x" * MUCH)
        api.say(writer.writing())
        await reader.read_bytes(MUCH + 1)
        await future
        api.say(writer.writing())


async def a_subclass_that_sees_what_is_written(api: Api) -> None:
    class Counting(api.iostream.IOStream):  # type: ignore[misc, name-defined]
        written = 0

        def write_to_fd(self, data: memoryview) -> int:
            count: int = super().write_to_fd(data)
            self.written += count
            return count

        def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
            count: int | None = super().read_from_fd(buf)
            if count:
                api.say("received", count)
            return count

    mine, other = socket.socketpair()
    first, second = Counting(mine), Counting(other)
    await first.write(b"abc")
    await api.attempt("read", lambda: second.read_bytes(3))
    api.say(first.written)
    first.close()
    second.close()


async def a_stream_of_one_s_own(api: Api) -> None:
    class Own(api.iostream.BaseIOStream):  # type: ignore[misc, name-defined]
        def __init__(self, connection: socket.socket) -> None:
            connection.setblocking(False)
            self.connection = connection
            super().__init__()

        def fileno(self) -> int:
            return self.connection.fileno()

        def close_fd(self) -> None:
            api.say("close_fd")
            self.connection.close()

        def write_to_fd(self, data: memoryview) -> int:
            return self.connection.send(data)

        def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
            try:
                return self.connection.recv_into(buf)
            except BlockingIOError:
                return None

    mine, other = socket.socketpair()
    first, second = Own(mine), Own(other)
    second.set_close_callback(lambda: api.say("closed"))
    waiting = second.read_until(b"\n")
    await first.write(b"line\nrest")
    await api.attempt("line", waiting)
    first.close()
    await api.attempt("rest", second.read_until_close)
    await api.rounds()
    api.say(second.closed(), second.get_fd_error())


async def methods_that_a_subclass_has_to_define(api: Api) -> None:
    mine, other = socket.socketpair()
    with mine, other:
        for name, arguments in (
            ("fileno", ()),
            ("close_fd", ()),
            ("write_to_fd", (memoryview(b""),)),
            ("read_from_fd", (bytearray(1),)),
        ):
            api.kind(name, getattr(api.iostream.BaseIOStream(), name), *arguments)
        api.say(api.iostream.BaseIOStream().get_fd_error())


# Connecting


async def connecting_to_nobody(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
    stream = api.iostream.IOStream(socket.socket())
    stream.set_close_callback(lambda: api.say("closed"))
    connected = stream.connect(address)
    read, written = stream.read_until(b"\n"), stream.write(b"early")
    await api.attempt("connect", connected)
    await api.attempt("read", read)
    await api.attempt("write", written)
    await api.rounds()
    api.say(stream.closed(), type(stream.error).__name__)


async def connecting_to_a_path(api: Api) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        stream = api.iostream.IOStream(socket.socket(socket.AF_UNIX))
        try:
            await stream.connect(path)
        except Exception as error:
            api.say(type(error).__name__, type(getattr(error, "real_error", None)).__name__)
        api.say(stream.closed(), type(stream.error).__name__)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()
            stream = api.iostream.IOStream(socket.socket(socket.AF_UNIX))
            api.say((await stream.connect(path)) is stream)
            stream.set_nodelay(True)
            stream.close()


async def reads_and_writes_that_wait_for_the_connection(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stream = api.iostream.IOStream(socket.socket())
        connected = stream.connect(listening.getsockname())
        api.say(connected.done())
        read, written = stream.read_until(b"\n"), stream.write(b"hello\n")
        api.say(read.done(), written.done(), stream.reading(), stream.writing())
        accepted = api.iostream.IOStream(listening.accept()[0])
        await api.attempt("received", lambda: accepted.read_until(b"\n"))
        await accepted.write(b"answer\n")
        await api.attempt("read", read)
        await api.attempt("write", written)
        api.say(connected.done())
        stream.close()
        accepted.close()


async def closing_while_connecting(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stream = api.iostream.IOStream(socket.socket())
        stream.set_close_callback(lambda: api.say("closed"))
        connected = stream.connect(listening.getsockname())
        stream.close()
        await api.attempt("connect", connected)
        await api.rounds()


async def connecting_from_a_name(api: Api) -> None:
    stream = api.iostream.IOStream(socket.socket())
    api.allowed("no address", stream.connect, "nothing")
    stream.close()


async def connecting_by_the_client(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        client = api.tcpclient.TCPClient()
        stream = await client.connect(host, port, max_buffer_size=5000)
        api.say(type(stream).__name__, stream.max_buffer_size)
        stream.close()
        accepted, _ = listening.accept()
        accepted.close()
        try:
            await client.connect(host, port, source_ip="256.0.0.1")
        except Exception as error:
            api.say(type(error).__name__)
    try:
        await client.connect(host, port)
    except Exception as error:
        api.say(type(error).__name__, type(getattr(error, "real_error", None)).__name__)
    client.close()


async def a_server_of_streams(api: Api) -> None:
    class Server(api.tcpserver.TCPServer):  # type: ignore[misc, name-defined]
        async def handle_stream(self, stream: Any, address: Any) -> None:
            api.say("from", address[0], len(address))
            while True:
                try:
                    await stream.write((await stream.read_until(b"\n")).upper())
                except api.iostream.StreamClosedError:
                    api.say("gone")
                    break

    server = Server(max_buffer_size=1000, read_chunk_size=100)
    (listening,) = api.netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets([listening])
    stream = api.iostream.IOStream(socket.socket())
    await stream.connect(listening.getsockname())
    await stream.write(b"line\n")
    await api.attempt("answer", lambda: stream.read_until(b"\n"))
    stream.close()
    await asyncio.sleep(0.01)
    server.stop()
    await api.rounds()


async def a_server_whose_handler_fails(api: Api) -> None:
    class Server(api.tcpserver.TCPServer):  # type: ignore[misc, name-defined]
        async def handle_stream(self, stream: Any, address: Any) -> None:
            await stream.write(b"hello\n")
            raise KeyError("the handler's")

    class Plain(api.tcpserver.TCPServer):  # type: ignore[misc, name-defined]
        def handle_stream(self, stream: Any, address: Any) -> None:
            raise KeyError("the plain handler's")

    for kind in (Server, Plain):
        server = kind()
        (listening,) = api.netutil.bind_sockets(0, "127.0.0.1")
        server.add_socket(listening)
        stream = api.iostream.IOStream(socket.socket())
        await stream.connect(listening.getsockname())
        waiting = stream.read_until_close()
        await asyncio.sleep(0.02)
        api.say(waiting.done())
        stream.close()
        await api.attempt("read", waiting)
        server.stop()
