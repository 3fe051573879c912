"""The shortest way from a connection of our own server to a handler."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from framework._http1.request import WireRequest
from framework._http1.services import feed
from framework.httputil.messages import HTTPMessageDelegate
from framework.routing import AnyMatches, PathMatches
from framework.web import execute
from framework.web.handler import RequestHandler

if TYPE_CHECKING:
    from framework._http1.server import ServerConnection
    from framework.web.application import Application

__all__ = ["ApplicationService"]

# Handler class, arguments of `initialize`, arguments of the method by place and by name.
Found = tuple[type[RequestHandler], dict[str, Any], Any, Any]


class ApplicationService:
    """Serves an application's routes without a delegate for each request.

    Routes that lead to anything but handler classes take the long way, by `Application.find_handler`.
    """

    streaming = True

    def __init__(self, application: Application, done: asyncio.Future[None]) -> None:
        self._application = application
        self.done = done

    def _find(self, request: WireRequest) -> Found | None:
        application = self._application
        path = request.path or ""
        router = application.wildcard_router
        rules = application.default_router.rules
        if len(rules) == 1:
            # No route is for certain hosts only.
            sure = router.index().sure.get(path)
            if sure is not None and isinstance(sure.target, type) and issubclass(sure.target, RequestHandler):
                return sure.target, sure.target_kwargs, (), {}
        for rule in rules:
            if type(rule.matcher) is not AnyMatches and rule.matcher.match(request) is None:
                continue
            if rule.target_kwargs or type(rule.target) is not type(router):
                return None
            router = rule.target
            for _, entry in router.index().candidates(path):
                matcher = entry.matcher
                args: Any
                kwargs: Any
                if type(matcher) is PathMatches:
                    found = matcher.arguments_in(path)
                    if found is None:
                        continue
                    args, kwargs = found
                else:
                    params = matcher.match(request)
                    if params is None:
                        continue
                    args, kwargs = params.get("path_args", ()), params.get("path_kwargs") or {}
                target = entry.target
                if not (isinstance(target, type) and issubclass(target, RequestHandler)):
                    return None
                return target, entry.target_kwargs, args, kwargs
        handler_class, handler_kwargs = application.default_handler()
        return handler_class, handler_kwargs, (), {}

    def open(self, request: WireRequest) -> HTTPMessageDelegate | None:
        """A delegate for handlers that stream the body, and for routes to anything but handlers."""
        found = request.route = self._find(request)
        if found is not None and not found[0]._stream_request_body:
            return None
        delegate: HTTPMessageDelegate = self._application.find_handler(request)
        request._wire.set_close_callback(request, delegate.on_connection_close)
        return delegate

    def serve(self, request: WireRequest) -> None:
        """Answers a whole request."""
        found: Found | None = self._find(request) if request.route is False else request.route
        if found is None or found[0]._stream_request_body:
            feed(self._application.find_handler(request), request)
            return
        handler_class, handler_kwargs, args, kwargs = found
        execute.run(self._application, request, handler_class, handler_kwargs, args, kwargs)

    def closed(self, connection: ServerConnection) -> None:
        """A connection is gone; handlers have been told by their own callbacks."""
