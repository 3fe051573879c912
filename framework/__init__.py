"""An asynchronous web framework and networking library."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public modules, there on first use: ``import framework; framework.web.Application``.
_MODULES = frozenset(
    (
        "auth",
        "autoreload",
        "concurrent",
        "curl_httpclient",
        "escape",
        "gen",
        "http1connection",
        "httpclient",
        "httpserver",
        "httputil",
        "ioloop",
        "iostream",
        "locale",
        "locks",
        "log",
        "netutil",
        "options",
        "platform",
        "process",
        "queues",
        "routing",
        "session",
        "simple_httpclient",
        "tcpclient",
        "tcpserver",
        "template",
        "testing",
        "util",
        "web",
        "websocket",
    )
)

__all__ = ["__version__", *sorted(_MODULES)]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"framework.{name}")
    raise AttributeError(f"module 'framework' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *sorted(_MODULES)]
