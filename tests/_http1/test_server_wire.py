"""The server on real sockets: what goes in, what comes out, in which order, and when the connection ends."""

from __future__ import annotations

import socket
import struct

import pytest

from tests._http1.conftest import Serve, Server
from tests._http1.wire import WireClient, get, request, until

pytestmark = pytest.mark.both_loops


# -- the end of a connection


async def test_http_1_1_keeps_the_connection(server: Server) -> None:
    client = await server.connect()
    for number in range(3):
        response = await client.ask(get(f"/{number}"))
        assert (response.version, response.status, response.body) == ("HTTP/1.1", 200, b"hello /%d" % number)
        assert response["Connection"].lower() in ("", "keep-alive")


async def test_http_1_1_closes_when_asked_to(server: Server) -> None:
    for value in ("close", "Close", "foo, close"):
        client = await server.connect()
        response = await client.ask(get("/", f"Connection: {value}"))
        assert response["Connection"].lower() == "close"
        assert await client.rest() == b""


async def test_http_1_0_closes_unless_asked_to_keep(server: Server) -> None:
    client = await server.connect()
    response = await client.ask(get("/", version="1.0"))
    assert response.status == 200
    assert await client.rest() == b""

    client = await server.connect()
    for _ in range(2):
        response = await client.ask(get("/", "Connection: keep-alive", version="1.0"))
        assert response["Connection"].lower() == "keep-alive"
        assert response.body == b"hello /"
    await client.ask(get("/", version="1.0"))
    assert await client.rest() == b""


async def test_http_1_0_gets_no_chunks(server: Server) -> None:
    client = await server.connect()
    response = await client.ask(get("/pieces", "Connection: keep-alive", version="1.0"))
    assert response["Transfer-Encoding"] == ""
    assert response.body == b"onethreeend"
    assert await client.rest() == b""


