"""WebSockets with what else applications have: sessions, XSRF cookies, compressed responses, protocols of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framework.session import Store
from framework.session.sessionhandler import SessionBaseHandler
from framework.session.stores.memory import MemoryStore
from framework.websocket import WebSocketProtocol, WebSocketProtocol13
from framework.websocket.base import Params
from tests.session.remote import RemoteStore
from tests.streams import until
from tests.websocket.conftest import Serve
from tests.websocket.talk import Noting, ask, close, frame

SECRET = "a secret for tests"
TEXT = 0x81


def cookie_of(head: str) -> str:
    """The cookie that an answer sets."""
    [line] = [line for line in head.split("\r\n") if line.startswith("Set-Cookie: ")]
    return line.removeprefix("Set-Cookie: ").partition(";")[0]


class Remembering(SessionBaseHandler, Noting):
    """Counts a visitor's connections, and tells the number."""

    def prepare(self) -> None:
        super().prepare()
        self.session["visits"] = self.session.get("visits", 0) + 1

    def on_message(self, message: str | bytes) -> Any:
        return self.write_message(str(self.session.get("visits", 0)))


@pytest.mark.parametrize("kind", [MemoryStore, RemoteStore])
async def test_a_session_is_stored_before_the_answer_and_read_behind_it(
    serve: Serve, kind: type[Store]
) -> None:
    class Visits(Remembering):
        pass

    server = await serve({"/": Visits}, session={"store": kind()}, cookie_secret=SECRET)
    first = await server.open(behind=frame(TEXT, b"?"))
    assert await first.frame() == (TEXT, b"1")
    second = await server.open(ask(Cookie=cookie_of(first.head)))
    second.send(frame(TEXT, b"?"))
    assert await second.frame() == (TEXT, b"2")


async def test_a_get_of_ones_own_waits_for_the_session_and_the_end(serve: Serve) -> None:
    class Visits(Remembering):
        async def get(self, *args: Any, **kwargs: Any) -> None:
            await super().get(*args, **kwargs)
            self.seen.append("after")

    server = await serve({"/": Visits}, session={"store": RemoteStore()}, cookie_secret=SECRET)
    client = await server.open(behind=close(1000))
    await client.rest()
    await until(lambda: "after" in Visits.seen)
    assert Visits.seen == [("open",), ("close", 1000, None), "after"]


async def test_xsrf_cookies_and_compressed_responses_are_no_obstacle(serve: Serve) -> None:
    class Token(Noting):
        def prepare(self) -> None:
            self.seen.append(self.xsrf_token)

    server = await serve({"/": Token}, xsrf_cookies=True, compress_response=True, cookie_secret=SECRET)
    client = await server.open(ask(Accept_Encoding="gzip"), frame(TEXT, b"x"))
    assert cookie_of(client.head) == f"_xsrf={Token.seen[0].decode()}"
    assert "Content-Encoding" not in client.head
    assert await client.frame() == (TEXT, b"x")


async def test_a_protocol_may_be_accepted_by_hand(serve: Serve) -> None:
    class Own(WebSocketProtocol13):
        async def accept_connection(self, handler: Any) -> None:
            handler.seen.append("accept")
            await super().accept_connection(handler)

    class Choosing(Noting):
        def get_websocket_protocol(self) -> WebSocketProtocol | None:
            return Own(self, False, Params(max_message_size=3))

    server = await serve({"/": Choosing})
    client = await server.open(behind=frame(TEXT, b"abc") + frame(TEXT, b"abcd"))
    assert await client.frame() == (TEXT, b"abc")
    assert await client.rest() == b"\x88\x11\x03\xf1message too big"
    await until(lambda: len(Choosing.seen) == 4)
    assert Choosing.seen == ["accept", ("open",), "abc", ("close", None, None)]


async def test_a_client_that_goes_while_its_session_is_stored(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    class Slow(Remembering):
        def _before_headers(self) -> Any:
            async def wait() -> None:
                self.seen.append("storing")
                await release.wait()

            return wait()

        def on_finish(self) -> None:
            self.seen.append("finish")

    server = await serve({"/": Slow}, session={"store": RemoteStore()}, cookie_secret=SECRET)
    client = await server.connect()
    client.send(ask())
    await until(lambda: Slow.seen)
    [connection] = server.http_server.connections
    await client.close()
    await until(lambda: not server.http_server.connections)
    release.set()
    await until(lambda: "finish" in Slow.seen)
    assert Slow.seen == ["storing", "finish"]
    assert connection is not None
    assert "Traceback" not in caplog.text
