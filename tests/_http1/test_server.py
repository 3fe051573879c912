"""One connection on a fake transport: every state and every event."""

from __future__ import annotations

import asyncio
import errno
import logging
from contextvars import ContextVar

import pytest

from framework._http1.framing import Refused
from framework._http1.request import WireRequest
from framework._http1.server import Member, ServerConnection
from framework.iostream import StreamClosedError
from tests._http1.peer import Peer, Requests, answer, chunked, get, post
from tests.fakes import FakeTransport

# -- what keeps a connection, and what ends it


async def test_a_request_is_answered_and_the_connection_kept() -> None:
    peer = Peer()
    for _ in range(3):
        assert peer.send(get(b"/a")) == answer(b"/a")
    assert peer.state == "open"
    assert peer.transport.writes == 3


@pytest.mark.parametrize(
    ("version", "line", "kept", "said"),
    [
        (b"1.1", b"X: y", True, b""),
        (b"1.1", b"Connection: keep-alive", True, b""),
        (b"1.1", b"Connection: close", False, b"Connection: close\r\n"),
        (b"1.1", b"Connection: foo, Close", False, b"Connection: close\r\n"),
        (b"1.0", b"X: y", False, b""),
        (b"1.0", b"Connection: close", False, b""),
        (b"1.0", b"Connection: keep-alive", True, b"Connection: Keep-Alive\r\n"),
        (b"1.0", b"Connection: Keep-Alive", True, b"Connection: Keep-Alive\r\n"),
    ],
)
async def test_who_keeps_the_connection(version: bytes, line: bytes, kept: bool, said: bytes) -> None:
    peer = Peer()
    got = peer.send(get(b"/", line, version=version))
    assert got == b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + said + b"\r\n/"
    assert peer.state == ("open" if kept else "closed")


async def test_a_server_without_keep_alive_answers_one_request() -> None:
    peer = Peer(keep_alive=False)
    got = peer.send(get(b"/a") + get(b"/b"))
    assert got == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n/a"
    assert peer.service.paths == ["GET /a"]
    assert peer.state != "open"


async def test_what_follows_the_last_request_is_not_looked_at() -> None:
    peer = Peer()
    got = peer.send(get(b"/a", b"Connection: close") + get(b"/b"))
    assert got.count(b"HTTP/1.1 ") == 1
    # Closing with input unread would reset the connection; this does not.
    assert peer.state in ("half closed", "closed")

    release: list[WireRequest] = []
    peer = Peer(Requests(release.append))
    assert peer.send(get(b"/a", b"Connection: close"), b"garbage", get(b"/b")) == b""
    # It goes on being read, so that the end of the client is seen.
    assert peer.transport.reading
    peer.service.respond(release[0])
    assert peer.transport.take().endswith(b"Connection: close\r\n\r\n/a")
    assert peer.state == "half closed"
    assert peer.send(b"more") == b""