async def test_http_1_0_needs_no_host(server: Server) -> None:
    assert (await server.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200


async def test_empty_lines_before_a_request_are_skipped(server: Server) -> None:
    client = await server.connect()
    assert (await client.ask(b"\r\n\r\n" + get("/a"))).body == b"hello /a"
    # Some clients send one behind a body that is not part of it.
    assert (await client.ask(request("POST", "/", body=b"abc") + b"\r\n", method="POST")).body == b"abc"
    assert (await client.ask(get("/b"))).body == b"hello /b"


# -- pipelining


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    client = await server.connect()
    paths = [f"/{number}" for number in range(200)]
    await client.send(b"".join(map(get, paths)))
    for path in paths:
        assert (await client.response()).body == f"hello {path}".encode()


async def test_a_slow_answer_holds_back_those_behind_it(server: Server) -> None:
    client = await server.connect()
    await client.send(get("/wait/1") + get("/2") + request("POST", "/3", body=b"three") + get("/pieces"))
    await until(lambda: server.state.seen == ["GET /wait/1"])
    # Nothing of the others may come before it, and another connection is not held up.
    assert (await server.ask(get("/other"))).body == b"hello /other"
    assert server.state.seen == ["GET /wait/1", "GET /other"]
    server.state.release.set()
    bodies = [(await client.response()).body for _ in range(4)]
    assert bodies == [b"waited /wait/1", b"hello /2", b"three", b"onethreeend"]


async def test_a_request_that_asks_to_close_is_the_last_one(server: Server) -> None:
    client = await server.connect()
    await client.send(get("/1", "Connection: close") + get("/2"))
    assert (await client.response()).body == b"hello /1"
    assert await client.rest() == b""
    assert server.state.seen == ["GET /1"]


async def test_a_bad_request_behind_a_good_one_is_refused_after_its_answer(server: Server) -> None:
    client = await server.connect()
    await client.send(get("/wait/1") + b"GET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + get("/3"))
    await until(lambda: server.state.seen == ["GET /wait/1"])
    server.state.release.set()
    assert (await client.response()).body == b"waited /wait/1"
    assert (await client.response()).status == 400
    assert await client.rest() == b""
    assert server.state.seen == ["GET /wait/1"]


async def test_requests_byte_by_byte(server: Server) -> None:
    client = await server.connect()
    data = get("/a", "X-Long: " + "v" * 50) + request("POST", "/b", body=b"body") + get("/c")
    await client.send(*[data[at : at + 1] for at in range(len(data))])
    assert [(await client.response()).body for _ in range(3)] == [b"hello /a", b"body", b"hello /c"]


# -- bodies of requests


CHUNKED_BODY = b"5\r\nhello\r\n1;name=value\r\n,\r\n6 \r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n".replace(
    b"6 ", b"6"
)
CHUNKED = request("POST", "/", ["Transfer-Encoding: chunked"]) + CHUNKED_BODY


async def test_a_chunked_body(server: Server) -> None:
    client = await server.connect()
    for _ in range(2):
        assert (await client.ask(CHUNKED)).body == b"hello, world"


async def test_a_chunked_body_byte_by_byte(server: Server) -> None:
    client = await server.connect()
    await client.send(*[CHUNKED[at : at + 1] for at in range(len(CHUNKED))])
    assert (await client.response()).body == b"hello, world"
    assert (await client.ask(get("/next"))).body == b"hello /next"


async def test_a_body_of_every_length(server: Server) -> None:
    client = await server.connect()
    for size in (0, 1, 2, 1023, 65535, 65536, 1_000_000):
        body = bytes(range(256)) * (size // 256 + 1)
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
        assert (await client.ask(head + body[:size])).body == body[:size]


async def test_a_get_may_have_a_body(server: Server) -> None:
    client = await server.connect()
    assert (await client.ask(request("GET", "/", body=b"GET /x HTTP/1.1\r\n\r\n"))).body == b"hello /"
    assert (await client.ask(get("/next"))).body == b"hello /next"
    assert server.state.seen == ["GET /", "GET /next"]


# -- Expect


async def test_a_client_that_expects_it_is_told_to_continue(server: Server) -> None:
    client = await server.connect()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    for _ in range(2):
        await client.send(head)
        first = await client.head()
        assert (first.status, first.fields) == (100, [])
        assert (await client.ask(b"body")).body == b"body"


async def test_no_continue_where_there_is_no_body_to_wait_for(server: Server) -> None:
    client = await server.connect()
    assert (await client.ask(get("/", "Expect: 100-continue"))).body == b"hello /"
    zero = request("POST", "/", ["Expect: 100-continue", "Content-Length: 0"])
    assert (await client.ask(zero)).status == 200


async def test_no_continue_for_http_1_0(server: Server) -> None:
    lines = ["Expect: 100-continue", "Content-Length: 4"]
    response = await server.ask(request("POST", "/", lines, version="1.0") + b"body")
    assert (response.status, response.body) == (200, b"body")


async def test_a_body_that_is_too_large_is_not_asked_for(serve: Serve) -> None:
    server = await serve(max_body_size=100)
    client = await server.connect()
    response = await client.ask(request("POST", "/", ["Expect: 100-continue", "Content-Length: 101"]))
    assert response.status == 413
    assert await client.rest() == b""


async def test_an_unknown_expectation_is_refused(server: Server) -> None:
    response = await server.ask(request("POST", "/", ["Expect: miracles"], b"x"))
    assert response.status == 417


# -- bodies of responses


async def test_head_has_the_header_of_get_and_no_body(server: Server) -> None:
    client = await server.connect()
    response = await client.ask(request("HEAD", "/abc"), method="HEAD")
    assert response["Content-Length"] == str(len("hello /abc"))
    response = await client.ask(request("HEAD", "/pieces"), method="HEAD")
    assert response.status == 200
    assert (await client.ask(get("/next"))).body == b"hello /next"


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_a_body(server: Server, status: int) -> None:
    client = await server.connect()
    for method in ("GET", "HEAD"):
        response = await client.ask(request(method, f"/status/{status}"), method=method)
        assert response.status == status
        assert response["Transfer-Encoding"] == ""
        if status == 204:
            assert response["Content-Length"] == ""
        assert (await client.ask(get("/next"))).body == b"hello /next"


async def test_an_empty_body_has_a_length(server: Server) -> None:
    client = await server.connect()
    response = await client.ask(get("/status/200"))
    assert (response["Content-Length"], response.body) == ("0", b"")


async def test_a_body_in_pieces_is_chunked_and_has_no_empty_chunk(server: Server) -> None:
    client = await server.connect()
    response = await client.ask(get("/pieces"))
    assert response["Transfer-Encoding"] == "chunked"
    assert response.body == b"onethreeend"
    assert all(response.chunks)
    assert (await client.ask(get("/next"))).body == b"hello /next"


async def test_a_response_says_when_it_was_made_and_once(server: Server) -> None:
    response = await server.ask(get("/"))
    names = [name for name, _ in response.fields]
    assert len(names) == len(set(names))
    assert response["Date"].endswith(" GMT")


# -- methods and targets


async def test_methods_that_the_parser_does_not_know(server: Server) -> None:
    client = await server.connect()
    assert (await client.ask(request("BREW", "/"))).status == 405
    assert (await client.ask(get("/next"))).body == b"hello /next"


async def test_a_target_in_absolute_form(server: Server) -> None:
    client = await server.connect()
    response = await client.ask(b"GET http://example.org/path?x=1 HTTP/1.1\r\nHost: example.org\r\n\r\n")
    assert response.status == 200


async def test_an_upgrade_that_nobody_takes_is_ignored(server: Server) -> None:
    client = await server.connect()
    upgrade = get("/a", "Connection: Upgrade", "Upgrade: h2c")
    await client.send(upgrade + get("/b"))
    assert (await client.response()).body == b"hello /a"
    assert (await client.response()).body == b"hello /b"


async def test_each_request_has_a_context_of_its_own(server: Server) -> None:
    # Whose request it is, is often kept there: behind a proxy the next one is somebody else's.
    client = await server.connect()
    for number in range(2):
        assert (await client.ask(get(f"/plain/{number}"))).body == b"nothing"
        path = f"/later/{number}"
        assert (await client.ask(get(path))).body == f"nothing, prepared {path}".encode()
    await client.send(get("/plain/a") + get("/plain/b") + get("/later/c") + get("/plain/d"))
    bodies = [(await client.response()).body for _ in range(4)]
    assert bodies == [b"nothing", b"nothing", b"nothing, prepared /later/c", b"nothing"]


# -- clients that go away


async def test_a_handler_hears_that_the_client_has_gone(server: Server) -> None:
    client = await server.connect()
    await client.send(get("/wait"))
    await until(lambda: server.state.seen)
    await client.close()
    await until(lambda: server.state.closed == 1)
    assert (await server.ask(get("/other"))).status == 200


async def test_a_reset_in_the_middle_of_everything_leaves_nothing(server: Server) -> None:
    for data in (b"", b"GET", get("/wait"), request("POST", "/", ["Content-Length: 9"]), get("/flood/8")):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(data)
            assert (await server.ask(get("/other"))).status == 200
            # Closing with this option sends a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.state.release.set()
    await until(lambda: not server.http_server.connections)


async def test_half_a_request_is_not_served(server: Server) -> None:
    async with await WireClient.connect(server.port) as client:
        await client.send(request("POST", "/", ["Content-Length: 10"]) + b"half")
    assert (await server.ask(get("/other"))).status == 200
    assert server.state.seen == ["GET /other"]


# -- the end of the server


async def test_a_stopped_server_takes_no_connection_and_finishes_what_it_has(server: Server) -> None:
    client = await server.connect()
    await client.send(get("/wait"))
    await until(lambda: server.state.seen)
    server.http_server.stop()
    with pytest.raises(ConnectionRefusedError):
        await WireClient.connect(server.port)
    server.state.release.set()
    assert (await client.response()).body == b"waited /wait"


async def test_close_all_connections_ends_them(server: Server) -> None:
    client = await server.connect()
    await client.ask(get("/"))
    server.http_server.stop()
    await server.http_server.close_all_connections()
    assert await client.rest() == b""
