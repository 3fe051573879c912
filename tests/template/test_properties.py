from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.template import DictLoader, ParseError, Template, filter_whitespace
from tests.cost import growth

PLAIN = st.text(st.characters(exclude_categories=["Cs"]))
PIECES = st.lists(
    st.one_of(
        PLAIN,
        st.sampled_from(
            [
                "{", "}", "%", "#", "!", "{{", "}}", "{%", "%}", "{#", "#}", "{{!",
                "{{x}}", "{{ y }}", "{% raw x %}", "{% if x %}", "{% elif y %}", "{% else %}", "{% end %}",
                "{% for i in x %}", "{% while 0 %}", "{% break %}", "{% continue %}", "{% set x = y %}",
                "{% block a %}", "{% include 'i' %}", "{% extends 'b' %}", "{% try %}", "{% except %}",
                "{% finally %}", "{% apply escape %}", "{% autoescape None %}", "{% whitespace oneline %}",
                "{% import os %}", "{% comment x %}", "\n", "  ",
            ]
        ),
    )
)  # fmt: skip


@given(PLAIN)
def test_text_without_markers_renders_to_itself(text: str) -> None:
    text = text.replace("{", "(")
    assert Template(text, whitespace="all").generate().decode() == text


@given(PLAIN)
def test_a_value_comes_out_escaped_once(text: str) -> None:
    page = Template("{{ x }}").generate(x=text).decode()
    assert html.unescape(page) == html.unescape(html.escape(text))
    assert not set(page) & set("<>\"'")


@given(PIECES)
def test_any_text_is_a_template_or_a_parse_error(pieces: list[str]) -> None:
    loader = DictLoader(
        {"t": "".join(pieces), "i": "{% block a %}i{% end %}", "b": "b{% block a %}{% end %}"}
    )
    try:
        template = loader.load("t")
    except ParseError as error:
        assert error.filename in loader.dict
        assert error.lineno >= 1
        return
    try:
        page = template.generate(x="12", y=0)
    except (NameError, UnboundLocalError):
        return
    assert isinstance(page, bytes)


@given(PLAIN, st.sampled_from(["single", "oneline"]))
def test_white_space_modes_change_white_space_only(text: str, mode: str) -> None:
    filtered = filter_whitespace(mode, text)
    assert filtered.split() == text.split()
    assert filter_whitespace(mode, filtered) == filtered


def template_of(source: str) -> Template:
    return Template(source, "t.html")


@pytest.mark.parametrize(
    "unit",
    ["{", "{{{", "{{!", "x", " ", "\r", "\n ", "}}", "{# #}", "{{ x }}", "é{{ x }}é", "{% if x %}{% end %}"],
)
def test_the_cost_of_a_template_grows_with_its_size(unit: str) -> None:
    def work(source: str) -> None:
        try:
            template_of(source)
        except ParseError:
            pass

    assert growth(work, lambda size: unit * size, 1_000 if len(unit) == 1 else 100) <= 13
