"""Header fields: a mapping that ignores case and keeps repeated fields."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil import HTTPHeaders, HTTPInputError
from framework.httputil import headers as module
from framework.httputil.headers import printed_name

# -- names


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("content-type", "Content-Type"),
        ("CONTENT-TYPE", "Content-Type"),
        ("ETAG", "Etag"),
        ("x", "X"),
        ("www-authenticate", "Www-Authenticate"),
        ("x--y", "X--Y"),
        ("-a-", "-A-"),
        ("a_b", "A_b"),
        ("", ""),
    ],
)
def test_how_names_are_printed(name: str, printed: str) -> None:
    for _ in range(2):
        assert printed_name(name) == printed


def test_what_is_remembered_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_printed", {})
    for number in range(3000):
        assert printed_name(f"x-{number}-y") == f"X-{number}-Y"
    assert len(module._printed) <= 1000


# -- as a mapping


def test_it_is_made_of_what_a_dict_is_made_of() -> None:
    expected = {"A-B": "1", "C": "2"}
    assert dict(HTTPHeaders({"a-b": "1", "C": "2"})) == expected
    assert dict(HTTPHeaders([("a-b", "1"), ("c", "2")])) == expected
    assert dict(HTTPHeaders({"a-b": "1"}, c="2")) == expected
    assert dict(HTTPHeaders(HTTPHeaders({"a-b": "1"}), c="2")) == expected
    assert dict(HTTPHeaders()) == {}
    with pytest.raises(TypeError):
        HTTPHeaders({}, {})


def test_case_is_ignored() -> None:
    headers = HTTPHeaders()
    headers["content-TYPE"] = "text/plain"
    assert headers["Content-Type"] == headers.get("CONTENT-TYPE") == "text/plain"
    assert "content-type" in headers
    assert "Content-Length" not in headers
    assert not headers.__contains__(1)
    del headers["CONTENT-type"]
    assert len(headers) == 0
    with pytest.raises(KeyError):
        headers["Content-Type"]
    with pytest.raises(KeyError):
        del headers["Content-Type"]
    assert headers.get("Content-Type") is None
    assert headers.get("Content-Type", "default") == "default"
    assert headers.setdefault("a", "1") == headers.setdefault("A", "2") == "1"
    assert headers.pop("a") == "1"


def test_order_is_kept() -> None:
    headers = HTTPHeaders({"Z": "1", "A": "2"})
    headers.add("m", "3")
    headers["z"] = "4"
    assert list(headers) == ["Z", "A", "M"]
    assert list(headers.get_all()) == [("Z", "4"), ("A", "2"), ("M", "3")]


def test_repeated_fields() -> None:
    headers = HTTPHeaders()
    for number in range(3):
        headers.add("Set-Cookie", f"{number}=x")
    assert headers["set-cookie"] == headers.get("set-cookie") == "0=x,1=x,2=x"
    assert headers.get_list("SET-cookie") == ["0=x", "1=x", "2=x"]
    assert headers.get_list("other") == []
    assert list(headers.get_all()) == [("Set-Cookie", f"{number}=x") for number in range(3)]
    assert len(headers) == 1
    # What is handed out is not what is inside.
    headers.get_list("Set-Cookie").append("y")
    assert len(headers.get_list("Set-Cookie")) == 3
    headers["Set-Cookie"] = "only"
    assert headers.get_list("Set-Cookie") == ["only"]
    headers.add("Set-Cookie", "more")
    del headers["Set-Cookie"]
    headers.add("Set-Cookie", "new")
    assert list(headers.get_all()) == [("Set-Cookie", "new")]


def test_equality() -> None:
    assert HTTPHeaders({"a": "1"}) == HTTPHeaders({"A": "1"})
    assert HTTPHeaders({"a": "1"}) == {"A": "1"}
    assert HTTPHeaders({"a": "1"}) != {"a": "1"}
    assert HTTPHeaders({"a": "1"}) != HTTPHeaders({"a": "2"})
    assert HTTPHeaders() != 5
    with pytest.raises(TypeError):
        hash(HTTPHeaders())


def test_copies_share_nothing() -> None:
    original = HTTPHeaders({"a": "1"})
    original.add("b", "2")
    original.add("b", "3")
    for made in (
        original.copy(),
        copy.copy(original),
        copy.deepcopy(original),
        pickle.loads(pickle.dumps(original)),
        HTTPHeaders(original),
    ):
        assert made == original
        assert made.get_list("b") == ["2", "3"]
        made.add("b", "4")
        made["a"] = "5"
    assert list(original.get_all()) == [("A", "1"), ("B", "2"), ("B", "3")]


def test_as_text() -> None:
    headers = HTTPHeaders({"a": "1"})
    headers.add("a", "2")
    headers.add("b", "3")
    assert str(headers) == headers.__unicode__() == "A: 1\nA: 2\nB: 3\n"


# -- what is let in


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "é", "a\0", "(a)", "a,b", " a", "a "])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(HTTPInputError, match="Invalid header name"):
        HTTPHeaders().add(name, "x")


@pytest.mark.parametrize("value", ["a\nb", "a\r\nb", "\r", "\0", "\x0b", "\x7f", "日"])
def test_values_that_are_none(value: str) -> None:
    with pytest.raises(HTTPInputError, match="Invalid header value"):
        HTTPHeaders().add("a", value)


@pytest.mark.parametrize("value", ["", "a b", "a\tb", "é", "\xff", '"a,b"'])
def test_values(value: str) -> None:
    headers = HTTPHeaders()
    headers.add("a", value)
    assert headers["a"] == value


def test_text_that_was_not_decoded_as_latin_1() -> None:
    headers = HTTPHeaders()
    headers.add("a", "日", _chars_are_bytes=False)
    assert headers["a"] == "日"
    with pytest.raises(HTTPInputError):
        headers.add("a", "日\n", _chars_are_bytes=False)


# -- parsing


def test_parsing_a_block() -> None:
    for end in ("\r\n", "\n"):
        text = end.join(["Content-Type: text/html", "set-cookie:a=b", "Set-Cookie: \t c=d \t", "Empty:", ""])
        headers = HTTPHeaders.parse(text)
        assert list(headers.get_all()) == [
            ("Content-Type", "text/html"),
            ("Set-Cookie", "a=b"),
            ("Set-Cookie", "c=d"),
            ("Empty", ""),
        ]
    assert dict(HTTPHeaders.parse("")) == {}


def test_only_line_feeds_end_a_line() -> None:
    # Other characters that Python takes for line ends do not.
    assert dict(HTTPHeaders.parse("A: b\x85c\r\nD: e")) == {"A": "b\x85c", "D": "e"}
    assert dict(HTTPHeaders.parse("A: b\u2028c\n", _chars_are_bytes=False)) == {"A": "b\u2028c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Foo", "no colon"),
        ("Foo: a\r\n b", "folding|whitespace"),
        ("Foo: a\n\tb", "folding|whitespace"),
        (" Foo: a", "folding|whitespace"),
        ("Foo : a", "Invalid header name"),
        (": a", "Invalid header name"),
        ("Foo: a\rb", "Invalid header value"),
        ("Foo: a\0b", "Invalid header value"),
    ],
)
def test_blocks_that_are_none(text: str, message: str) -> None:
    with pytest.raises(HTTPInputError, match=message):
        HTTPHeaders.parse(text)


def test_parsing_lines() -> None:
    headers = HTTPHeaders()
    for line in ("a: 1\r\n", "a: 2\n", "b:3", "", "\r\n", "\n"):
        headers.parse_line(line)
    assert list(headers.get_all()) == [("A", "1"), ("A", "2"), ("B", "3")]
    with pytest.raises(HTTPInputError):
        headers.parse_line("\tc")


names = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,10}", fullmatch=True)
values = st.from_regex(r"([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?", fullmatch=True)


@given(st.lists(st.tuples(names, values), max_size=10))
def test_what_is_printed_is_parsed_as_it_was(pairs: list[tuple[str, str]]) -> None:
    headers = HTTPHeaders()
    for name, value in pairs:
        headers.add(name, value)
    assert list(HTTPHeaders.parse(str(headers)).get_all()) == list(headers.get_all())
    for name, _ in pairs:
        expected = [value for other, value in pairs if printed_name(other) == printed_name(name)]
        assert headers.get_list(name) == expected


@given(st.text(max_size=60))
def test_garbage_raises_one_error(text: str) -> None:
    try:
        headers = HTTPHeaders.parse(text)
    except HTTPInputError:
        return
    assert not any(set("\r\n\0") & set(name + value) for name, value in headers.get_all())
