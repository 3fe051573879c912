"""What applications fetch with: `AsyncHTTPClient`, and `HTTPClient` for programs without a loop."""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections.abc import Callable
from typing import Any, Protocol, cast

from framework.concurrent import Future
from framework.httpclient.errors import HTTPClientClosedError
from framework.httpclient.request import DEFAULTS, HTTPRequest, RequestProxy
from framework.httpclient.response import HTTPResponse
from framework.httpclient.streamed import StreamedFetch
from framework.ioloop import IOLoop
from framework.util import Configurable

__all__ = ["AsyncHTTPClient", "HTTPClient"]


class Cancellable(Protocol):
    """A fetch under way."""

    def cancel(self) -> None:
        """Nobody wants the response any more."""


class FetchFuture(Future[HTTPResponse]):
    """The response to come. Cancelling it frees the connection."""

    _fetch: Cancellable | None = None
    _raise_error = True

    def deliver(self, response: HTTPResponse) -> None:
        """The response has come, or an error that stands for it."""
        self._fetch = None
        if self.done():
            return
        error = response.error
        if error is not None and (self._raise_error or not response._error_is_response_code):
            self.set_exception(error)
            if isinstance(error, HTTPClientClosedError):
                # Whoever still waits is told. Nobody has to: the client may be closed because nobody does.
                self.exception()
        else:
            self.set_result(response)

    def cancel(self, msg: Any | None = None) -> bool:
        """Gives up."""
        if not super().cancel(msg):
            return False
        fetch, self._fetch = self._fetch, None
        if fetch is not None:
            fetch.cancel()
        return True


