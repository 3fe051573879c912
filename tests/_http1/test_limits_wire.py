"""The limits of the server on real sockets: sizes, counts, times, and a peer slower than the other side."""

from __future__ import annotations

import asyncio
import resource
import socket

import pytest

from tests._http1.conftest import Serve, Server
from tests._http1.wire import WireClient, get, request, until

pytestmark = pytest.mark.both_loops


async def refused(server: Server, status: int, *pieces: bytes) -> None:
    """Send and expect a complete response with the status, and the end of the connection."""
    client = await server.connect()
    response = await client.ask(*pieces)
    assert response.status == status, response
    assert response["Connection"].lower() == "close"
    assert int(response["Content-Length"]) == len(response.body)
    assert await client.rest() == b""


# -- sizes and counts


async def test_a_header_that_is_too_large(serve: Serve) -> None:
    server = await serve(max_header_size=4096)
    assert (await server.ask(get("/", "X: " + "v" * 3500))).status == 200
    await refused(server, 431, get("/", "X: " + "v" * 5000))
    # Also one that never ends, of which no line is complete.
    await refused(server, 431, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"v" * 8000)
    await refused(server, 431, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X" * 8000)
    assert server.state.seen == ["GET /"]


async def test_a_target_that_is_too_long(serve: Serve) -> None:
    server = await serve(max_header_size=4096)
    await refused(server, 414, get("/" + "a" * 8000))
    await refused(server, 414, b"GET /" + b"a" * 8000)
    assert server.state.seen == []


async def test_too_many_header_lines(serve: Serve) -> None:
    server = await serve(max_header_count=20)
    assert (await server.ask(get("/", *[f"X{number}: v" for number in range(19)]))).status == 200
    await refused(server, 431, get("/", *[f"X{number}: v" for number in range(20)]))
    # Lines of one name count as well.
    await refused(server, 431, get("/", *["X: v"] * 20))


async def test_a_body_that_is_too_large(serve: Serve) -> None:
    server = await serve(max_body_size=1000)
    assert len((await server.ask(request("POST", "/", body=b"x" * 1000))).body) == 1000
    await refused(server, 413, request("POST", "/", body=b"x" * 1001))
    await refused(server, 413, request("POST", "/", ["Content-Length: 9999999999"]))
    chunks = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    head = request("POST", "/", ["Transfer-Encoding: chunked"])
    assert len((await server.ask(head + chunks * 2 + b"0\r\n\r\n")).body) == 1000
    await refused(server, 413, head + chunks * 2 + b"1\r\nx\r\n0\r\n\r\n")
    assert server.state.seen == ["POST /", "POST /"]


async def test_the_answer_arrives_although_the_client_goes_on_sending(serve: Serve) -> None:
    # Closing at once would send a reset that destroys the answer on its way.
    server = await serve(max_body_size=1000)
    async with await WireClient.connect(server.port) as client:
        client.writer.write(request("POST", "/", ["Content-Length: 3000000"]) + b"x" * 3_000_000)
        assert (await client.response()).status == 413


async def test_endless_chunk_extensions_and_trailers_are_bounded(serve: Serve) -> None:
    server = await serve(max_header_size=4096)
    head = request("POST", "/", ["Transfer-Encoding: chunked"])
    for endless in (b"5;" + b"a" * 200_000, b"0\r\n" + b"X: y\r\n" * 50_000, b"0\r\nX: " + b"y" * 200_000):
        async with await WireClient.connect(server.port) as client:
            client.writer.write(head + endless)
            assert (await client.response()).status in (400, 413, 431)
    assert server.state.seen == []


async def test_one_connection_too_many(serve: Serve) -> None:
    server = await serve(max_connections=2)
    kept = [await server.connect() for _ in range(2)]
    for client in kept:
        assert (await client.ask(get("/"))).status == 200
    third = await server.connect()
    assert (await third.response()).status == 503
    assert await third.rest() == b""
    await kept[0].close()
    await until(lambda: len(server.http_server.connections) < 2)
    assert (await server.ask(get("/"))).status == 200


async def test_a_pipeline_that_is_too_long_is_not_kept_in_memory(serve: Serve) -> None:
    server = await serve(max_pipelined_requests=10)
    client = await server.connect()
    sent = 0

    async def send() -> None:
        nonlocal sent
        data = get("/x") * 1000
        try:
            while True:
                client.writer.write(data)
                await client.writer.drain()
                sent += len(data)
        except ConnectionError:
            return

    await client.send(get("/wait"))
    await until(lambda: server.state.seen)
    sending = asyncio.create_task(send())
    last = -1
    # It stalls, or the server has had enough and closes; either way it is bounded.
    while sent != last and not sending.done():
        last = sent
        await asyncio.sleep(0.3)
    assert sent < 30_000_000
    assert server.state.seen == ["GET /wait"]
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


# -- times


@pytest.mark.parametrize(
    "data",
    [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"],
    ids=["nothing", "part of a line", "part of a header", "an empty line"],
)
async def test_a_header_that_does_not_come(serve: Serve, data: bytes) -> None:
    server = await serve(header_timeout=0.1, idle_connection_timeout=0.1)
    client = await server.connect()
    await client.send(data)
    rest = await client.rest()
    if data.strip():
        assert rest.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in rest.lower()
    else:
        assert rest == b""


async def test_a_header_that_drips_has_no_more_time(serve: Serve) -> None:
    server = await serve(header_timeout=0.1)
    client = await server.connect()
    await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n")

    async def drip() -> None:
        try:
            while True:
                client.writer.write(b"X: y\r\n")
                await client.writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            return

    dripping = asyncio.create_task(drip())
    assert (await client.response()).status == 408
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)
    assert server.state.seen == []


async def test_a_body_that_stalls(serve: Serve) -> None:
    server = await serve(body_stall_timeout=0.1)
    await refused(server, 408, request("POST", "/", ["Content-Length: 10"]) + b"half")
    await refused(server, 408, request("POST", "/", ["Transfer-Encoding: chunked"]) + b"5\r\nhel")
    assert server.state.seen == []


async def test_a_body_that_takes_too_long_in_all(serve: Serve) -> None:
    server = await serve(body_timeout=0.1)
    client = await server.connect()
    await client.send(request("POST", "/", ["Content-Length: 1000000"]))

    async def drip() -> None:
        try:
            while True:
                client.writer.write(b"x")
                await client.writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            return

    dripping = asyncio.create_task(drip())
    assert (await client.response()).status == 408
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)


