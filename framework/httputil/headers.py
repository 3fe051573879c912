"""Header fields of HTTP messages: a mapping that ignores case and keeps repeated fields (RFC 9110 section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from framework.escape import native_str
from framework.httputil.errors import HTTPInputError

__all__ = ["HTTPHeaders", "headers_of", "printed_name"]

# RFC 9110 section 5.6.2 (token) and 5.5 (field-content). The second value pattern is for text that
# was not decoded as latin-1 and so may hold any character but the controls.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z").match
_BYTES_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z").match
_TEXT_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*\Z").match

# Names as they are printed, by every spelling met so far. Bounded, as clients choose the spellings.
_printed: dict[str, str] = {}
_PRINTED_LIMIT = 1000


def printed_name(name: str) -> str:
    """The way a field name is printed: ``content-TYPE`` gives ``Content-Type``."""
    known = _printed.get(name)
    if known is None:
        known = "-".join([word.capitalize() for word in name.split("-")])
        if len(_printed) < _PRINTED_LIMIT:
            _printed[name] = known
    return known


class HTTPHeaders(MutableMapping[str, str]):
    """Header fields by name, whatever the case it is written in.

    Takes what ``dict`` takes, or another ``HTTPHeaders``. A field that was given several times with
    `add` reads as its values joined by commas; `get_list` and `get_all` tell them apart. Assigning
    replaces all of them.
    """

    # Printed name to value, or to a list of two values and more.
    _fields: dict[str, str | list[str]]

    # Whether any value has ever been a list.
    _repeated: bool

    __slots__ = ("_fields", "_repeated")

    def __init__(self, *args: Any, **kwargs: str) -> None:
        self._fields = {}
        self._repeated = False
        if len(args) == 1 and not kwargs and isinstance(args[0], HTTPHeaders):
            self._copy_from(args[0])
        elif args or kwargs:
            self.update(*args, **kwargs)

    def _copy_from(self, other: HTTPHeaders) -> None:
        self._fields = {
            name: value.copy() if isinstance(value, list) else value for name, value in other._fields.items()
        }
        self._repeated = other._repeated

    def add(self, name: str, value: str, *, _chars_are_bytes: bool = True) -> None:
        """Adds a value beside those the field already has; both are checked (`HTTPInputError`)."""
        if not _NAME(name):
            raise HTTPInputError(f"Invalid header name {name!r}")
        text = native_str(value)
        if not (_BYTES_VALUE if _chars_are_bytes else _TEXT_VALUE)(text):
            raise HTTPInputError(f"Invalid header value {value!r}")
        self._append(printed_name(name), text)

    def _append(self, name: str, text: str) -> None:
        """`add` for a printed name and a value that are known to be good."""
        present = self._fields.get(name)
        if present is None:
            self._fields[name] = text
        elif isinstance(present, list):
            present.append(text)
        else:
            self._fields[name] = [present, text]
            self._repeated = True

    def get_list(self, name: str) -> list[str]:
        """Every value of the field, in order; an empty list if there is none."""
        value = self._fields.get(printed_name(name))
        if value is None:
            return []
        return value.copy() if isinstance(value, list) else [value]

    def get_all(self) -> Iterable[tuple[str, str]]:
        """A pair of name and value for every value of every field."""
        for name, value in self._fields.items():
            if isinstance(value, list):
                for one in value:
                    yield name, one
            else:
                yield name, value

    def parse_line(self, line: str, *, _chars_are_bytes: bool = True) -> None:
        """Adds one line as it stands on the wire, with or without its line end.

        Raises `HTTPInputError` for a line that RFC 9112 section 5 does not allow; folded lines are refused.
        """
        if line.endswith("\n"):
            line = line[:-2] if line.endswith("\r\n") else line[:-1]
        if not line:
            return
        if line[0] in " \t":
            raise HTTPInputError("header line cannot start with whitespace, folding not supported")
        name, colon, value = line.partition(":")
        if not colon:
            raise HTTPInputError("no colon in header line")
        self.add(name, value.strip(" \t"), _chars_are_bytes=_chars_are_bytes)

    @classmethod
    def parse(cls, headers: str, *, _chars_are_bytes: bool = True) -> HTTPHeaders:
        """Headers from the text of a header block, lines ended by CRLF or LF."""
        made = cls()
        for line in headers.split("\n"):
            made.parse_line(line.removesuffix("\r"), _chars_are_bytes=_chars_are_bytes)
        return made

    def __setitem__(self, name: str, value: str) -> None:
        self._fields[printed_name(name)] = value

    def __getitem__(self, name: str) -> str:
        value = self._fields[printed_name(name)]
        return ",".join(value) if isinstance(value, list) else value

    # Without the exception that the inherited method raises and catches for a missing name.
    def get(self, name: str, default: Any = None) -> Any:
        """The field's value, or ``default``."""
        value = self._fields.get(printed_name(name), default)
        return ",".join(value) if isinstance(value, list) else value

    def __delitem__(self, name: str) -> None:
        del self._fields[printed_name(name)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and printed_name(name) in self._fields

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]  # mutable, and equal by content

    def copy(self) -> HTTPHeaders:
        """A copy that shares nothing with this one."""
        made = HTTPHeaders()
        made._copy_from(self)
        return made

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        return (headers_of, (self._fields, self._repeated))

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\n" for name, value in self.get_all()])

    __unicode__ = __str__


_new = object.__new__


def headers_of(fields: dict[str, str | list[str]], repeated: bool) -> HTTPHeaders:
    """Headers around a dict that is theirs from now on: printed name to value.

    ``repeated``: whether any value is a list of two and more.
    """
    # Neither the call of the class nor a class method: half the time, for every response.
    headers = _new(HTTPHeaders)
    headers._fields = fields
    headers._repeated = repeated
    return headers
