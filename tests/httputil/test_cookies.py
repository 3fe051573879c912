"""Reading Cookie headers and making Set-Cookie values."""

from __future__ import annotations

import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil.cookies import make_set_cookie, parse_cookie
from framework.httputil.dates import parse_date
from tests.cost import growth


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        ("a=b; c=d", {"a": "b", "c": "d"}),
        (" a = b ;c=d;", {"a": "b", "c": "d"}),
        ("a=b=c; d==", {"a": "b=c", "d": "="}),
        ("a=1; a=2", {"a": "2"}),
        ("a=1; b=2; a=3", {"a": "3", "b": "2"}),
        ("a", {"": "a"}),
        ("=b", {"": "b"}),
        ("a=", {"a": ""}),
        ("; ;", {}),
        ("=", {}),
        ('a="b c"', {"a": "b c"}),
        ('a="b\\"c"', {"a": 'b"c'}),
        ('a="b\\054\\351"', {"a": "b,é"}),
        ('a="\\\\054"', {"a": "\\054"}),
        ('a="\\400\\08\\n"', {"a": "40008n"}),
        ('a="\\"', {"a": "\\"}),
        ("a=\\054", {"a": "\\054"}),
        ('a="', {"a": '"'}),
        ('a="x', {"a": '"x'}),
        ('a=""', {"a": ""}),
        ('""', {"": ""}),
        ('a="b;c"; d=e', {"a": '"b', "": 'c"', "d": "e"}),
        ("a=b,c=d", {"a": "b,c=d"}),
        ("$Version=1; a=b", {"$Version": "1", "a": "b"}),
        ('a:b={"x":1}', {"a:b": '{"x":1}'}),
        ("a=%20\x00é", {"a": "%20\x00é"}),
    ],
)
def test_cookie_header_is_read_as_browsers_write_it(header: str, cookies: dict[str, str]) -> None:
    assert parse_cookie(header) == cookies


def test_cookies_keep_the_order_of_the_header() -> None:
    assert list(parse_cookie("b=1; a=2; b=3")) == ["b", "a"]


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ({}, "a=b; Path=/"),
        ({"value": b"b"}, "a=b; Path=/"),
        ({"name": b"a"}, "a=b; Path=/"),
        ({"name": "a:b"}, "a:b=b; Path=/"),
        ({"name": "partitioned"}, "partitioned=b; Path=/"),
        ({"value": ""}, 'a=""; Path=/'),
        ({"value": "b;c"}, 'a="b\\073c"; Path=/'),
        ({"value": "b,c"}, 'a="b\\054c"; Path=/'),
        ({"value": 'b"c\\d'}, 'a="b\\"c\\\\d"; Path=/'),
        ({"value": "é\x7f\xa0"}, 'a="\\351\\177\\240"; Path=/'),
        ({"value": "(a/b)"}, 'a="(a/b)"; Path=/'),
        ({"domain": "x.com"}, "a=b; Domain=x.com; Path=/"),
        ({"domain": "é"}, "a=b; Domain=é; Path=/"),
        ({"domain": ""}, "a=b; Path=/"),
        ({"path": "/x"}, "a=b; Path=/x"),
        ({"path": ""}, "a=b"),
        ({"path": None}, "a=b"),
        ({"expires": 0}, "a=b; Path=/"),
        ({"expires": 1}, "a=b; expires=Thu, 01 Jan 1970 00:00:01 GMT; Path=/"),
        ({"expires": -1}, "a=b; expires=Wed, 31 Dec 1969 23:59:59 GMT; Path=/"),
        ({"expires": (2030, 1, 2, 3, 4, 5, 0, 0, 0)}, "a=b; expires=Wed, 02 Jan 2030 03:04:05 GMT; Path=/"),
        (
            {"expires": 5, "expires_days": 3},
            "a=b; expires=Thu, 01 Jan 1970 00:00:05 GMT; Path=/",
        ),
        ({"max_age": 10}, "a=b; Max-Age=10; Path=/"),
        ({"max_age": -1}, "a=b; Max-Age=-1; Path=/"),
        ({"max_age": 0}, "a=b; Path=/"),
        ({"httponly": True}, "a=b; HttpOnly; Path=/"),
        ({"secure": True}, "a=b; Path=/; Secure"),
        ({"httponly": True, "secure": True}, "a=b; HttpOnly; Path=/; Secure"),
        ({"samesite": "Lax"}, "a=b; Path=/; SameSite=Lax"),
        ({"version": 1}, "a=b; Path=/; Version=1"),
        ({"version": ""}, "a=b; Path=/"),
        ({"comment": "hi"}, "a=b; Comment=hi; Path=/"),
        ({"comment": "x/y,"}, 'a=b; Comment="x/y\\054"; Path=/'),
        ({"partitioned": True}, "a=b; Partitioned; Path=/"),
        ({"HttpOnly": True, "Max-Age": 4}, "a=b; HttpOnly; Max-Age=4; Path=/"),
        ({"Path": "/q", "path": "/p"}, "a=b; Path=/q"),
        ({"Secure": False, "secure": True}, "a=b; Path=/"),
        ({"Expires": "never"}, "a=b; expires=never; Path=/"),
        ({"Domain": None}, "a=b; Path=/"),
        (
            {
                "domain": "d",
                "expires": 9,
                "path": "/p",
                "max_age": 9,
                "httponly": True,
                "secure": True,
                "samesite": "Lax",
                "version": 1,
                "comment": "hi",
            },
            "a=b; Comment=hi; Domain=d; expires=Thu, 01 Jan 1970 00:00:09 GMT; HttpOnly; Max-Age=9; Path=/p;"
            " SameSite=Lax; Secure; Version=1",
        ),
    ],
)
def test_set_cookie_value_is_written_byte_for_byte(arguments: dict[str, Any], header: str) -> None:
    assert make_set_cookie(**{"name": "a", "value": "b", **arguments}) == header


