"""Bodies of HTML forms: ``application/x-www-form-urlencoded`` and ``multipart/form-data`` (RFC 7578)."""

from __future__ import annotations

import codecs
import dataclasses
from urllib.parse import unquote_to_bytes

from framework.escape import parse_qs_bytes, utf8
from framework.httputil.errors import HTTPInputError
from framework.httputil.headers import HTTPHeaders
from framework.httputil.pieces import Pieces
from framework.util import ObjectDict

__all__ = [
    "HTTPFile",
    "ParseBodyConfig",
    "ParseMultipartConfig",
    "ParseUrlEncodedConfig",
    "delimiter_of",
    "parse_body_arguments",
    "parse_form",
    "parse_multipart_form_data",
    "set_parse_body_config",
]

# The charsets of RFC 8187 and those that old programs use. Not every codec of Python: some take
# quadratic time, some are no charsets at all.
_CHARSETS = frozenset((
    "utf-8", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251",
    "windows-1252", "koi8-r", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "gb2312", "gbk", "gb18030",
    "big5",
))  # fmt: skip


class HTTPFile(ObjectDict):
    """An uploaded file: a dict whose keys ``filename``, ``body`` and ``content_type`` are attributes too.

    ``filename`` and ``content_type`` are what the client says and may be anything; ``body`` is bytes.
    """

    filename: str
    body: bytes
    content_type: str


@dataclasses.dataclass
class ParseMultipartConfig:
    """Limits of ``multipart/form-data`` bodies."""

    enabled: bool = True
    """Whether such bodies are parsed; if not, they are refused."""

    max_parts: int = 100
    """How many parts a body may have, what stands before the first boundary being counted as one."""

    max_part_header_size: int = 10 * 1024
    """How long the header of a part may be, in bytes."""


@dataclasses.dataclass
class ParseUrlEncodedConfig:
    """Limits of ``application/x-www-form-urlencoded`` bodies."""

    max_arguments: int = 1000
    """How many arguments a body may have, counting those that are empty."""


@dataclasses.dataclass
class ParseBodyConfig:
    """Limits of the bodies that `parse_body_arguments` understands."""

    multipart: ParseMultipartConfig = dataclasses.field(default_factory=ParseMultipartConfig)
    """Limits of ``multipart/form-data`` bodies."""

    urlencoded: ParseUrlEncodedConfig = dataclasses.field(default_factory=ParseUrlEncodedConfig)
    """Limits of ``application/x-www-form-urlencoded`` bodies."""


_default_config = ParseBodyConfig()


def set_parse_body_config(config: ParseBodyConfig) -> None:
    """Sets the limits that hold wherever none are given, for the whole process."""
    global _default_config
    _default_config = config


def parse_body_arguments(
    content_type: str,
    body: bytes | Pieces,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    headers: HTTPHeaders | None = None,
    *,
    config: ParseBodyConfig | None = None,
) -> None:
    """Adds what a form body holds to ``arguments`` and ``files``; a body of another type adds nothing.

    ``content_type`` is the header's value, ``headers`` the message's headers: a form with a
    ``Content-Encoding`` is refused, as it should have been decoded before. Names of urlencoded arguments
    are decoded as latin-1 and values are left as bytes. Raises `HTTPInputError` for a malformed body
    and for one that exceeds a limit; what stood before the fault may have been added then.
    """
    encoding = None if headers is None else headers.get("Content-Encoding")
    for name, values in parse_form(content_type, encoding, body, files, config).items():
        arguments.setdefault(name, []).extend(values)


def parse_form(
    content_type: str,
    encoding: str | None,
    body: bytes | Pieces,
    files: dict[str, list[HTTPFile]],
    config: ParseBodyConfig | None = None,
) -> dict[str, list[bytes]]:
    """`parse_body_arguments` for one who has the ``Content-Encoding`` and not all headers; returns the arguments."""
    arguments: dict[str, list[bytes]] = {}
    urlencoded = content_type.startswith("application/x-www-form-urlencoded")
    if not urlencoded and not content_type.startswith("multipart/form-data"):
        return arguments
    if encoding is not None:
        raise HTTPInputError(f"Unsupported Content-Encoding: {encoding}")
    if config is None:
        config = _default_config
    if urlencoded:
        # To make `bytes` of bytes takes as long as several calls.
        text = body if isinstance(body, bytes) else bytes(body)
        if text.count(b"&") >= config.urlencoded.max_arguments:
            raise HTTPInputError("Invalid x-www-form-urlencoded body: Max number of fields exceeded")
        return parse_qs_bytes(text, keep_blank_values=True)
    try:
        boundary = _boundary(content_type)
        parse_multipart_form_data(boundary, body, arguments, files, config=config.multipart)
    except HTTPInputError as error:
        raise HTTPInputError(f"Invalid multipart/form-data: {error}") from error
    return arguments


def _boundary(content_type: str) -> bytes:
    media_type, *parameters = content_type.split(";")
    if media_type.strip() != "multipart/form-data":
        raise HTTPInputError("Invalid content type")
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name == "boundary" and value:
            return utf8(value)
    raise HTTPInputError("multipart boundary not found")


