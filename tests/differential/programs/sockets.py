"""`websocket`: a handler and a client of the same package, and what each is told, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.differential.programs.run import Api
from tests.differential.programs.streams import until

SHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
)


def _noting(api: Api) -> Any:
    """A handler that says what happens to it."""

    base: Any = api.websocket.WebSocketHandler

    class Noting(base):  # type: ignore[misc]  # either package's
        def open(self, *args: str, **kwargs: str) -> Any:
            api.say("open", args, kwargs, self.selected_subprotocol)

        def on_message(self, message: str | bytes) -> Any:
            api.say("message", message if len(message) < 50 else len(message))
            self.write_message(message, binary=isinstance(message, bytes))

        def on_ping(self, data: bytes) -> None:
            api.say("ping", data)

        def on_pong(self, data: bytes) -> None:
            api.say("pong", data)

        def on_close(self) -> None:
            api.say("close", self.close_code, self.close_reason)
            self.settings["closed"].set()

        def on_finish(self) -> None:
            api.say("finish", self.get_status())

    return Noting


@asynccontextmanager
async def _served(api: Api, handler: Any, path: str = "/", **settings: Any) -> AsyncIterator[Any]:
    """Serves a handler; gives the port."""
    closed = asyncio.Event()
    application = api.web.Application(
        [(path, handler)], log_function=lambda handler: None, closed=closed, **settings
    )
    server = api.httpserver.HTTPServer(application)
    sockets = api.netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.stop()


def _url(port: int, path: str = "/") -> str:
    return f"ws://127.0.0.1:{port}{path}"


async def _raw(
    api: Api, port: int, *pieces: bytes, path: str = "/", lines: str = "", until_end: bool = True
) -> None:
    """Says what comes back for bytes behind a handshake, without the head's fields of no interest."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(SHAKE.format(path=path, lines=lines).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    api.say(head[0], sorted(line for line in head[1:] if not line.startswith(("Server", "Date"))))
    for piece in pieces:
        writer.write(piece)
    if until_end:
        api.say(await reader.read())
    writer.close()


def _masked(first: int, payload: bytes = b"") -> bytes:
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


async def what_is_called_in_which_order(api: Api) -> None:
    async with _served(api, _noting(api), "/(.*)") as port:
        client = await api.websocket.websocket_connect(_url(port, "/a%20b?c=d"))
        await client.write_message("text")
        await client.write_message(b"\0", binary=True)
        api.say(await client.read_message(), await client.read_message())
        client.ping(b"data")
        await api.gen.sleep(0.01)
        client.close(1000, "bye")
        api.say(await client.read_message(), client.close_code, client.close_reason)
        await api.gen.sleep(0.01)


async def groups_with_names(api: Api) -> None:
    async with _served(api, _noting(api), "/(?P<name>.*)/(?P<other>.*)") as port:
        client = await api.websocket.websocket_connect(_url(port, "/v/w"))
        client.close()
        api.say(await client.read_message(), client.close_code, client.close_reason)
        await api.gen.sleep(0.01)


async def the_servers_close_frame(api: Api) -> None:
    class Closing(_noting(api)):  # type: ignore[misc]  # either package's
        def on_message(self, message: Any) -> None:
            code, _, reason = message.partition(" ")
            self.close(int(code) if code else None, reason or None)
            api.say(self.ws_connection)
            api.call("again", self.close)

    async with _served(api, Closing) as port:
        for asked in ("", "1000", "4000 why", "3000"):
            client = await api.websocket.websocket_connect(_url(port))
            await client.write_message(asked)
            api.say(await client.read_message(), client.close_code, client.close_reason)
            client.close()
            await api.gen.sleep(0.01)


async def writing_when_it_is_over(api: Api) -> None:
    class Late(_noting(api)):  # type: ignore[misc]  # either package's
        def on_message(self, message: Any) -> None:
            self.close()
            api.call("write", self.write_message, "x")
            api.call("ping", self.ping)

        def on_close(self) -> None:
            super().on_close()
            api.call("write", self.write_message, "x")
            api.call("ping", self.ping, b"x")
            api.call("close", self.close)

    async with _served(api, Late) as port:
        client = await api.websocket.websocket_connect(_url(port))
        await client.write_message("x")
        api.say(await client.read_message())
        client.close()
        api.call("client", client.write_message, "x")
        await api.gen.sleep(0.01)