async def test_a_handler_may_say_that_it_is_the_last_response() -> None:
    def serve(request: WireRequest) -> None:
        request.keep_alive = False
        request._wire.respond(request, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n", b"")

    peer = Peer(Requests(serve))
    assert peer.send(get()) == b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert peer.state == "closed"


async def test_head_gets_no_body() -> None:
    peer = Peer()
    assert peer.send(get(b"/abc", method=b"HEAD")) == b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    assert peer.state == "open"


async def test_empty_lines_between_requests() -> None:
    peer = Peer()
    assert peer.send(b"\r\n", b"\r\n" + get(b"/a") + b"\r\n\r\n" + get(b"/b")) == answer(b"/a") + answer(
        b"/b"
    )


# -- requests


async def test_a_request_knows_where_it_came_from() -> None:
    peer = Peer(transport=FakeTransport(peername=("10.1.2.3", 5)))
    peer.send(get(b"/a?b=c", b"X-Y: z", b"x-y: w"))
    (request,) = peer.service.seen
    assert (request.method, request.uri, request.path, request.query) == ("GET", "/a?b=c", "/a", "b=c")
    assert (request.version, request.host, request.remote_ip, request.protocol) == (
        "HTTP/1.1",
        "x",
        "10.1.2.3",
        "http",
    )
    assert list(request.headers.get_all()) == [("Host", "x"), ("X-Y", "z"), ("X-Y", "w")]
    assert request.server_connection is peer.connection
    assert request.start_line() == ("GET", "/a?b=c", "HTTP/1.1")


async def test_a_unix_socket_has_no_address() -> None:
    peer = Peer(transport=FakeTransport(peername=""))
    peer.send(get())
    assert peer.service.seen[0].remote_ip == "0.0.0.0"


async def test_tls_makes_the_scheme_unless_told_otherwise() -> None:
    peer = Peer(transport=FakeTransport(ssl_object=object()))
    peer.send(get())
    assert peer.service.seen[0].protocol == "https"
    peer = Peer(transport=FakeTransport(ssl_object=object()), protocol="http")
    peer.send(get())
    assert peer.service.seen[0].protocol == "http"


async def test_absolute_form_names_the_host() -> None:
    peer = Peer()
    for target, uri, host in [
        (b"http://a.example:80/p?q", "/p?q", "a.example:80"),
        (b"https://b.example", "/", "b.example"),
        (b"HTTP://c.example?q=1", "/?q=1", "c.example"),
    ]:
        peer.send(get(target))
        request = peer.service.seen.pop()
        assert (request.uri, request.host) == (uri, host)
    peer.send(get(b"*", method=b"OPTIONS"))
    assert (peer.service.seen[-1].uri, peer.service.seen[-1].path) == ("*", "*")


async def test_absolute_form_with_a_user_is_refused() -> None:
    peer = Peer()
    peer.transport.feed(get(b"http://user@a.example/"))
    assert peer.refused == 400


async def test_a_form_that_is_none_of_those_is_left_as_it_is() -> None:
    peer = Peer()
    peer.send(get(b"ftp://a.example/"))
    assert peer.service.seen[0].uri == "ftp://a.example/"


async def test_each_request_has_a_context_of_its_own() -> None:
    user: ContextVar[str] = ContextVar("user", default="nobody")
    seen = []

    def serve(request: WireRequest) -> None:
        seen.append(user.get())
        user.set(request.path)
        peer.service.respond(request)

    peer = Peer(Requests(serve))
    peer.send(get(b"/a") + get(b"/b"), get(b"/c"))
    assert seen == ["nobody"] * 3


# -- methods


@pytest.mark.parametrize("method", [b"BREW", b"GETX", b"get", b"G", b"PROPFIND", b"X-Y_Z"])
async def test_any_method_is_served_wherever_the_network_cuts_it(method: bytes) -> None:
    data = get(b"/tea", method=method)
    for at in range(len(data)):
        peer = Peer()
        assert peer.send(data[:at], data[at:]) == answer(b"/tea")
        assert peer.service.paths == [f"{method.decode()} /tea"]
        assert peer.send(post(b"body")) == answer(b"/body")
    peer = Peer()
    assert peer.send(*[data[at : at + 1] for at in range(len(data))]) == answer(b"/tea")


async def test_a_method_of_its_own_may_have_a_body() -> None:
    peer = Peer()
    data = get(b"/tea", b"Content-Length: 4", method=b"BREW") + b"milk"
    assert peer.send(data) == answer(b"/teamilk")
    assert peer.send(b"\r\n" + data) == answer(b"/teamilk")


async def test_a_method_of_its_own_is_refused_like_any_other() -> None:
    peer = Peer()
    peer.transport.feed(b"BREW / HTTP/1.1\r\n\r\n")
    assert peer.refused == 400


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01", b"BREW\x00 / HTTP/1.1\r\n", b"M" * 65 + b" / HTTP/1.1\r\n", b"BREW  /", b"(x)"]
)
async def test_what_is_no_method_is_refused(data: bytes) -> None:
    peer = Peer()
    peer.transport.feed(data)
    assert peer.refused == 400
    assert peer.state == "half closed"


