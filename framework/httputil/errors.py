"""The errors of this package.

::

    Exception
    ├── HTTPInputError     the other side sent something that is not HTTP, or more than is allowed
    └── HTTPOutputError    this program tried to send something that is not HTTP
"""

from __future__ import annotations

__all__ = ["HTTPInputError", "HTTPOutputError"]


class HTTPInputError(Exception):
    """What was received is malformed or exceeds a limit; a server answers 400."""


class HTTPOutputError(Exception):
    """What was to be sent is not valid HTTP: a mistake of this program."""


# What tracebacks show and applications import them by.
for _name in __all__:
    globals()[_name].__module__ = "framework.httputil"
