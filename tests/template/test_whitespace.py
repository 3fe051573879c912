from __future__ import annotations

import pytest

from framework.template import DictLoader, ParseError, Template, filter_whitespace

TEXT = " a \t\n  b \n\n c\u00a0\u00a0d\x0b\x0b\r\n"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("all", TEXT), ("single", " a\nb\nc\u00a0\u00a0d\n"), ("oneline", " a b c d ")],
)
def test_the_three_modes(mode: str, expected: str) -> None:
    assert filter_whitespace(mode, TEXT) == expected


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid whitespace mode x"):
        filter_whitespace("x", "a")
    with pytest.raises(ValueError, match="invalid whitespace mode foo"):
        Template("a", whitespace="foo")
    with pytest.raises(ParseError, match=r"invalid whitespace mode foo .*at t.html:2"):
        Template("\n{% whitespace foo %}", "t.html")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("t.html", b"a b\nc"), ("t.js", b"a b\nc"), ("t.css", b"a  b \n c"), ("t.HTML", b"a  b \n c")],
)
def test_the_mode_follows_from_the_name(name: str, expected: bytes) -> None:
    assert Template("a  b \n c", name).generate() == expected


def test_the_mode_can_be_given() -> None:
    assert Template("a  b", "t.html", whitespace="all").generate() == b"a  b"
    assert Template("a\n b", whitespace="oneline").generate() == b"a b"
    assert Template("a  b", compress_whitespace=True).generate() == b"a b"
    assert Template("a  b", "t.html", compress_whitespace=False).generate() == b"a  b"
    assert DictLoader({"t.html": "a\nb"}, whitespace="oneline").load("t.html").generate() == b"a b"
    with pytest.raises(ValueError, match="cannot set both"):
        Template("a", compress_whitespace=True, whitespace="all")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% whitespace all %}a  b", b"a  b"),
        ("a  b{% whitespace all %}c  d{% whitespace oneline %}e\nf", b"a bc  de f"),
        ("{% if 1 %}a  b{% whitespace all %}c  d{% end %}e  f", b"a bc  de  f"),
        ("a  {# #}  b", b"a  b"),
        ("a  {{!  b", b"a {{ b"),
        ("x\n  {{{1}} \n {{2}}", b"x\n{1\n2"),
        ("<pre>  x  </pre> y  z{{1}}a  b", b"<pre>  x  </pre> y  z1a b"),
        ("{% whitespace oneline %}<pre>a  b", b"<pre>a  b"),
        ("a\r\n\r\nb", b"a\nb"),
    ],
)
def test_text_is_treated_piece_by_piece(source: str, expected: bytes) -> None:
    assert Template(source, "t.html").generate() == expected
