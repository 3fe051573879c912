"""Form bodies: urlencoded and multipart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil.errors import HTTPInputError, HTTPOutputError
from framework.httputil.forms import (
    HTTPFile,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    parse_body_arguments,
    parse_multipart_form_data,
    set_parse_body_config,
)
from framework.httputil.headers import HTTPHeaders
from framework.util import ObjectDict
from tests.cost import growth

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=xx"
FIELD = b'Content-Disposition: form-data; name="a"'

Arguments = dict[str, list[bytes]]
Files = dict[str, list[HTTPFile]]


def parse(
    content_type: str, body: bytes, headers: Any = None, config: ParseBodyConfig | None = None
) -> Arguments:
    """The arguments of a body that holds no file."""
    arguments: Arguments = {}
    files: Files = {}
    parse_body_arguments(content_type, body, arguments, files, headers, config=config)
    assert files == {}
    return arguments


def multipart(
    body: bytes, boundary: bytes = b"xx", config: ParseMultipartConfig | None = None
) -> tuple[Arguments, Files]:
    arguments: Arguments = {}
    files: Files = {}
    parse_multipart_form_data(boundary, body, arguments, files, config=config)
    return arguments, files


def body_of(*parts: bytes, end: bytes = b"--xx--\r\n") -> bytes:
    return b"".join(b"--xx\r\n" + part + b"\r\n" for part in parts) + end


def part_of(disposition: bytes, value: bytes = b"v") -> bytes:
    return b"Content-Disposition: form-data; " + disposition + b"\r\n\r\n" + value


def a_file(filename: str, content_type: str = "application/unknown", body: bytes = b"v") -> HTTPFile:
    return HTTPFile(filename=filename, body=body, content_type=content_type)


# Urlencoded bodies


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        (b"a=1&b=2", {"a": [b"1"], "b": [b"2"]}),
        (b"a=1&a=2", {"a": [b"1", b"2"]}),
        (b"a=&b", {"a": [b""], "b": [b""]}),
        (b"=v", {"": [b"v"]}),
        (b"", {}),
        (b"&&a=1&&", {"a": [b"1"]}),
        (b"a=1;b=2", {"a": [b"1;b=2"]}),
        (b"a=b=c", {"a": [b"b=c"]}),
        (b"a=+%2B%zz", {"a": [b" +%zz"]}),
        (b"a=%C3%A9+x", {"a": [b"\xc3\xa9 x"]}),
        (b"\xe9=\xff&b=%ff", {"é": [b"\xff"], "b": [b"\xff"]}),
    ],
)
def test_urlencoded_body_gives_arguments(body: bytes, arguments: Arguments) -> None:
    assert parse(URLENCODED, body) == arguments


def test_arguments_are_added_to_those_that_are_there() -> None:
    arguments = {"a": [b"0"]}
    parse_body_arguments(URLENCODED + "; charset=utf-8", b"a=1&b=", arguments, {})
    assert arguments == {"a": [b"0", b"1"], "b": [b""]}


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", URLENCODED.upper(), "multipart/mixed"]
)
def test_body_of_another_type_adds_nothing(content_type: str) -> None:
    assert parse(content_type, b"a=1") == {}


@pytest.mark.parametrize("body", [b"&".join([b"a=1"] * 1001), b"a&" * 1000, b"&" * 1000])
def test_more_arguments_than_the_limit_are_refused(body: bytes) -> None:
    with pytest.raises(HTTPInputError, match="urlencoded body: Max number of fields exceeded"):
        parse(URLENCODED, body)


def test_as_many_arguments_as_the_limit_are_accepted() -> None:
    assert len(parse(URLENCODED, b"&".join([b"a=1"] * 1000))["a"]) == 1000
    config = ParseBodyConfig(urlencoded=ParseUrlEncodedConfig(max_arguments=1))
    assert parse(URLENCODED, b"a=1", config=config) == {"a": [b"1"]}


@pytest.mark.parametrize(
    ("content_type", "body"), [(URLENCODED, b"a=1"), (MULTIPART, body_of(FIELD + b"\r\n\r\nv"))]
)
def test_form_with_a_content_encoding_is_refused(content_type: str, body: bytes) -> None:
    headers = HTTPHeaders({"Content-Encoding": "gzip"})
    with pytest.raises(HTTPInputError, match="Unsupported Content-Encoding: gzip"):
        parse(content_type, body, headers)
    assert parse(content_type, body, HTTPHeaders()) != {}


def test_content_encoding_of_another_body_does_not_matter() -> None:
    assert parse("text/plain", b"a=1", HTTPHeaders({"Content-Encoding": "gzip"})) == {}


# Configuration


@pytest.fixture
def default_config() -> Iterator[None]:
    yield
    set_parse_body_config(ParseBodyConfig())


@pytest.mark.usefixtures("default_config")
def test_limits_can_be_set_for_the_whole_process() -> None:
    set_parse_body_config(
        ParseBodyConfig(
            multipart=ParseMultipartConfig(enabled=False), urlencoded=ParseUrlEncodedConfig(max_arguments=1)
        )
    )
    with pytest.raises(HTTPInputError, match="Max number"):
        parse(URLENCODED, b"a=1&b=2")
    with pytest.raises(HTTPInputError, match="multipart/form-data parsing is disabled"):
        multipart(body_of(FIELD + b"\r\n\r\nv"))
    assert parse(URLENCODED, b"a=1&b=2", config=ParseBodyConfig()) == {"a": [b"1"], "b": [b"2"]}


def test_configurations_are_values_with_the_documented_limits() -> None:
    assert ParseBodyConfig() == ParseBodyConfig(
        ParseMultipartConfig(True, 100, 10240), ParseUrlEncodedConfig(1000)
    )
    assert repr(ParseUrlEncodedConfig()) == "ParseUrlEncodedConfig(max_arguments=1000)"


def test_file_is_a_dict_with_attributes() -> None:
    file = a_file("f", "t/p")
    assert isinstance(file, ObjectDict)
    assert file == {"filename": "f", "body": b"v", "content_type": "t/p"}
    assert (file.filename, file.body, file.content_type) == ("f", b"v", "t/p")


def test_errors_are_apart() -> None:
    assert not issubclass(HTTPInputError, HTTPOutputError)


# The boundary in the content type


@pytest.mark.parametrize(
    "parameters",
    [
        "; boundary=xx",
        ";boundary=xx",
        '; boundary="xx"',
        "; boundary=xx; charset=utf-8",
        "; charset=utf-8; boundary=xx",
        " ; boundary=xx ",
        "; boundary=xx; boundary=yy",
    ],
)
def test_boundary_is_found_among_the_parameters(parameters: str) -> None:
    assert parse("multipart/form-data" + parameters, body_of(FIELD + b"\r\n\r\nv")) == {"a": [b"v"]}


@pytest.mark.parametrize("parameters", ["", "; boundary=", "; Boundary=xx", "; foo=bar", "; boundary = xx"])
def test_content_type_without_boundary_is_refused(parameters: str) -> None:
    with pytest.raises(HTTPInputError, match="Invalid multipart/form-data: multipart boundary not found"):
        parse("multipart/form-data" + parameters, body_of(FIELD + b"\r\n\r\nv"))


def test_type_that_only_begins_like_multipart_is_refused() -> None:
    with pytest.raises(HTTPInputError, match="Invalid multipart/form-data: Invalid content type"):
        parse("multipart/form-datax; boundary=xx", b"")


# The shape of multipart bodies


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (body_of(FIELD + b"\r\n\r\nv"), {"a": [b"v"]}),
        (body_of(FIELD + b"\r\n\r\nv", end=b"--xx--"), {"a": [b"v"]}),
        (body_of(FIELD + b"\r\n\r\nv", end=b"--xx--epilogue"), {"a": [b"v"]}),
        (body_of(FIELD + b"\r\n\r\nv", end=b"--xx--" + b"e" * 500), {"a": [b"v"]}),
        (body_of(FIELD + b"\r\n\r\n"), {"a": [b""]}),
        (body_of(FIELD + b"\r\n\r\nv\r\n\r\n"), {"a": [b"v\r\n\r\n"]}),
        (body_of(FIELD + b"\r\n\r\n1", FIELD + b"\r\n\r\n2"), {"a": [b"1", b"2"]}),
        (body_of(FIELD + b"\r\n\r\n1--xx2"), {"a": [b"1--xx2"]}),
        (body_of(FIELD + b"\r\n\r\n1\r\n--xx2"), {"a": [b"1\r\n--xx2"]}),
        (b"--xx--", {}),
        (b"--xx\r\n--xx--", {}),
    ],
)
def test_multipart_body_gives_fields(body: bytes, expected: Arguments) -> None:
    assert multipart(body) == (expected, {})


def test_quoted_boundary_loses_its_quotes() -> None:
    assert multipart(body_of(FIELD + b"\r\n\r\nv"), b'"xx"') == ({"a": [b"v"]}, {})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no final boundary found"),
        (body_of(FIELD + b"\r\n\r\nv", end=b""), "no final boundary found"),
        (body_of(FIELD + b"\r\n\r\nv", end=b"--xx"), "no final boundary found"),
        (body_of(FIELD + b"\r\n\r\nv", end=b"--xx-"), "no final boundary found"),
        (b"preamble\r\n" + body_of(FIELD + b"\r\n\r\nv"), "missing headers"),
        (b"--xx\r\n\r\n--xx--", "missing headers"),
        (body_of(b"v"), "missing headers"),
        (body_of(FIELD + b"\n\nv"), "missing headers"),
        (body_of(b"\r\n\r\nv"), "Invalid multipart/form-data"),
        (body_of(b"Content-Type: text/plain\r\n\r\nv"), "Invalid multipart/form-data"),
        (b"--xx\r\n" + FIELD + b"\r\n\r\nv--xx--", "Invalid multipart/form-data"),
        (body_of(b'Content-Disposition: attachment; name="a"\r\n\r\nv'), "Invalid multipart/form-data"),
        (body_of(b"Content-Disposition: form-data\r\n\r\nv"), "missing name"),
        (body_of(part_of(b'name=""')), "missing name"),
        (body_of(part_of(b'x="a"')), "missing name"),
        (body_of(FIELD + b"\r\nnocolon\r\n\r\nv"), "no colon in header line"),
        (body_of(FIELD + b"\r\n folded\r\n\r\nv"), "folding not supported"),
        (body_of(b'Content-Disposition : form-data; name="a"\r\n\r\nv'), "Invalid header name"),
        (body_of(FIELD + b"\r\nX: \x00\r\n\r\nv"), "Invalid header value"),
        (body_of(part_of(b'name="\xff"')), "not UTF-8"),
        (body_of(FIELD + b"\r\nX: " + b"a" * 10240 + b"\r\n\r\nv"), "part header too large"),
        (body_of(*[FIELD + b"\r\n\r\n1"] * 100), "too many parts"),
    ],
)
def test_malformed_multipart_body_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(HTTPInputError, match=message):
        multipart(body)
    with pytest.raises(HTTPInputError, match="^Invalid multipart/form-data: .*" + message):
        parse(MULTIPART, body)


def test_limits_of_multipart_bodies_are_exact() -> None:
    assert multipart(body_of(*[FIELD + b"\r\n\r\n1"] * 99)) == ({"a": [b"1"] * 99}, {})
    header = FIELD + b"\r\nX: "
    header += b"a" * (10240 - len(header))
    assert multipart(body_of(header + b"\r\n\r\nv")) == ({"a": [b"v"]}, {})
    with pytest.raises(HTTPInputError, match="part header too large"):
        multipart(body_of(header + b"a\r\n\r\nv"))
    config = ParseMultipartConfig(max_parts=2, max_part_header_size=len(FIELD))
    assert multipart(body_of(FIELD + b"\r\n\r\nv"), config=config) == ({"a": [b"v"]}, {})
    with pytest.raises(HTTPInputError, match="too many parts"):
        multipart(body_of(FIELD + b"\r\n\r\nv", FIELD + b"\r\n\r\nv"), config=config)


# Names and file names


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b"name=a", "a"),
        (b'NAME="a"', "a"),
        (b'name = "a" ', "a"),
        (b'name="a;b"', "a;b"),
        (b'name="a\\"b"', 'a"b'),
        (b'name="\xc3\xa9"', "é"),
        (b'name="  a "', "  a "),
        (b'name="a%20b"', "a%20b"),
        (b"name*=utf-8''%c3%a9", "é"),
        (b"name*0=a; name*1=b", "ab"),
        (b'name="a"; name="b"', "b"),
        (b'name="a"; filename=""', "a"),
        (b'name="a"; filename=', "a"),
        (b'name="a"; flag; =x', "a"),
        (b'name="a;filename=b', '"a;filename=b'),
    ],
)
def test_name_of_a_field_is_read(disposition: bytes, name: str) -> None:
    assert multipart(body_of(part_of(disposition))) == ({name: [b"v"]}, {})


@pytest.mark.parametrize(
    ("parameter", "filename"),
    [
        (b'filename="f.txt"', "f.txt"),
        (b"filename=f.txt", "f.txt"),
        (b"FileName=f", "f"),
        (b'filename="f;o\\"o\\\\.txt"', 'f;o"o\\.txt'),
        (b'filename="C:\\dir\\f.txt"', "C:\\dir\\f.txt"),
        (b'filename="\xe4\xb8\xad.txt"', "中.txt"),
        (b'filename="x\\";y"', 'x";y'),
        (b'filename="unterminated', '"unterminated'),
        (b"filename=a=b", "a=b"),
        (b"filename='f'", "'f'"),
        (b'filename="a"; filename=b', "b"),
        (b";;filename=b;", "b"),
        # RFC 8187
        (b"filename*=UTF-8''%c3%a9.txt", "é.txt"),
        (b"filename*=\"UTF-8''%c3%a9.txt\"", "é.txt"),
        (b"filename*=iso-8859-1'en'%e9.txt", "é.txt"),
        (b"filename*=utf-8''a'b%22", "a'b\""),
        (b"filename=\"q\"; filename*=UTF-8''%c3%a9", "é"),
        (b"filename*=UTF-8''%c3%a9; filename=\"q\"", "é"),
        (b"filename*=utf-8''%ff", "\ufffd"),
        (b"filename*=bogus''x", "x"),
        (b"filename*=unicode_escape''%5cx41", "\\x41"),
        (b"filename*=x%41", "xA"),
        # RFC 2231
        (b'filename*0="ab"; filename*1="cd"', "abcd"),
        (b'filename*1="cd"; filename*0="ab"', "abcd"),
        (b"filename*0*=UTF-8''%c3%a9; filename*1=\"%42\"; filename*2*=%43", "é%42C"),
        (b'filename*01="x"; filename*2="y"', "xy"),
    ],
)
def test_name_of_a_file_is_read(parameter: bytes, filename: str) -> None:
    body = body_of(part_of(b'name="a"; ' + parameter))
    assert multipart(body) == ({}, {"a": [a_file(filename)]})


@pytest.mark.parametrize(
    "parameter", [b"filename*x=q", b"filename**=q", b"*=q", b"filename*9999999999=q", b"filename*="]
)
def test_parameter_out_of_form_names_no_file(parameter: bytes) -> None:
    assert multipart(body_of(part_of(b'name="a"; ' + parameter))) == ({"a": [b"v"]}, {})


def test_files_carry_their_content_type_and_come_in_order() -> None:
    first = part_of(b'name="a"; filename="f"\r\nContent-Type: text/html; charset="utf-8"', b"1")
    second = part_of(b'name="a"; filename="g"\r\nContent-Type:', b"2")
    assert multipart(body_of(first, FIELD + b"\r\n\r\nv", second)) == (
        {"a": [b"v"]},
        {"a": [a_file("f", 'text/html; charset="utf-8"', b"1"), a_file("g", "", b"2")]},
    )


def test_bytes_of_a_file_are_untouched() -> None:
    content = bytes(range(256)) * 1000
    body = body_of(part_of(b'name="a"; filename="f"', content))
    assert multipart(body)[1]["a"][0].body == content


# Properties

_content = st.binary(max_size=60).filter(lambda value: b"--xx" not in value)
_name = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)


def _quoted(text: str) -> bytes:
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def _as_read(text: str) -> bool:
    # Backslash and quote next to each other can't be told from an old browser's path.
    return "\\" not in text


@given(st.lists(st.tuples(_name.filter(_as_read), _name.filter(_as_read) | st.none(), _content), max_size=6))
def test_made_bodies_come_back(parts: list[tuple[str, str | None, bytes]]) -> None:
    made = []
    arguments: Arguments = {}
    files: Files = {}
    for name, filename, content in parts:
        disposition = b"name=" + _quoted(name)
        if filename is None:
            arguments.setdefault(name, []).append(content)
        else:
            disposition += b"; filename=" + _quoted(filename)
            files.setdefault(name, []).append(a_file(filename, body=content))
        made.append(part_of(disposition, content))
    assert multipart(body_of(*made)) == (arguments, files)


_pieces = st.sampled_from(
    [
        b"--xx",
        b"--xx\r\n",
        b"--xx--",
        b"\r\n",
        b"\r\n\r\n",
        FIELD,
        b"; filename",
        b"*0",
        b"*=",
        b'"',
        b"\\",
        b"\xff",
        b":",
    ]
)


@given(
    st.lists(_pieces | st.binary(max_size=4), max_size=20),
    st.sampled_from([b"xx", b'"xx"', b"", b'"', b"\xff"]),
)
def test_random_multipart_body_raises_nothing_else(pieces: list[bytes], boundary: bytes) -> None:
    try:
        multipart(b"".join(pieces), boundary)
    except HTTPInputError:
        pass


@given(st.text(max_size=40), st.binary(max_size=40))
def test_random_disposition_and_content_type_raise_nothing_else(parameters: str, body: bytes) -> None:
    part = part_of(b"name=a; " + parameters.encode("utf-8", "replace"))
    for content_type, data in ((MULTIPART, body_of(part)), ("multipart/form-data" + parameters, body)):
        try:
            parse_body_arguments(content_type, data, {}, {})
        except HTTPInputError:
            pass


@given(st.binary(max_size=60))
def test_random_urlencoded_body_raises_nothing(body: bytes) -> None:
    parse(URLENCODED, body)


# Cost

LOOSE = ParseMultipartConfig(max_parts=10**9, max_part_header_size=10**9)


def _parse_loosely(body: bytes, boundary: bytes = b"xx") -> None:
    try:
        multipart(body, boundary, LOOSE)
    except HTTPInputError:
        pass


# Large enough for one algorithm of `bytes.find`: it takes a slower one for less than 30 kB.
@pytest.mark.parametrize("unit", [b"--xx", b"--xx\r\n", b"--xx--", b"\r\n", b"\r\n--xx", b"-", b"--x"])
def test_searching_boundaries_takes_time_in_proportion_to_the_body(unit: bytes) -> None:
    assert growth(_parse_loosely, lambda size: unit * (size // len(unit)) + b"\r\n--xx--", 200_000) <= 13


def test_splitting_parts_takes_time_in_proportion_to_their_number() -> None:
    part = b"--xx\r\n" + FIELD + b"\r\n\r\nv\r\n"
    assert growth(_parse_loosely, lambda size: part * size + b"--xx--", 500) <= 13


@pytest.mark.parametrize(
    "parameter", [b";", b'"', b'";', b'\\";', b"a*0=b;", b"a*=%41;", b"filename*0=x;", b"=", b"'"]
)
def test_reading_a_part_header_takes_time_in_proportion_to_it(parameter: bytes) -> None:
    assert growth(_parse_loosely, lambda size: body_of(part_of(b"name=a;" + parameter * size)), 2000) <= 13


def test_long_boundary_makes_no_search_slow() -> None:
    def search(size: int) -> tuple[bytes, bytes]:
        return b"-" * size * 4, b"-" * size

    assert growth(lambda pair: _parse_loosely(*pair), search, 20000) <= 13


@pytest.mark.parametrize("unit", [b"&", b"a=1&", b"%", b"=", b"+"])
def test_urlencoded_body_takes_time_in_proportion_to_it(unit: bytes) -> None:
    config = ParseBodyConfig(urlencoded=ParseUrlEncodedConfig(max_arguments=10**9))
    assert growth(lambda body: parse(URLENCODED, body, config=config), lambda size: unit * size, 3000) <= 13