async def test_an_unknown_method_behind_another_request_is_refused() -> None:
    peer = Peer()
    got = peer.send(get(b"/a") + get(b"/b", method=b"BREW"))
    assert got.startswith(answer(b"/a") + b"HTTP/1.1 400 ")
    peer = Peer()
    assert peer.send(get(b"/a", method=b"BREW") + get(b"/b", method=b"BREW")).count(b"HTTP/1.1 400 ") == 1
    peer = Peer()
    peer.send(get(b"/a") + b"B", b"REW /b HTTP/1.1\r\n\r\n")
    assert peer.service.paths == ["GET /a"]
    assert peer.state == "half closed"


# -- upgrades


UPGRADE = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c")


async def test_an_upgrade_that_nobody_takes_up() -> None:
    peer = Peer()
    assert peer.send(get(b"/a", *UPGRADE)) == answer(b"/a")
    assert peer.send(get(b"/b", *UPGRADE) + get(b"/c")) == answer(b"/b")
    assert await peer.settle() == answer(b"/c")
    assert peer.send(get(b"/d")) == answer(b"/d")


async def test_an_upgrade_with_a_body_that_nobody_takes_up() -> None:
    # The body must not be taken for the next request.
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    for method in (b"POST", b"BREW"):
        lines = (*UPGRADE, b"Content-Length: %d" % len(smuggled), b"Set: a", b"Set: b")
        data = get(b"/a", *lines, method=method) + smuggled + get(b"/b")
        for at in range(1, len(data)):
            peer = Peer()
            peer.send(data[:at], data[at:])
            await peer.settle()
            assert peer.service.paths == [f"{method.decode()} /a", "GET /b"]
            assert peer.service.seen[0].body == smuggled
            assert peer.service.seen[0].headers.get_list("Set") == ["a", "b"]


async def test_an_upgrade_with_chunks_that_nobody_takes_up() -> None:
    data = chunked(b"abc").replace(b"Host: x\r\n", b"Host: x\r\n" + b"\r\n".join(UPGRADE) + b"\r\n")
    peer = Peer()
    assert peer.send(data[:-8], data[-8:], get(b"/b")) == answer(b"/abc") + answer(b"/b")


async def test_connect_has_no_body() -> None:
    peer = Peer()
    peer.send(get(b"x:1", method=b"CONNECT"))
    assert peer.service.paths == ["CONNECT x:1"]
    peer = Peer()
    peer.transport.feed(get(b"x:1", b"Content-Length: 3", method=b"CONNECT") + b"abc")
    assert peer.refused == 400


async def test_detach_gives_the_transport_and_what_was_read() -> None:
    taken: list[tuple[asyncio.Transport, bytes]] = []

    def serve(request: WireRequest) -> None:
        request._wire.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        taken.append(request._wire.detach(request))
        with pytest.raises(StreamClosedError):
            request._wire.detach(request)

    peer = Peer(Requests(serve))
    got = peer.send(get(b"/a", *UPGRADE) + b"\x00\x01frames")
    assert got == b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    assert taken == [(peer.transport, b"\x00\x01frames")]
    assert peer.transport.reading
    assert peer.connection not in peer.connections
    assert not peer.clock.members
    # Nobody has set another protocol: what comes is dropped, and nothing is answered.
    assert peer.send(get(b"/b")) == b""
    peer.clock.advance(500)
    assert peer.state == "open"
    peer.transport.deliver_close()
    assert peer.service.lost == [peer.connection]


async def test_detach_later_keeps_what_came_meanwhile() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    peer.send(get(b"/a", *UPGRADE) + b"one")
    assert not peer.transport.reading
    assert requests[0]._wire.detach(requests[0])[1] == b"one"
    assert peer.transport.reading


# -- the client goes away


def lost(peer: Peer, error: Exception | None = None) -> None:
    """End the connection and check what must be so in any case."""
    peer.transport.deliver_close(error)
    assert not peer.connections
    assert not peer.clock.members
    assert peer.service.lost == [peer.connection]


@pytest.mark.parametrize(
    "data", [b"", b"GE", b"GET / HTTP/1.1\r\nX", post(b"body")[:-2], chunked(b"abc")[:-9], get(b"/")]
)
async def test_the_client_goes_away_in_any_state(data: bytes) -> None:
    for error in (None, ConnectionResetError()):
        peer = Peer()
        peer.send(data)
        lost(peer, error)
        assert await peer.settle() == b""


