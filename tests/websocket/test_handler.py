"""`WebSocketHandler`: the handshake and what may happen in it, what is called when, what is over behind it."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import Any

import pytest

from framework.web import HTTPError
from framework.websocket import (
    WebSocketClosedError,
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
)
from tests.websocket.conftest import Serve
from tests.websocket.talk import ACCEPT, BINARY, PING, PONG, TEXT, Noting, ask, close, frame, until

pytestmark = pytest.mark.both_loops


def fields(head: str) -> dict[str, str]:
    """The header fields of an answer, but for those that every answer has."""
    pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
    return {name: value for name, value in pairs if name not in ("Server", "Date")}


class TestHandshake:
    async def test_the_answer_switches_protocols(self, serve: Serve) -> None:
        class Echo(Noting):
            pass

        server = await serve({"/": Echo})
        client = await server.open()
        assert client.head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
        assert fields(client.head) == {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-Websocket-Accept": ACCEPT,
        }
        client.send(
            frame(TEXT, "zwölf".encode()), frame(BINARY, b"\0\xff"), frame(PING, b"p"), frame(PONG, b"q")
        )
        assert await client.frame() == (TEXT, "zwölf".encode())
        assert await client.frame() == (BINARY, b"\0\xff")
        assert await client.frame() == (PONG, b"p")
        client.send(close(1000, b"bye"))
        assert await client.rest() == b"\x88\x02\x03\xe8"
        await until(lambda: len(Echo.seen) == 6)
        assert Echo.seen == [
            ("open",),
            "zwölf",
            b"\0\xff",
            ("ping", b"p"),
            ("pong", b"q"),
            ("close", 1000, "bye"),
        ]

    async def test_what_comes_in_one_piece_with_the_request_is_the_websockets(self, serve: Serve) -> None:
        class Echo(Noting):
            pass

        server = await serve({"/": Echo})
        client = await server.open(behind=frame(TEXT, b"early") + frame(TEXT, b"bird") + close(1000))
        assert await client.rest() == b"\x81\x05early\x81\x04bird\x88\x02\x03\xe8"

    async def test_what_comes_while_prepare_waits_is_the_websockets(self, serve: Serve) -> None:
        release = asyncio.Event()

        class Slow(Noting):
            async def prepare(self) -> None:
                self.seen.append("prepare")
                await release.wait()

        server = await serve({"/": Slow})
        client = await server.connect()
        client.send(ask())
        await until(lambda: Slow.seen)
        client.send(frame(TEXT, b"early"))
        release.set()
        await client.open(frame(TEXT, b"bird"))
        assert await client.frame() == (TEXT, b"early")
        assert await client.frame() == (TEXT, b"bird")

    @pytest.mark.parametrize(
        ("change", "status", "body"),
        [
            ({"Upgrade": ""}, 400, 'Can "Upgrade" only to "WebSocket".'),
            ({"Upgrade": "h2c"}, 400, 'Can "Upgrade" only to "WebSocket".'),
            ({"Connection": "keep-alive"}, 400, '"Connection" must be "Upgrade".'),
            ({"Sec_WebSocket_Key": ""}, 400, "Missing/Invalid WebSocket headers"),
            ({"Sec_WebSocket_Version": "8"}, 426, ""),
            ({"Origin": "http://evil.example"}, 403, "Cross origin websockets not allowed"),
            ({"Origin": "http://localhost:81"}, 403, "Cross origin websockets not allowed"),
            ({"Origin": "null"}, 403, "Cross origin websockets not allowed"),
            ({"Origin": "http://["}, 403, "Cross origin websockets not allowed"),
        ],
    )
    async def test_a_request_that_is_no_handshake_is_refused(
        self, serve: Serve, change: dict[str, str], status: int, body: str
    ) -> None:
        class Echo(Noting):
            pass

        server = await serve({"/": Echo})
        answer = await server.ask(ask(**change))
        assert answer.split()[1] == str(status)
        assert answer.endswith("\r\n\r\n" + body)
        assert (status == 426) == ("Sec-Websocket-Version: 13\r\n" in answer)
        assert Echo.seen == []

    async def test_http_1_0_is_refused(self, serve: Serve) -> None:
        server = await serve({"/": Noting})
        assert (await server.ask(ask(version="HTTP/1.0"))).endswith("WebSocket needs HTTP/1.1")

    async def test_other_methods_are_not_allowed(self, serve: Serve) -> None:
        server = await serve({"/": Noting})
        assert " 405 " in await server.ask(ask(method="POST", Content_Length="0", Upgrade=""))

    async def test_pages_of_the_same_host_may_connect(self, serve: Serve) -> None:
        server = await serve({"/": Noting})
        client = await server.open(ask(Origin="https://LOCALHOST:80", Host="localhost:80"))
        assert " 101 " in client.head

    async def test_a_handler_may_let_other_origins_in(self, serve: Serve) -> None:
        class Open(Noting):
            def check_origin(self, origin: str) -> bool:
                return origin == "http://friend.example"

        server = await serve({"/": Open})
        assert " 101 " in (await server.open(ask(Origin="http://friend.example"))).head
        assert " 403 " in await server.ask(ask(Origin="http://localhost"))

    async def test_a_version_may_be_unknown_to_the_handler(self, serve: Serve) -> None:
        class Old(Noting):
            def get_websocket_protocol(self) -> WebSocketProtocol | None:
                return None

        answer = await (await serve({"/": Old})).ask(ask())
        assert " 426 " in answer
        assert "Sec-Websocket-Version: 13" in answer

    async def test_a_handler_may_have_a_protocol_of_its_own(self, serve: Serve) -> None:
        class Other(WebSocketProtocol):
            async def accept_connection(self, handler: Any) -> None:
                handler.finish("other")

        class Own(Noting):
            def get_websocket_protocol(self) -> WebSocketProtocol | None:
                return Other(self)

        assert (await (await serve({"/": Own})).ask(ask())).endswith("other")

    async def test_a_policy_that_does_not_exist_is_an_error(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = await serve({"/": Noting}, websocket_slow_reader="hope")
        assert " 500 " in await server.ask(ask())
        assert "slow_reader is one of wait, drop, close, not 'hope'" in caplog.text

    async def test_compression_is_agreed_upon_where_the_handler_wants_it(self, serve: Serve) -> None:
        class Small(Noting):
            def get_compression_options(self) -> dict[str, Any]:
                return {"compression_level": 9, "mem_level": 9}

        server = await serve({"/": Small, "/plain": Noting})
        offer = "permessage-deflate; server_no_context_takeover"
        client = await server.open(ask(Sec_WebSocket_Extensions=offer))
        assert f"Sec-Websocket-Extensions: {offer}\r\n" in client.head
        client.send(frame(TEXT, b"hello"))
        assert await client.frame() == (0xC1, b"\xcaH\xcd\xc9\xc9\x07\x00")
        assert "Extensions" not in (await server.open(ask("/plain", Sec_WebSocket_Extensions=offer))).head
        assert "Extensions" not in (await server.open(ask(Sec_WebSocket_Extensions="unheard-of"))).head


class TestSubprotocol:
    async def test_the_handler_chooses_from_what_is_offered(self, serve: Serve) -> None:
        class Choosy(Noting):
            def select_subprotocol(self, subprotocols: list[str]) -> str | None:
                self.seen.append(subprotocols)
                return subprotocols[-1] if subprotocols else None

            def open(self) -> None:
                self.seen.append(self.selected_subprotocol)

        server = await serve({"/": Choosy})
        client = await server.open(ask("/", "Sec-WebSocket-Protocol: c", Sec_WebSocket_Protocol="a, b"))
        assert "Sec-Websocket-Protocol: c\r\n" in client.head
        assert "Protocol:" not in (await server.open()).head
        assert Choosy.seen == [["a", "b", "c"], "c", [], None]

    async def test_one_that_was_not_offered_is_an_error(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Wrong(Noting):
            def select_subprotocol(self, subprotocols: list[str]) -> str | None:
                return "z"

        server = await serve({"/": Wrong})
        assert " 500 " in await server.ask(ask(Sec_WebSocket_Protocol="a"))
        assert "select_subprotocol() chose 'z', and the client offers ['a']" in caplog.text


class TestBeforeTheHandshake:
    async def test_prepare_may_answer_by_itself(self, serve: Serve) -> None:
        class Unknown(Noting):
            def prepare(self) -> None:
                self.set_status(401)
                self.finish("who are you?")

        class Forbidden(Noting):
            async def prepare(self) -> None:
                await asyncio.sleep(0)
                raise HTTPError(403)

        server = await serve({"/unknown": Unknown, "/forbidden": Forbidden})
        assert (await server.ask(ask("/unknown"))).endswith("who are you?")
        assert " 403 " in await server.ask(ask("/forbidden"))
        assert Unknown.seen == Forbidden.seen == []

    async def test_headers_and_cookies_of_prepare_go_out_with_the_answer(self, serve: Serve) -> None:
        class Baker(Noting):
            def prepare(self) -> None:
                self.set_cookie("a", "b")
                self.set_header("X-Y", "z")

        client = await (await serve({"/": Baker})).open()
        assert "Set-Cookie: a=b; Path=/\r\n" in client.head
        assert "X-Y: z\r\n" in client.head

    async def test_get_may_be_overridden_and_waits_for_the_end(self, serve: Serve) -> None:
        class Guarded(Noting):
            async def get(self, *args: Any, **kwargs: Any) -> None:
                if self.get_argument("password", "") != "xyzzy":
                    raise HTTPError(403)
                await super().get(*args, **kwargs)
                self.seen.append("after")

        server = await serve({"/": Guarded})
        assert " 403 " in await server.ask(ask())
        client = await server.open(ask("/?password=xyzzy"), frame(TEXT, b"x"))
        assert await client.frame() == (TEXT, b"x")
        client.send(close(1000))
        await client.rest()
        await until(lambda: "after" in Guarded.seen)
        assert Guarded.seen == [("open",), "x", ("close", 1000, None), "after"]

    async def test_a_client_that_goes_in_the_meantime_is_no_error(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        release = asyncio.Event()

        class Slow(Noting):
            async def prepare(self) -> None:
                self.seen.append("prepare")
                await release.wait()

            def on_connection_close(self) -> None:
                self.seen.append("gone")
                super().on_connection_close()

            def on_finish(self) -> None:
                self.seen.append("finish")

        server = await serve({"/": Slow})
        client = await server.connect()
        client.send(ask())
        await until(lambda: Slow.seen)
        await client.close()
        await until(lambda: len(Slow.seen) == 2)
        release.set()
        await until(lambda: len(Slow.seen) == 3)
        assert Slow.seen == ["prepare", "gone", "finish"]
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


class TestOpen:
    async def test_the_groups_of_the_route_are_its_arguments(self, serve: Serve) -> None:
        class Args(Noting):
            pass

        server = await serve({r"/a/(.*)/(.*)": Args, r"/k/(?P<name>.*)": Args})
        await server.open(ask("/a/b%20c/d"))
        await server.open(ask("/k/v"))
        assert Args.seen == [("open", "b c", "d"), ("open", ("name", "v"))]
        assert Args.made[0].open_args == ("b c", "d")
        assert Args.made[1].open_kwargs == {"name": "v"}

    async def test_the_request_is_answered_and_logged_before(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Ordered(Noting):
            def on_finish(self) -> None:
                self.seen.append(("finish", self.get_status()))

        with caplog.at_level(logging.INFO, "framework.access"):
            await (await serve({"/": Ordered})).open()
        assert Ordered.seen == [("finish", 101), ("open",)]
        assert "101 GET /" in caplog.text

    async def test_messages_wait_for_an_open_that_waits(self, serve: Serve) -> None:
        release = asyncio.Event()

        class Slow(Noting):
            async def open(self) -> None:
                self.seen.append("open")
                await release.wait()
                self.seen.append("opened")

        client = await (await serve({"/": Slow})).open(behind=frame(TEXT, b"1"))
        client.send(frame(TEXT, b"2"))
        await until(lambda: Slow.seen)
        release.set()
        assert [await client.frame(), await client.frame()] == [(TEXT, b"1"), (TEXT, b"2")]
        assert Slow.seen == ["open", "opened", "1", "2"]

    @pytest.mark.parametrize("later", [False, True])
    async def test_one_that_raises_is_logged_and_closes_without_on_close(
        self, serve: Serve, caplog: pytest.LogCaptureFixture, later: bool
    ) -> None:
        class Failing(Noting):
            def open(self) -> Any:
                async def fail() -> None:
                    await asyncio.sleep(0)
                    raise ValueError("in open")

                if later:
                    return fail()
                raise ValueError("in open")

        client = await (await serve({"/": Failing})).open(behind=frame(TEXT, b"never seen"))
        assert await client.rest() == b"\x88\x02\x03\xf3"
        assert "ValueError: in open" in caplog.text
        assert Failing.seen == []

    async def test_it_may_write_and_close(self, serve: Serve) -> None:
        class Short(Noting):
            def open(self) -> None:
                self.write_message({"a": "b"})
                self.close(4001, "enough")

        client = await (await serve({"/": Short})).open()
        assert await client.read(22) == b'\x81\x0a{"a": "b"}\x88\x08\x0f\xa1enough'
        client.send(close(4001))
        await client.rest()
        await until(lambda: Short.seen)
        assert Short.seen == [("close", 4001, None)]


class TestBehindTheHandshake:
    async def test_nothing_of_http_can_be_written(self, serve: Serve) -> None:
        class Confused(Noting):
            def open(self) -> None:
                for name, arguments in {
                    "write": ("x",),
                    "flush": (),
                    "finish": (),
                    "redirect": ("/",),
                    "set_header": ("A", "b"),
                    "set_cookie": ("a", "b"),
                    "set_status": (200,),
                }.items():
                    with pytest.raises(RuntimeError, match=r"^Method not supported for Web Sockets$"):
                        getattr(self, name)(*arguments)
                    self.seen.append(name)

        client = await (await serve({"/": Confused})).open(behind=close(1000))
        assert await client.rest() == b"\x88\x02\x03\xe8"
        assert len(Confused.seen) == 8

    async def test_the_request_can_be_looked_at(self, serve: Serve) -> None:
        class Curious(Noting):
            def get_current_user(self) -> str:
                return "somebody"

            def on_message(self, message: str | bytes) -> None:
                request: Any = self.request
                self.seen.append((request.remote_ip, request.host, request.protocol, request.headers["X-A"]))
                self.seen.append((self.get_argument("x"), self.get_cookie("c"), self.current_user))
                self.seen.append((request.path, request.uri, self.get_status(), request.full_url()))
                assert str(request.connection.context) == "127.0.0.1"
                with pytest.raises(OSError, match="closed"):
                    request.connection.write(b"x")
                request.connection.set_close_callback(None)
                request.connection.abort()

        server = await serve({"/": Curious}, {"xheaders": True})
        client = await server.open(ask("/?x=1", Cookie="c=d", X_A="b", X_Real_Ip="9.9.9.9", X_Scheme="https"))
        client.send(frame(TEXT, b"x"), close(1000))
        await client.rest()
        assert Curious.seen[1:4] == [
            ("9.9.9.9", "localhost", "https", "b"),
            ("1", "d", "somebody"),
            ("/", "/?x=1", 101, "https://localhost/?x=1"),
        ]

    async def test_variables_of_the_context_are_those_of_the_request(self, serve: Serve) -> None:
        name: ContextVar[str] = ContextVar("name", default="nobody")

        class Named(Noting):
            def prepare(self) -> None:
                name.set(self.get_argument("name"))

            async def on_message(self, message: str | bytes) -> None:
                self.seen.append(name.get())

            def on_close(self) -> None:
                self.seen.append(name.get())

        server = await serve({"/": Named})
        one, other = await server.open(ask("/?name=one")), await server.open(ask("/?name=other"))
        one.send(frame(TEXT, b"x"), close(1000))
        await one.rest()
        other.send(frame(TEXT, b"x"), close(1000))
        await other.rest()
        await until(lambda: len(Named.seen) == 6)
        assert Named.seen == [("open",), ("open",), "one", "one", "other", "other"]

    async def test_a_closed_one_can_do_nothing_any_more(self, serve: Serve) -> None:
        class Closing(Noting):
            def on_message(self, message: str | bytes) -> None:
                self.close()
                self.refused()

            def on_close(self) -> None:
                super().on_close()
                self.refused()
                self.close(1000)

            def refused(self) -> None:
                for call in (
                    lambda: self.write_message("x"),
                    lambda: self.ping(),
                    lambda: self.set_nodelay(True),
                ):
                    with pytest.raises(WebSocketClosedError):
                        call()
                    self.seen.append("refused")

        client = await (await serve({"/": Closing})).open(behind=frame(TEXT, b"x"))
        assert await client.frame() == (0x88, b"")
        client.send(close(3000, b"why"))
        assert await client.rest() == b""
        await until(lambda: len(Closing.seen) == 8)
        assert Closing.seen[4] == ("close", 3000, "why")

    async def test_ping_and_nodelay(self, serve: Serve) -> None:
        class Pinging(Noting):
            def open(self) -> None:
                self.set_nodelay(False)
                self.set_nodelay(True)
                self.ping()
                self.ping("abc")
                self.ping(b"def")
                with pytest.raises(ValueError, match="125"):
                    self.ping(b"x" * 126)

        client = await (await serve({"/": Pinging})).open()
        assert await client.read(12) == b"\x89\x00\x89\x03abc\x89\x03def"

    async def test_on_message_has_to_be_defined(self, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
        client = await (await serve({"/": WebSocketHandler})).open(behind=frame(TEXT, b"x"))
        assert await client.rest() == b"\x88\x02\x03\xf3"
        assert "WebSocketHandler must define on_message" in caplog.text

    async def test_what_is_no_message_is_an_error(self, serve: Serve) -> None:
        class Wrong(Noting):
            def open(self) -> None:
                wrong: Any
                for wrong in (1, None, [1], bytearray(b"x")):
                    with pytest.raises(TypeError, match=r"^Expected bytes, unicode, or None; got <class"):
                        self.write_message(wrong)
                with pytest.raises(UnicodeDecodeError):
                    self.write_message(b"\xff")
                self.write_message(b"text")
                self.write_message("binary", binary=True)
                assert self.ws_connection is not None
                self.ws_connection.write_message({"a": 1})

        client = await (await serve({"/": Wrong})).open()
        assert await client.read(24) == b'\x81\x04text\x82\x06binary\x81\x08{"a": 1}'


class TestSettings:
    async def test_they_are_the_defaults_of_the_handlers_attributes(self, serve: Serve) -> None:
        class Plain(Noting):
            pass

        class Own(Noting):
            max_message_size = 10
            ping_interval = 7

        server = await serve(
            {"/": Plain, "/own": Own},
            websocket_ping_interval=30,
            websocket_ping_timeout=20,
            websocket_max_message_size=99,
            websocket_slow_reader="drop",
            websocket_write_high_water=1000,
            websocket_max_write_buffer_size=2000,
            websocket_close_timeout=1,
        )
        await server.open()
        client = await server.open(ask("/own"))
        [plain], [own] = Plain.made, Own.made
        connection = plain.ws_connection
        assert isinstance(connection, WebSocketProtocol13)
        assert connection.params == (30, 20, 99, "drop", 1000, 2000, 1.0)
        assert (own.ws_connection.ping_interval, own.ws_connection.ping_timeout) == (7, 7)
        client.send(frame(TEXT, b"x" * 11))
        assert await client.rest() == b"\x88\x11\x03\xf1message too big"

    async def test_the_defaults_of_the_defaults(self, serve: Serve) -> None:
        class Plain(Noting):
            pass

        await (await serve({"/": Plain})).open()
        [plain] = Plain.made
        assert (plain.ping_interval, plain.ping_timeout, plain.max_message_size) == (None, None, 10485760)
        connection = plain.ws_connection
        assert (connection.ping_interval, connection.ping_timeout, connection.is_closing()) == (0, 0, False)


async def test_the_stream_that_old_programs_look_for(serve: Serve) -> None:
    class Old(Noting):
        pass

    client = await (await serve({"/": Old})).open()
    stream = Old.made[0].ws_connection.stream
    assert stream.socket.getpeername() == client.writer.get_extra_info("sockname")
    assert stream.fileno() == stream.socket.fileno()
    stream.set_nodelay(True)
    assert not stream.closed()
    stream.close()
    assert stream.closed()
    assert await client.rest() == b""
    await until(lambda: stream.socket is None)
    assert (stream.fileno(), stream.closed()) == (-1, True)


@pytest.mark.parametrize("size", [1000, 100_000])
async def test_what_one_that_reads_nothing_is_sent_is_bounded(serve: Serve, size: int) -> None:
    unsent: list[int] = []

    class Much(Noting):
        max_write_buffer_size = 1 << 20

        async def on_message(self, message: str | bytes) -> None:
            connection = self.ws_connection
            assert isinstance(connection, WebSocketProtocol13)
            try:
                while connection.unsent() < 16 << 20:
                    self.write_message(bytes(size), binary=True)
                    await asyncio.sleep(0)
            except WebSocketClosedError:
                pass
            unsent.append(connection.unsent())

    server = await serve({"/": Much})
    client = await server.open()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it has it
    client.send(frame(TEXT, b"go"))
    await until(lambda: unsent)
    assert unsent[0] < 2 << 20
