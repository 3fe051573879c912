"""The client in Python: HTTP/1.1 on asyncio's transports, with connections kept alive."""

from __future__ import annotations

from typing import Any

from framework._http1.client import ResponseLimits
from framework.httpclient.client import AsyncHTTPClient
from framework.httpclient.cookies import CookieJar
from framework.httpclient.engine import FetchingClient
from framework.httpclient.pool import ConnectionPool
from framework.httpclient.tls import TLSContexts
from framework.httpclient.wire import WireFetch
from framework.netutil import OverrideResolver, Resolver

__all__ = ["SimpleAsyncHTTPClient"]


class SimpleAsyncHTTPClient(FetchingClient):
    """The default `AsyncHTTPClient`.

    Connections are kept for the next request to the same origin, for 55 seconds. A request that finds the server
    has just closed such a connection is sent once more on a new one, if its method is idempotent and its body is
    not written by a ``body_producer``; no other is ever sent twice.

    :arg max_clients: how many requests are under way at a time; more wait in line, first come, first served. Also how
        many connections there are.
    :arg hostname_mapping: names and what to look up in their place, as `OverrideResolver` takes it.
    :arg max_buffer_size: bytes of a body, where ``max_body_size`` does not say otherwise.
    :arg resolver: looks names up; `Resolver` unless given.
    :arg defaults: for what requests leave out.
    :arg max_header_size: bytes of a response's header; 64 KiB.
    :arg max_body_size: bytes of a response's body, also of what it unpacks to.
    :arg cookie_jar: keeps cookies between requests; none are kept unless given.
    """

    resolver: Resolver
    _fetch_class = WireFetch

    def initialize(  # type: ignore[override]  # as every implementation, with arguments of its own
        self,
        max_clients: int = 10,
        hostname_mapping: dict[str, str] | None = None,
        max_buffer_size: int = 104857600,
        resolver: Resolver | None = None,
        defaults: dict[str, Any] | None = None,
        max_header_size: int | None = None,
        max_body_size: int | None = None,
        cookie_jar: CookieJar | None = None,
    ) -> None:
        super().initialize(defaults=defaults)
        limits = ResponseLimits(
            65536 if max_header_size is None else max_header_size,
            max_buffer_size if max_body_size is None else max_body_size,
        )
        self._set_up(max_clients, limits, cookie_jar)
        self.max_buffer_size = max_buffer_size
        self.max_header_size = max_header_size
        self.max_body_size = max_body_size
        self.own_resolver = resolver is None
        self.resolver = Resolver() if resolver is None else resolver
        if hostname_mapping is not None:
            self.resolver = OverrideResolver(resolver=self.resolver, mapping=hostname_mapping)
        self._pool = ConnectionPool(max_clients, self._timeouts, self._loop)
        self._tls = TLSContexts()

    def _free(self) -> None:
        self._pool.close()
        if self.own_resolver:
            self.resolver.close()


AsyncHTTPClient._default = SimpleAsyncHTTPClient