async def test_an_idle_connection_is_closed_without_a_word(serve: Serve) -> None:
    server = await serve(idle_connection_timeout=0.1)
    client = await server.connect()
    assert (await client.ask(get("/"))).status == 200
    assert await client.rest() == b""


async def test_a_handler_may_take_longer_than_any_timeout(serve: Serve) -> None:
    server = await serve(
        idle_connection_timeout=0.1, header_timeout=0.1, body_stall_timeout=0.1, body_timeout=0.1
    )
    client = await server.connect()
    await client.send(get("/wait"))
    await asyncio.sleep(2.5)
    server.state.release.set()
    assert (await client.response()).body == b"waited /wait"


async def test_a_client_that_takes_nothing_is_given_up(serve: Serve) -> None:
    server = await serve(write_timeout=0.1)
    client = await small_window(server)
    try:
        client.sendall(get("/flood/64"))
        await until(lambda: server.state.written)
        await until(lambda: not server.http_server.connections)
        assert server.state.written < 32 << 20
    finally:
        client.close()


async def test_a_client_that_takes_slowly_is_not_given_up(serve: Serve) -> None:
    server = await serve(write_timeout=0.5)
    client = await small_window(server)
    client.settimeout(10)
    try:
        client.sendall(get("/flood/2"))
        total = 0
        while total < 2 << 20:
            data = await asyncio.to_thread(client.recv, 8192)
            assert data, "the server has given up"
            total += len(data)
            if total < 300_000:
                await asyncio.sleep(0.1)
    finally:
        client.close()


async def small_window(server: Server) -> socket.socket:
    """Connect with small buffers, so that a writer notices early that nothing is read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    return client


# -- flow


async def test_a_response_waits_for_a_client_that_does_not_read(server: Server) -> None:
    client = await small_window(server)
    try:
        client.sendall(get("/flood/200"))
        await until(lambda: server.state.written)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        last = -1
        while last != server.state.written:
            last = server.state.written
            await asyncio.sleep(0.2)
        # What the kernel's buffers take, and a little in the server.
        assert server.state.written < 16 << 20
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
        # Others are served meanwhile.
        assert (await server.ask(get("/"))).status == 200
    finally:
        client.close()


async def test_a_streamed_body_waits_for_its_handler(server: Server) -> None:
    client = await server.connect()
    size = 50_000_000
    client.writer.write(request("POST", "/upload", [f"Content-Length: {size}"]))
    sending = asyncio.create_task(client.send(*[bytes(1_000_000)] * 50))
    await until(lambda: server.state.received)
    await asyncio.sleep(0.3)
    assert server.state.received < 1_000_000
    assert not sending.done()
    server.state.release.set()
    await sending
    assert (await client.response()).body == str(size).encode()
    assert (await client.ask(get("/next"))).body == b"hello /next"


async def test_requests_behind_a_slow_one_wait_in_the_clients_hands(server: Server) -> None:
    client = await server.connect()
    await client.send(get("/wait"))
    await until(lambda: server.state.seen)
    body = bytes(20_000_000)
    sending = asyncio.create_task(client.send(request("POST", "/", body=body)))
    await asyncio.sleep(0.3)
    assert not sending.done()
    server.state.release.set()
    await sending
    assert (await client.response()).body == b"waited /wait"
    assert (await client.response()).body == body