def parse_multipart_form_data(
    boundary: bytes,
    data: bytes | Pieces,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    *,
    config: ParseMultipartConfig | None = None,
) -> None:
    """Adds the fields of a ``multipart/form-data`` body to ``arguments`` and its files to ``files``.

    ``boundary`` may be quoted. A part with a file name is a file, any other a field. Raises
    `HTTPInputError` for a malformed body and for one that exceeds a limit; parts that stood before the
    fault may have been added then.
    """
    if config is None:
        config = _default_config.multipart
    if not config.enabled:
        raise HTTPInputError("multipart/form-data parsing is disabled")
    boundary = _unquoted(boundary)
    end = _find_last(data, b"--%b--" % boundary)
    if end < 0:
        raise HTTPInputError("Invalid multipart/form-data: no final boundary found")
    delimiter = b"--%b\r\n" % boundary
    # Positions rather than `split`, so that each value is copied once.
    stops: list[int] = []
    stop = data.find(delimiter, 0, end)
    while stop >= 0:
        stops.append(stop)
        if len(stops) >= config.max_parts:
            raise HTTPInputError("multipart/form-data has too many parts")
        stop = data.find(delimiter, stop + len(delimiter), end)
    start = 0
    for stop in [*stops, end]:
        # Nothing between two boundaries is no part.
        if stop > start:
            _parse_part(data, start, stop, arguments, files, config.max_part_header_size)
        start = stop + len(delimiter)


def _unquoted(boundary: bytes) -> bytes:
    return boundary[1:-1] if boundary.startswith(b'"') and boundary.endswith(b'"') else boundary


def delimiter_of(content_type: str) -> bytes | None:
    """What stands before each part of a body of this type; None if it is no form with parts."""
    if not content_type.startswith("multipart/form-data"):
        return None
    try:
        return b"--%b\r\n" % _unquoted(_boundary(content_type))
    except HTTPInputError:
        return None


def _find_last(data: bytes | Pieces, wanted: bytes) -> int:
    # Nearly always at the very end. `rfind` takes time in proportion to the product of both lengths on
    # data made for that, `find` does not: so any farther search is one through the reversed data.
    tail = max(0, len(data) - len(wanted) - 64)
    position = data[tail:].rfind(wanted)
    if position >= 0:
        return tail + position
    position = bytes(data)[::-1].find(wanted[::-1])
    return -1 if position < 0 else len(data) - position - len(wanted)


def _parse_part(
    data: bytes | Pieces,
    start: int,
    stop: int,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    max_header_size: int,
) -> None:
    header_end = data.find(b"\r\n\r\n", start, stop)
    if header_end < 0:
        raise HTTPInputError("multipart/form-data missing headers")
    if header_end - start > max_header_size:
        raise HTTPInputError("multipart/form-data part header too large")
    try:
        header_text = data[start:header_end].decode()
    except UnicodeDecodeError as error:
        raise HTTPInputError(f"multipart/form-data part header is not UTF-8: {error}") from error
    headers = HTTPHeaders.parse(header_text, _chars_are_bytes=False)
    kind, parameters = _parse_disposition(headers.get("Content-Disposition", ""))
    if kind != "form-data" or data[stop - 2 : stop] != b"\r\n":
        raise HTTPInputError("Invalid multipart/form-data")
    name = parameters.get("name")
    if not name:
        raise HTTPInputError("multipart/form-data missing name")
    value = data[header_end + 4 : stop - 2]
    filename = parameters.get("filename")
    if filename:
        content_type = headers.get("Content-Type", "application/unknown")
        file = HTTPFile(filename=filename, body=value, content_type=content_type)
        files.setdefault(name, []).append(file)
    else:
        arguments.setdefault(name, []).append(value)


def _parse_disposition(header: str) -> tuple[str, dict[str, str]]:
    """The type and the parameters of a ``Content-Disposition`` header.

    Browsers write quoted values in UTF-8; others use the extended values and continuations of RFC 2231
    (``filename*=UTF-8''%c3%a9``), which win over a plain parameter of the same name.
    """
    kind, *rest = _split_parameters(header)
    parameters: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for item in rest:
        name, equals, value = item.partition("=")
        if not equals:
            continue
        name = name.strip().lower()
        value = _unquote(value.strip())
        base, star, section = name.partition("*")
        if not star:
            parameters[name] = value
            continue
        extended = not section or section.endswith("*")
        number = section.removesuffix("*") if section else "0"
        if base and number.isascii() and number.isdigit() and len(number) <= 9:
            sections.setdefault(base, []).append((int(number), extended, value))
    for base, parts in sections.items():
        parameters[base] = _join_sections(sorted(parts, key=_section_number))
    return kind.strip(), parameters


def _section_number(section: tuple[int, bool, str]) -> int:
    return section[0]


def _split_parameters(header: str) -> list[str]:
    # A semicolon within quotes does not separate.
    items: list[str] = []
    open_item: list[str] = []
    quotes = 0
    for piece in header.split(";"):
        open_item.append(piece)
        quotes += piece.count('"') - piece.count('\\"')
        if quotes % 2 == 0:
            items.append(";".join(open_item))
            open_item = []
    if open_item:
        items.append(";".join(open_item))
    return items


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        # Only these two: browsers on Windows once sent paths with plain backslashes.
        return value[1:-1].replace("\\\\", "\\").replace('\\"', '"')
    return value


def _join_sections(sections: list[tuple[int, bool, str]]) -> str:
    charset = "utf-8"
    octets = b""
    for position, (_, extended, value) in enumerate(sections):
        if not extended:
            octets += value.encode(charset, "replace")
            continue
        if position == 0 and value.count("'") >= 2:
            declared, _, value = value.split("'", 2)
            if declared.lower() in _CHARSETS:
                charset = codecs.lookup(declared).name
        octets += unquote_to_bytes(value)
    return octets.decode(charset, "replace")
