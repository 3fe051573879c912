"""What the clients have in common: a line, deadlines, limits, a cookie jar, and the fetches under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework._http1.client import ResponseLimits
from framework._http1.client_timeouts import Timeouts
from framework.httpclient.client import AsyncHTTPClient
from framework.httpclient.cookies import CookieJar
from framework.httpclient.fetch import Fetch
from framework.httpclient.pool import Line
from framework.httpclient.request import HTTPRequest, RequestProxy
from framework.httpclient.response import HTTPResponse

__all__ = ["FetchingClient"]


class FetchingClient(AsyncHTTPClient):
    """A client that makes a `Fetch` of each request."""

    _fetch_class: type[Fetch] = Fetch

    def _set_up(self, max_clients: int, limits: ResponseLimits, cookie_jar: CookieJar | None) -> None:
        if max_clients < 1:
            raise ValueError(
                f"max_clients must be at least 1, not {max_clients!r}: nothing would ever be fetched"
            )
        self.max_clients = max_clients
        self.cookie_jar = cookie_jar
        self._loop = self.io_loop.asyncio_loop
        self._limits = limits
        self._timeouts = Timeouts(self._loop)
        self._line = Line(max_clients)
        # In the order in which they came.
        self._fetches: dict[Fetch, None] = {}

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> Fetch:
        """As `AsyncHTTPClient.fetch_impl`."""
        proxy: Any = request
        if not isinstance(proxy, RequestProxy):
            proxy = RequestProxy(request, self.defaults)
        fetch = self._fetch_class(self, proxy, callback)
        fetch.start()
        return fetch

    def close(self) -> None:
        """As `AsyncHTTPClient.close`; fetches under way end with `HTTPStreamClosedError`."""
        if self._closed:
            return
        super().close()
        self._line.close()
        for fetch in list(self._fetches):
            fetch.client_closed()
        self._timeouts.close()
        self._free()

    def _free(self) -> None:
        """Gives back what the implementation holds."""
