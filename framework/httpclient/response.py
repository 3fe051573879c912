"""A response as the application sees it."""

from __future__ import annotations

from io import BytesIO

from framework.httpclient.errors import HTTPClientError
from framework.httpclient.request import HTTPRequest, RequestProxy
from framework.httputil import HTTPHeaders, responses

__all__ = ["HTTPResponse"]


class HTTPResponse:
    """What came back.

    - ``request``: the `HTTPRequest` that was fetched
    - ``code``: the status, or 599 where there is no response; ``reason``: its phrase
    - ``headers``: `HTTPHeaders`
    - ``effective_url``: the URL after redirects
    - ``buffer``: the body as `io.BytesIO`; ``body``: as bytes
    - ``error``: why it is no success, or None for codes 200 to 299
    - ``request_time``: seconds from the start to the end; ``start_time``: the start, as `time.time` counts
    - ``time_info``: seconds from the start to the moments named: ``queue`` (left the queue), ``namelookup``,
      ``connect``, ``pretransfer`` (the request was sent), ``starttransfer`` (the header was there), ``total``. The
      second and third are missing where the connection was there before.
    """

    # No __slots__: applications hang things of their own on responses.
    error: BaseException | None = None

    # Whether the error says no more than that the code is no success.
    _error_is_response_code = False

    request: HTTPRequest

    def __init__(
        self,
        request: HTTPRequest,
        code: int,
        headers: HTTPHeaders | None = None,
        buffer: BytesIO | None = None,
        effective_url: str | None = None,
        error: BaseException | None = None,
        request_time: float | None = None,
        time_info: dict[str, float] | None = None,
        reason: str | None = None,
        start_time: float | None = None,
    ) -> None:
        self.request = request.request if isinstance(request, RequestProxy) else request
        self.code = code
        self.reason = reason or responses.get(code, "Unknown")
        self.headers = HTTPHeaders() if headers is None else headers
        self.buffer = buffer
        self.effective_url = request.url if effective_url is None else effective_url
        if error is not None:
            self.error = error
        elif not 200 <= code < 300:
            self._error_is_response_code = True
            self.error = HTTPClientError(code, message=self.reason, response=self)
        self.start_time = start_time
        self.request_time = request_time
        self.time_info: dict[str, float] = time_info or {}

    @property
    def body(self) -> bytes:
        """The body; empty where there is none, or where it was streamed."""
        return b"" if self.buffer is None else self.buffer.getvalue()

    def rethrow(self) -> None:
        """Raises ``error``, if there is one."""
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        arguments = ",".join([f"{name}={value!r}" for name, value in sorted(self.__dict__.items())])
        return f"{type(self).__name__}({arguments})"
