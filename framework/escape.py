"""Escaping and unescaping for HTML, JSON and URLs, and conversions between bytes and text."""

from __future__ import annotations

import json
import re
import urllib.parse
from codecs import escape_decode
from collections.abc import Callable
from typing import Any, Final, overload

__all__ = [
    "json_decode",
    "json_encode",
    "linkify",
    "native_str",
    "parse_qs_bytes",
    "recursive_unicode",
    "squeeze",
    "to_basestring",
    "to_unicode",
    "url_escape",
    "url_unescape",
    "utf8",
    "xhtml_escape",
    "xhtml_unescape",
]


@overload
def utf8(value: bytes) -> bytes: ...
@overload
def utf8(value: str) -> bytes: ...
@overload
def utf8(value: None) -> None: ...
def utf8(value: Any) -> bytes | None:
    """Returns text as UTF-8; bytes and None pass unchanged. Anything else is a TypeError."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if value is None or isinstance(value, bytes):
        return value
    raise TypeError(f"Expected bytes, unicode, or None; got {type(value)!r}")


@overload
def to_unicode(value: str) -> str: ...
@overload
def to_unicode(value: bytes) -> str: ...
@overload
def to_unicode(value: None) -> None: ...
def to_unicode(value: Any) -> str | None:
    """Returns UTF-8 bytes as text; text and None pass unchanged. Anything else is a TypeError.

    Bytes that are no UTF-8 are a :exc:`UnicodeDecodeError`.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8")
    raise TypeError(f"Expected bytes, unicode, or None; got {type(value)!r}")


# Once three types, today one.
native_str = to_unicode
to_basestring = to_unicode


def recursive_unicode(obj: Any) -> Any:
    """Returns ``obj`` with all bytes in it decoded, through dicts, lists and tuples."""
    if isinstance(obj, dict):
        return {recursive_unicode(key): recursive_unicode(value) for key, value in obj.items()}
    if isinstance(obj, list):
        return [recursive_unicode(item) for item in obj]
    if isinstance(obj, tuple):
        return tuple(recursive_unicode(item) for item in obj)
    if isinstance(obj, bytes):
        return to_unicode(obj)
    return obj


