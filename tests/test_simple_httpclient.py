"""The module of the client in Python."""

from __future__ import annotations

from framework import simple_httpclient
from framework.httpclient import AsyncHTTPClient, HTTPClientError


def test_what_the_module_offers() -> None:
    assert issubclass(simple_httpclient.SimpleAsyncHTTPClient, AsyncHTTPClient)
    for error in (simple_httpclient.HTTPTimeoutError, simple_httpclient.HTTPStreamClosedError):
        assert issubclass(error, HTTPClientError)
