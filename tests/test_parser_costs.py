"""Ten times the input costs every parser ten times the work, whatever the input is made of.

The parsers of forms, cookies, templates, signed values and catalogues have their own such tests beside the
others about them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from framework import escape, httputil, locale
from framework._http1.proxies import ProxyTrust
from framework.httputil.cookies import make_set_cookie
from framework.httputil.dates import parse_date, parse_range
from framework.httputil.request import check_host
from framework.log import gen_log
from framework.options import Error, OptionParser
from framework.routing import PathMatches
from framework.util import re_unescape
from framework.web import xsrf
from framework.web.output import matches_etag
from framework.web.render import browser_locale
from framework.web.transforms import choose
from tests._http1.peer import Peer, chunked, post
from tests.cost import growth

Call = Callable[[Any], object]


def quietly(call: Call) -> Call:
    """The same call, with refusals for an answer too."""

    def work(argument: Any) -> object:
        try:
            return call(argument)
        except (httputil.HTTPInputError, ValueError, KeyError):
            return None

    return work


def request_of(**attributes: str) -> httputil.HTTPServerRequest:
    headers = httputil.HTTPHeaders({"Host": "h", **attributes})
    return httputil.HTTPServerRequest("GET", "/", "HTTP/1.1", headers)


def added(values: list[str]) -> str:
    headers = httputil.HTTPHeaders()
    for value in values:
        headers.add("X-A", value)
    return headers["X-A"] + str(headers.get_list("X-A")) + str(headers)


def arguments_of(query: str) -> object:
    return httputil.HTTPServerRequest("GET", "/?" + query, "HTTP/1.0").arguments


# A parser; how its input is made of a unit, again and again; and the units.
PARSERS: dict[str, tuple[Call, Callable[[str], Any], Iterable[str]]] = {
    "header block": (
        httputil.HTTPHeaders.parse,
        str,
        ["A: b\r\n", "A: b\n", "\r\n", "\n", "A-", "A: ", ":", " ", "A:" + " " * 50 + "\r\n", "\r"],
    ),
    "header line": (httputil.HTTPHeaders().parse_line, "A:{}x".format, [" ", "\t", "b", ": ", "\xe9"]),
    "header name": (httputil.HTTPHeaders().parse_line, "{}: x".format, ["a", "-", "a-", "_"]),
    "values of one header": (added, lambda text: text.split(" "), ["x "]),
    "query": (arguments_of, str, ["a=b&", "&", "%", "%41", "+", "=", "a%3D=b&", ";", "x&"]),
    "cookies of a request": (
        lambda text: request_of(Cookie=text).cookies,
        str,
        ["a=b; ", ";", "=", "a=\\", '"', "{}=1;", "a[]=1; "],
    ),
    "cookie that is set": (lambda text: make_set_cookie("a", text), str, ["a", '"', ";", "\\", "\xe9"]),
    "Range": (parse_range, "bytes={}".format, ["1", "-", "1-2,", " ", "="]),
    "date": (parse_date, str, ["Sun, ", "1", " ", ":", "Mon, 06 Nov 1994 "]),
    "If-None-Match": (
        lambda text: matches_etag('"x"', text),
        str,
        ['"a", ', '"', 'W/"', "W/", "*", ",", '"" ', " "],
    ),
    "Accept-Language": (
        lambda text: browser_locale(text, "en_US"),
        str,
        ["fr,", ",", ";", "de;q=0.5,", ";q=", "en-US;q=0.1;", "-", "_", "a-", "q"],
    ),
    "Accept-Encoding": (
        lambda text: choose(text, ("br", "gzip")),
        str,
        ["gzip,", ",", ";", "gzip;q=0.5,", "x-", "*;", "q=0.", " "],
    ),
    "Host": (check_host, str, ["a", ".", ":", "[", "%", ","]),
    "host and port": (httputil.split_host_and_port, str, [":", "1", ":1", "a"]),
    "request line": (httputil.parse_request_start_line, "GET {} HTTP/1.1".format, ["/", " ", "HTTP/1.1", "%"]),
    "request method": (httputil.parse_request_start_line, "{} / HTTP/1.1".format, ["A", "!", " "]),
    "status line": (httputil.parse_response_start_line, "HTTP/1.1 200 {}".format, ["O", " ", "200", "\xe9"]),
    "url_concat": (lambda text: httputil.url_concat("http://h/?" + text, {"a": "b"}), str, ["a=b&", "&", "%41", "#"]),
    "linkify": (
        escape.linkify,
        str,
        ["www.a.b/(", "http://a/&quot;", "a:/", "a:/(", "http://" + "(" * 20, "www." + "-" * 20, "&amp;", "é:/"],
    ),
    "linkify, shortened": (
        lambda text: escape.linkify(text, shorten=True),
        "http://h/{}".format,
        ["a", "/", "?", ".", "&", "(a)", "www.abcdefghijklmnopqrstuvwxyz0123456789/ "],
    ),
    "xhtml_escape": (escape.xhtml_escape, str, ["&", "<", "a", "'"]),
    "xhtml_unescape": (
        escape.xhtml_unescape,
        str,
        ["&", "&amp", "&#9", "&#x", "&#", "&#0", "&CounterClockwiseContourIntegra", "&#x110000;", "&notin"],
    ),
    "squeeze": (escape.squeeze, str, [" ", "a", " a", "\n", "\x00", "\t \r"]),
    "url_escape": (escape.url_escape, str, [" ", "a", "\xe9", "%"]),
    "url_unescape": (escape.url_unescape, str, ["%", "%4", "%41", "+", "a", "%e9", "é"]),
    "json_decode": (escape.json_decode, lambda text: f"[{text}0]", ["1,", '"a",', '"\\u00e9",', "{},"]),
    "json_encode": (escape.json_encode, str, ["</", "<", "a", "é", "\\"]),
    "recursive_unicode": (escape.recursive_unicode, lambda text: [b"abc", {"a": (b"b", None)}] * len(text), ["a"]),
    "_xsrf": (xsrf.decode_token, str, ["2|", "a", "aa", "|", "1", "2|abcdef01|"]),
    "_xsrf, version 2": (xsrf.decode_token, "2|00000000|{}|1".format, ["ab", "|", "a"]),
    "Origin": (lambda text: xsrf.is_same_origin(text, "h"), "http://{}".format, ["a", "[", "@", "/", "?", "]"]),
    "X-Forwarded-For": (
        lambda text: ProxyTrust(True, trusted_downstream=["10.0.0.1"]).client_address("::1", None, text),
        str,
        ["10.0.0.1,", ",", "1.2.3.4, ", ":", " "],
    ),
    "pattern of a route": (re_unescape, str, ["\\.", "a", "\\-"]),
    "path": (PathMatches(r"/user/([^/]+)/x(\d+)").match_path, "/user/{}".format, ["a", "/x1", "%41", "1"]),
    "time span of an option": (lambda text: option(text, "timedelta"), str, ["1h ", "1", " ", "1.", "e", "1h30m"]),
    "time of an option": (lambda text: option(text, "datetime"), str, ["2020-", "1", " ", ":"]),
    "numbers of an option": (lambda text: option(text, "int"), str, ["1,", ",", "1:1,", ":"]),
    "command line": (lambda words: command_line(words), str.split, ["--s=a "]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("parser", "unit"), [(name, unit) for name, (_, _, units) in PARSERS.items() for unit in units]
)
def test_a_parser_takes_time_in_proportion_to_its_input(parser: str, unit: str) -> None:
    call, whole, _ = PARSERS[parser]

    def make(size: int) -> Any:
        return whole(unit * (size // len(unit) or 1))

    assert growth(quietly(call), make, 1500) <= 13


LOOSE: dict[str, Any] = {
    "max_header_size": 10**9,
    "max_header_count": 10**9,
    "max_body_size": 10**9,
    "max_pipelined_requests": 10**9,
}


def exchange(pieces: list[bytes]) -> None:
    """A connection that is sent pieces, and what it makes of them."""
    peer = Peer(**LOOSE)
    for piece in pieces:
        peer.transport.feed(piece)
    peer.transport.abort()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


WIRE: dict[str, Callable[[int], bytes]] = {
    "lines": lambda size: b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * size + b"\r\n",
    "different lines": lambda size: (
        b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join([b"A%d: b\r\n" % at for at in range(size)]) + b"\r\n"
    ),
    "a long line": lambda size: b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"b " * size + b"\r\n\r\n",
    "white space": lambda size: b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b" " * size + b"\r\n\r\n",
    "a long target": lambda size: b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    "a method without end": lambda size: b"A" * size,
    "empty lines": lambda size: b"\r\n" * size,
    "a header without end": lambda size: b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * size,
    "a body": lambda size: post(b"a" * size),
    "chunks": lambda size: chunked(*[b"a"] * size),
    "an extension of a chunk": lambda size: (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;"
        + b"a" * size
        + b"\r\na\r\n0\r\n\r\n"
    ),
    "trailers": lambda size: chunked(b"a", trailer=b"A: b\r\n" * size),
    "a pipeline": lambda size: b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * size,
}


@pytest.mark.parametrize("piece", [7, 16384])
@pytest.mark.parametrize("kind", WIRE)
async def test_a_request_takes_time_in_proportion_to_its_bytes(kind: str, piece: int) -> None:
    assert growth(exchange, lambda size: cut(WIRE[kind](size), piece), 400) <= 13


OPTIONS: dict[str, type] = {
    "int": int,
    "timedelta": datetime.timedelta,
    "datetime": datetime.datetime,
    "str": str,
}


def option(text: str, kind: str) -> None:
    """Parses one option of a command line."""
    parser = OptionParser()
    parser.define("x", type=OPTIONS[kind], multiple=kind == "int")
    try:
        parser.parse_command_line(["program", "--x=" + text])
    except Error:
        return


def command_line(words: list[str]) -> None:
    """Parses a command line of many options."""
    parser = OptionParser()
    parser.define("s", type=str)
    parser.parse_command_line(["program", *words])


@pytest.mark.parametrize("line", ["x = 1\n", "y{} = 1\n", "# comment\n", "s = 'a'\n"])
def test_a_configuration_file_takes_time_in_proportion_to_it(line: str, tmp_path: Path) -> None:
    def file(size: int) -> str:
        path = tmp_path / str(size)
        path.write_text("".join([line.format(at) for at in range(size)]))
        return str(path)

    def parse(path: str) -> None:
        parser = OptionParser()
        parser.define("x", type=int)
        parser.define("s", type=str)
        parser.parse_config_file(path)

    assert growth(parse, file, 200) <= 13


@pytest.mark.parametrize(
    "line",
    ['"a{}","b"\n', '"a{}","b","plural"\n', "a\n", ",\n", '"', '""', "\n", '"a",\n', "# {}\n", '"a\n'],
)
def test_a_csv_catalogue_takes_time_in_proportion_to_it(line: str, tmp_path: Path) -> None:
    def folder(size: int) -> str:
        path = tmp_path / str(size)
        path.mkdir()
        (path / "fr.csv").write_text("".join([line.format(at) for at in range(size)]))
        return str(path)

    gen_log.disabled = True
    try:
        assert growth(locale.load_translations, folder, 200) <= 13
    finally:
        gen_log.disabled = False
        locale.load_translations(str(tmp_path))