async def what_can_be_written(api: Api) -> None:
    class Writing(_noting(api)):  # type: ignore[misc]  # either package's
        def open(self) -> None:
            for wrong in (1, [1], bytearray(b"x"), {"a": b"x"}):
                api.call("write", self.write_message, wrong)
            api.call("long ping", lambda: self.ping(b"x" * 126))
            api.call("long reason", lambda: self.close(1000, "x" * 124))
            for message, binary in (
                ("a", False),
                ("b", True),
                (b"c", False),
                (b"d", True),
                ({"e": 1}, False),
            ):
                self.write_message(message, binary=binary)
            self.write_message("ü" * 100_000)
            self.write_message("")

    async with _served(api, Writing) as port:
        client = await api.websocket.websocket_connect(_url(port))
        for _ in range(5):
            api.say(await client.read_message())
        api.say(len(await client.read_message()), await client.read_message())
        client.close()
        api.say(await client.read_message())
        await api.gen.sleep(0.01)


async def nothing_of_http_afterwards(api: Api) -> None:
    class Confused(_noting(api)):  # type: ignore[misc]  # either package's
        def open(self) -> None:
            calls: list[tuple[str, tuple[Any, ...]]] = [
                *[("write", ("x",)), ("finish", ()), ("flush", ()), ("redirect", ("/",))],
                *[("set_header", ("a", "b")), ("set_cookie", ("a", "b")), ("set_status", (200,))],
                *[("clear_cookie", ("a",)), ("get_status", ()), ("get_argument", ("a", "default"))],
            ]
            for name, arguments in calls:
                api.call(name, getattr(self, name), *arguments)

    async with _served(api, Confused) as port:
        (await api.websocket.websocket_connect(_url(port))).close()
        await api.gen.sleep(0.01)


async def one_message_after_the_other(api: Api) -> None:
    class Slow(_noting(api)):  # type: ignore[misc]  # either package's
        async def open(self) -> None:
            api.say("opening")
            await api.gen.sleep(0.005)
            api.say("open")

        async def on_message(self, message: Any) -> None:
            api.say("begin", message)
            await api.gen.sleep(0.002)
            api.say("end", message)

    async with _served(api, Slow) as port:
        client = await api.websocket.websocket_connect(_url(port))
        for message in ("1", "2", "3"):
            await client.write_message(message)
        client.close(1000)
        api.say(await client.read_message())
        await api.gen.sleep(0.01)


async def refusals(api: Api) -> None:
    class Guarded(_noting(api)):  # type: ignore[misc]  # either package's
        async def prepare(self) -> None:
            status = int(self.get_argument("status"))
            if status == 401:
                self.set_status(401)
                self.finish("who are you?")
            elif status != 101:
                raise api.web.HTTPError(status)

    async with _served(api, Guarded) as port:
        for status in (101, 401, 403, 500, 302):
            try:
                client = await api.websocket.websocket_connect(_url(port, f"/?status={status}"))
                client.close()
                await client.read_message()
            except api.httpclient.HTTPClientError as error:
                api.say(error, error.code, error.response.body)
            await api.gen.sleep(0.01)


async def headers_of_the_answer(api: Api) -> None:
    class Baker(_noting(api)):  # type: ignore[misc]  # either package's
        def prepare(self) -> None:
            self.set_cookie("a", "b")
            self.set_header("X-Y", "z")

        def select_subprotocol(self, subprotocols: list[str]) -> str | None:
            api.say(subprotocols)
            return subprotocols[0] if subprotocols else None

        def get_compression_options(self) -> dict[str, Any]:
            return {}

    async with _served(api, Baker) as port:
        bye = _masked(0x88, b"\x03\xe8")
        await _raw(api, port, bye)
        await _raw(api, port, bye, lines="Sec-WebSocket-Protocol: one, two\r\n")
        for offer in (
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=10; server_max_window_bits=11",
            "x-webkit-deflate-frame, permessage-deflate",
            "x-webkit-deflate-frame",
        ):
            await _raw(
                api, port, _masked(0x81, b"hello"), bye, lines=f"Sec-WebSocket-Extensions: {offer}\r\n"
            )
        await api.gen.sleep(0.01)


async def origins(api: Api) -> None:
    async with _served(api, _noting(api)) as port:
        for origin in (
            "http://localhost",
            "https://LOCALHOST",
            "http://localhost:1",
            "http://evil",
            "null",
            "",
        ):
            await _raw(api, port, lines=f"Origin: {origin}\r\n", until_end=False)
            await api.gen.sleep(0.01)


