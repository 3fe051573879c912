"""The errors of the HTTP clients.

::

    HTTPClientError              what is no success: a response of 300 and more, or none at all (599)
    ├── HTTPTimeoutError         the time was over; the message says what was being waited for
    └── HTTPStreamClosedError    no response, or not a whole one, or one that breaks the rules or a limit
        ├── HTTPClientClosedError    the client was closed meanwhile
        ├── HTTPHeaderError          the header is too long; an ``UnsatisfiableReadError`` as well
        └── HTTPProxyError           the proxy did not open the way

Errors of the network (``OSError``, ``ssl.SSLError``, ``socket.gaierror``) and mistakes in the request
(``ValueError``, ``KeyError`` for a method that is not known) come as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.httputil import responses
from framework.iostream.errors import UnsatisfiableReadError

if TYPE_CHECKING:
    from framework.httpclient.response import HTTPResponse

__all__ = [
    "HTTPClientClosedError",
    "HTTPClientError",
    "HTTPError",
    "HTTPHeaderError",
    "HTTPProxyError",
    "HTTPStreamClosedError",
    "HTTPTimeoutError",
]


class HTTPClientError(Exception):
    """A fetch that was no success.

    :arg code: the response's status, or 599 where there is no response.
    :arg message: the reason; without one, the phrase of the status.
    :arg response: the response, if there is one.
    """

    def __init__(self, code: int, message: str | None = None, response: HTTPResponse | None = None) -> None:
        self.code = code
        self.message = message or responses.get(code, "Unknown")
        self.response = response
        super().__init__(code, message, response)

    def __str__(self) -> str:
        return f"HTTP {self.code}: {self.message}"

    # The arguments hold the response, and that holds the error: repr of one would go round in circles.
    __repr__ = __str__


HTTPError = HTTPClientError


class HTTPTimeoutError(HTTPClientError):
    """The time for a request was over; its code is 599."""

    def __init__(self, message: str) -> None:
        super().__init__(599, message=message)

    # Errors are copied by their arguments, and here these are not what the constructor takes.
    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message,), self.__dict__)

    def __str__(self) -> str:
        return self.message or "Timeout"


class HTTPStreamClosedError(HTTPClientError):
    """The connection ended, or had to be ended, before there was a whole response; its code is 599."""

    def __init__(self, message: str) -> None:
        super().__init__(599, message=message)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message,), self.__dict__)

    def __str__(self) -> str:
        return self.message or "Stream closed"


class HTTPClientClosedError(HTTPStreamClosedError):
    """The client was closed while the request was under way."""


class HTTPHeaderError(HTTPStreamClosedError, UnsatisfiableReadError):
    """The response's header is longer than ``max_header_size``; that was an error of streams once."""


class HTTPProxyError(HTTPStreamClosedError):
    """The proxy refused to connect; ``status`` is what it answered with, ``None`` if that was no HTTP."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
