"""The HTTP client in Python, by its name. Most programs get it as `framework.httpclient.AsyncHTTPClient`."""

from __future__ import annotations

from framework.httpclient.errors import HTTPProxyError, HTTPStreamClosedError, HTTPTimeoutError
from framework.httpclient.simple import SimpleAsyncHTTPClient

__all__ = ["HTTPProxyError", "HTTPStreamClosedError", "HTTPTimeoutError", "SimpleAsyncHTTPClient"]
