"""An HTTP client that does not block, and one that does, for scripts.

::

    async def main():
        response = await AsyncHTTPClient().fetch("http://www.example.com/")
        print(response.body)
"""

from __future__ import annotations

from framework.httpclient.client import AsyncHTTPClient, HTTPClient
from framework.httpclient.cookies import CookieJar
from framework.httpclient.errors import HTTPClientError, HTTPError
from framework.httpclient.main import main
from framework.httpclient.request import HTTPRequest
from framework.httpclient.response import HTTPResponse
from framework.httpclient.simple import SimpleAsyncHTTPClient as _SimpleAsyncHTTPClient
from framework.httpclient.streamed import StreamedResponse

__all__ = [
    "AsyncHTTPClient",
    "CookieJar",
    "HTTPClient",
    "HTTPClientError",
    "HTTPError",
    "HTTPRequest",
    "HTTPResponse",
    "StreamedResponse",
    "main",
]

# It has registered itself as the default.
_default = _SimpleAsyncHTTPClient
