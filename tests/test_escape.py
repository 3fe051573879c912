from __future__ import annotations

import json
from typing import Any

import pytest

from framework import escape
from framework.escape import (
    json_decode,
    json_encode,
    linkify,
    native_str,
    parse_qs_bytes,
    recursive_unicode,
    squeeze,
    to_basestring,
    to_unicode,
    url_escape,
    url_unescape,
    utf8,
    xhtml_escape,
    xhtml_unescape,
)

# --- bytes and text ---


def test_utf8_encodes_text_and_passes_bytes_and_none() -> None:
    assert utf8("é") == b"\xc3\xa9"
    assert utf8(b"\xff") == b"\xff"
    assert utf8(None) is None


def test_to_unicode_decodes_bytes_and_passes_text_and_none() -> None:
    assert to_unicode(b"\xc3\xa9") == "é"
    assert to_unicode("é") == "é"
    assert to_unicode(None) is None
    assert native_str(b"x") == to_basestring(b"x") == "x"


@pytest.mark.parametrize("value", [5, bytearray(b"x"), memoryview(b"x"), ["x"]])
def test_other_types_are_a_type_error(value: Any) -> None:
    for convert in (utf8, to_unicode):
        with pytest.raises(TypeError, match="Expected bytes, unicode, or None; got <class"):
            convert(value)


def test_to_unicode_of_other_bytes_is_a_decode_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        to_unicode(b"\xff")


def test_recursive_unicode_goes_through_dicts_lists_and_tuples() -> None:
    value = {b"a": [b"b", (b"\xc3\xa9", 1), None], "c": {b"d": "e"}}
    assert recursive_unicode(value) == {"a": ["b", ("é", 1), None], "c": {"d": "e"}}


def test_squeeze_makes_one_space_of_blanks_and_control_characters() -> None:
    assert squeeze(" a  b\t\r\nc\x00\x1fd ") == "a b c d"


# --- HTML ---


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<foo>", "&lt;foo&gt;"),
        (b"<foo>", "&lt;foo&gt;"),
        ("<>&\"'", "&lt;&gt;&amp;&quot;&#x27;"),
        ("&amp;", "&amp;amp;"),
        ("<é>", "&lt;é&gt;"),
        (b"<\xc3\xa9>", "&lt;é&gt;"),
    ],
)
def test_xhtml_escape(text: str | bytes, escaped: str) -> None:
    assert xhtml_escape(text) == escaped
    assert xhtml_unescape(escaped) == to_unicode(text)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("foo&#32;bar", "foo bar"),
        ("foo&#x20;bar", "foo bar"),
        ("foo&#X20;bar", "foo bar"),
        ("foo&#xabc;bar", "foo\u0abcbar"),
        (b"&lt;&#39;&apos;", "<''"),
        ("&eacute;&notin;", "é∉"),
        ("foo&#xyz;bar", "foo&#xyz;bar"),
        ("foo&#;bar", "foo&#;bar"),
        ("&unknown; &;", "&unknown; &;"),
        ("&amp;lt;", "&lt;"),
        ("&#xD800;&#0;&#1114112;", "\ufffd\ufffd\ufffd"),
        ("&#128;", "€"),
        ("&#000000000000065;&#x000000000000041;", "AA"),
        ("&#00000000;", "\ufffd"),
    ],
)
def test_xhtml_unescape(escaped: str | bytes, text: str) -> None:
    assert xhtml_unescape(escaped) == text


@pytest.mark.parametrize("reference", ["&#{};".format("9" * 100_000), "&#x{}".format("f" * 100_000)])
def test_xhtml_unescape_of_a_huge_number_is_the_replacement_character(reference: str) -> None:
    assert xhtml_unescape(f"a{reference} b") == "a\ufffd b"


def test_xhtml_unescape_of_a_number_with_many_zeros() -> None:
    assert xhtml_unescape("&#{}65;".format("0" * 100_000)) == "A"


# --- JSON ---


def test_json_encode_closes_no_script_element() -> None:
    assert json_encode({"a": "</script>"}) == '{"a": "<\\/script>"}'
    assert json.loads(json_encode("</script>")) == "</script>"
    assert json_encode(["é", 1, None]) == '["\\u00e9", 1, null]'


def test_json_encode_tells_of_a_value_within_itself() -> None:
    value: list[Any] = [1]
    value.append({"again": value})
    for _ in range(2):
        with pytest.raises(ValueError, match="Circular reference detected"):
            json_encode(value)
    assert json_encode([[1], [1]]) == "[[1], [1]]"


