"""Which way a request goes: to its origin or by a proxy, by which address, with which encryption."""

from __future__ import annotations

from socket import AF_INET, AF_UNSPEC

from framework.httpclient.connect import Route
from framework.httpclient.request import RequestProxy
from framework.httpclient.target import basic_credentials
from framework.httpclient.tls import TLSContexts

__all__ = ["proxy_credentials", "route_of"]


def proxy_credentials(request: RequestProxy) -> str | None:
    """What a request's proxy wants to see in Proxy-Authorization.

    :raises ValueError: a proxy that can't be used.
    """
    if request.proxy_host is None:
        return None
    if request.proxy_port is None:
        raise ValueError("proxy_host needs proxy_port")
    if request.proxy_auth_mode not in (None, "basic"):
        raise ValueError(f"unsupported proxy_auth_mode {request.proxy_auth_mode}")
    if request.proxy_username is None:
        return None
    return basic_credentials(request.proxy_username, request.proxy_password)


def route_of(
    request: RequestProxy,
    origin: tuple[str, str, int] | None,
    credentials: str | None,
    contexts: TLSContexts,
) -> Route:
    """The route of a request.

    :arg origin: where the connection ends; None: at the proxy, which asks each origin itself.
    :arg credentials: those of `proxy_credentials`.
    """
    host, port = request.proxy_host, request.proxy_port
    return Route(
        origin,
        contexts.context(request) if origin is not None and origin[0] == "https" else None,
        None if host is None or port is None else (host, port),
        credentials,
        request.network_interface,
        AF_INET if request.allow_ipv6 is False else AF_UNSPEC,
    )
