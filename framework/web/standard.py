"""Handlers for routes that need no code of their own."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from framework._background import run_in_background
from framework.httputil.request import HTTPServerRequest
from framework.httputil.urls import url_concat
from framework.web.errors import HTTPError
from framework.web.handler import RequestHandler

__all__ = ["ErrorHandler", "FallbackHandler", "RedirectHandler"]


class ErrorHandler(RequestHandler):
    """Answers every request with an error: ``status_code``."""

    def initialize(self, status_code: int) -> None:
        """Takes the status to answer with."""
        self.set_status(status_code)

    def prepare(self) -> None:
        raise HTTPError(self._status_code)

    # There is nothing to protect, and the status is to be the one that was asked for.
    def check_xsrf_cookie(self) -> None:
        pass

    def _check_cross_origin(self) -> None:
        pass


class RedirectHandler(RequestHandler):
    """Redirects GET and HEAD to ``url``, permanently (301) unless told otherwise (302).

    The groups of the route's pattern are put into ``url`` as ``str.format`` does; the query goes along.
    """

    def initialize(self, url: str, permanent: bool = True) -> None:
        """Takes the place to redirect to."""
        self._url = url
        self._permanent = permanent

    def get(self, *args: Any, **kwargs: Any) -> None:
        """Redirects."""
        to_url = self._url.format(*args, **kwargs)
        if self.request.query_arguments:
            # Bytes, so that they come out as they came in.
            pairs: Any = [
                (name.encode("latin-1"), value)
                for name, values in self.request.query_arguments.items()
                for value in values
            ]
            to_url = url_concat(to_url, pairs)
        self.redirect(to_url, permanent=self._permanent)

    head = get


class FallbackHandler(RequestHandler):
    """Hands requests to something else: ``fallback``, called with the request, answers them."""

    def initialize(self, fallback: Callable[[HTTPServerRequest], Any]) -> None:
        """Takes what answers in place of this handler."""
        self.fallback = fallback

    def prepare(self) -> None:
        answer = self.fallback(self.request)
        self._finished = True
        if isawaitable(answer):
            run_in_background(answer)
        self.on_finish()
