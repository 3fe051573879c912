"""The parts of a request's life that wait, each a coroutine.

They have a module of their own because coroutines are not compiled: mypyc's pass exceptions on to what they wait for
in a way that Python 3.12 warns of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from framework.httputil.messages import HTTPMessageDelegate, RequestStartLine
from framework.iostream import StreamClosedError
from framework.web.errors import Finish

if TYPE_CHECKING:
    from framework.httputil.request import HTTPServerRequest
    from framework.web.handler import RequestHandler

__all__ = [
    "FAILURES",
    "METHODS",
    "after_body",
    "after_method",
    "after_prepare",
    "hand_over",
    "send_later",
    "taken",
]

# The names of the methods that handlers have for those of HTTP.
METHODS: Final = {name: name.lower() for name in ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")}


# A cancelled handler is answered for like one that raised: nobody else would tell the client.
FAILURES: Final = (Exception, asyncio.CancelledError)


async def after_prepare(handler: RequestHandler, waiting: Awaitable[Any]) -> None:
    """Behind a `prepare` that waits: the method."""
    try:
        await waiting
        if not handler._finished:
            await _run_method(handler)
    except FAILURES as error:
        handler._handle_request_exception(error)


async def after_body(handler: RequestHandler, waiting: Awaitable[Any] | None) -> None:
    """Behind a body that the handler received in pieces: the method."""
    prepared = handler._prepared_future
    try:
        if waiting is not None:
            await waiting
        if prepared is not None and not prepared.done():
            prepared.set_result(None)
        if handler._finished:
            return
        body = handler._body_future
        if body is not None:
            try:
                await body
            except StreamClosedError:
                return
        if not handler._finished:
            await _run_method(handler)
    except FAILURES as error:
        handler._handle_request_exception(error)
    finally:
        if prepared is not None and not prepared.done():
            prepared.set_result(None)


async def after_method(handler: RequestHandler, waiting: Awaitable[Any]) -> None:
    """Behind a method that waits: the end of the response."""
    try:
        await waiting
        if handler._auto_finish and not handler._finished:
            handler.finish()
    except FAILURES as error:
        handler._handle_request_exception(error)


async def _run_method(handler: RequestHandler) -> None:
    method = handler.request.method or ""
    waiting = getattr(handler, METHODS.get(method) or method.lower())(
        *handler.path_args, **handler.path_kwargs
    )
    if waiting is not None:
        await waiting
    if handler._auto_finish and not handler._finished:
        handler.finish()


async def hand_over(delegate: HTTPMessageDelegate, request: HTTPServerRequest) -> None:
    """Gives a whole request to a delegate."""
    start_line = RequestStartLine(request.method or "", request.uri or "", request.version)
    waiting = delegate.headers_received(start_line, request.headers)
    if waiting is not None:
        await waiting
    if request.body:
        waiting = delegate.data_received(request.body)
        if waiting is not None:
            await waiting
    delegate.finish()


async def taken(handler: RequestHandler, waiting: Awaitable[None]) -> None:
    """Behind a piece of the body: nothing but what it raised."""
    try:
        await waiting
    except FAILURES as error:
        handler._handle_request_exception(error)


async def send_later(
    handler: RequestHandler,
    waiting: Awaitable[None] | None,
    before: asyncio.Future[None] | None,
    held: asyncio.Future[None],
    ending: bool,
    send: Callable[[], asyncio.Future[None]],
) -> None:
    """Sends output that was held back until something had happened, and what was held before it had been sent."""
    if before is not None:
        await asyncio.wait((before,))
        if before.cancelled():
            # An error page has taken the place of all that was held back.
            held.cancel()
            raise Finish
    try:
        if waiting is not None:
            await waiting
        if handler._held is held:
            handler._held = None
        if ending:
            handler._finished = False
        sent = send()
    except (Exception, asyncio.CancelledError) as error:
        # As if the handler's method had raised it; the method itself is to end quietly.
        handler._held = None
        handler._finished = handler.request._finish_time is not None
        held.cancel()
        handler._handle_request_exception(error)
        raise Finish from error
    held.set_result(None)
    await sent
