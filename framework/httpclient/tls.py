"""TLS contexts by what requests ask for, made once each."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from typing import Any

from framework.httpclient.request import RequestProxy
from framework.netutil import ssl_options_to_context

__all__ = ["TLSContexts"]

# Contexts that are kept. One holds the system's certificates: hundreds of kilobytes, tens of milliseconds.
_KEPT = 16


class TLSContexts:
    """The contexts of one client."""

    __slots__ = ("_contexts",)

    def __init__(self) -> None:
        self._contexts: OrderedDict[Any, ssl.SSLContext] = OrderedDict()

    def context(self, request: RequestProxy) -> ssl.SSLContext:
        """The context for a request; raises `ValueError`, `OSError` or `ssl.SSLError` for options that are wrong."""
        given = request.ssl_options
        if isinstance(given, ssl.SSLContext):
            return given
        options = dict(given) if given is not None else self._options(request)
        key = tuple(sorted(options.items()))
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = ssl_options_to_context(options, server_side=False)
            if len(self._contexts) > _KEPT:
                self._contexts.popitem(last=False)
        else:
            self._contexts.move_to_end(key)
        return context

    @staticmethod
    def _options(request: RequestProxy) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if not request.validate_cert:
            options["cert_reqs"] = ssl.CERT_NONE
        if request.ca_certs is not None:
            options["ca_certs"] = request.ca_certs
        if request.client_cert is not None:
            options["certfile"] = request.client_cert
        if request.client_key is not None:
            options["keyfile"] = request.client_key
        return options
