"""From what a handler has written to what its connection sends."""

from __future__ import annotations

import asyncio
import datetime
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha1
from inspect import isawaitable
from typing import Any, SupportsIndex

import framework
from framework._background import start
from framework._http1 import writer
from framework.escape import utf8
from framework.httputil.dates import format_timestamp
from framework.httputil.errors import HTTPOutputError
from framework.httputil.headers import HTTPHeaders, headers_of
from framework.httputil.messages import HTTPConnection, ResponseStartLine
from framework.iostream.errors import StreamClosedError, fail
from framework.web.state import Handler, HandlerState
from framework.web.waiting import send_later

__all__ = [
    "break_off",
    "compute_etag",
    "default_headers",
    "finish",
    "flush",
    "header_value",
    "matches_etag",
    "over",
    "reason_phrase",
]

HeaderTypes = bytes | str | SupportsIndex | datetime.datetime

_safe_value = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z").match
# RFC 9112 section 4, and nothing that could begin markup where a page repeats it.
_safe_reason = re.compile(r"[\t\x20-\x3b\x3d-\x7e\x80-\xff]+\Z").match
_etags = re.compile(rb'\*|(?:W/)?"[^"]*"')

# Methods whose responses get an entity tag.
_TAGGED = frozenset(("GET", "HEAD"))

_SERVER = f"framework/{framework.__version__}"
_defaults: dict[str, str | list[str]] = {}
_defaults_second = 0


def default_headers(now: float) -> HTTPHeaders:
    """The fields every response begins with, at a time in seconds since 1970."""
    global _defaults, _defaults_second
    second = int(now)
    if second != _defaults_second:
        _defaults = {
            "Server": _SERVER,
            "Content-Type": "text/html; charset=UTF-8",
            "Date": format_timestamp(second),
        }
        _defaults_second = second
    return headers_of(_defaults.copy(), False)


def header_value(value: Any) -> str:
    """A header's value as text; raises `ValueError` for one that would break out of its line."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, bytes):
        text = value.decode("latin-1")
    elif isinstance(value, datetime.datetime):
        return format_timestamp(value)
    elif hasattr(value, "__index__"):
        text = str(value)
    else:
        raise TypeError(f"Unsupported header value {value!r}")
    # Most are ASCII, and for that there is something faster than the pattern.
    if not (text.isascii() and text.isprintable()) and not _safe_value(text):
        raise ValueError(f"Unsafe header value {text!r}")
    return text


def reason_phrase(reason: str | bytes) -> str:
    """A reason phrase of the application's own; "Unknown" in place of one that no status line can hold."""
    text = reason if isinstance(reason, str) else reason.decode("latin-1")
    return text if _safe_reason(text) else "Unknown"


# To make a copy of takes half as long as to make one.
_sha1 = sha1(usedforsecurity=False)


def compute_etag(chunks: list[bytes]) -> str:
    """The entity tag of a body: the SHA-1 of its bytes, quoted. A fingerprint, not a signature."""
    digest = _sha1.copy()
    for chunk in chunks:
        digest.update(chunk)
    return f'"{digest.hexdigest()}"'


def matches_etag(computed: str, if_none_match: str) -> bool:
    """Whether a tag is among those of an If-None-Match field, by weak comparison (RFC 9110 section 8.8.3.2)."""
    wanted = utf8(computed).removeprefix(b"W/")
    tags = _etags.findall(utf8(if_none_match))
    return b"*" in tags or wanted in [tag.removeprefix(b"W/") for tag in tags]


def _complete_headers(handler: Handler) -> None:
    """Entity tag, conditional answer and length of a response whose body is all there."""
    state: HandlerState = handler
    fields = state._headers._fields
    if state._status_code == 200 and state.request.method in _TAGGED and "Etag" not in fields:
        handler.set_etag_header()
        if handler.check_etag_header():
            state._write_buffer = []
            handler.set_status(304)
            fields = state._headers._fields
    status = state._status_code
    if status == 204 or status == 304 or status < 200:
        if state._write_buffer:
            if not state._failing:
                raise RuntimeError(f"Cannot send body with {status}")
            state._write_buffer = []
        handler._clear_representation_headers()
    elif "Content-Length" not in fields:
        buffer = state._write_buffer
        if len(buffer) != 1:
            buffer = state._write_buffer = [b"".join(buffer)]
        fields["Content-Length"] = str(len(buffer[0]))


def finish(handler: Handler) -> asyncio.Future[None]:
    """Sends what has been written and ends the response."""
    state: HandlerState = handler
    if state._held is not None:
        state._finished = True
        return _hold(handler, None, ending=True)
    if not state._headers_written:
        _complete_headers(handler)
        waiting = _run_hook(handler)
        if waiting is not None:
            state._finished = True
            return _hold(handler, waiting, ending=True)
    return _end(handler)


def _run_hook(handler: Handler) -> Awaitable[None] | None:
    """What a subclass wants to have happened before the response's first byte."""
    hook: Callable[[], Awaitable[None] | None] | None = handler._before_headers
    if hook is None or handler._hook_done:
        return None
    handler._hook_done = True
    return hook()


def _end(handler: Handler) -> asyncio.Future[None]:
    state: HandlerState = handler
    wire = state.request._wire
    handler_class = type(handler)
    if (
        wire is None
        or state._headers_written
        or state._transforms
        or handler_class.flush is not handler_class._plain_flush
    ):
        future = _end_by_pieces(handler)
    else:
        future = _end_at_once(handler, wire)
    over(handler)
    return future


