"""What a client asks a server for: a URL and its options, as a route and the head of a request."""

from __future__ import annotations

import copy
from typing import Final

from framework.httpclient import HTTPRequest
from framework.httpclient.prepare import prepare
from framework.httpclient.request import DEFAULTS, RequestProxy
from framework.httpclient.tls import TLSContexts
from framework.httpclient.way import proxy_credentials, route_of
from framework.httputil.headers import HTTPHeaders
from framework.websocket import deflate

__all__ = ["Question"]

_SCHEMES: Final = {"ws": "http", "wss": "https"}

# They are costly, and belong to no loop.
_contexts = TLSContexts()


class Question:
    """A request for a WebSocket: where it goes (``route``), its bytes (``head``), and how many seconds it has.

    :raises ValueError: a URL that is none of a WebSocket, a method other than GET, a body, options that don't fit.
    """

    __slots__ = ("head", "route", "seconds")

    def __init__(self, request: HTTPRequest, key: str, subprotocols: list[str], compression: bool) -> None:
        asked = RequestProxy(_as_http(request, key, subprotocols, compression), DEFAULTS)
        prepared = prepare(asked)
        self.route = route_of(asked, prepared.target.origin, proxy_credentials(asked), _contexts)
        self.head = prepared.head(False)
        limits = [seconds for seconds in (asked.connect_timeout, request.request_timeout) if seconds]
        self.seconds: float | None = min(limits) if limits else None


def _as_http(request: HTTPRequest, key: str, subprotocols: list[str], compression: bool) -> HTTPRequest:
    """The request as HTTP sends it (RFC 6455 section 4.1)."""
    scheme, colon, rest = request.url.partition(":")
    known = _SCHEMES.get(scheme.lower())
    if known is None:
        raise ValueError(f"a WebSocket's URL begins with ws: or wss:, not as {request.url!r} does")
    if request.method != "GET" or request.body is not None or request.body_producer is not None:
        raise ValueError("a WebSocket is asked for with GET, and without a body")
    asked = copy.copy(request)
    asked.url = known + colon + rest
    headers = asked.headers = HTTPHeaders(request.headers)
    headers["Upgrade"] = "websocket"
    headers["Connection"] = "Upgrade"
    headers["Sec-WebSocket-Key"] = key
    headers["Sec-WebSocket-Version"] = "13"
    if subprotocols:
        headers["Sec-WebSocket-Protocol"] = ",".join(subprotocols)
    if compression:
        headers["Sec-WebSocket-Extensions"] = deflate.offer()
    # There is no body worth it.
    asked.decompress_response = False
    return asked
