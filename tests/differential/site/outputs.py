"""What responses are made of: bodies, statuses, headers."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable
from typing import Any

from framework import gen
from tests.differential.site.common import action, tell


@action
def hello(self: Any) -> None:
    self.write("hello")


@action
def empty(self: Any) -> None:
    pass


@action
def kinds(self: Any) -> None:
    self.write("text é ")
    self.write(b"bytes \xff ")
    self.write({"a": [1, None, "</"]})


@action
def wrong_kinds(self: Any) -> None:
    for value in ([1], 5, None, 5.5, {1, 2}, bytearray(b"x")):
        tell(self, self.write, value)
    self.write("still here")


@action
def json(self: Any) -> None:
    self.write({"a": 1, "b": ["é", None, True]})


@action
def json_own_type(self: Any) -> None:
    self.set_header("Content-Type", "application/vnd.x+json")
    self.write({"a": 1})


@action
def finish_chunk(self: Any) -> None:
    self.write("a")
    self.finish({"b": 1})


@action
def returns_text(self: Any) -> str:
    return "not allowed"


@action
def returns_none_future(self: Any) -> Awaitable[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    self.write("future")
    asyncio.get_running_loop().call_soon(future.set_result, None)
    return future


@action
def returns_done_future(self: Any) -> Awaitable[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    self.write("done future")
    return future


@action
async def coroutine(self: Any) -> None:
    self.write("a")
    await asyncio.sleep(0)
    self.write("b")


@action
async def coroutine_result(self: Any) -> str:
    self.write("a")
    return "thrown away"


@action
@gen.coroutine
def generator(self: Any) -> Any:
    yield gen.sleep(0.001)
    self.write("a")
    yield [gen.sleep(0.001), gen.sleep(0)]
    self.write("b")


@action
async def flushes(self: Any) -> None:
    self.write("a")
    await self.flush()
    self.write("bc")
    self.write("d")
    await self.flush()
    await self.flush()
    self.finish("e")


@action
async def flushes_nothing(self: Any) -> None:
    await self.flush()


@action
def flushes_plain(self: Any) -> None:
    self.write("a")
    self.flush()
    self.write("b")


@action
async def flush_with_length(self: Any) -> None:
    self.set_header("Content-Length", "4")
    self.write("ab")
    await self.flush()
    self.write("cd")


@action
async def flush_with_status(self: Any) -> None:
    self.set_status(201)
    self.set_header("X-A", "1")
    self.write("x")
    await self.flush()
    self.set_status(202)
    self.set_header("X-A", "2")


@action
async def finish_is_awaitable(self: Any) -> None:
    await self.finish("x")


@action
def length_short(self: Any) -> None:
    self.set_header("Content-Length", "10")
    self.write("abc")


@action
def length_long(self: Any) -> None:
    self.set_header("Content-Length", "2")
    self.write("abc")


@action
def length_right(self: Any) -> None:
    self.set_header("Content-Length", 3)
    self.write("abc")


@action
def not_auto(self: Any) -> None:
    self._auto_finish = False
    asyncio.get_running_loop().call_later(0.001, self.finish, "later")


@action
def looks_inside(self: Any) -> None:
    self.write("x")
    self.write(b"y")
    inside = [
        self._write_buffer[:],
        self._finished,
        self._auto_finish,
        self._headers_written,
        self._status_code,
    ]
    self.write(repr(inside) + repr([self._reason, self._transforms, sorted(self._headers)]))
    self.write(repr([self.path_args, self.path_kwargs, self.settings is self.application.settings]))
    self.write(repr([hasattr(self, "_current_user"), hasattr(self, "_locale"), hasattr(self, "_new_cookie")]))
    self.set_cookie("a", "b c")
    self.write(repr(self._new_cookie))
    self.write(repr(self.request.connection.context._orig_remote_ip))
    self.write(self._request_summary())


@action
def clears(self: Any) -> None:
    self.set_status(404)
    self.set_header("X-A", "1")
    self.set_cookie("kept", "1")
    self.write("x")
    self.clear()
    self.write("y")


@action
def no_content_with_body(self: Any) -> None:
    self.set_status(204)
    self.write("x")


@action
def not_modified_headers(self: Any) -> None:
    self.set_status(304)
    for name in ("Content-Language", "Content-Encoding", "Etag", "Last-Modified", "X-A", "Content-Length"):
        self.set_header(name, "0")


@action
def reason_bad(self: Any) -> None:
    self.set_status(200, "a\r\nX-B: 1")


@action
def reason_utf8(self: Any) -> None:
    self.set_status(200, "é")


@action
def headers(self: Any) -> None:
    self.set_header("X-Text", "a b")
    self.set_header("x-lower-case", "1")
    self.set_header("X-Bytes", b"b\xe9")
    self.set_header("X-Int", 5)
    self.set_header("X-Bool", True)
    self.set_header("X-Date", datetime.datetime(2020, 1, 2, 3, 4, 5))  # noqa: DTZ001
    zone = datetime.timezone(datetime.timedelta(hours=2))
    self.set_header("X-Zone", datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=zone))
    self.set_header("X-Latin", "é")
    self.set_header("X-Empty", "")
    self.set_header("X-Space", "  a  ")
    self.add_header("X-More", "1")
    self.add_header("x-more", b"2")
    self.add_header("X-More", 3)
    self.set_header("X-Gone", "1")
    self.clear_header("x-gone")
    self.clear_header("X-Never")
    self.write(repr(sorted(self._headers.items())[3:]))


@action
def headers_refused(self: Any) -> None:
    for value in ("a\nb", "a\rb", "a\0b", "€", "a\x7fb", 5.5, None, ["x"], "\x1b", "a\r\n b"):
        tell(self, self.set_header, "X-A", value)
    for name in ("X A", "X:A", "", "X\nA"):
        tell(self, self.add_header, name, "x")


@action
def headers_own(self: Any) -> None:
    self.set_header("Server", "mine")
    self.set_header("Date", "now")
    self.set_header("Content-Type", "image/png")
    self.write(b"\x89PNG")


@action
def header_date_own(self: Any) -> None:
    self.clear_header("Content-Type")
    self.clear_header("Server")
    self.write("x")


@action
def connection_close(self: Any) -> None:
    self.set_header("Connection", "close")
    self.write("x")


@action
def big_text(self: Any) -> None:
    self.write("text " * 500)


@action
def big_binary(self: Any) -> None:
    self.set_header("Content-Type", "image/png")
    self.write("text " * 500)


@action
def big_svg(self: Any) -> None:
    self.set_header("Content-Type", "image/svg+xml; charset=x")
    self.set_header("Vary", "Cookie")
    self.write("text " * 500)


@action
def big_encoded(self: Any) -> None:
    self.set_header("Content-Encoding", "identity")
    self.write("text " * 500)


@action
async def big_streamed(self: Any) -> None:
    for _ in range(3):
        self.write("text " * 500)
        await self.flush()


@action
async def small_streamed(self: Any) -> None:
    self.set_header("Content-Length", "4")
    self.write("ab")
    await self.flush()
    self.write("cd")


@action
def not_found_text(self: Any) -> None:
    self.set_status(404)
    self.write("x" * 2000)
