"""`websocket_connect` and its connection: the handshake, all that can go wrong with it, messages, the end."""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
import warnings
from contextlib import closing
from typing import Any

import pytest

from framework.httpclient import HTTPClientError, HTTPRequest
from framework.httpclient.errors import HTTPProxyError, HTTPStreamClosedError, HTTPTimeoutError
from framework.netutil import OverrideResolver, Resolver
from framework.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    WebSocketError,
    websocket_connect,
)
from tests.streams import closed_port, until
from tests.websocket.conftest import Serve
from tests.websocket.scripted import CLOSE, HANG, SWITCH, Proxy, Scripted, unmasked
from tests.websocket.talk import Noting
from tests.websocket.wire import frame

pytestmark = pytest.mark.both_loops

TEXT, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A


def from_server(first: int, payload: bytes = b"") -> bytes:
    """A frame that is not masked."""
    return frame(first, payload, None)


BYE = from_server(0x88, b"\x03\xe8bye")


class TestHandshake:
    async def test_the_request(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            connection = await websocket_connect(server.url)
            assert isinstance(connection, WebSocketClientConnection)
            lines = server.head.split("\r\n")
            assert lines[0] == "GET /path?query HTTP/1.1"
            assert f"Host: 127.0.0.1:{server.port}" in lines
            assert {"Upgrade: websocket", "Connection: Upgrade", "Sec-Websocket-Version: 13"} <= set(lines)
            assert f"Sec-Websocket-Key: {connection.key}" in lines
            assert "Sec-Websocket-Extensions" not in server.head
            assert connection.headers is not None
            assert connection.headers["Upgrade"] == "websocket"
            assert connection.selected_subprotocol is None
            connection.close()

    async def test_what_an_http_request_asks_for(self) -> None:
        async with Scripted(SWITCH + b"Sec-WebSocket-Protocol: two\r\n\r\n", HANG) as server:
            request = HTTPRequest(
                server.url,
                headers={"X-A": "b", "Sec-WebSocket-Key": "mine"},
                user_agent="me",
                auth_username="name",
                auth_password="word",  # it is not
            )
            offered = ["one", "two"]
            connection = await websocket_connect(request, subprotocols=offered, compression_options={})
            assert connection.selected_subprotocol == "two"
            for line in (
                "X-A: b",
                "User-Agent: me",
                "Authorization: Basic bmFtZTp3b3Jk",
                "Sec-Websocket-Protocol: one,two",
                "Sec-Websocket-Extensions: permessage-deflate; client_max_window_bits",
            ):
                assert line in server.head.split("\r\n")
            assert "mine" not in server.head
            assert "Upgrade" not in request.headers
            connection.close()

    async def test_compression(self) -> None:
        answer = SWITCH + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        async with Scripted(answer + from_server(0xC1, b"\xcaH\xcd\xc9\xc9\x07\x00"), HANG) as server:
            connection = await websocket_connect(server.url, compression_options={"compression_level": 1})
            assert await connection.read_message() == "hello"
            await connection.write_message("hello")
            await until(lambda: server.received)
            assert unmasked(server.received) == [(0xC1, b"\xcaH\xcd\xc9\xc9\x07\x00")]
            connection.close()

    async def test_interim_answers_are_passed_over_and_pieces_put_together(self) -> None:
        head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + SWITCH
        async with Scripted(head, b"\r", b"\n" + from_server(TEXT, b"x"), HANG) as server:
            connection = await websocket_connect(server.url)
            assert await connection.read_message() == "x"
            connection.close()

    @pytest.mark.parametrize(
        ("answer", "error", "words"),
        [
            (SWITCH.replace(b"@", b"wrong"), WebSocketError, "Sec-WebSocket-Accept"),
            (
                SWITCH.replace(b"websocket", b"h2c"),
                WebSocketError,
                "switches protocols, but not to websocket",
            ),
            (SWITCH + b"Sec-WebSocket-Protocol: z\r\n", WebSocketError, "subprotocol 'z'"),
            (
                SWITCH + b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
                WebSocketError,
                "none was offered",
            ),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", WebSocketError, "^Non-websocket response$"),
            (
                b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n",
                HTTPClientError,
                "HTTP 302: Found",
            ),
            (
                b"SSH-2.0-OpenSSH\r\n",
                HTTPStreamClosedError,
                "answered with 'SSH-2.0-OpenSSH', which is no HTTP",
            ),
            (b"HTTP/1.1 100 Continue\r\n\r\n" * 30, HTTPStreamClosedError, "Too many 1xx responses"),
            (
                b"HTTP/1.1 101 x\r\n" + b"A: b\r\n" * 20000,
                HTTPStreamClosedError,
                "a header of more than 65536",
            ),
        ],
    )
    async def test_an_answer_that_is_none(self, answer: bytes, error: type[Exception], words: str) -> None:
        async with Scripted(answer + b"\r\n", HANG) as server:
            with pytest.raises(error, match=words):
                await websocket_connect(server.url)
            await server.gone.wait()

    async def test_a_header_without_end(self) -> None:
        async with Scripted(b"HTTP/1.1 101 x\r\nA: " + b"b" * 100_000, HANG) as server:
            with pytest.raises(HTTPStreamClosedError, match="a header of more than 65536 bytes"):
                await websocket_connect(server.url)

    async def test_a_page_that_says_why_comes_with_the_error(self) -> None:
        page = b"HTTP/1.1 403 Forbidden\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot"
        async with Scripted(page, b"\r\n4\r\n you\r\n0\r\n\r\n", HANG) as server:
            with pytest.raises(HTTPClientError) as caught:
                await websocket_connect(server.url)
            assert caught.value.code == 403
            response = caught.value.response
            assert response is not None
            assert (response.body, response.headers["X-A"]) == (b"not you", "b")

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b"", "^Stream closed$"),
            (b"HTTP/1.1 10", "^Stream closed$"),
            (b"HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\nabc", "after 3 of 9 bytes of the body"),
        ],
    )
    async def test_a_connection_that_ends_before_the_answer(self, answer: bytes, words: str) -> None:
        async with Scripted(answer, CLOSE) as server:
            with pytest.raises(HTTPStreamClosedError, match=words) as caught:
                await websocket_connect(server.url)
            assert caught.value.code == 599

    async def test_nobody_there(self) -> None:
        taken, (_, port) = closed_port()
        with closing(taken), pytest.raises(ConnectionRefusedError):
            await websocket_connect(f"ws://127.0.0.1:{port}")

    @pytest.mark.parametrize("how", ["argument", "connect_timeout", "request_timeout"])
    async def test_no_answer_in_time(self, how: str) -> None:
        async with Scripted(HANG) as server:
            if how == "argument":
                opening = websocket_connect(server.url, connect_timeout=0.02)
            else:
                limit: dict[str, Any] = {how: 0.02}
                opening = websocket_connect(HTTPRequest(server.url, **limit))
            with pytest.raises(HTTPTimeoutError, match=r"^Timeout during request$"):
                await opening
            await server.gone.wait()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"url": "http://localhost"}, "begins with ws: or wss:"),
            ({"url": "localhost"}, "begins with ws: or wss:"),
            ({"url": "ws://"}, "URL without a host"),
            ({"url": "ws://localhost", "method": "POST"}, "asked for with GET"),
            ({"url": "ws://localhost", "body": b"x"}, "without a body"),
            ({"url": "ws://localhost", "proxy_host": "localhost"}, "proxy_host needs proxy_port"),
            (
                {
                    "url": "ws://localhost",
                    "proxy_host": "localhost",
                    "proxy_port": 1,
                    "proxy_auth_mode": "digest",
                },
                "unsupported proxy_auth_mode",
            ),
        ],
    )
    async def test_what_can_t_be_asked_for(self, arguments: dict[str, Any], words: str) -> None:
        with pytest.raises(ValueError, match=re.escape(words)):
            await websocket_connect(HTTPRequest(**arguments))

    async def test_two_timeouts_are_one_too_many(self) -> None:
        with pytest.raises(ValueError, match="connect_timeout goes into the HTTPRequest"):
            websocket_connect(HTTPRequest("ws://localhost"), connect_timeout=1)

    async def test_a_resolver_of_ones_own(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            resolver = OverrideResolver(resolver=Resolver(), mapping={"example.org": "127.0.0.1"})
            connection = await websocket_connect(f"ws://example.org:{server.port}", resolver=resolver)
            assert f"Host: example.org:{server.port}" in server.head
            connection.close()

    async def test_tls(self, certificate: tuple[str, str]) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        async with Scripted(SWITCH + b"\r\n" + from_server(TEXT, b"x"), HANG, context=context) as server:
            with pytest.raises(ssl.SSLCertVerificationError):
                await websocket_connect(server.url)
            connection = await websocket_connect(HTTPRequest(server.url, ca_certs=certificate[0]))
            assert await connection.read_message() == "x"
            await connection.write_message("y")
            await until(lambda: server.received)
            connection.close()
            await until(lambda: len(unmasked(server.received)) == 2)

    async def test_a_callback(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            called: list[asyncio.Future[WebSocketClientConnection]] = []
            connection = await websocket_connect(server.url, callback=called.append)
            await until(lambda: called)
            assert called[0].result() is connection
            connection.close()


class TestProxy:
    @pytest.mark.parametrize("secure", [False, True])
    async def test_it_opens_a_tunnel(self, certificate: tuple[str, str], secure: bool) -> None:
        context = None
        if secure:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
        async with Proxy() as proxy, Scripted(SWITCH + b"\r\n", HANG, context=context) as server:
            request = HTTPRequest(
                server.url,
                proxy_host="127.0.0.1",
                proxy_port=proxy.port,
                proxy_username="name",
                proxy_password="word",  # it is not
                ca_certs=certificate[0],
            )
            connection = await websocket_connect(request)
            host = "localhost" if secure else "127.0.0.1"
            assert proxy.head.startswith(f"CONNECT {host}:{server.port} HTTP/1.1\r\n")
            assert "Proxy-Authorization: Basic bmFtZTp3b3Jk" in proxy.head
            assert "Proxy-Authorization" not in server.head
            await connection.write_message("x")
            await until(lambda: server.received)
            connection.close()

    async def test_it_refuses(self) -> None:
        async with Proxy(b"HTTP/1.1 403 No\r\n\r\n") as proxy:
            request = HTTPRequest("ws://localhost:1/", proxy_host="127.0.0.1", proxy_port=proxy.port)
            with pytest.raises(HTTPProxyError, match="the proxy answered 403 No"):
                await websocket_connect(request)


class TestMessages:
    async def test_reading_to_the_end(self) -> None:
        frames = from_server(TEXT, "ü".encode()) + from_server(BINARY, b"\0") + from_server(PING, b"p") + BYE
        async with Scripted(SWITCH + b"\r\n" + frames, HANG) as server:
            connection = await websocket_connect(server.url)
            assert await connection.read_message() == "ü"
            assert await connection.read_message() == b"\0"
            assert await connection.read_message() is None
            assert await connection.read_message() is None
            assert (connection.close_code, connection.close_reason) == (1000, "bye")
            await until(lambda: len(unmasked(server.received)) == 2)
            assert unmasked(server.received) == [(PONG, b"p"), (0x88, b"\x03\xe8")]

    async def test_iterating(self, serve: Serve) -> None:
        class Count(Noting):
            def open(self) -> None:
                for number in "123":
                    self.write_message(number)
                self.close(4000, "done")

        server = await serve({"/": Count})
        async with websocket_connect(server.url) as connection:
            assert [message async for message in connection] == ["1", "2", "3"]
            assert (connection.close_code, connection.close_reason) == (4000, "done")

    async def test_several_readers_get_a_message_each(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            connection = await websocket_connect(server.url)
            readers = [connection.read_message() for _ in range(4)]
            readers[0].cancel()
            [writer] = server._writers
            writer.write(from_server(TEXT, b"1") + from_server(TEXT, b"2") + BYE)
            assert await asyncio.gather(*readers[1:]) == ["1", "2", None]

    async def test_one_that_was_read_by_a_callback(self) -> None:
        async with Scripted(SWITCH + b"\r\n" + from_server(TEXT, b"1"), HANG) as server:
            connection = await websocket_connect(server.url)
            called: list[asyncio.Future[Any]] = []
            connection.read_message(callback=called.append)
            await until(lambda: called)
            assert called[0].result() == "1"
            connection.close()

    async def test_nothing_more_is_read_than_somebody_wants(self, serve: Serve) -> None:
        class Flood(Noting):
            async def open(self) -> None:
                for number in range(200):
                    await self.write_message(b"%d" % number + b"x" * 100_000, binary=True)
                    self.seen.append(number)

        server = await serve({"/": Flood})
        async with websocket_connect(server.url) as connection:
            await until(lambda: len(connection._unread) == 1)
            for _ in range(1000):
                await asyncio.sleep(0)
            assert len(connection._unread) == 1
            assert len(Flood.seen) < 190
            for number in range(200):
                message = await connection.read_message()
                assert isinstance(message, bytes)
                assert message.startswith(b"%dx" % number)

    @pytest.mark.parametrize(("size", "kept"), [(10, 16), (4096, 16), (4097, 16), (30_000, 3), (65_536, 1)])
    async def test_few_messages_or_bytes_wait_for_a_reader(self, serve: Serve, size: int, kept: int) -> None:
        class Many(Noting):
            def open(self) -> None:
                for number in range(40):
                    self.write_message(chr(64 + number) * size)

        server = await serve({"/": Many})
        async with websocket_connect(server.url) as connection:
            for begin in range(0, 40 - kept, kept):
                await until(lambda: connection._room is not None)
                assert len(connection._unread) == kept
                for number in range(begin, begin + kept):
                    assert await connection.read_message() == chr(64 + number) * size

    async def test_leaving_a_flood_behind(self, serve: Serve) -> None:
        class Flood(Noting):
            async def open(self) -> None:
                for number in range(100):
                    await self.write_message(str(number))

        server = await serve({"/": Flood})
        async with websocket_connect(server.url) as connection:
            assert await connection.read_message() == "0"
        # All that came is through, so that the server's answer to the close frame has been seen.
        assert connection.close_code == 1005 or connection.close_code is None
        await until(lambda: Flood.seen)
        assert Flood.seen == [("close", None, None)]

    async def test_a_callback_gets_them_all_and_the_end(self) -> None:
        async def slow(message: Any) -> None:
            seen.append(message)
            await asyncio.sleep(0)
            seen.append("done")

        seen: list[Any] = []
        frames = from_server(TEXT, b"1") + from_server(TEXT, b"2") + BYE
        async with Scripted(SWITCH + b"\r\n" + frames, HANG) as server:
            await websocket_connect(server.url, on_message_callback=slow)
            await until(lambda: len(seen) == 6)
            assert seen == ["1", "done", "2", "done", None, "done"]

    async def test_a_callback_that_raises_closes(self, caplog: pytest.LogCaptureFixture) -> None:
        def fail(message: Any) -> None:
            seen.append(message)
            raise ValueError("in a callback")

        seen: list[Any] = []
        async with Scripted(SWITCH + b"\r\n" + from_server(TEXT, b"1"), HANG) as server:
            await websocket_connect(server.url, on_message_callback=fail)
            await until(lambda: server.received)
            assert unmasked(server.received) == [(0x88, b"\x03\xf3")]
            await until(lambda: len(seen) == 2)
            assert seen == ["1", None]
            assert caplog.text.count("Uncaught exception in a callback") == 2

    async def test_writing(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            connection = await websocket_connect(server.url)
            await connection.write_message("text")
            await connection.write_message(b"text")
            await connection.write_message(b"\xff", binary=True)
            await connection.write_message({"a": 1})
            connection.ping()
            connection.ping(b"data")
            connection.close(4000, "why")
            connection.close()
            await until(lambda: len(unmasked(server.received)) == 7)
            assert unmasked(server.received) == [
                (TEXT, b"text"),
                (TEXT, b"text"),
                (BINARY, b"\xff"),
                (TEXT, b'{"a": 1}'),
                (PING, b""),
                (PING, b"data"),
                (0x88, b"\x0f\xa0why"),
            ]
            for write in (connection.write_message, connection.ping):
                with pytest.raises(WebSocketClosedError, match=r"^Client connection has been closed$"):
                    write(b"x")
            [writer] = server._writers
            writer.write(BYE)
            assert await connection.read_message() is None
            assert connection.close_code == 1000

    async def test_pings_are_sent_and_looked_after(self) -> None:
        async with Scripted(SWITCH + b"\r\n" + from_server(PONG, b"unasked"), HANG) as server:
            connection = await websocket_connect(server.url, ping_interval=0.02)
            await until(lambda: len(unmasked(server.received)) == 2)
            assert unmasked(server.received) == [(PING, b""), (0x88, b"\x03\xe8ping timed out")]
            assert connection.protocol is not None
            assert connection.protocol.is_closing()

    async def test_a_message_that_is_too_large(self) -> None:
        async with Scripted(SWITCH + b"\r\n" + from_server(TEXT, b"x" * 11), HANG) as server:
            connection = await websocket_connect(server.url, max_message_size=10)
            assert await connection.read_message() is None
            await until(lambda: server.received)
            assert unmasked(server.received) == [(0x88, b"\x03\xf1message too big")]


class TestTheEnd:
    async def test_a_connection_that_is_lost(self) -> None:
        async with Scripted(SWITCH + b"\r\n", CLOSE) as server:
            connection = await websocket_connect(server.url)
            assert await connection.read_message() is None
            assert connection.close_code is None

    async def test_giving_up_before_the_answer(self) -> None:
        async with Scripted(HANG) as server:
            opening = websocket_connect(server.url)
            await until(lambda: server.head)
            assert opening.cancel()
            assert not opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await server.gone.wait()

    async def test_giving_up_at_once(self) -> None:
        async with Scripted(HANG) as server:
            opening = websocket_connect(server.url)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening

    async def test_giving_up_in_any_moment(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            opened = 0
            for rounds in range(60):
                opening = websocket_connect(server.url)
                for _ in range(rounds):
                    await asyncio.sleep(0)
                opening.cancel()
                await asyncio.wait((opening,))
                if not opening.cancelled():
                    opened += 1
                    opening.result().close()
            assert opened < 60
            # What was opened is closed, and everything else is gone: so says the check for leaks.
            await asyncio.sleep(0)

    async def test_giving_up_in_the_turn_in_which_the_answer_comes(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        original = WebSocketClientConnection.upgraded

        def upgraded(connection: WebSocketClientConnection, *args: Any) -> None:
            connection.connect_future.cancel()
            original(connection, *args)

        monkeypatch.setattr(WebSocketClientConnection, "upgraded", upgraded)
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            with pytest.raises(asyncio.CancelledError):
                await websocket_connect(server.url)
            await server.gone.wait()
        assert caplog.records == []

    async def test_a_task_that_is_cancelled_from_outside(self) -> None:
        async with Scripted(HANG) as server:
            opening = websocket_connect(server.url)
            await until(lambda: server.head)
            assert opening._opening is not None
            opening._opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await server.gone.wait()

    async def test_waiting_with_a_limit(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            connection = await websocket_connect(server.url)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.read_message(), 0.01)
            [writer] = server._writers
            writer.write(from_server(TEXT, b"not lost"))
            assert await connection.read_message() == "not lost"
            connection.close()

    async def test_the_block_waits_for_the_servers_end(self, serve: Serve) -> None:
        class Echo(Noting):
            pass

        server = await serve({"/": Echo})
        async with await websocket_connect(server.url) as connection:
            await connection.write_message("x")
            assert await connection.read_message() == "x"
        await connection.wait_closed()
        await until(lambda: not server.http_server.connections)
        assert Echo.seen == [("open",), "x", ("close", None, None)]

    async def test_a_block_that_fails_to_begin(self) -> None:
        with pytest.raises(ValueError, match="begins with ws"):
            async with websocket_connect("http://localhost"):
                raise AssertionError

    async def test_one_that_is_forgotten_says_so(self) -> None:
        async with Scripted(SWITCH + b"\r\n", HANG) as server:
            connection = await websocket_connect(server.url)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                connection.__del__()
            assert [str(warning.message) for warning in caught] == ["Unclosed WebSocketClientConnection"]
            connection.close()
            connection.__del__()
            await until(lambda: server.received)
        gc.collect()

    async def test_the_ways_an_answer_can_be_given_by_hand(self) -> None:
        async with Scripted(HANG) as server:
            opening = websocket_connect(server.url)
            await until(lambda: server.head)
            task = opening._opening
            assert task is not None
            connection = task.get_coro().cr_frame.f_locals["self"]  # type: ignore[attr-defined]
            connection.finish()
            with pytest.raises(HTTPStreamClosedError, match="Stream closed"):
                await opening
