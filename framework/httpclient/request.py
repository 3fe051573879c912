"""A request as the application states it, and the defaults behind what it leaves out."""

from __future__ import annotations

import datetime
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from framework.concurrent import Future
from framework.escape import utf8
from framework.httputil import HTTPHeaders, format_timestamp

__all__ = ["HTTPRequest", "RequestProxy"]

# What a client starts with; ``defaults`` of its own go on top.
DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 20.0,
    "request_timeout": 20.0,
    "follow_redirects": True,
    "max_redirects": 5,
    "decompress_response": True,
    "proxy_password": "",
    "allow_nonstandard_methods": False,
    "validate_cert": True,
}


class HTTPRequest:
    """What to fetch, and how. Arguments that are left out, or None, are the client's ``defaults``.

    :arg url: ``http://`` or ``https://``; what may not stand in a URL is percent-encoded, control characters
        are an error.
    :arg method: one of GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS; others with ``allow_nonstandard_methods``.
    :arg headers: `HTTPHeaders` or a dict.
    :arg body: bytes, or text that is sent as UTF-8.
    :arg body_producer: ``body_producer(write)`` writes the body in pieces and returns when all is written;
        ``write(piece)`` returns a future that is done when more may be written. The body is sent in chunks
        unless the headers have a Content-Length.
    :arg auth_username: for Basic authentication, as ``auth_password``.
    :arg auth_mode: "basic"; the curl client knows "digest", too.
    :arg connect_timeout: seconds from the start until the connection stands, the queue included; 0 is no limit.
    :arg request_timeout: seconds for the whole, redirects included; 0 is no limit.
    :arg if_modified_since: a time for that header, as `format_timestamp` takes it.
    :arg follow_redirects: whether to go where a redirect leads, or to return it.
    :arg max_redirects: how many in a row; the next one is returned.
    :arg user_agent: for that header.
    :arg decompress_response: asks for a compressed body and unpacks it; ``use_gzip`` is the old name.
    :arg network_interface: the local IP address to connect from.
    :arg streaming_callback: called with each piece of the body, which the response does not have then; a returned
        awaitable is waited for before more is read.
    :arg header_callback: called with each line of the header of the final response, from the status line to the
        empty line, with line ends.
    :arg prepare_curl_callback: called with the ``pycurl.Curl`` object; the curl client's only.
    :arg proxy_host: a proxy for HTTP, also for HTTPS (by CONNECT); ``proxy_port`` is needed as well.
    :arg proxy_username: for the proxy, as ``proxy_password``.
    :arg proxy_auth_mode: "basic"; the curl client knows "digest", too.
    :arg allow_nonstandard_methods: any method, and a body for each or for none.
    :arg validate_cert: whether the server has to prove who it is.
    :arg ca_certs: a file with the certificates to trust instead of the system's.
    :arg client_cert: a file with a certificate for the server; ``client_key`` is its key.
    :arg ssl_options: an `ssl.SSLContext`, or a dict for `ssl_options_to_context`, in place of these four.
    :arg allow_ipv6: whether to use IPv6 where there is a choice.
    :arg expect_100_continue: sends the body only when the server has asked for it, or after a second.
    """

    # No __slots__: applications hang things of their own on requests.
    headers: HTTPHeaders
    body: bytes

    def __init__(
        self,
        url: str,
        method: str = "GET",
        headers: dict[str, str] | HTTPHeaders | None = None,
        body: bytes | str | None = None,
        auth_username: str | None = None,
        auth_password: str | None = None,
        auth_mode: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        if_modified_since: float | datetime.datetime | None = None,
        follow_redirects: bool | None = None,
        max_redirects: int | None = None,
        user_agent: str | None = None,
        use_gzip: bool | None = None,
        network_interface: str | None = None,
        streaming_callback: Callable[[bytes], Awaitable[None] | None] | None = None,
        header_callback: Callable[[str], None] | None = None,
        prepare_curl_callback: Callable[[Any], None] | None = None,
        proxy_host: str | None = None,
        proxy_port: int | None = None,
        proxy_username: str | None = None,
        proxy_password: str | None = None,
        proxy_auth_mode: str | None = None,
        allow_nonstandard_methods: bool | None = None,
        validate_cert: bool | None = None,
        ca_certs: str | None = None,
        allow_ipv6: bool | None = None,
        client_key: str | None = None,
        client_cert: str | None = None,
        body_producer: Callable[[Callable[[bytes], None]], Future[None]] | None = None,
        expect_100_continue: bool = False,
        decompress_response: bool | None = None,
        ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.method = method
        self.headers = headers  # type: ignore[assignment]  # the property makes headers of it
        if if_modified_since:
            self.headers["If-Modified-Since"] = format_timestamp(if_modified_since)
        self.body = body  # type: ignore[assignment]  # the property makes bytes of it
        self.body_producer = body_producer
        self.auth_username = auth_username
        self.auth_password = auth_password
        self.auth_mode = auth_mode
        self.connect_timeout = connect_timeout
        self.request_timeout = request_timeout
        self.follow_redirects = follow_redirects
        self.max_redirects = max_redirects
        self.user_agent = user_agent
        self.decompress_response = use_gzip if decompress_response is None else decompress_response
        self.network_interface = network_interface
        self.streaming_callback = streaming_callback
        self.header_callback = header_callback
        self.prepare_curl_callback = prepare_curl_callback
        self.proxy_host = proxy_host
        self.proxy_port = proxy_port
        self.proxy_username = proxy_username
        self.proxy_password = proxy_password
        self.proxy_auth_mode = proxy_auth_mode
        self.allow_nonstandard_methods = allow_nonstandard_methods
        self.validate_cert = validate_cert
        self.ca_certs = ca_certs
        self.allow_ipv6 = allow_ipv6
        self.client_key = client_key
        self.client_cert = client_cert
        self.ssl_options = ssl_options
        self.expect_100_continue = expect_100_continue
        self.start_time = time.time()

    @property  # type: ignore[no-redef]  # declared above for those who read it
    def headers(self) -> HTTPHeaders | dict[str, str]:
        """The headers that were given; empty ones where that was None."""
        return self._headers

    @headers.setter
    def headers(self, value: HTTPHeaders | dict[str, str] | None) -> None:
        self._headers = HTTPHeaders() if value is None else value

    @property  # type: ignore[no-redef]  # the same
    def body(self) -> bytes | None:
        """The body as bytes, or None."""
        return self._body

    @body.setter
    def body(self, value: bytes | str | None) -> None:
        self._body = None if value is None else utf8(value)


class RequestProxy:
    """A request with a client's defaults behind it: what `AsyncHTTPClient.fetch_impl` is given."""

    __slots__ = ("defaults", "request")

    def __init__(self, request: HTTPRequest, defaults: dict[str, Any] | None) -> None:
        self.request = request
        self.defaults: dict[str, Any] = defaults or {}

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.request, name)
        return self.defaults.get(name) if value is None else value
