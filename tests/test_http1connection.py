"""HTTP/1.1 on streams of one's own: requests as a client, and serving."""

from __future__ import annotations

import asyncio
import gzip
import logging
from typing import Any

import pytest

from framework.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from framework.httputil import (
    HTTPHeaders,
    RequestStartLine,
)
from framework.httputil.errors import HTTPOutputError
from framework.iostream import IOStream, StreamClosedError
from tests.exchanges import OK, Message
from tests.streams import Ends, ends, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops

GET = RequestStartLine("GET", "/x", "")
POST = RequestStartLine("POST", "/x", "")


def client(ends: Ends, **params: Any) -> tuple[HTTP1Connection, IOStream]:
    """A client's connection, and the stream at its other end."""
    near, far = ends.streams()
    return HTTP1Connection(near, True, HTTP1ConnectionParameters(**params)), far


async def asked(connection: HTTP1Connection, far: IOStream, line: RequestStartLine = GET) -> None:
    """Send a request, and have it read."""
    connection.write_headers(line, HTTPHeaders({"Host": "h"}))
    connection.finish()
    await far.read_until(b"\r\n\r\n")


# -- a client


async def test_a_request_and_its_response(ends: Ends) -> None:
    connection, far = client(ends)
    await connection.write_headers(GET, HTTPHeaders({"Host": "h"}))
    connection.finish()
    message = Message()
    reading = connection.read_response(message)
    assert await far.read_until(b"\r\n\r\n") == b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc")
    assert await reading is True
    assert message.events == [("HTTP/1.1", 200), b"abc", "finish"]
    assert message.headers["X"] == "y"
    assert not connection.stream.closed()


async def test_several_exchanges_on_one_stream(ends: Ends) -> None:
    near, far = ends.streams()
    for number in range(3):
        connection = HTTP1Connection(near, True)
        await asked(connection, far)
        message = Message()
        reading = connection.read_response(message)
        await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
        assert await reading is True
        assert message.events[1] == b"%d" % number
    # And then something else.
    await near.write(b"raw\n")
    assert await far.read_until(b"\n") == b"raw\n"


async def test_a_body_in_chunks_and_interim_responses(ends: Ends) -> None:
    connection, far = client(ends)
    await connection.write_headers(POST, HTTPHeaders({"Host": "h"}), b"first")
    await connection.write(b"second")
    await connection.write(b"")
    connection.finish()
    message = Message()
    reading = connection.read_response(message)
    assert await far.read_until(b"0\r\n\r\n") == (
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"
    )
    await far.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await far.write(b"3\r\nabc\r\n0\r\n\r\n")
    assert await reading is True
    assert message.events == [("HTTP/1.1", 100), ("HTTP/1.1", 200), b"abc", "finish"]


async def test_the_announced_length_is_kept(ends: Ends) -> None:
    for data, complaint in ((b"abcd", "Tried to write more"), (b"a", "Tried to write 2 bytes less")):
        connection, _ = client(ends)
        connection.write_headers(POST, HTTPHeaders({"Content-Length": "3"}))
        with pytest.raises(HTTPOutputError, match=complaint):
            connection.write(data)
            connection.finish()
        assert connection.stream.closed()
        with pytest.raises(StreamClosedError):
            connection.write_headers(GET, HTTPHeaders())
    connection, far = client(ends)
    connection.write_headers(POST, HTTPHeaders({"Content-Length": "3"}), b"abc")
    connection.finish()
    assert (await far.read_until(b"abc")).endswith(b"\r\n\r\nabc")
    connection.close()


async def test_requests_that_make_no_sense(ends: Ends) -> None:
    connection, _ = client(ends)
    with pytest.raises(TypeError, match="RequestStartLine"):
        connection.write_headers(OK, HTTPHeaders())
    with pytest.raises(ValueError, match="request line"):
        connection.write_headers(RequestStartLine("GET", "/ x\r\n", ""), HTTPHeaders())
    with pytest.raises(HTTPOutputError, match="before its header"):
        connection.write(b"x")
    with pytest.raises(HTTPOutputError, match="before its header"):
        connection.finish()


async def test_no_body_comes_for_head(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far, RequestStartLine("HEAD", "/", ""))
    message = Message()
    reading = connection.read_response(message)
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
    assert await reading is True
    assert message.events == [("HTTP/1.1", 200), "finish"]


async def test_a_response_until_the_end(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far)
    message = Message()
    reading = connection.read_response(message)
    await far.write(b"HTTP/1.0 200 OK\r\n\r\nabc")
    far.close()
    assert await reading is True
    assert message.events == [("HTTP/1.0", 200), b"abc", "finish"]
    assert connection.stream.closed()


async def test_a_response_that_is_broken_off(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far)
    called: list[int] = []
    connection.set_close_callback(lambda: called.append(1))
    message = Message()
    reading = connection.read_response(message)
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc")
    far.close()
    with pytest.raises(StreamClosedError):
        await reading
    assert message.events == [("HTTP/1.1", 200), b"abc", "close"]
    assert called == [1]
    with pytest.raises(StreamClosedError):
        await HTTP1Connection(connection.stream, True).read_response(Message())


