"""(H4 replaces this file.)"""

from __future__ import annotations

from framework.web.handler import RequestHandler

__all__ = ["StaticFileHandler", "is_absolute"]


class StaticFileHandler(RequestHandler):
    pass


def is_absolute(path: str) -> bool:
    return path.startswith(("/", "http:", "https:"))