def xhtml_escape(value: str | bytes) -> str:
    """Escapes ``& < > " '`` for HTML and XML, in text and in quoted attribute values."""
    text = to_unicode(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#x27;")


# Numbers above U+10FFFF stand for U+FFFD however long they are (HTML, 13.2.5.80). They are cut
# short here, because the conversion of a decimal number costs the square of its length.
_ZEROS = r"(&#[xX]?)0{8,}+"
_TOO_LARGE = r"&#(?:0*+[0-9]{8,}+|[xX]0*+[0-9a-fA-F]{7,}+);?"


def xhtml_unescape(value: str | bytes) -> str:
    """Resolves the character references of HTML 5, named and numeric.

    What is no reference stays as it is; a number that is no character becomes U+FFFD.
    """
    text = to_unicode(value)
    if "&#" in text:
        text = re.sub(_TOO_LARGE, "\ufffd", re.sub(_ZEROS, r"\g<1>0", text))
    # Its table has two thousand names, and few programs unescape.
    from html import unescape

    return unescape(text)


def _json_encoder() -> Callable[[Any], str]:
    """What `json.dumps` comes to: its inner part, without what it does before, which takes as long."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    quote: Any = getattr(json.encoder, "encode_basestring_ascii", None)
    usual = json.JSONEncoder()
    # Encoders that nobody uses: each remembers the containers it is in, so it is for one at a time, and is not used
    # again when it has failed inside of some.
    spare: list[Any] = []

    def encode(value: Any) -> str:
        try:
            encoder = spare.pop()
        except IndexError:
            # The first is for those containers; they must not be within themselves.
            encoder = make({}, usual.default, quote, None, ": ", ", ", False, False, True)
        text = "".join(encoder(value, 0))
        spare.append(encoder)
        return text

    # It is no part of the documented interface, and may be missing or become another.
    try:
        works = encode({"a": [1, 0.5, None, "é</"], "b": {}}) == '{"a": [1, 0.5, null, "\\u00e9</"], "b": {}}'
    except TypeError:
        works = False
    return encode if works else usual.encode


_encode_json = _json_encoder()


def json_encode(value: Any) -> str:
    """Returns ``value`` as JSON, safe inside a ``<script>`` element.

    ``</`` is written ``<\\/``, so that no string can close the element (RFC 8259 section 7
    permits the escape). The result still needs escaping wherever else it goes into HTML.
    """
    return _encode_json(value).replace("</", "<\\/")


def json_decode(value: str | bytes) -> Any:
    """Returns the Python value of a JSON text; :exc:`ValueError` if it is not valid."""
    return json.loads(value)


_BLANKS = re.compile(r"[\x00-\x20]+")


def squeeze(value: str) -> str:
    """Replaces each run of ASCII blanks and control characters by one space, and strips."""
    return _BLANKS.sub(" ", value).strip()


def url_escape(value: str | bytes, plus: bool = True) -> str:
    """Percent-encodes ``value`` for use in a URL (RFC 3986 section 2.1).

    With ``plus``, a space is ``+`` and a slash is encoded, as in a query string; without, a space
    is ``%20`` and slashes stay, as in a path.
    """
    return (urllib.parse.quote_plus if plus else urllib.parse.quote)(value)


@overload
def url_unescape(value: str | bytes, encoding: None, plus: bool = True) -> bytes: ...
@overload
def url_unescape(value: str | bytes, encoding: str = "utf-8", plus: bool = True) -> str: ...
def url_unescape(value: str | bytes, encoding: str | None = "utf-8", plus: bool = True) -> str | bytes:
    """Decodes a percent-encoded value.

    The result is text in ``encoding``, with U+FFFD for what is not valid in it, or bytes if
    ``encoding`` is None. With ``plus``, a ``+`` is a space, as in a query string.
    """
    if encoding is None:
        raw = utf8(value)
        return _unquoted(raw.replace(b"+", b" ") if plus else raw)
    text = to_unicode(value)
    return (urllib.parse.unquote_plus if plus else urllib.parse.unquote)(text, encoding=encoding)


_BACKSLASH: Final = ord("\\")


def _unquoted(raw: bytes) -> bytes:
    """`urllib.parse.unquote_to_bytes`, in a quarter of the time for something short."""
    if _BACKSLASH not in raw:
        try:
            # Python's own escapes of a byte, as `pickle` reads them, differ in this one character.
            return escape_decode(raw.replace(b"%", b"\\x"))[0]
        except ValueError:
            # A percent sign without two digits stands for itself.
            pass
    return urllib.parse.unquote_to_bytes(raw)


def parse_qs_bytes(
    qs: str | bytes,
    keep_blank_values: bool = False,
    strict_parsing: bool = False,
    *,
    max_num_fields: int | None = None,
) -> dict[str, list[bytes]]:
    """Parses a query string or an urlencoded form; the values are bytes, as their encoding is unknown.

    Names are text of one character a byte (latin-1). Text given as ``qs`` is read the same way: it
    must not hold characters above U+00FF in a value.

    ``keep_blank_values`` keeps fields without a value as ``b""``; ``strict_parsing`` makes a field
    without ``=`` an error; ``max_num_fields`` bounds the number of fields. Raises :exc:`ValueError`.
    """
    if not qs:
        return {}
    text = qs.decode("latin-1") if isinstance(qs, bytes) else qs
    if max_num_fields is not None and text.count("&") >= max_num_fields:
        raise ValueError("Max number of fields exceeded")
    if "+" in text:
        text = text.replace("+", " ")
    encoded = "%" in text
    result: dict[str, list[bytes]] = {}
    for field in text.split("&"):
        name, equals, value = field.partition("=")
        if not value:
            if not equals:
                if strict_parsing:
                    raise ValueError(f"bad query field: {field!r}")
                if not field:
                    continue
            if not keep_blank_values:
                continue
        raw = value.encode("latin-1")
        if encoded:
            if "%" in name:
                name = urllib.parse.unquote(name, "latin-1")
            if "%" in value:
                raw = _unquoted(raw)
        if name in result:
            result[name].append(raw)
        else:
            result[name] = [raw]
    return result


# The text has been escaped when links are looked for in it: an ampersand is the start of an entity.
#
# A link is a scheme with one or more slashes, or "www.", and then the longest run of pieces that
# end in a character a URL may well end in (no punctuation but "-", "_" and "/"), or that are a pair
# of parentheses without others inside. So the punctuation of the sentence around stays outside.
#
# All repetitions are possessive and a scheme is looked for only where a word begins, so that no
# text is read again and again: the time is in proportion to the length.
_PUNCTUATION = r"!#$%*+,.:;=?@\[\]^`{|}~"
_SOFT = rf"(?:[{_PUNCTUATION}]|&amp;|&quot;)"
_HARD = rf"[^\s&()<>{_PUNCTUATION}]"
_REST = rf"(?:{_SOFT}*+{_HARD}++|\((?:[^\s&()<>]|&amp;|&quot;)*+\))++"
#
# Compiled when it is first used.
_LINK = rf"(?P<hyphens>(?<![\w-])-*+)(?P<scheme>\w[\w-]*+):/{_REST}|\bwww\.{_REST}"

_SHORT_LINK_CHARS = 30


def linkify(
    text: str | bytes,
    shorten: bool = False,
    extra_params: str | Callable[[str], str] = "",
    require_protocol: bool = False,
    permitted_protocols: list[str] = ["http", "https"],  # noqa: B006 - never changed
) -> str:
    """Escapes plain text for HTML and makes links of the URLs in it.

    ``shorten`` cuts long URLs short for display and puts the whole one into ``title``;
    ``extra_params`` is put into each ``<a>`` tag, or is called with the link's (escaped) target to
    make that text; ``require_protocol`` leaves ``www.example.com`` alone; ``permitted_protocols``
    are the schemes that make a link, so that ``javascript:`` does not.
    """
    if isinstance(extra_params, str) and extra_params:
        extra_params = " " + extra_params.strip()

    def link(match: re.Match[str]) -> str:
        scheme = match["scheme"]
        if scheme is None:
            if require_protocol:
                return match[0]
            before, url = "", match[0]
            href = "http://" + url
        else:
            if scheme not in permitted_protocols:
                return match[0]
            before = match["hyphens"]
            href = url = match[0][len(before) :]
        attributes = extra_params if isinstance(extra_params, str) else " " + extra_params(href).strip()
        if shorten:
            shown = _shortened(url, scheme)
            if len(shown) < len(url):
                url = shown
                attributes += f' title="{href}"'
        return f'{before}<a href="{href}"{attributes}>{url}</a>'

    return re.sub(_LINK, link, xhtml_escape(text))


def _shortened(url: str, scheme: str | None) -> str:
    """The host and a little of the path of an escaped URL, with dots after it."""
    if len(url) <= _SHORT_LINK_CHARS:
        return url
    host_start = 0
    if scheme is not None:
        host_start = len(scheme) + 1
        slashes_end = min(host_start + 3, len(url))
        while host_start < slashes_end and url[host_start] == "/":
            host_start += 1
    parts = url[host_start:].split("/", 2)
    short = url
    if len(parts) > 1:
        short = url[:host_start] + parts[0] + "/" + parts[1][:8].split("?")[0].split(".")[0]
    if len(short) > _SHORT_LINK_CHARS * 1.5:
        short = short[:_SHORT_LINK_CHARS]
    if short == url:
        return url
    # An entity must not be cut in two.
    ampersand = short.rfind("&")
    if ampersand > _SHORT_LINK_CHARS - 5:
        short = short[:ampersand]
    return short + "..."