@pytest.mark.parametrize(
    "answer",
    [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + b"x" * 30],
)
async def test_what_is_no_response_or_too_long(
    ends: Ends, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    caplog.set_level(logging.INFO)
    connection, far = client(ends, max_body_size=5)
    await asked(connection, far)
    message = Message()
    reading = connection.read_response(message)
    await far.write(answer)
    assert await reading is False
    assert message.events == ["close"]
    assert connection.stream.closed()
    assert "Malformed HTTP message" in caplog.text


async def test_a_body_may_be_allowed_to_be_longer(ends: Ends) -> None:
    connection, far = client(ends, max_body_size=5)
    connection.set_max_body_size(10)
    await asked(connection, far)
    connection.set_max_body_size(30)
    reading = connection.read_response(Message())
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + b"x" * 30)
    assert await reading is True


async def test_a_packed_response(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    packed = gzip.compress(b"hello" * 10)
    for data, limit, right in ((packed, 50, True), (packed, 49, False), (b"x" * len(packed), 50, False)):
        connection, far = client(ends, decompress=True, max_body_size=limit)
        await asked(connection, far)
        message = Message()
        reading = connection.read_response(message)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data)
        await far.write(head + data)
        assert await reading is right
        if right:
            assert message.events == [("HTTP/1.1", 200), b"hello" * 10, "finish"]
            assert message.headers["X-Consumed-Content-Encoding"] == "gzip"
        else:
            assert message.events[-1] == "close"


async def test_a_delegate_that_takes_its_time(ends: Ends) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    connection, far = client(ends)
    await asked(connection, far)
    message = Message(wait)
    reading = asyncio.ensure_future(connection.read_response(message))
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
    await until(lambda: message.events)
    await far.write(b"def")
    await turns()
    assert message.events == [("HTTP/1.1", 200)]
    gate.set()
    assert await reading is True
    assert b"".join(event for event in message.events if isinstance(event, bytes)) == b"abcdef"


async def test_a_delegate_that_fails(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far)
    reading = connection.read_response(Message(error=KeyError("mine")))
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    with pytest.raises(KeyError, match="mine"):
        await reading
    assert connection.stream.closed()


async def test_there_is_one_response(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far)
    reading = connection.read_response(Message())
    with pytest.raises(RuntimeError, match="one response"):
        connection.read_response(Message())
    await far.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert await reading is True


async def test_a_body_that_takes_too_long(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    connection, far = client(ends, body_timeout=0.01)
    await asked(connection, far)
    message = Message()
    reading = connection.read_response(message)
    connection.set_body_timeout(1000)
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na")
    assert await reading is False
    assert message.events[-1] == "close"
    assert "Timeout reading body" in caplog.text


async def test_a_client_may_detach(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far)
    reading = connection.read_response(Message())
    await turns()
    stream = connection.detach()
    assert stream is connection.stream
    await far.write(b"raw\n")
    assert await stream.read_until(b"\n") == b"raw\n"
    assert not asyncio.ensure_future(reading).done()


async def test_much_is_sent_as_the_server_takes_it(ends: Ends) -> None:
    connection, far = client(ends)
    size = 3_000_000
    connection.write_headers(POST, HTTPHeaders({"Content-Length": str(2 * size)}))
    waiting = connection.write(bytes(size))
    assert not waiting.done()
    await far.read_until(b"\r\n\r\n")
    await far.read_bytes(size)
    await waiting
    last = connection.write(bytes(size))
    connection.finish()
    await far.read_bytes(size)
    await last
    reading = connection.read_response(Message())
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert await reading is True


async def test_framing_of_ones_own(ends: Ends) -> None:
    connection, far = client(ends)
    await connection.write_headers(POST, HTTPHeaders({"Transfer-Encoding": "chunked"}), b"1\r\na\r\n")
    await connection.write(b"0\r\n\r\n")
    connection.finish()
    assert (await far.read_until(b"0\r\n\r\n")).endswith(b"\r\n\r\n1\r\na\r\n0\r\n\r\n")
    connection.close()


async def test_the_response_may_be_there_before_anybody_reads(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far)
    await far.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    far.close()
    await turns()
    assert await connection.read_response(Message()) is True


async def test_a_server_that_goes_before_anybody_reads(ends: Ends) -> None:
    connection, far = client(ends)
    await asked(connection, far)
    called: list[int] = []
    connection.set_close_callback(lambda: called.append(1))
    far.close()
    await until(lambda: called)
    with pytest.raises(StreamClosedError):
        await connection.read_response(Message())


async def test_what_nobody_has_begun_may_be_detached(ends: Ends) -> None:
    connection, _ = client(ends)
    assert connection.detach() is connection.stream
    other, _ = client(ends)
    # The request is somebody else's.
    reading = asyncio.ensure_future(other.read_response(Message()))
    await turns()
    assert not reading.done()
    other.stream.close()
    with pytest.raises(StreamClosedError):
        await reading