@pytest.mark.parametrize(
    "inner", [None, lambda *arguments: None, lambda *arguments: lambda value, level: ["x"]]
)
def test_json_is_encoded_without_the_inner_part_too(inner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(json.encoder, "c_make_encoder", inner)
        encode = escape._json_encoder()
    assert encode({"a": [1.5, None]}) == '{"a": [1.5, null]}'


def test_json_encode_of_bytes_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        json_encode(b"bytes")


def test_json_decode_reads_text_and_bytes() -> None:
    assert json_decode('{"a": 1}') == {"a": 1}
    assert json_decode(b'"\xc3\xa9"') == "é"


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[1,]"])
def test_json_decode_of_other_text_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        json_decode(text)


# --- URLs ---


def test_url_escape() -> None:
    assert url_escape("a b+c/é&=~") == "a+b%2Bc%2F%C3%A9%26%3D~"
    assert url_escape("a b+c/é", plus=False) == "a%20b%2Bc/%C3%A9"
    assert url_escape(b"\xff /") == "%FF+%2F"


def test_url_unescape_to_text() -> None:
    assert url_unescape("a+b%20%2B%C3%A9") == "a b +é"
    assert url_unescape("a+b%20%2B%C3%A9", plus=False) == "a+b +é"
    assert url_unescape(b"%E9", encoding="latin1") == "é"
    assert url_unescape("%ff%zz") == "\ufffd%zz"


def test_url_unescape_to_bytes() -> None:
    assert url_unescape("a+é%ff", encoding=None) == b"a \xc3\xa9\xff"
    assert url_unescape(b"a+\xff%ff", encoding=None, plus=False) == b"a+\xff\xff"
    assert url_unescape(b"a+\xff", encoding=None) == b"a \xff"


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {}),
        ("a=1&b=2&a=3", {"a": [b"1", b"3"], "b": [b"2"]}),
        ("a=1;b=2", {"a": [b"1;b=2"]}),
        ("a+b=c+d%20e", {"a b": [b"c d e"]}),
        ("a==b&%61=%2b", {"a": [b"=b", b"+"]}),
        ("a=&b&=x&&", {"": [b"x"]}),
        ("a=%ff%C3%A9", {"a": [b"\xff\xc3\xa9"]}),
        ("%C3%A9=\xc3\xa9&\xe9=\xe9", {"Ã©": [b"\xc3\xa9"], "é": [b"\xe9"]}),
        ("%zz=%&x=%4", {"%zz": [b"%"], "x": [b"%4"]}),
    ],
)
def test_parse_qs_bytes(query: str, fields: dict[str, list[bytes]], as_bytes: bool) -> None:
    assert parse_qs_bytes(query.encode("latin-1") if as_bytes else query) == fields


def test_parse_qs_bytes_keeps_blank_values_if_asked() -> None:
    assert parse_qs_bytes("a=&b&&=", keep_blank_values=True) == {"a": [b""], "b": [b""], "": [b""]}


@pytest.mark.parametrize("query", ["a", "a=1&", "&", "a=1&b&c=2"])
def test_parse_qs_bytes_strict_refuses_a_field_without_equals_sign(query: str) -> None:
    with pytest.raises(ValueError, match="bad query field"):
        parse_qs_bytes(query, strict_parsing=True)


def test_parse_qs_bytes_strict_accepts_empty_values() -> None:
    assert parse_qs_bytes("a=&b=1", strict_parsing=True) == {"b": [b"1"]}


def test_parse_qs_bytes_bounds_the_number_of_fields() -> None:
    assert parse_qs_bytes("a=1&b=2", max_num_fields=2) == {"a": [b"1"], "b": [b"2"]}
    for query in ("a=1&b=2&c=3", "&&"):
        with pytest.raises(ValueError, match="Max number of fields exceeded"):
            parse_qs_bytes(query, max_num_fields=2)


def test_parse_qs_bytes_of_a_value_above_latin1_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        parse_qs_bytes("a=€")


# --- links ---


