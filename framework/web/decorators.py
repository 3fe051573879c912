"""Decorators for handlers and their methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from framework.web.errors import HTTPError
from framework.web.handler import RequestHandler

__all__ = ["addslash", "authenticated", "removeslash", "stream_request_body"]

Method = Callable[..., Awaitable[None] | None]
Handler = TypeVar("Handler", bound=RequestHandler)


def stream_request_body(cls: type[Handler]) -> type[Handler]:
    """Makes a handler class receive its body in pieces, by ``data_received``, after ``prepare``."""
    if not (isinstance(cls, type) and issubclass(cls, RequestHandler)):
        raise TypeError(f"stream_request_body decorates subclasses of RequestHandler, not {cls!r}")
    cls._stream_request_body = True
    return cls


def removeslash(method: Method) -> Method:
    """Redirects from paths that end in a slash to those that don't. The route's pattern must allow both."""

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Awaitable[None] | None:
        path = self.request.path
        if path.endswith("/"):
            _only_reading(self)
            stripped = path.rstrip("/")
            if stripped:
                _redirect_to_path(self, stripped)
                return None
        return method(self, *args, **kwargs)

    return wrapper


def addslash(method: Method) -> Method:
    """Redirects from paths that don't end in a slash to those that do. The route's pattern must allow both."""

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Awaitable[None] | None:
        if not self.request.path.endswith("/"):
            _only_reading(self)
            _redirect_to_path(self, self.request.path + "/")
            return None
        return method(self, *args, **kwargs)

    return wrapper


def _only_reading(handler: RequestHandler) -> None:
    # The body of any other request would be lost on the way.
    if handler.request.method not in ("GET", "HEAD"):
        raise HTTPError(404)


def _redirect_to_path(handler: RequestHandler, path: str) -> None:
    if path.startswith("//"):
        # Browsers take it for the name of another host.
        raise HTTPError(404)
    query = handler.request.query
    handler.redirect(f"{path}?{query}" if query else path, permanent=True)


def authenticated(method: Method) -> Method:
    """Lets only users in for whom ``current_user`` is true.

    Others are redirected to the login URL (GET and HEAD), with the URL they wanted as its argument
    ``next`` unless it has a query of its own, or refused with 403.
    """

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Awaitable[None] | None:
        if self.current_user:
            return method(self, *args, **kwargs)
        if self.request.method not in ("GET", "HEAD"):
            raise HTTPError(403)
        url = self.get_login_url()
        if "?" not in url:
            # A login page elsewhere needs the whole URL to come back.
            wanted = self.request.full_url() if urlsplit(url).scheme else self.request.uri
            url += "?" + urlencode({"next": wanted})
        self.redirect(url)
        return None

    return wrapper
