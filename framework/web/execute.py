"""The life of a request: `prepare`, the method, `finish`, and what happens when one of them fails.

A handler whose ``prepare`` and method are plain functions is done when `begin` returns. Whatever there is
to wait for comes back as a coroutine that ends the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from framework._background import start
from framework.httputil.errors import HTTPInputError
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from framework.iostream import StreamClosedError
from framework.log import app_log
from framework.web import xsrf
from framework.web.errors import Finish, HTTPError
from framework.web.state import Handler, HandlerState
from framework.web.waiting import FAILURES, METHODS, after_body, after_method, after_prepare, taken

if TYPE_CHECKING:
    from framework.httputil.request import HTTPServerRequest
    from framework.web.application import Application
    from framework.web.handler import RequestHandler

__all__ = ["HandlerDelegate", "begin", "handle_exception", "run"]


def begin(
    handler: Handler, transforms: list[Any], args: Any, kwargs: Any
) -> Coroutine[Any, Any, None] | None:
    """Runs a handler as far as it goes without waiting; the rest of its life, if there is any."""
    state: HandlerState = handler
    state._transforms = transforms
    request = state.request
    try:
        method = request.method
        if method not in handler.SUPPORTED_METHODS:
            raise HTTPError(405)
        if args:
            state.path_args = [handler.decode_argument(arg) for arg in args]
        if kwargs:
            state.path_kwargs = {
                name: handler.decode_argument(arg, name=name) for name, arg in kwargs.items()
            }
        if method not in xsrf.SAFE_METHODS:
            settings = handler.application.settings
            if settings.get("cross_origin_protection"):
                handler._check_cross_origin()
            if settings.get("xsrf_cookies"):
                handler.check_xsrf_cookie()
        waiting: Any = handler.prepare()
        if handler._stream_request_body:
            return after_body(handler, waiting)
        if waiting is not None:
            return after_prepare(handler, waiting)
        if state._finished:
            return None
        # `prepare` may have put another method in its place.
        method = request.method
        answer = getattr(handler, METHODS[method] if method in METHODS else method.lower())
        args, kwargs = state.path_args, state.path_kwargs
        waiting = answer(*args, **kwargs) if args or kwargs else answer()
        if waiting is not None:
            if state._finished and _is_done(waiting):
                # ``return self.render(...)``, and nothing left to wait for.
                return None
            return after_method(handler, waiting)
        if state._auto_finish and not state._finished:
            handler.finish()
    except FAILURES as error:
        handler._handle_request_exception(error)
    return None


def _is_done(waiting: Any) -> bool:
    return (
        isinstance(waiting, asyncio.Future)
        and waiting.done()
        and not waiting.cancelled()
        and waiting.exception() is None
    )


def handle_exception(handler: Handler, error: BaseException) -> None:
    """Answers a request whose handler raised."""
    if isinstance(error, Finish):
        if not handler._finished:
            handler.finish(*error.args)
        return
    if isinstance(error, HTTPInputError):
        # A body or an argument of the client's that could not be parsed.
        error = HTTPError(400, "Invalid body: %s", error).with_traceback(error.__traceback__)
    exc_info = (type(error), error, error.__traceback__)
    if not _is_cancelled(error):
        try:
            handler.log_exception(*exc_info)
        except Exception:
            app_log.error("Error in exception logger", exc_info=True)
    if handler._finished:
        # An error behind the answer's end can't change it.
        return
    handler.send_error(error.status_code if isinstance(error, HTTPError) else 500, exc_info=exc_info)


def _is_cancelled(error: BaseException) -> bool:
    """Whether somebody has cancelled the handler's task, as the end of the loop does: no fault of the handler's.

    A handler that waits for something which was cancelled gets the same exception, and to hear of it helps.
    """
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def run(
    application: Application,
    request: HTTPServerRequest,
    handler_class: type[RequestHandler],
    handler_kwargs: dict[str, Any],
    args: Any,
    kwargs: Any,
) -> asyncio.Future[None] | None:
    """Makes a handler for a whole request and lets it answer; the rest of its life, if there is any."""
    try:
        if handler_kwargs:
            handler = handler_class(application, request, **handler_kwargs)
        else:
            handler = handler_class(application, request)
    except Exception as error:
        _not_made(application, request, handler_class, error)
        return None
    transforms = application.make_transforms(request) if application.transforms else []
    if handler_class._execute is handler_class._plain_execute:
        rest = begin(handler, transforms, args, kwargs)
    else:
        rest = handler._execute(transforms, *args, **kwargs)
    if rest is not None:
        return _run_rest(handler, rest)
    if not handler._finished:
        # It will finish by itself, some time.
        _watch_connection(handler, handler.on_connection_close)
    return None


def _run_rest(
    handler: Handler, rest: Coroutine[Any, Any, None], closed: Callable[[], None] | None = None
) -> asyncio.Future[None]:
    task = start(rest, asyncio.get_running_loop())
    if not handler._finished:
        _watch_connection(handler, closed or handler.on_connection_close)
    if task.done():
        _ended(handler, task)
    else:
        task.add_done_callback(lambda task: _ended(handler, task))
    return task


def _watch_connection(handler: Handler, closed: Callable[[], None]) -> None:
    request: Any = handler.request
    wire = request._wire
    if wire is not None and "connection" not in request.__dict__:
        # As its connection does, which nobody has asked for yet: it and the request would hold each other.
        wire.set_close_callback(request, closed)
        return
    set_callback = getattr(request.connection, "set_close_callback", None)
    if set_callback is not None:
        set_callback(closed)


def _ended(handler: Handler, task: asyncio.Future[None]) -> None:
    error: BaseException | None = None
    if not task.cancelled():
        error = task.exception()
        if error is None:
            return
        app_log.error("Uncaught exception %s", handler._request_summary(), exc_info=error)
    if not handler._finished:
        handler.send_error(500)


def _not_made(
    application: Application,
    request: HTTPServerRequest,
    handler_class: type[RequestHandler],
    error: Exception,
) -> None:
    """A handler that can't even be made: an error of the application's, in `initialize` or the route table."""
    status = error.status_code if isinstance(error, HTTPError) else 500
    if not isinstance(error, HTTPError):
        app_log.error("Uncaught exception while making a handler for %r", request, exc_info=error)
    if handler_class is not application.error_handler_class:
        run(application, request, application.error_handler_class, {"status_code": status}, (), {})
        return
    abort = getattr(request.connection, "abort", None)
    if abort is not None:
        abort()


class HandlerDelegate(HTTPMessageDelegate):
    """Collects a request for a handler, or passes its body on, and runs the handler."""

    def __init__(
        self,
        application: Application,
        request: HTTPServerRequest,
        handler_class: type[RequestHandler],
        handler_kwargs: dict[str, Any] | None,
        path_args: list[bytes] | None,
        path_kwargs: dict[str, bytes] | None,
    ) -> None:
        self.application = application
        self.connection = request.connection
        self.request = request
        self.handler_class = handler_class
        self.handler_kwargs = handler_kwargs or {}
        self.path_args = path_args or []
        self.path_kwargs = path_kwargs or {}
        self.chunks: list[bytes] = []
        self.stream_request_body = handler_class._stream_request_body
        self.handler: Handler = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if self.stream_request_body:
            return self._begin_streaming()
        return None

    def _begin_streaming(self) -> Awaitable[None] | None:
        request = self.request
        loop = asyncio.get_running_loop()
        try:
            handler = self.handler_class(self.application, request, **self.handler_kwargs)
        except Exception as error:
            _not_made(self.application, request, self.handler_class, error)
            return None
        self.handler = handler
        handler._prepared_future = prepared = loop.create_future()
        handler._body_future = loop.create_future()
        rest = handler._execute(
            self.application.make_transforms(request), *self.path_args, **self.path_kwargs
        )
        _run_rest(handler, rest, self.on_connection_close)
        return None if prepared.done() else prepared

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        handler = self.handler
        if not self.stream_request_body:
            self.chunks.append(chunk)
            return None
        body = handler._body_future if handler is not None else None
        if handler is None or handler._finished or body is None or body.done():
            return None
        try:
            waiting = handler.data_received(chunk)
        except Exception as error:
            handler._handle_request_exception(error)
            return None
        return None if waiting is None else taken(handler, waiting)

    def finish(self) -> None:
        if self.stream_request_body:
            handler = self.handler
            if handler is not None and handler._body_future is not None and not handler._body_future.done():
                handler._body_future.set_result(None)
        else:
            self.request.body = b"".join(self.chunks)
            self.execute()

    def execute(self) -> asyncio.Future[None] | None:
        """Runs the handler on the request as it is; the rest of its life, if there is any."""
        return run(
            self.application,
            self.request,
            self.handler_class,
            self.handler_kwargs,
            self.path_args,
            self.path_kwargs,
        )

    def on_connection_close(self) -> None:
        handler = self.handler
        if handler is None:
            self.chunks.clear()
            return
        if handler._body_future is not None and not handler._body_future.done():
            handler._body_future.set_exception(StreamClosedError())
            handler._body_future.exception()
        handler.on_connection_close()