@pytest.mark.parametrize("data", [b"", b"GE", post(b"body")[:-2], get(b"/")])
async def test_the_end_of_input_is_the_end(data: bytes) -> None:
    peer = Peer()
    peer.send(data)
    assert peer.transport.feed_eof() is False
    assert peer.state == "closed"
    lost(peer)


async def test_the_end_of_input_is_the_end_for_a_request_being_answered() -> None:
    requests: list[WireRequest] = []
    gone: list[str] = []
    peer = Peer(Requests(requests.append))
    peer.send(get(b"/a") + get(b"/b"))
    peer.connection.set_close_callback(requests[0], lambda: gone.append("gone"))
    peer.transport.feed_eof()
    # Nothing is written on the closing transport.
    peer.service.respond(requests[0])
    assert await peer.settle() == b""
    lost(peer)
    assert len(requests) == 1


async def test_whoever_answers_is_told_once_that_the_client_has_gone() -> None:
    requests: list[WireRequest] = []
    gone: list[str] = []
    peer = Peer(Requests(requests.append))
    peer.send(get(b"/a") + get(b"/b"))
    (request,) = requests
    connection = peer.connection
    connection.set_close_callback(request, lambda: gone.append("first"))
    connection.set_close_callback(request, lambda: gone.append("second"))
    assert connection.is_answering(request)
    lost(peer)
    assert gone == ["second"]
    assert not connection.is_answering(request)
    with pytest.raises(StreamClosedError):
        peer.service.respond(request)
    with pytest.raises(StreamClosedError):
        connection.check_answering(request)
    # It is too late to be told.
    connection.set_close_callback(request, lambda: gone.append("late"))
    connection.connection_lost(None)
    assert gone == ["second"]
    assert len(requests) == 1


async def test_whoever_has_answered_is_not_told() -> None:
    gone: list[str] = []

    def serve(request: WireRequest) -> None:
        peer.connection.set_close_callback(request, lambda: gone.append("gone"))
        peer.service.respond(request)

    peer = Peer(Requests(serve))
    peer.send(get())
    lost(peer)
    assert gone == []


async def test_callbacks_that_raise_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("in the callback")

    class Service(Requests):
        def closed(self, connection: ServerConnection) -> None:
            super().closed(connection)
            raise RuntimeError("in closed")

    def serve(request: WireRequest) -> None:
        peer.connection.set_close_callback(request, fail)

    peer = Peer(Service(serve))
    peer.send(get())
    lost(peer)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


# -- the application fails


async def test_an_exception_is_answered_with_500(caplog: pytest.LogCaptureFixture) -> None:
    def serve(request: WireRequest) -> None:
        raise RuntimeError("broken")

    peer = Peer(Requests(serve))
    peer.transport.feed(get(b"/a") + get(b"/b"))
    assert peer.refused == 500
    assert peer.state == "half closed"
    assert peer.service.paths == ["GET /a"]
    assert "Uncaught exception in GET /a" in caplog.text


async def test_an_exception_behind_the_answer_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def serve(request: WireRequest) -> None:
        peer.service.respond(request)
        raise RuntimeError("broken")

    peer = Peer(Requests(serve))
    assert peer.send(get(b"/a"), get(b"/b")) == answer(b"/a") + answer(b"/b")
    assert "Uncaught exception in GET /b" in caplog.text


async def test_an_exception_in_the_middle_of_an_answer_breaks_it_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def serve(request: WireRequest) -> None:
        request.head_written = True
        request._wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        raise RuntimeError("broken")

    peer = Peer(Requests(serve))
    peer.send(get(b"/a"))
    assert peer.state == "aborted"
    lost(peer)


