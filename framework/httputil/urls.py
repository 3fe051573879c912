"""Small helpers for URLs and query strings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import AnyStr
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

__all__ = ["qs_to_qsl", "split_host_and_port", "url_concat"]

_has_port = re.compile(r"(.+):([0-9]{1,20})").fullmatch


def url_concat(
    url: str,
    args: dict[str, str] | list[tuple[str, str]] | tuple[tuple[str, str], ...] | None,
) -> str:
    """``url`` with ``args`` appended to its query, which may have arguments already.

    >>> url_concat("http://example.com/foo?a=b", [("c", "d"), ("c", "d2")])
    'http://example.com/foo?a=b&c=d&c=d2'

    Raises ``TypeError`` if ``args`` is no dict, list or tuple.
    """
    if args is None:
        return url
    if isinstance(args, dict):
        added = list(args.items())
    elif isinstance(args, (list, tuple)):
        added = list(args)
    else:
        raise TypeError(f"'args' parameter should be dict, list or tuple. Not {type(args)}")
    scheme, netloc, path, query, fragment = urlsplit(url)
    arguments = parse_qsl(query, keep_blank_values=True)
    arguments.extend(added)
    return urlunsplit((scheme, netloc, path, urlencode(arguments), fragment))


def split_host_and_port(netloc: str) -> tuple[str, int | None]:
    """The host and the port of ``host:port``; the port is ``None`` where there is none.

    An IPv6 address keeps its brackets.
    """
    match = _has_port(netloc)
    return (match[1], int(match[2])) if match else (netloc, None)


def qs_to_qsl(qs: dict[str, list[AnyStr]]) -> Iterable[tuple[str, AnyStr]]:
    """The pairs of name and value in a dict as ``parse_qs`` makes it, in order."""
    for name, values in qs.items():
        for value in values:
            yield name, value