def a(href: str, shown: str | None = None, extra: str = "") -> str:
    return f'<a href="{href}"{extra}>{href if shown is None else shown}</a>'


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("hello http://world.com/!", f"hello {a('http://world.com/')}!"),
        (
            "hello http://world.com/with?param=true&stuff=yes",
            f"hello {a('http://world.com/with?param=true&amp;stuff=yes')}",
        ),
        ("http://foo.com/blah_blah.", f"{a('http://foo.com/blah_blah')}."),
        ("(Something like http://foo.com/blah)", f"(Something like {a('http://foo.com/blah')})"),
        ("http://foo.com/b_(b)_(wikipedia)_b", a("http://foo.com/b_(b)_(wikipedia)_b")),
        ("http://foo.com/a(b(c)d)", f"{a('http://foo.com/a')}(b(c)d)"),
        ("http://foo.com/a!(b)", f"{a('http://foo.com/a')}!(b)"),
        ("http://foo.com/many((((((a)", f"{a('http://foo.com/many')}((((((a)"),
        ("<http://foo.com/blah>", f"&lt;{a('http://foo.com/blah')}&gt;"),
        ('"http://foo.com/"', f"&quot;{a('http://foo.com/')}&quot;"),
        ("http://foo.com/'s", f"{a('http://foo.com/')}&#x27;s"),
        ("http://foo.com/&", f"{a('http://foo.com/')}&amp;"),
        ("http://✪df.ws/1234", a("http://✪df.ws/1234")),
        ("http://user:password@example.com:8080", a("http://user:password@example.com:8080")),
        ("Just a www.example.com link.", f"Just a {a('http://www.example.com', 'www.example.com')} link."),
        ("a-www.x.com", f"a-{a('http://www.x.com', 'www.x.com')}"),
        ("--http://x.com", f"--{a('http://x.com')}"),
        ("http:/x http:x", f"{a('http:/x')} http:x"),
        ("www. www.! _www.x", "www. www.! _www.x"),
        ("javascript:/alert", "javascript:/alert"),
        ("HTTP://x.com xhttp://www.x.com", "HTTP://x.com xhttp://www.x.com"),
        ("message:x@y.z", "message:x@y.z"),
        (b"http://\xc3\xa9", a("http://é")),
        ("", ""),
    ],
)
def test_linkify(text: str | bytes, linked: str) -> None:
    assert linkify(text) == linked


def test_linkify_permits_only_the_given_schemes() -> None:
    text = "ftp://a.b http://c.d"
    assert linkify(text) == f"ftp://a.b {a('http://c.d')}"
    assert linkify(text, permitted_protocols=["ftp"]) == f"{a('ftp://a.b')} http://c.d"


def test_linkify_may_require_a_scheme() -> None:
    text = "www.a.b http://c.d"
    assert linkify(text, require_protocol=True) == f"www.a.b {a('http://c.d')}"


def test_linkify_puts_extra_parameters_into_the_tag() -> None:
    assert linkify("www.a.b", extra_params=' rel="nofollow" class="x" ') == a(
        "http://www.a.b", "www.a.b", ' rel="nofollow" class="x"'
    )


def test_linkify_asks_a_function_for_extra_parameters() -> None:
    def extra(href: str) -> str:
        return ' class="internal" ' if href.startswith("http://here/") else 'rel="nofollow"'

    assert linkify("http://here/x www.a.b/?x&y", extra_params=extra) == (
        a("http://here/x", extra=' class="internal"')
        + " "
        + a("http://www.a.b/?x&amp;y", "www.a.b/?x&amp;y", ' rel="nofollow"')
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://example.com/abc/def", "http://example.com/abc/def"),
        ("http://reallylong.com/blahblahblahblah/foofoofoo", "http://reallylong.com/blahblah..."),
        ("http://www.example.com/path.html?x=1&y=2", "http://www.example.com/path..."),
        ("http://www.example.com/p?q=.1234567890", "http://www.example.com/p..."),
        ("http://" + "a" * 50 + "/x", "http://" + "a" * 23 + "..."),
        # Nothing is gained by three dots in place of three characters.
        ("http://example.com/abcdefgh/ij", "http://example.com/abcdefgh/ij"),
        ("http://www.example.com/abcdefgh/i", "http://www.example.com/abcdefgh/i"),
        ("http://" + "a" * 18 + "&" + "b" * 30, "http://" + "a" * 18 + "&amp;..."),
        ("http://" + "a" * 20 + "&" + "b" * 30, "http://" + "a" * 20 + "..."),
        ("http:////www.example.com/abcdefghijkl", "http:////www..."),
        ("http:/www.example.com/aaaaaaaaaaaaaaa", "http:/www.example.com/aaaaaaaa..."),
        ("http:///a", "http:///a"),
        ("http://" + "a" * 24, "http://" + "a" * 24),
    ],
)
def test_linkify_shortens_what_is_shown(url: str, shown: str) -> None:
    href = xhtml_escape(url)
    title = "" if shown == url else f' title="{href}"'
    assert linkify(url, shorten=True) == a(href, shown, title)


def test_linkify_shortens_without_scheme_too() -> None:
    href = "http://www.example.com/abcdefghijkl/mnop"
    assert linkify(href.removeprefix("http://"), shorten=True, extra_params="x") == a(
        href, "www.example.com/abcdefgh...", f' x title="{href}"'
    )