def over(handler: Handler) -> None:
    """The response is complete, or will not be."""
    state: HandlerState = handler
    state._finished = True
    state.request._finish_time = time.time()
    body = state._body_future
    if body is not None and not body.done():
        # Nobody waits for the rest of it any more.
        body.set_result(None)
    handler._log()
    handler.on_finish()


def break_off(handler: Handler) -> None:
    """Ends a response that can't be completed: the client must not take what it has for the whole."""
    connection = _connection(handler)
    set_close_callback = getattr(connection, "set_close_callback", None)
    if set_close_callback is not None:
        # The handler has no part in what comes now.
        set_close_callback(None)
    abort = getattr(connection, "abort", None)
    if abort is not None:
        abort()
    over(handler)


def _end_by_pieces(handler: Handler) -> asyncio.Future[None]:
    future: asyncio.Future[None] = handler.flush(include_footers=True)
    try:
        _connection(handler).finish()
    except StreamClosedError:
        # The client has gone; there is nobody to tell.
        pass
    return future


def _end_at_once(handler: Handler, wire: Any) -> asyncio.Future[None]:
    """The short way of a response that is complete before its first byte is sent."""
    state: HandlerState = handler
    buffer = state._write_buffer
    body = buffer[0] if len(buffer) == 1 else b"".join(buffer)
    headers = state._headers
    if state._new_cookies:
        _add_cookies(handler, headers)
    fields = headers._fields
    if "Content-Length" in fields and fields["Content-Length"] != str(len(body)):
        _check_length(handler, body)
    request: Any = state.request
    if "Connection" in fields:
        if "close" in headers["Connection"].lower():
            request.keep_alive = False
        elif not request.keep_alive:
            # Whatever the handler says of it, the connection ends.
            del fields["Connection"]
    head = writer.status_line(state._status_code, state._reason) + writer.header_block(headers)
    state._headers_written = True
    state._write_buffer = []
    try:
        wire.respond(request, head, body)
    except StreamClosedError as error:
        return _failed(error)
    done: asyncio.Future[None] = wire.done
    return done


def _check_length(handler: Handler, body: bytes) -> None:
    """A length that the handler announced itself must be that of what it wrote."""
    if handler.request.method == "HEAD":
        # The length is that of the answer to GET.
        return
    length = writer.body_framing("HTTP/1.1", handler._status_code, handler._headers)
    if length != len(body):
        if len(body) > length:
            raise HTTPOutputError("Tried to write more data than Content-Length")
        raise HTTPOutputError(f"Tried to write {length - len(body)} bytes less than Content-Length")


def _connection(handler: Handler) -> HTTPConnection:
    connection: HTTPConnection | None = handler.request.connection
    if connection is None:
        raise RuntimeError(f"{handler.request!r} has no connection to answer on")
    return connection


def _failed(error: BaseException) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    fail(future, error)
    return future


def flush(handler: Handler, include_footers: bool) -> asyncio.Future[None]:
    """Sends what has been written so far."""
    if handler._held is not None:
        return _hold(handler, None, ending=False)
    if not handler._headers_written:
        waiting = _run_hook(handler)
        if waiting is not None:
            return _hold(handler, waiting, ending=False)
    return send(handler, include_footers)


def send(handler: Handler, include_footers: bool) -> asyncio.Future[None]:
    """Passes what has been written through the transforms to the connection."""
    chunk = b"".join(handler._write_buffer)
    handler._write_buffer = []
    connection = _connection(handler)
    transforms = handler._transforms or ()
    silent = handler.request.method == "HEAD"
    try:
        if not handler._headers_written:
            status, headers = handler._status_code, handler._headers
            for transform in transforms:
                status, headers, chunk = transform.transform_first_chunk(
                    status, headers, chunk, include_footers
                )
            handler._status_code, handler._headers = status, headers
            _add_cookies(handler, headers)
            start_line = ResponseStartLine("HTTP/1.1", status, handler._reason)
            sent = connection.write_headers(start_line, headers, b"" if silent else chunk)
            handler._headers_written = True
            return _until(sent)
        for transform in transforms:
            chunk = transform.transform_chunk(chunk, include_footers)
        return _until(connection.write(b"" if silent else chunk))
    except StreamClosedError as error:
        handler._headers_written = True
        return _failed(error)


def _until(sent: Any) -> asyncio.Future[None]:
    """When a piece is sent. A connection of an application's own may not say."""
    if isawaitable(sent):
        return asyncio.ensure_future(sent)
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def _add_cookies(handler: Handler, headers: HTTPHeaders) -> None:
    for cookie in (handler._new_cookies or {}).values():
        # It is checked already, as it was made.
        headers._append("Set-Cookie", cookie)


def _hold(handler: Handler, waiting: Awaitable[None] | None, ending: bool) -> asyncio.Future[None]:
    """Keeps output back until something that must happen before it has happened, and what was held before it."""
    loop = asyncio.get_running_loop()
    before = handler._held
    held = handler._held = loop.create_future()
    going_on = partial(_end, handler) if ending else partial(send, handler, include_footers=False)
    task = start(send_later(handler, waiting, before, held, ending, going_on), loop)
    # Who waits is told; who does not has nothing to be told.
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    return task
