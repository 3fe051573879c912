"""A fetch by the project's own connections: taken from the pool or made, and once more where one was stale."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Final

from framework._background import start
from framework._http1.client import ClientConnection, ResponseFailed, ResponseHead
from framework.httpclient.connect import Route, connect
from framework.httpclient.fetch import Fetch
from framework.httpclient.prepare import Prepared, prepare
from framework.httpclient.way import proxy_credentials, route_of

if TYPE_CHECKING:
    from framework.httpclient.simple import SimpleAsyncHTTPClient

__all__ = ["WireFetch"]

# A body up to this length goes with the head in one write.
_ONE_WRITE: Final = 65536
# How long the server may take to ask for a body that waits for that (RFC 9110 section 10.1.1).
_CONTINUE_SECONDS: Final = 1.0


class WireFetch(Fetch):
    """A request under way in a `SimpleAsyncHTTPClient`."""

    __slots__ = ("_continue", "_retried", "_reused", "_route", "_task")

    _client: SimpleAsyncHTTPClient
    _route: Route

    # Class attributes can't be the defaults of slots.
    def start(self) -> None:
        """As `Fetch.start`."""
        self._task: asyncio.Task[None] | None = None
        self._continue: asyncio.TimerHandle | None = None
        self._reused = False
        self._retried = False
        super().start()

    def _prepare(self) -> None:
        client, proxy = self._client, self._proxy
        url = proxy.request.url
        jar = client.cookie_jar
        cookies = None if jar is None else jar.header(url)
        credentials = proxy_credentials(proxy)
        by_proxy = proxy.proxy_host is not None and not url.lower().startswith("https:")
        # Inside of a tunnel the credentials would reach the server.
        prepared = prepare(proxy, cookies, credentials if by_proxy else None)
        origin = None if by_proxy else prepared.target.origin
        self._route = route_of(proxy, origin, credentials, client._tls)
        self._prepared: Prepared = prepared
        self.head_only = prepared.method == "HEAD"

    def _go(self) -> None:
        connection = None
        if not self._retried:
            connection = self._client._pool.take(self._route, self._prepared.repeatable)
        if connection is not None:
            self._reused = True
            self._send(connection)
        else:
            self._reused = False
            # A connection outlives the one for whom it was made, and must not hold on to the context of that one.
            self._task = Context().run(start, self._connect(), self._loop)
            if self._task.done():
                self._task = None

    async def _connect(self) -> None:
        client = self._client
        client._pool.make_room(self._route, client._line.inside)
        connection = ClientConnection(client._pool, self._route, client._limits, self._loop)
        try:
            await connect(self._route, connection, client.resolver, self._report, self._loop)
        except Exception as error:
            self._task = None
            self._fail(error)
            return
        self._task = None
        if self._done:
            connection.abandon()
            return
        self._times["connect"] = self._loop.time() - self._start
        self._send(connection)

    def _report(self, doing: str) -> None:
        self._doing = doing
        if doing.startswith("while connecting"):
            self._times.setdefault("namelookup", self._loop.time() - self._start)

    # The request.

    def _send(self, connection: ClientConnection) -> None:
        self._channel = connection
        self._doing = "during request"
        self._set_deadline(self._request_deadline)
        prepared = self._prepared
        request = self._proxy.request
        head = prepared.head(self._route.proxy is not None and self._route.context is None)
        body = prepared.body
        if prepared.producer is not None or (body and request.expect_100_continue):
            connection.begin(self, head)
            connection.request_sent = False
            if request.expect_100_continue:
                self._continue = self._loop.call_later(_CONTINUE_SECONDS, self._send_body)
            else:
                self._send_body()
        elif body and len(body) > _ONE_WRITE:
            connection.begin(self, head)
            connection.write(body)
        else:
            connection.begin(self, head + body if body else head)
        self._times["pretransfer"] = self._loop.time() - self._start

    def _send_body(self) -> None:
        self._stop_waiting()
        connection = self._channel
        if connection is None:
            return
        body = self._prepared.body
        if body is not None:
            connection.write(body)
            connection.request_sent = True
        else:
            self._start_producer(connection)

    def _asked_for_body(self) -> None:
        if self._continue is not None:
            self._send_body()

    def _stop_waiting(self) -> None:
        if self._continue is not None:
            self._continue.cancel()
            self._continue = None

    # The response.

    def head_received(self, head: ResponseHead) -> None:
        """As `Fetch.head_received`."""
        if head.code >= 200:
            # The server does not want the body, if it has not asked for it by now.
            self._stop_waiting()
        super().head_received(head)

    def failed(self, error: ResponseFailed, untouched: bool) -> None:
        """As `Fetch.failed`."""
        if untouched and self._reused and self._prepared.repeatable and not self._retried and not self._done:
            # The server closed the connection when the request was on its way. It has not been looked at.
            self._channel = None
            self._retried = True
            self._go()
            return
        super().failed(error, untouched)

    def _another_request(self) -> None:
        self._retried = False

    def _leave(self) -> None:
        if not self._done:
            self._stop_waiting()
            task, self._task = self._task, None
            if task is not None:
                task.cancel()
            super()._leave()
