"""`iostream`: TLS, from the start or begun on a stream that is open."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.differential.programs.run import Api
from tests.differential.programs.streams import client_context, pair, server_context, tcp_sockets


@asynccontextmanager
async def _encrypted(api: Api, **options: Any) -> AsyncIterator[tuple[Any, Any]]:
    """Two streams that are connected by TLS: a client, and the server with the options."""
    mine, other = tcp_sockets()
    plain = api.iostream.IOStream(mine), api.iostream.IOStream(other, **options)
    client, server = await api.gen.multi(
        [
            plain[0].start_tls(False, client_context(), server_hostname="localhost"),
            plain[1].start_tls(True, server_context()),
        ]
    )
    try:
        yield client, server
    finally:
        client.close()
        server.close()


async def beginning_on_an_open_stream(api: Api) -> None:
    mine, other = tcp_sockets()
    client, server = api.iostream.IOStream(mine), api.iostream.IOStream(other)
    await client.write(b"starttls\n")
    await api.attempt("plain", lambda: server.read_until(b"\n"))
    first = client.start_tls(False, client_context(), server_hostname="localhost")
    second = server.start_tls(True, server_context())
    api.say(first.done(), client.socket)
    encrypted = await first, await second
    api.say([type(stream).__name__ for stream in encrypted])
    await encrypted[0].write(b"secret\n")
    await api.attempt("secret", lambda: encrypted[1].read_until(b"\n"))
    for stream in encrypted:
        stream.close()


async def the_stream_that_was_before(api: Api) -> None:
    mine, other = tcp_sockets()
    client, server = api.iostream.IOStream(mine), api.iostream.IOStream(other)
    first = client.start_tls(False, client_context(), server_hostname="localhost")
    second = server.start_tls(True, server_context())
    api.say(client.closed())
    for future in (first, second):
        (await future).close()


async def beginning_by_options(api: Api) -> None:
    mine, other = tcp_sockets()
    client, server = api.iostream.IOStream(mine), api.iostream.IOStream(other)
    first = client.start_tls(False, {"cert_reqs": ssl.CERT_NONE})
    second = server.start_tls(True, server_context())
    encrypted = await first, await second
    api.say(encrypted[0].socket.getpeercert(), encrypted[0].socket.version())
    for stream in encrypted:
        stream.close()


async def beginning_when_it_can_t_be(api: Api) -> None:
    async with pair(api) as (stream, other):
        waiting = stream.read_bytes(1)
        await api.attempt("reading", lambda: stream.start_tls(False, client_context(), "localhost"))
        await other.write(b"ab")
        await waiting
        api.say(stream.closed())
        stream.write(b"x" * 5_000_000)
        await api.attempt("writing", lambda: stream.start_tls(False, client_context(), "localhost"))


async def what_becomes_of_the_close_callback(api: Api) -> None:
    mine, other = tcp_sockets()
    client, server = api.iostream.IOStream(mine), api.iostream.IOStream(other)
    client.set_close_callback(lambda: api.say("closed"))
    first = client.start_tls(False, client_context(), server_hostname="localhost")
    second = server.start_tls(True, server_context())
    encrypted, other_end = await first, await second
    await api.rounds()
    api.say("begun")
    encrypted.close()
    await api.rounds()
    other_end.close()


async def _refused(api: Api, context: ssl.SSLContext, server_hostname: str) -> None:
    """Says how a handshake ends that the client is not content with."""
    mine, other = tcp_sockets()
    client, server = api.iostream.IOStream(mine), api.iostream.IOStream(other)
    first = client.start_tls(False, context, server_hostname=server_hostname)
    second = server.start_tls(True, server_context())
    for name, future in (("client", first), ("server", second)):
        try:
            await future
            api.say(name, "has no error")
        except Exception as error:
            api.say(name, type(error).__name__, isinstance(error, ssl.SSLError))


async def a_certificate_that_nobody_trusts(api: Api) -> None:
    await _refused(api, client_context(trusting=False), "localhost")


async def a_certificate_of_another_name(api: Api) -> None:
    await _refused(api, client_context(), "other.example")


async def the_other_side_speaks_no_tls(api: Api) -> None:
    for server_side in (False, True):
        mine, other = tcp_sockets()
        with other:
            stream = api.iostream.IOStream(mine)
            context = server_context() if server_side else client_context()
            future = stream.start_tls(server_side, context, None if server_side else "localhost")
            await api.rounds()
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            try:
                await future
            except Exception as error:
                api.say(server_side, type(error).__name__)


async def the_other_side_closes_during_the_handshake(api: Api) -> None:
    for server_side in (False, True):
        mine, other = tcp_sockets()
        stream = api.iostream.IOStream(mine)
        context = server_context() if server_side else client_context()
        future = stream.start_tls(server_side, context, None if server_side else "localhost")
        await asyncio.sleep(0.005)
        other.shutdown(socket.SHUT_WR)
        await api.attempt(str(server_side), future)
        other.close()


async def reading_and_writing(api: Api) -> None:
    async with _encrypted(api) as (client, server):
        await client.write(b"line\nrest")
        await api.attempt("line", lambda: server.read_until(b"\n"))
        await api.attempt("rest", lambda: server.read_bytes(100, partial=True))
        buffer = bytearray(3)
        waiting = client.read_into(buffer)
        await server.write(b"abcdef")
        await api.attempt("into", waiting)
        await api.attempt("after", lambda: client.read_bytes(3))


async def much_of_it(api: Api) -> None:
    async with _encrypted(api) as (client, server):
        size = 3_000_000
        written = client.write(b"x" * size)
        data = await server.read_bytes(size)
        await written
        api.say(len(data), client.writing())


async def the_end(api: Api) -> None:
    async with _encrypted(api) as (client, server):
        waiting = server.read_until_close()
        server.set_close_callback(lambda: api.say("closed"))
        await client.write(b"last words")
        client.close()
        await api.attempt("all", waiting)
        await api.rounds()
        api.say(server.closed())


async def the_end_of_an_idle_stream(api: Api) -> None:
    async with _encrypted(api) as (client, server):
        closed = api.locks.Event()
        server.set_close_callback(closed.set)
        await asyncio.sleep(0.002)
        client.close()
        await closed.wait()
        api.say(server.closed())
        await api.attempt("read", lambda: server.read_bytes(1))


async def an_end_without_a_word(api: Api) -> None:
    mine, other = tcp_sockets()
    plain = api.iostream.IOStream(mine)
    future = plain.start_tls(False, client_context(), server_hostname="localhost")
    loop = asyncio.get_running_loop()
    other.setblocking(True)
    wrapped = await loop.run_in_executor(None, lambda: server_context().wrap_socket(other, server_side=True))
    stream = await future
    waiting = stream.read_until(b"\n")
    await loop.run_in_executor(None, wrapped.sendall, b"half")
    socket.socket(fileno=wrapped.detach()).close()
    await api.attempt("read", waiting)
    api.say(stream.closed())
    stream.close()


async def limits(api: Api) -> None:
    async with _encrypted(api, max_buffer_size=1000) as (client, server):
        api.say(server.max_buffer_size, server.read_chunk_size)
        client.write(b"x" * 400)
        try:
            await server.read_until(b"\n", max_bytes=300)
        except Exception as error:
            api.say(type(error).__name__, type(getattr(error, "real_error", None)).__name__)
        api.say(server.closed())


async def waiting_for_the_handshake(api: Api) -> None:
    mine, other = tcp_sockets()
    wrapped = client_context().wrap_socket(mine, server_hostname="localhost", do_handshake_on_connect=False)
    client = api.iostream.SSLIOStream(wrapped)
    server = api.iostream.IOStream(other).start_tls(True, server_context())
    waiting = client.wait_for_handshake()
    api.call("twice", client.wait_for_handshake)
    api.say((await waiting) is client)
    await api.attempt("when it is over", lambda: client.wait_for_handshake().done())
    (await server).close()
    client.close()


async def reads_and_writes_that_wait_for_the_handshake(api: Api) -> None:
    mine, other = tcp_sockets()
    wrapped = client_context().wrap_socket(mine, server_hostname="localhost", do_handshake_on_connect=False)
    client = api.iostream.SSLIOStream(wrapped)
    written, read = client.write(b"early\n"), client.read_until(b"\n")
    api.say(written.done(), read.done())
    server = await api.iostream.IOStream(other).start_tls(True, server_context())
    await api.attempt("early", lambda: server.read_until(b"\n"))
    await server.write(b"answer\n")
    await api.attempt("answer", read)
    await written
    server.close()
    client.close()


async def connecting(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        for name, context in (("localhost", client_context()), ("other.example", client_context())):
            client = api.iostream.SSLIOStream(socket.socket(), ssl_options=context)
            connected = client.connect(listening.getsockname(), server_hostname=name)
            early = client.write(b"early")
            server = api.iostream.IOStream(listening.accept()[0]).start_tls(True, server_context())
            try:
                api.say(name, (await connected) is client)
                await early
            except Exception as error:
                api.say(name, type(error).__name__)
            try:
                stream = await server
                api.say(await stream.read_bytes(5))
                stream.close()
            except Exception as error:
                api.say("server", type(error).__name__)
            client.close()
            await asyncio.gather(early, return_exceptions=True)


async def a_server_with_tls(api: Api) -> None:
    class Server(api.tcpserver.TCPServer):  # type: ignore[misc, name-defined]
        async def handle_stream(self, stream: Any, address: Any) -> None:
            api.say(type(stream).__name__)
            await stream.wait_for_handshake()
            await stream.write((await stream.read_until(b"\n")).upper())
            stream.close()

    server = Server(ssl_options=server_context())
    (listening,) = api.netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets([listening])
    client = api.tcpclient.TCPClient()
    stream = await client.connect("localhost", listening.getsockname()[1], ssl_options=client_context())
    await stream.write(b"line\n")
    await api.attempt("answer", stream.read_until_close)
    stream.close()
    try:
        await client.connect("127.0.0.1", listening.getsockname()[1], ssl_options=client_context())
    except Exception as error:
        api.say(type(error).__name__)
    await asyncio.sleep(0.01)
    server.stop()
    client.close()


async def tls_on_tls(api: Api) -> None:
    async with _encrypted(api) as (client, _):
        waiting = client.read_bytes(1)
        api.allowed("reading", client.start_tls, False, client_context(), "localhost")
        api.say(waiting.done())