class AsyncHTTPClient(Configurable):
    """An HTTP client that does not block.

    ``AsyncHTTPClient()`` gives the one client of the current loop, which all its users share; with
    ``force_instance=True`` it makes a new one. Arguments beyond that go to the implementation,
    `SimpleAsyncHTTPClient` unless `configure` says otherwise::

        AsyncHTTPClient.configure("framework.curl_httpclient.CurlAsyncHTTPClient", max_clients=100)
        AsyncHTTPClient.configure(None, defaults={"user_agent": "MyUserAgent"})
    """

    _default: type[AsyncHTTPClient] | None = None

    io_loop: IOLoop
    defaults: dict[str, Any]
    _closed: bool
    _instance_cache: weakref.WeakKeyDictionary[IOLoop, AsyncHTTPClient] | None

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """`AsyncHTTPClient`."""
        return AsyncHTTPClient

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """`SimpleAsyncHTTPClient`, which has registered itself."""
        if AsyncHTTPClient._default is None:
            raise RuntimeError("framework.httpclient has not been imported as a whole")
        return AsyncHTTPClient._default

    @classmethod
    def _async_clients(cls) -> weakref.WeakKeyDictionary[IOLoop, AsyncHTTPClient]:
        # Each class has clients of its own.
        clients: weakref.WeakKeyDictionary[IOLoop, AsyncHTTPClient] | None
        clients = cls.__dict__.get("_clients_of_loops")
        if clients is None:
            clients = weakref.WeakKeyDictionary()
            cls._clients_of_loops = clients  # type: ignore[attr-defined]
        # A client holds its loop, so the entry of a loop that is over does not go by itself.
        for io_loop in [io_loop for io_loop in clients if io_loop.asyncio_loop.is_closed()]:
            del clients[io_loop]
        return clients

    def __new__(cls, force_instance: bool = False, **kwargs: Any) -> AsyncHTTPClient:
        io_loop = IOLoop.current()
        cache = None if force_instance else cls._async_clients()
        if cache is not None and io_loop in cache:
            return cache[io_loop]
        instance = cast(AsyncHTTPClient, super().__new__(cls, **kwargs))
        # For `close`: another client may have taken the place by then.
        instance._instance_cache = cache
        if cache is not None:
            cache[io_loop] = instance
        return instance

    def initialize(self, defaults: dict[str, Any] | None = None) -> None:
        """:arg defaults: for what requests leave out, by the names of `HTTPRequest`'s arguments."""
        self.io_loop = IOLoop.current()
        self.defaults = dict(DEFAULTS)
        if defaults is not None:
            self.defaults.update(defaults)
        self._closed = False

    def close(self) -> None:
        """Frees all connections. What is still being fetched fails; nothing more can be.

        Not needed for the client that all share: it ends with its loop.
        """
        if self._closed:
            return
        self._closed = True
        cache = self._instance_cache
        if cache is not None and cache.get(self.io_loop) is self:
            del cache[self.io_loop]

    def fetch(
        self, request: str | HTTPRequest, raise_error: bool = True, **kwargs: Any
    ) -> Future[HTTPResponse]:
        """Fetches a URL or a request; the result of the future is an `HTTPResponse`.

        :arg raise_error: whether a response that is no success (300 and more) is raised as an
            `HTTPClientError` or returned. That there is no response is always raised.
        :arg kwargs: arguments for an `HTTPRequest` around the URL.
        :raises RuntimeError: the client is closed.
        :raises ValueError: ``kwargs`` beside an `HTTPRequest`.

        Cancelling the future ends the fetch and frees its connection.
        """
        if self._closed:
            raise RuntimeError("fetch() called on closed AsyncHTTPClient")
        if not isinstance(request, HTTPRequest):
            request = HTTPRequest(url=request, **kwargs)
        elif kwargs:
            raise ValueError("kwargs can't be used if request is an HTTPRequest object")
        future = FetchFuture(loop=self.io_loop.asyncio_loop)
        if not raise_error:
            future._raise_error = False
        fetch = self.fetch_impl(cast(HTTPRequest, RequestProxy(request, self.defaults)), future.deliver)
        if fetch is not None and not future.done():
            future._fetch = fetch
        return future

    def stream(self, request: str | HTTPRequest, raise_error: bool = True, **kwargs: Any) -> StreamedFetch:
        """Fetches with the body still to come::

            async with client.stream("http://example.com/big") as response:
                async for piece in response:
                    ...

        Code, reason and headers are there at the beginning of the block. No more is read than is asked for, and
        leaving the block early closes the connection. The arguments are those of `fetch`; ``raise_error`` raises
        at the beginning of the block. ``request_timeout`` counts until the end of the body: 0 for one without end.
        """
        return StreamedFetch(self.fetch, request, raise_error, kwargs)

    def fetch_impl(
        self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]
    ) -> Cancellable | None:
        """Fetches for `fetch`; implementations define it.

        :arg request: reads like an `HTTPRequest`, with the client's defaults where that has None.
        :arg callback: to be called once with the response, whose ``error`` is what went wrong.
        :returns: what cancels the fetch, or None where that is not possible.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define fetch_impl()")


class HTTPClient:
    """An HTTP client that blocks, for scripts. It can't be used where a loop runs.

    :arg async_client_class: the `AsyncHTTPClient` to use.
    :arg kwargs: for that.
    """

    def __init__(self, async_client_class: type[AsyncHTTPClient] | None = None, **kwargs: Any) -> None:
        self._closed = True
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("Cannot run the event loop while another loop is running")
        self._io_loop = IOLoop(make_current=False)
        client_class = async_client_class or AsyncHTTPClient

        # A client belongs to the loop that runs when it is made.
        async def make_client() -> AsyncHTTPClient:
            return client_class(**kwargs)

        try:
            self._async_client: AsyncHTTPClient = self._io_loop.run_sync(make_client)
        except BaseException:
            self._io_loop.close()
            raise
        self._closed = False

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Frees all connections; nothing more can be fetched."""
        if not self._closed:
            self._closed = True
            self._async_client.close()
            self._io_loop.close()

    def fetch(self, request: HTTPRequest | str, **kwargs: Any) -> HTTPResponse:
        """As `AsyncHTTPClient.fetch`, but returns the response, or raises."""
        response: HTTPResponse = self._io_loop.run_sync(
            functools.partial(self._async_client.fetch, request, **kwargs)
        )
        return response