async def frames_in_one_piece_with_the_request(api: Api) -> None:
    async with _served(api, _noting(api)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        frames = _masked(0x81, b"early") + _masked(0x89, b"ping") + _masked(0x8A, b"pong") + _masked(0x88)
        writer.write(SHAKE.format(path="/", lines="").encode() + frames)
        await reader.readuntil(b"\r\n\r\n")
        api.say(await reader.read())
        writer.close()
        await api.gen.sleep(0.01)


async def fragments(api: Api) -> None:
    async with _served(api, _noting(api)) as port:
        pieces = (_masked(0x01, b"a"), _masked(0x89, b"between"), _masked(0x00, b"b"), _masked(0x80, b"c"))
        await _raw(api, port, *pieces, _masked(0x88, b"\x0f\xa0why"))
        await api.gen.sleep(0.01)


async def an_end_without_a_close_frame(api: Api) -> None:
    async with _served(api, _noting(api)) as port:
        await _raw(api, port, _masked(0x81, b"x"), until_end=False)
        await api.gen.sleep(0.02)


async def a_message_that_is_too_large(api: Api) -> None:
    async with _served(api, _noting(api), websocket_max_message_size=10) as port:
        client = await api.websocket.websocket_connect(_url(port))
        await client.write_message("x" * 10)
        api.say(await client.read_message())
        await client.write_message("x" * 11)
        api.say(await client.read_message(), client.close_code, client.close_reason)
        client.close()
        await api.gen.sleep(0.01)


async def settings_and_attributes(api: Api) -> None:
    class Own(_noting(api)):  # type: ignore[misc]  # either package's
        def open(self) -> None:
            connection = self.ws_connection
            api.say(self.ping_interval, self.ping_timeout, self.max_message_size, self.get_status())
            api.say(connection.ping_interval, connection.ping_timeout, connection.is_closing())
            api.say(type(connection).__name__, connection.mask_outgoing, connection.handler is self)
            api.say(connection.client_terminated, connection.server_terminated, connection.close_code)
            self.set_nodelay(True)

        def on_message(self, message: Any) -> None:
            connection = self.ws_connection
            connection.close(4000)
            api.say(connection.is_closing(), connection.server_terminated)

    several: tuple[dict[str, Any], ...] = (
        {},
        {"websocket_ping_interval": 30},
        {"websocket_ping_interval": 30, "websocket_ping_timeout": 20, "websocket_max_message_size": 5},
    )
    for settings in several:
        async with _served(api, Own, **settings) as port:
            client = await api.websocket.websocket_connect(_url(port))
            await client.write_message("x")
            await client.read_message()
            await api.gen.sleep(0.01)
            api.say(client.close_code)
            client.close()


async def pings_and_their_timeout(api: Api) -> None:
    async with _served(api, _noting(api), websocket_ping_interval=0.05) as port:
        client = await api.websocket.websocket_connect(_url(port))
        await api.gen.sleep(0.175)
        client.close()
        await client.read_message()
        await _raw(api, port, until_end=False)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(SHAKE.format(path="/", lines="").encode())
        await reader.readuntil(b"\r\n\r\n")
        api.say(await reader.readexactly(20))
        writer.close()
        await api.gen.sleep(0.01)


async def a_clients_callbacks(api: Api) -> None:
    said: list[Any] = []
    async with _served(api, _noting(api)) as port:
        client = await api.websocket.websocket_connect(_url(port), on_message_callback=said.append)
        await client.write_message("1")
        await client.write_message("2")
        await until(api, lambda: len(said) == 2)
        client.close()
        await until(api, lambda: len(said) == 3)
        api.say(said)
        await api.gen.sleep(0.01)


async def several_readers(api: Api) -> None:
    async with _served(api, _noting(api)) as port:
        client = await api.websocket.websocket_connect(_url(port))
        readers = [client.read_message() for _ in range(3)]
        await client.write_message("1")
        await client.write_message("2")
        api.say(await readers[0], await readers[1])
        client.close(1000)
        api.say(await readers[2])
        await api.gen.sleep(0.01)


async def nobody_there(api: Api) -> None:
    async with _served(api, _noting(api)) as port:
        pass
    try:
        await api.websocket.websocket_connect(_url(port))
    except OSError as error:
        api.say(type(error).__name__, error.errno)


async def a_get_that_is_overridden(api: Api) -> None:
    class Guarded(_noting(api)):  # type: ignore[misc]  # either package's
        async def get(self, *args: Any, **kwargs: Any) -> None:
            api.say("before")
            await super().get(*args, **kwargs)
            api.say("after")

    async with _served(api, Guarded) as port:
        await _raw(api, port, _masked(0x81, b"x"), _masked(0x88, b"\x03\xe8"))
        await api.gen.sleep(0.01)


async def what_a_handler_raises(api: Api) -> None:
    class Failing(_noting(api)):  # type: ignore[misc]  # either package's
        def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
            api.say(typ.__name__, str(value))

        def on_message(self, message: Any) -> Any:
            if message == "later":
                return self.later()
            raise ValueError("now")

        async def later(self) -> None:
            await api.gen.sleep(0)
            raise ValueError("later")

    async with _served(api, Failing) as port:
        for when in ("now", "later"):
            client = await api.websocket.websocket_connect(_url(port))
            await client.write_message(when)
            api.say(await client.read_message())
            client.close()
            await api.gen.sleep(0.01)