async def test_an_exception_of_the_servers_own_is_answered_with_500(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("framework._http1.reader.is_packed", broken)
    peer = Peer(decompress_request=True)
    peer.transport.feed(post(b"abc"))
    assert peer.refused == 500
    assert "broken" in caplog.text


# -- ends


async def test_an_idle_connection_is_closed_at_once_when_the_server_stops() -> None:
    peer = Peer()
    peer.send(get())
    peer.connection.close_when_idle()
    assert peer.state == "closed"
    peer.connection.close_when_idle()
    lost(peer)


async def test_a_stopping_server_answers_what_it_is_at_and_no_more() -> None:
    requests: list[WireRequest] = []
    peer = Peer(Requests(requests.append))
    peer.send(get(b"/a") + get(b"/b") + get(b"/c"))
    peer.connection.close_when_idle()
    assert peer.state == "open"
    peer.service.respond(requests[0])
    assert peer.transport.take().endswith(b"Connection: close\r\n\r\n/a")
    assert peer.state != "open"
    assert len(requests) == 1


@pytest.mark.parametrize("at", [10, 30, 60])
async def test_a_stopping_server_waits_for_the_request_that_has_begun(at: int) -> None:
    data = post(b"body" * 10)
    assert len(data) > 60
    peer = Peer()
    peer.send(data[:at])
    peer.connection.close_when_idle()
    assert peer.state == "open"
    assert b"Connection: close" in peer.send(data[at:])
    assert peer.state == "closed"


async def test_stopping_while_the_client_does_not_read() -> None:
    peer = Peer()
    peer.transport.choke()
    peer.send(get(b"/a"))
    peer.connection.close_when_idle()
    peer.transport.relieve()
    got = await peer.settle()
    assert b"Connection: close" in got
    assert peer.state == "half closed"


async def test_abort_is_heard_of() -> None:
    requests: list[WireRequest] = []
    gone: list[str] = []
    peer = Peer(Requests(requests.append))
    peer.send(get())
    peer.connection.set_close_callback(requests[0], lambda: gone.append("gone"))
    peer.connection.abort()
    assert peer.state == "aborted"
    # Nothing is written any more, and nobody minds.
    peer.service.respond(requests[0])
    assert await peer.settle() == b""
    lost(peer)


async def test_abort_while_being_served() -> None:
    gone: list[str] = []

    def serve(request: WireRequest) -> None:
        request._wire.write(b"something")
        peer.connection.set_close_callback(request, lambda: gone.append("gone"))
        peer.connection.abort()
        request._wire.write(b"something")

    peer = Peer(Requests(serve))
    assert peer.send(get() + get()) == b""
    assert peer.state == "aborted"
    lost(peer)
    assert gone == ["gone"]


async def test_a_large_answer_to_nobody() -> None:
    def serve(request: WireRequest) -> None:
        peer.connection.abort()
        request._wire.write(b"x" * 100_000)

    peer = Peer(Requests(serve))
    assert peer.send(get()) == b""
    assert peer.state == "aborted"


async def test_what_is_refused_by_whoever_answers() -> None:
    def serve(request: WireRequest) -> None:
        raise Refused(413, "too much")

    peer = Peer(Requests(serve))
    peer.transport.feed(get())
    assert peer.refused == 413
    # Too late.
    peer.connection.failed(peer.service.seen[0], Refused(413, "too much"))
    assert peer.send() == b""


async def test_one_connection_too_many_is_refused() -> None:
    connections: set[Member] = set()
    peers = [Peer(connections=connections, max_connections=2) for _ in range(3)]
    assert [peer.state for peer in peers] == ["open", "open", "half closed"]
    assert peers[2].refused == 503
    peers[2].transport.deliver_close()
    peers[1].transport.deliver_close()
    assert Peer(connections=connections, max_connections=2).state == "open"


async def test_where_half_of_a_connection_cannot_be_closed_it_lingers() -> None:
    class Tls(FakeTransport):
        def can_write_eof(self) -> bool:
            return False

    peer = Peer(transport=Tls())
    peer.transport.feed(b"GET\r\n")
    assert peer.refused == 400
    assert peer.state == "open"
    assert peer.send(b"x" * 100_000) == b""
    peer.clock.advance(10)
    assert peer.state == "closed"


async def test_a_refused_client_that_is_gone_already_is_let_go() -> None:
    class Reset(FakeTransport):
        def write_eof(self) -> None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    peer = Peer(transport=Reset())
    peer.transport.feed(b"GET\r\n")
    assert peer.transport.aborted
