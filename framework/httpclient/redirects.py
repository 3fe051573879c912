"""Where a redirect leads, and with what (RFC 9110 sections 15.4 and 10.2.2)."""

from __future__ import annotations

import copy
from typing import Final
from urllib.parse import quote, urljoin

from framework.httpclient.request import HTTPRequest
from framework.httpclient.target import parse_target
from framework.httputil import HTTPHeaders

__all__ = ["REDIRECTS", "redirected"]

REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))

# What speaks of a body that is not sent again.
_BODY_FIELDS = (
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Transfer-Encoding",
)
# What was meant for one origin only.
_PRIVATE_FIELDS = ("Authorization", "Cookie", "Proxy-Authorization")

# All that may stand in a URL, and "%" for what is encoded already.
_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


def redirected(
    request: HTTPRequest, method: str, url: str, code: int, location: str, redirects_left: int
) -> HTTPRequest:
    """The request that a redirect asks for.

    :arg request: the one that was answered; it stays as it is.
    :arg method: its method, and ``url`` its URL.
    :arg location: the value of Location, decoded as latin-1.
    :arg redirects_left: for ``max_redirects`` of the new one.
    :raises ValueError: ``location`` is no URL that can be fetched.
    """
    # What is not ASCII came as bytes of who knows which encoding, and is passed back as these bytes.
    leads_to = urljoin(url, quote(location.encode("latin-1"), safe=_SAFE))
    made = copy.copy(request)
    made.url = leads_to
    made.max_redirects = redirects_left
    headers = HTTPHeaders(request.headers)
    made.headers = headers
    _remove(headers, ("Host",))
    if (code == 303 and method != "HEAD") or (code in (301, 302) and method == "POST"):
        made.method = "GET"
        made.body = None  # type: ignore[assignment]  # what is set may be None
        made.body_producer = None
        made.expect_100_continue = False
        _remove(headers, _BODY_FIELDS)
    if parse_target(leads_to).origin != parse_target(url).origin:
        _remove(headers, _PRIVATE_FIELDS)
        made.auth_username = made.auth_password = None
        # The certificate was for the other server as well.
        made.client_cert = made.client_key = None
    return made


def _remove(headers: HTTPHeaders, names: tuple[str, ...]) -> None:
    for name in names:
        if name in headers:
            del headers[name]
