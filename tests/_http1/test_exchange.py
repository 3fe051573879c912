"""Responses written by the public API: head, pieces, end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from framework._http1.request import WireRequest
from framework.httputil import HTTPHeaders, HTTPOutputError, RequestStartLine, ResponseStartLine
from framework.iostream import StreamClosedError
from tests._http1.peer import Peer, Requests, answer, get
from tests.fakes import FakeTransport

OK = ResponseStartLine("HTTP/1.1", 200, "OK")


def serving(respond: Callable[[Any], object], *, after: bool = False) -> Peer:
    """A peer whose first request is answered by a function of its exchange, at once or later."""
    pending: list[WireRequest] = []

    def serve(request: WireRequest) -> None:
        if request.path != "/":
            peer.service.respond(request)
        elif after:
            pending.append(request)
        else:
            respond(request.connection)

    peer = Peer(Requests(serve))
    if after:
        send = peer.send

        def send_and_respond(*pieces: bytes) -> bytes:
            got = send(*pieces)
            while pending:
                respond(pending.pop().connection)
            return got + peer.transport.take()

        peer.send = send_and_respond  # type: ignore[method-assign]
    return peer


@pytest.mark.parametrize("after", [False, True])
async def test_a_response_without_a_length_is_chunked(after: bool) -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders({"A": "b"}), b"one")
        exchange.write(b"")
        exchange.write(b"three")
        exchange.finish()

    peer = serving(respond, after=after)
    expected = b"HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert peer.send(get()) == expected + b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
    assert peer.send(get(b"/b")) == answer(b"/b")


@pytest.mark.parametrize("after", [False, True])
async def test_http_1_0_gets_a_body_until_the_end(after: bool) -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders(), b"one")
        exchange.write(b"three")
        exchange.finish()

    peer = serving(respond, after=after)
    got = peer.send(get(b"/", b"Connection: keep-alive", version=b"1.0"))
    assert got == b"HTTP/1.1 200 OK\r\n\r\nonethree"
    assert peer.state == "closed"


async def test_a_response_with_a_length() -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders({"Content-Length": "5"}))
        exchange.write(b"ab")
        exchange.write(b"cde")
        exchange.finish()

    peer = serving(respond)
    assert peer.send(get()) == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"
    assert peer.state == "open"
    got = peer.send(get(b"/", b"Connection: keep-alive", version=b"1.0"))
    assert got == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\nabcde"
    assert peer.state == "open"


async def test_head_gets_the_header_only() -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders(), b"one")
        exchange.write(b"two")
        exchange.finish()

    peer = serving(respond)
    assert peer.send(get(method=b"HEAD")) == b"HTTP/1.1 200 OK\r\n\r\n"
    assert peer.state == "open"

    def announce(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders({"Content-Length": "5"}))
        exchange.finish()

    peer = serving(announce)
    assert peer.send(get(method=b"HEAD")) == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert peer.state == "open"


@pytest.mark.parametrize("code", [204, 304])
async def test_statuses_without_a_body(code: int) -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(ResponseStartLine("HTTP/1.1", code, "X"), HTTPHeaders())
        with pytest.raises(HTTPOutputError):
            exchange.write(b"body")
        exchange.finish()

    peer = serving(respond)
    assert peer.send(get()) == b"HTTP/1.1 %d X\r\n\r\n" % code
    assert peer.state == "open"


async def test_a_transfer_coding_of_ones_own() -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders({"Transfer-Encoding": "chunked"}), b"1\r\nx\r\n")
        exchange.write(b"0\r\n\r\n")
        exchange.finish()

    peer = serving(respond)
    assert peer.send(get()) == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    assert peer.state == "open"


@pytest.mark.parametrize("value", ["close", "Close", "foo, close"])
async def test_a_response_may_be_the_last(value: str) -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders({"Connection": value, "Content-Length": "0"}))
        exchange.finish()

    peer = serving(respond)
    assert (
        peer.send(get()) == b"HTTP/1.1 200 OK\r\nConnection: %b\r\nContent-Length: 0\r\n\r\n" % value.encode()
    )
    assert peer.state == "closed"


async def test_more_than_announced_is_not_written() -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders({"Content-Length": "3"}), b"ab")
        with pytest.raises(HTTPOutputError, match="more data than Content-Length"):
            exchange.write(b"cd")
        exchange.write(b"c")
        exchange.finish()

    assert serving(respond).send(get()).endswith(b"\r\n\r\nabc")


async def test_a_header_that_is_not_written_does_not_count() -> None:
    def respond(exchange: Any) -> None:
        with pytest.raises(HTTPOutputError):
            exchange.write_headers(OK, HTTPHeaders({"Content-Length": "1"}), b"abc")
        with pytest.raises(ValueError, match="Illegal"):
            exchange.write_headers(OK, HTTPHeaders({"X": "a\r\nb"}))
        exchange.write_headers(OK, HTTPHeaders({"Content-Length": "3"}), b"abc")
        exchange.finish()

    assert serving(respond).send(get()).endswith(b"Content-Length: 3\r\n\r\nabc")


@pytest.mark.parametrize("after", [False, True])
async def test_less_than_announced_breaks_the_connection_off(after: bool) -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders({"Content-Length": "3"}), b"ab")
        with pytest.raises(HTTPOutputError, match="1 bytes less"):
            exchange.finish()

    peer = serving(respond, after=after)
    peer.send(get())
    assert peer.state == "aborted"


async def test_abort_breaks_the_connection_off() -> None:
    def respond(exchange: Any) -> None:
        exchange.write_headers(OK, HTTPHeaders(), b"ab")
        exchange.abort()

    peer = serving(respond)
    peer.send(get())
    assert peer.state == "aborted"


async def test_the_order_of_things() -> None:
    def respond(exchange: Any) -> None:
        with pytest.raises(TypeError, match="ResponseStartLine"):
            exchange.write_headers(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders())
        with pytest.raises(HTTPOutputError, match="before its header"):
            exchange.write(b"x")
        with pytest.raises(HTTPOutputError, match="before its header"):
            exchange.finish()
        exchange.write_headers(OK, HTTPHeaders({"Content-Length": "0"}))
        with pytest.raises(HTTPOutputError, match="already"):
            exchange.write_headers(OK, HTTPHeaders())
        exchange.finish()
        for late in (
            lambda: exchange.write(b"x"),
            exchange.finish,
            exchange.detach,
        ):
            with pytest.raises(StreamClosedError):
                late()
        exchange.abort()

    peer = serving(respond)
    assert peer.send(get()) == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert peer.state == "open"


async def test_the_futures_are_done_when_more_may_be_written() -> None:
    exchanges: list[Any] = []
    peer = Peer(Requests(lambda request: exchanges.append(request.connection)))
    peer.send(get())
    (exchange,) = exchanges
    await exchange.write_headers(OK, HTTPHeaders())
    peer.transport.choke()
    waiting = exchange.write(b"x")
    assert not waiting.done()
    peer.transport.relieve()
    await waiting
    peer.transport.choke()
    waiting = exchange.write(b"x")
    peer.transport.deliver_close()
    with pytest.raises(StreamClosedError):
        await waiting
    with pytest.raises(StreamClosedError):
        exchange.write(b"x")


async def test_the_close_callback_and_the_state_of_tls() -> None:
    gone: list[str] = []
    tls = object()
    exchanges: list[Any] = []
    peer = Peer(
        Requests(lambda request: exchanges.append(request.connection)),
        transport=FakeTransport(ssl_object=tls),
    )
    peer.send(get())
    (exchange,) = exchanges
    assert exchange.ssl_object is tls
    assert exchange.context is exchange.context
    exchange.set_close_callback(lambda: gone.append("gone"))
    peer.transport.deliver_close()
    assert gone == ["gone"]


async def test_the_transport_may_be_detached() -> None:
    taken: list[object] = []
    peer = serving(lambda exchange: taken.append(exchange.detach_transport()))
    assert peer.send(get()) == b""
    assert taken == [(peer.transport, b"")]


async def test_a_client_that_is_going_away_is_no_mistake_of_the_handlers() -> None:
    exchanges: list[Any] = []
    peer = Peer(Requests(lambda request: exchanges.append(request.connection)))
    peer.send(get())
    (exchange,) = exchanges
    exchange.write_headers(OK, HTTPHeaders({"Content-Length": "5"}))
    # The transport has failed to send, and is about to tell.
    peer.transport.close()
    for late in (lambda: exchange.write(b"x"), exchange.finish):
        with pytest.raises(StreamClosedError):
            late()
    peer.transport.deliver_close()
