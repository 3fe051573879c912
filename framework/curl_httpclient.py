"""The HTTP client on libcurl, by the package ``pycurl`` (the extra ``curl``).

::

    AsyncHTTPClient.configure("framework.curl_httpclient.CurlAsyncHTTPClient")

libcurl moves the bytes of one request and its response. What goes around that is the same as in the other client: the
line, deadlines, redirects, cookies, content codings, limits, callbacks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any

import pycurl

from framework._http1.client import ResponseFailed, ResponseLimits
from framework.httpclient.cookies import CookieJar
from framework.httpclient.curl_transfer import AUTH_MODES, CurlTransfer
from framework.httpclient.engine import FetchingClient
from framework.httpclient.errors import HTTPClientError, HTTPProxyError
from framework.httpclient.fetch import Fetch
from framework.httpclient.prepare import prepare
from framework.ioloop import IOLoop
from framework.log import app_log, gen_log

__all__ = ["CurlAsyncHTTPClient", "CurlError"]

_MAX_HEADER = 65536


class CurlError(HTTPClientError):
    """What libcurl has to say about a failure: ``errno`` is its number (``pycurl.E_...``); the code is 599."""

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(599, message)
        self.errno = errno

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.errno, self.message), self.__dict__)


class CurlAsyncHTTPClient(FetchingClient):
    """An `AsyncHTTPClient` on libcurl.

    It knows digest authentication. ``ssl_options`` is not for it, resolvers neither.

    :arg max_clients: how many requests are under way at a time; more wait in line.
    :arg defaults: for what requests leave out.
    :arg max_body_size: bytes of a response's body, also of what it unpacks to.
    :arg cookie_jar: keeps cookies between requests; none are kept unless given.
    """

    def initialize(  # type: ignore[override]  # as every implementation, with arguments of its own
        self,
        max_clients: int = 10,
        defaults: dict[str, Any] | None = None,
        max_body_size: int = 104857600,
        cookie_jar: CookieJar | None = None,
    ) -> None:
        super().initialize(defaults=defaults)
        self._set_up(max_clients, ResponseLimits(_MAX_HEADER, max_body_size), cookie_jar)
        self._fetch_class = CurlFetch
        self.max_body_size = max_body_size
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_clients)
        self._timer: object | None = None
        self._watched: set[int] = set()
        self._transfers: dict[Any, CurlTransfer] = {}
        # Whether libcurl is calling us: it must not be called back then.
        self._inside = False
        self._abandoned: list[CurlTransfer] = []

    def handle_callback_exception(self, callback: Any) -> None:
        """Called when a callback of libcurl has failed, in the ``except`` block."""
        app_log.error("Exception in callback %r", callback, exc_info=True)

    def _run(self, callback: Callable[..., None], *args: object) -> None:
        try:
            callback(*args)
        except Exception:
            self.handle_callback_exception(callback)

    def _free(self) -> None:
        self._drop_abandoned()
        for fd in list(self._watched):
            self.io_loop.remove_handler(fd)
        self._watched.clear()
        self._set_timer(-1)
        self._multi.close()

    # What libcurl asks for.

    def _set_timer(self, milliseconds: int) -> None:
        if self._timer is not None:
            self.io_loop.remove_timeout(self._timer)
            self._timer = None
        if milliseconds >= 0:
            self._timer = self.io_loop.call_later(milliseconds / 1000, self._timer_fired)

    def _watch(self, event: int, fd: int, multi: Any, data: object) -> None:
        if event == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.discard(fd)
                self.io_loop.remove_handler(fd)
            return
        wanted = (IOLoop.READ if event & pycurl.POLL_IN else 0) | (
            IOLoop.WRITE if event & pycurl.POLL_OUT else 0
        )
        if fd in self._watched:
            self.io_loop.update_handler(fd, wanted)
        else:
            self._watched.add(fd)
            self.io_loop.add_handler(fd, self._ready, wanted)

    def _ready(self, fd: Any, events: int) -> None:
        action = (pycurl.CSELECT_IN if events & IOLoop.READ else 0) | (
            pycurl.CSELECT_OUT if events & IOLoop.WRITE else 0
        )
        self._act(fd, action)

    def _timer_fired(self) -> None:
        self._timer = None
        self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, action: int) -> None:
        if self._closed:
            return
        self._inside = True
        try:
            self._multi.socket_action(fd, action)
        except pycurl.error as error:
            gen_log.warning("libcurl: %s", error)
        finally:
            self._inside = False
        self._drop_abandoned()
        self._collect()

    def _collect(self) -> None:
        more = True
        while more and not self._closed:
            more, good, bad = self._multi.info_read()
            for curl in good:
                self._ended(curl, 0, "")
            for curl, number, message in bad:
                self._ended(curl, number, message)

    def _ended(self, curl: Any, number: int, message: str) -> None:
        transfer = self._transfers.get(curl)
        if transfer is not None:
            transfer.ended(number, message)

    # What transfers ask for.

    def _add(self, transfer: CurlTransfer) -> None:
        self._transfers[transfer.curl] = transfer
        self._multi.add_handle(transfer.curl)
        if self._timer is None:
            self._set_timer(0)

    def _unpause(self, transfer: CurlTransfer) -> None:
        """Lets libcurl go on with a transfer; it may call back at once."""
        self._inside = True
        try:
            transfer.curl.pause(pycurl.PAUSE_CONT)
        finally:
            self._inside = False
        self._drop_abandoned()
        if not self._closed:
            self._set_timer(0)

    def _remove(self, transfer: CurlTransfer) -> None:
        if self._inside:
            self._abandoned.append(transfer)
        elif self._transfers.pop(transfer.curl, None) is not None:
            self._multi.remove_handle(transfer.curl)
            transfer.curl.close()

    def _drop_abandoned(self) -> None:
        while self._abandoned:
            self._remove(self._abandoned.pop())


class CurlFetch(Fetch):
    """A request under way in a `CurlAsyncHTTPClient`."""

    __slots__ = ()

    _client: CurlAsyncHTTPClient
    frames_chunks = False

    def _prepare(self) -> None:
        proxy = self._proxy
        if proxy.ssl_options is not None:
            raise ValueError("ssl_options not supported in curl_httpclient")
        for mode in (proxy.auth_mode, proxy.proxy_auth_mode):
            if mode not in AUTH_MODES:
                raise ValueError(f"unsupported auth_mode {mode}")
        if proxy.proxy_host is not None and proxy.proxy_port is None:
            raise ValueError("proxy_host needs proxy_port")
        jar = self._client.cookie_jar
        cookies = None if jar is None else jar.header(proxy.request.url)
        self._prepared = prepare(proxy, cookies, authorize=proxy.auth_mode != "digest")
        self.head_only = self._prepared.method == "HEAD"

    def _go(self) -> None:
        # As in the other client: what libcurl keeps does not hold on to the caller's context.
        Context().run(self._begin_transfer)

    def _begin_transfer(self) -> None:
        try:
            transfer = CurlTransfer(self._client, self, self._client._limits)
            self._channel = transfer
            transfer.set_up(self._prepared, self._proxy)
            self._client._add(transfer)
        except Exception as error:
            self._fail(error)
            return
        self._times["pretransfer"] = self._loop.time() - self._start
        if self._prepared.producer is not None:
            self._start_producer(transfer)

    def deadline_passed(self) -> None:
        """As `Fetch.deadline_passed`, of which libcurl is asked what it is at."""
        transfer = self._channel
        if isinstance(transfer, CurlTransfer):
            self._doing = transfer.doing(self._prepared.target)
            if self._doing == "during request" and self.deadline < self._request_deadline:
                # The connection stands, and the rest has more time.
                self._set_deadline(self._request_deadline)
                return
        super().deadline_passed()

    def broken(self, number: int, message: str, times: dict[str, float]) -> None:
        """libcurl has given up."""
        self._channel = None
        self._times.update(times)
        error: Exception = CurlError(number, message)
        if number in (pycurl.E_COULDNT_RESOLVE_PROXY, getattr(pycurl, "E_PROXY", -1)) or "CONNECT" in message:
            error = HTTPProxyError(message)
        self._fail(error)

    def whole(self, times: dict[str, float]) -> None:
        """libcurl is done."""
        self._times.update(times)
        if self._head is None:
            self.failed(ResponseFailed("Connection closed without a header"), untouched=True)
        else:
            self.response_ended()