def _expiry(header: str) -> datetime.datetime:
    expires = parse_date(header.partition("expires=")[2].partition(";")[0])
    assert expires is not None
    return expires


def test_expires_days_counts_from_now() -> None:
    expected = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1.5)
    assert abs(_expiry(make_set_cookie("a", "b", expires_days=1.5)) - expected) < datetime.timedelta(
        minutes=1
    )


@pytest.mark.parametrize("days", [0, 1, 30, -1, 0.5, True])
def test_the_short_way_writes_what_the_long_one_writes(days: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for moment in (1_700_000_000.25, 1_700_000_000.75, 1_700_000_001.0):
        monkeypatch.setattr("framework.httputil.cookies.time.time", lambda at=moment: at)
        short = make_set_cookie("a", "b", expires_days=days, httponly=True, secure=True)
        long = make_set_cookie("a", "b", expires_days=days, httponly=True, secure=True, samesite="Lax")
        assert long.replace("; SameSite=Lax", "") == short
        if type(days) is int and days >= 0:
            assert _expiry(short).timestamp() == int(moment) + days * 86400


def test_number_in_an_expires_of_another_spelling_counts_seconds_from_now() -> None:
    expected = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    found = _expiry(make_set_cookie("a", "b", Expires=3600))
    assert abs(found - expected) < datetime.timedelta(minutes=1)


@pytest.mark.parametrize("value", ["b c", "\t", "a\r\nb", "\x00"])
def test_value_with_space_or_control_character_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="Invalid cookie 'a'"):
        make_set_cookie("a", value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "a b"}, "Invalid cookie attribute name='a b' for cookie 'a b'"),
        ({"name": "a;"}, "Invalid cookie attribute name='a;' for cookie 'a;'"),
        ({"name": "a\n"}, r"Invalid cookie attribute name='a\n' for cookie 'a\n'"),
        ({"name": ""}, "Illegal key ''"),
        ({"name": "é"}, "Illegal key 'é'"),
        ({"name": "a="}, "Illegal key 'a='"),
        ({"name": "Path"}, "Attempt to set a reserved key 'Path'"),
        ({"domain": "x;y"}, "Invalid cookie attribute domain='x;y' for cookie 'a'"),
        ({"domain": "x\ny"}, r"Invalid cookie attribute domain='x\ny' for cookie 'a'"),
        ({"path": "/x; Domain=evil"}, "Invalid cookie attribute path='/x; Domain=evil' for cookie 'a'"),
        ({"path": "/\x7f"}, r"Invalid cookie attribute path='/\x7f' for cookie 'a'"),
        ({"samesite": "Lax;"}, "Invalid cookie attribute samesite='Lax;' for cookie 'a'"),
        ({"Max-Age": "1;"}, "Invalid cookie attribute Max-Age='1;' for cookie 'a'"),
        ({"bogus": 1}, "Invalid attribute 'bogus'"),
        ({"Max_Age": 1}, "Invalid attribute 'max_age'"),
        ({"name": "é", "bogus": 1}, "Illegal key 'é'"),
    ],
)
def test_name_and_attributes_that_would_break_the_header_are_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(CookieError) as caught:
        make_set_cookie(**{"name": "a", "value": "b", **arguments})
    assert str(caught.value) == message


def test_characters_that_no_header_can_carry_are_refused() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        make_set_cookie("a", "中")
    with pytest.raises(ValueError, match="latin-1"):
        make_set_cookie("a", "b", domain="中")


@pytest.mark.parametrize("arguments", [{"name": 5}, {"value": 5}, {"value": None}, {"domain": b"x"}])
def test_wrong_types_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        make_set_cookie(**{"name": "a", "value": "b", **arguments})


@given(name=st.text(max_size=10), value=st.text(max_size=30))
def test_cookie_comes_back_as_it_was_set_or_is_refused(name: str, value: str) -> None:
    try:
        header = make_set_cookie(name, value)
    except (ValueError, CookieError):
        return
    pair, _, attributes = header.partition("; ")
    assert attributes == "Path=/"
    assert parse_cookie(pair) == {name: value}


@given(name=st.sampled_from(["a", "B-c"]), value=st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_every_printable_value_comes_back_and_reads_the_same_elsewhere(name: str, value: str) -> None:
    header = make_set_cookie(name, value)
    assert parse_cookie(header)[name] == value
    assert SimpleCookie(header)[name].value == value


@given(
    st.dictionaries(
        st.sampled_from(["domain", "path", "samesite", "Max-Age", "Version", "comment"]), st.text(max_size=8)
    )
)
def test_no_attribute_makes_a_header_of_other_shape(attributes: dict[str, str]) -> None:
    try:
        header = make_set_cookie("a", "b", **attributes)
    except (ValueError, CookieError):
        return
    assert header.isprintable() or not header.isascii()
    assert "\n" not in header
    assert header.count(";") <= len(attributes) + 1


@given(st.text())
def test_no_cookie_header_is_an_error(header: str) -> None:
    cookies = parse_cookie(header)
    assert all(key or value or '""' in header for key, value in cookies.items())


@pytest.mark.parametrize("unit", ["a=b; ", ";", 'a="\\', "=", " ", '"', "\\054"])
def test_reading_takes_time_in_proportion_to_the_header(unit: str) -> None:
    assert growth(parse_cookie, lambda size: 'a="' + unit * size + '"', 3000) <= 13
