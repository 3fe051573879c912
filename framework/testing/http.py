"""Test cases with an application, its server and a client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from framework.httpclient import AsyncHTTPClient, HTTPResponse
from framework.httpserver import HTTPServer
from framework.testing.cases import AsyncTestCase, get_async_test_timeout
from framework.testing.ports import bind_unused_port

if TYPE_CHECKING:
    # A test that serves something else need not load the web layer.
    from framework.web import Application

__all__ = ["AsyncHTTPSTestCase", "AsyncHTTPTestCase"]

DATA = os.path.join(os.path.dirname(__file__), "_data")


class AsyncHTTPTestCase(AsyncTestCase):
    """A test case with a server for the application of `get_app` at a free port of 127.0.0.1.

    ``self.http_server`` is the server and ``self.http_client`` a client in the same loop. Plain tests use
    `fetch`; coroutine tests (`gen_test`) ``await self.http_client.fetch(self.get_url("/"))``.
    """

    http_client: AsyncHTTPClient
    http_server: HTTPServer

    def setUp(self) -> None:
        """Makes the server and the client."""
        super().setUp()
        # First: the application may ask for its own address.
        sock, self.__port = bind_unused_port()
        self.addCleanup(sock.close)
        self.http_client = self.get_http_client()
        self.addCleanup(self.http_client.close)
        self._app = self.get_app()
        self.http_server = self.get_http_server()
        self.http_server.add_sockets([sock])

    def get_http_client(self) -> AsyncHTTPClient:
        """The client for a test; to be overridden where another is wanted."""
        return AsyncHTTPClient()

    def get_http_server(self) -> HTTPServer:
        """The server for the application; to be overridden where another is wanted."""
        return HTTPServer(self._app, **self.get_httpserver_options())

    def get_app(self) -> Application:
        """What is tested: every test case defines it. An `Application`, or another thing that is served."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_app()")

    def fetch(self, path: str, raise_error: bool = False, **kwargs: Any) -> HTTPResponse:
        """Runs the loop until a request is answered, and returns the response, whatever its status.

        :arg path: at the test's server, or a whole URL.
        :arg raise_error: whether a status of 400 and above raises `HTTPClientError`.
        :arg kwargs: those of `HTTPRequest`.
        :raises OSError: there is no connection; `ssl.SSLError`, `HTTPClientError` and others likewise.
        :raises TimeoutError: there is no answer within `get_async_test_timeout` seconds.
        """
        whole = path.lower().startswith(("http://", "https://"))
        url = path if whole else self.get_url(path)
        response: HTTPResponse = self.io_loop.run_sync(
            lambda: self.http_client.fetch(url, raise_error=raise_error, **kwargs),
            timeout=get_async_test_timeout(),
        )
        return response

    def get_httpserver_options(self) -> dict[str, Any]:
        """Arguments for the `HTTPServer`; to be overridden."""
        return {}

    def get_http_port(self) -> int:
        """The server's port."""
        return self.__port

    def get_protocol(self) -> str:
        """The scheme of the server's URLs: "http"."""
        return "http"

    def get_url(self, path: str) -> str:
        """The URL of a path at the server."""
        return f"{self.get_protocol()}://127.0.0.1:{self.get_http_port()}{path}"

    def tearDown(self) -> None:
        """Closes client and server; requests that are under way are broken off."""
        self.http_client.close()
        self.http_server.stop()
        self.io_loop.run_sync(self.__close_connections, timeout=get_async_test_timeout())
        del self.http_server
        del self._app
        super().tearDown()

    async def __close_connections(self) -> None:
        await self.http_server.close_all_connections(timeout=0)


class AsyncHTTPSTestCase(AsyncHTTPTestCase):
    """A test case with a server that speaks TLS, and a client that does not ask who has signed."""

    def get_http_client(self) -> AsyncHTTPClient:
        """A client that takes any certificate."""
        return AsyncHTTPClient(force_instance=True, defaults={"validate_cert": False})

    def get_httpserver_options(self) -> dict[str, Any]:
        """Arguments for the `HTTPServer`, with `get_ssl_options`."""
        return {"ssl_options": self.get_ssl_options()}

    def get_ssl_options(self) -> dict[str, Any]:
        """The server's ``ssl_options``; to be overridden where another certificate is wanted."""
        return self.default_ssl_options()

    @staticmethod
    def default_ssl_options() -> dict[str, Any]:
        """A self-signed certificate for localhost, 127.0.0.1 and ::1, and its key, which everybody knows."""
        return {"certfile": os.path.join(DATA, "test.crt"), "keyfile": os.path.join(DATA, "test.key")}

    def get_protocol(self) -> str:
        """The scheme of the server's URLs: "https"."""
        return "https"
