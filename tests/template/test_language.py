"""What templates render to: the language, tag by tag."""

from __future__ import annotations

from typing import Any

import pytest

from framework.template import DictLoader, Template


def render(source: str | bytes | dict[str, str], name: str = "t.html", **values: Any) -> str:
    if isinstance(source, dict):
        return DictLoader(source).load(name).generate(**values).decode()
    return Template(source, name=name).generate(**values).decode()


class Modules:
    @staticmethod
    def hello(name: str) -> bytes:
        return f"<i>{name}</i>\xff".encode("latin-1")

    class nested:
        @staticmethod
        def text() -> list[str]:
            return ["<u>"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ""),
        ("{{ 1 }}", "1"),
        ("{{1.5}} {{None}} {{True}} {{[1, '<']}}", "1.5 None True [1, &#x27;&lt;&#x27;]"),
        ("""{{ '&<>"' + "'" }}""", "&amp;&lt;&gt;&quot;&#x27;"),
        ("{{ b'x<' }}", "x&lt;"),
        ("{{ 1, 2 }}", "(1, 2)"),
        ("{{\n1\n}}", "1"),
        ("{{ (1 +\n 2) }}", "3"),
        ("{{ 1 # why }}", "1"),
        ("{{ '''a\nb''' }}", "a\nb"),
        ("{{ {1: 2} }}", "{1: 2}"),
        ("{{ [x for x in range(3)] }}{{ (lambda: 1)() }}{{ (y := 3) }}{{ y }}", "[0, 1, 2]133"),
        ("{{ '%}' }}", "%}"),
        ("{{ f'{1}' }}", "1"),
    ],
)
def test_an_expression_is_put_into_the_page_escaped(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{! x }}{%! y %}{#! z #}", "{{ x }}{% y %}{# z #}"),
        ("{{!", "{{"),
        ("{{!!a", "{{!a"),
        ("{", "{"),
        ("a{ { }}", "a{ { }}"),
        ("{{{ 1 }}}", "{1}"),
        ("{{{1}} {{{{2}}", "{1 {{2"),
        ("{{{!", "{{{"),
        ("{{1}}}", "1}"),
        ("{{{ {1:{2:3} } }}}", "{{1: {2: 3}}}"),
    ],
)
def test_braces_and_escaped_markers(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a{#{{1}} {% foo %}#}b", "ab"),
        ("{##}", ""),
        ("{# {# #} #}", " #}"),
        ("{% comment if x %}a{%comment%}b", "ab"),
        ("a{# #}b{% comment %}c", "abc"),
    ],
)
def test_comments_are_left_out(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% if x %}a{% elif y %}b{% else %}c{% end %}", "a"),
        ("{% if not x %}a{% elif y %}b{% else %}c{% end %}", "c"),
        ("{% if not x %}a{% elif not y %}b{% elif 1 %}c{% end %}", "b"),
        ("{% if 1 %}{% end %}", ""),
        ("{%if x%}a{%end if%}b", "ab"),
        ("{% if (1 and\n 2) %}x{% end %}", "x"),
        ("{% if z := 3 %}{{z}}{% end %}", "3"),
        ("{% for i in range(3) %}{{i}}{% else %}E{% end %}", "012E"),
        ("{% for i in 1,2 %}{{i}}{% end %}", "12"),
        ("{% for a,*b in ['abc'] %}{{a}}{% raw b %}{% end %}", "a['b', 'c']"),
        ("{% for i in range(5) %}{% if i == 3 %}{% break %}{% end %}{{i}}{% end %}", "012"),
        ("{% for i in range(5) %}{% if i == 3 %}{% continue %}{% end %}{{i}}{% end %}", "0124"),
        ("{% for i in [1,2] %}{% for j in [] %}{% else %}{% break %}{% end %}{{i}}{% end %}x", "x"),
        ("{% set n=2 %}{% while n %}{{n}}{% set n -= 1 %}{% else %}!{% end %}", "21!"),
        ("{% for i in [1] %}{% set break %}{% end %}", ""),
    ],
)
def test_conditions_and_loops(source: str, expected: str) -> None:
    assert render(source, x=1, y=0) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% try %}a{{1/0}}b{% except ZeroDivisionError %}e{% else %}n{% finally %}f{% end %}g", "aefg"),
        ("{% try %}a{{1}}{% except %}e{% else %}n{% finally %}f{% end %}g", "a1nfg"),
        ("{% try %}{{1/0}}{% except (ValueError, ArithmeticError) as e %}{{e}}{% end %}", "division by zero"),
        ("{% try %}{{1/0}}{% except ValueError %}v{% except Exception %}e{% end %}", "e"),
        ("{% try %}{% for x in [1,0] %}a{{1/x}}b{% end %}{% except %}e{% end %}", "a1.0bae"),
        ("{% try %}a{% apply escape %}x{{1/0}}{% end %}{% except %}e{% end %}", "ae"),
        ("{% try %}{% finally %}f{% end %}", "f"),
        ("{% try %}{% set x %}{% except NameError %}no{% end %}", "no"),
    ],
)
def test_try_keeps_what_came_before_the_error(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% set x='<' %}{{x}}{% raw x %}", "&lt;<"),
        ("{% set x,y=1,2 %}{{x+y}}", "3"),
        ("{% set x=1;y=2 %}{{x}}{{y}}", "12"),
        ("{% set x = [1,\n2] %}{{x}}", "[1, 2]"),
        ("{% set def f(x): return x*2 %}{{f(3)}}", "6"),
        ("{% import os %}{{os.sep}}", "/"),
        ("{% import os as o, sys %}{{o.sep}}", "/"),
        ("{% from os import sep, path as p %}{{sep}}{{p.sep}}", "//"),
        ("{% set global y; y=2 %}{{y}}", "2"),
    ],
)
def test_statements(source: str, expected: str) -> None:
    assert render(source) == expected


def test_a_variable_that_a_template_sets_is_its_own_everywhere() -> None:
    with pytest.raises(UnboundLocalError):
        render("{% set x = x + 1 %}", x=1)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% raw '<' %}{% raw None %}{% raw 3 %}{% raw b'<' %}", "<None3<"),
        ("{% autoescape None %}{{'<'}}{{None}}{{1}}{{b'a'}}", "<None1a"),
        ("{{'<'}}{% autoescape None %}{{'<'}}", "<<"),
        ("{% autoescape None %}{{'<'}}{% autoescape xhtml_escape %}{{'<'}}", "&lt;&lt;"),
        ("{% autoescape escape %}{{'<'}}", "&lt;"),
        ("{% autoescape url_escape %}{{'a b'}}{{1}}{{b'<'}}", "a+b1%3C"),
        ("{% autoescape (lambda b: b + b) %}{{'a'}}", "aa"),
        ("{{ escape('<') }}", "&amp;lt;"),
        ("{% if 1 %}{{1}}{% autoescape None %}{% end %}{{'<'}}", "1<"),
    ],
)
def test_escaping_can_be_chosen(source: str, expected: str) -> None:
    assert render(source) == expected


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    template = Template("é{% raw x %}{{ '<' }}{% module hello('n') %}")
    assert template.generate(x=b"\xff", _tt_modules=Modules) == "é".encode() + b"\xff&lt;<i>n</i>\xff"
    with pytest.raises(UnicodeDecodeError):
        Template("{{ x }}").generate(x=b"\xff")


def test_the_name_of_the_escaping_function_may_mean_another() -> None:
    assert render("{{ 'a' }}<{{ 1 }}", xhtml_escape=bytes.upper) == "A<1"
    assert render("{{ 'a' }}", xhtml_escape=lambda b: b.decode() + "!") == "a!"
    assert render("{% set xhtml_escape=bytes.upper %}{{ 'a' }}") == "A"
    assert render("{% set escape=str.upper %}{{ 'a' }}") == "a"
    assert render("{% apply bytes.title %}{% set xhtml_escape=bytes.upper %}{{'a'}}b{% end %}") == "Ab"
    with pytest.raises(UnboundLocalError):
        render("{% if 0 %}{% set xhtml_escape=bytes.upper %}{% end %}{{ 'a' }}")
    with pytest.raises(TypeError, match="got <class 'int'>"):
        render("{{ 'a' }}", xhtml_escape=len)


def test_values_of_other_types_are_taken_by_their_text() -> None:
    class Text(str):
        def __str__(self) -> str:
            return "other"

        def __format__(self, spec: str) -> str:
            return "other"

    class Data(bytes):
        pass

    class Thing:
        def __str__(self) -> str:
            return "<T>"

        def __format__(self, spec: str) -> str:
            return "F"

    class Number(int):
        def __str__(self) -> str:
            return "<N>"

    source = "{{x}}|{% raw x %}|{% autoescape None %}"
    both = "{{x}}|{% raw x %}"
    assert render(both, x=Text("<s>")) == "&lt;s&gt;|<s>"
    assert render(both, x=Data(b"<s>")) == "&lt;s&gt;|<s>"
    assert render(both, x=Thing()) == "&lt;T&gt;|<T>"
    assert render(both, x=Number(3)) == "&lt;N&gt;|<N>"
    assert render(source, x=Text("<s>")) == "<s>|<s>|"
    assert render(both, x=bytearray(b"<")) == "bytearray(b&#x27;&lt;&#x27;)|bytearray(b'<')"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% apply escape %}<{{'<'}}{% end %}", "&lt;&amp;lt;"),
        ("{% apply lambda b: repr(b) %}a{{1}}{% end %}", "b'a1'"),
        ("{% apply bytes.upper %}a{% apply bytes.title %}bc{% end %}d{% end %}", "ABCD"),
        ("{% set x=1 %}{% apply escape %}{% set x=2 %}{{x}}{% end %}{{x}}", "21"),
        ("{% set x=1 %}{% apply escape %}{{x}}{% end %}", "1"),
        (
            "{% for i in [1,2] %}{% apply escape %}{% for j in [3] %}{{i}}{% break %}{% end %}{% end %}{% end %}",
            "12",
        ),
    ],
)
def test_apply_gives_what_it_encloses_to_a_function(source: str, expected: str) -> None:
    assert render(source) == expected


def test_what_apply_calls_returns_text() -> None:
    with pytest.raises(TypeError, match="got <class 'int'>"):
        render("{% apply len %}abc{% end %}")


def test_modules_are_looked_up_and_not_escaped() -> None:
    assert render("{% module nested.text()[0] + 'x' %}", _tt_modules=Modules) == "<u>x"
    with pytest.raises(NameError):
        render("{% module hello('x') %}")


BASE = "<{% block a %}x{% end %}{% block b %}y{% end %}>"


@pytest.mark.parametrize(
    ("templates", "expected"),
    [
        (
            {"t.html": '{% extends "base.html" %}junk{{1 if}}{% block a %}A{% end %}', "base.html": BASE},
            "<Ay>",
        ),
        ({"t.html": "{% block a %}A{% end %}{% extends 'base.html' %}", "base.html": BASE}, "<Ay>"),
        ({"t.html": "{% extends base.html %}", "base.html": BASE}, "<xy>"),
        ({"t.html": "{% block x %}1{% end %}{% block x %}2{% end %}"}, "22"),
        ({"t.html": "{% block a %}x{% block a %}y{% end %}{% end %}"}, "y"),
        ({"t.html": "{% for x in [1,2] %}{% block a %}{{x}}{% end %}{% end %}"}, "12"),
        ({"t.html": "{% for x in [1,2] %}{% block a %}{% break %}{% end %}{% end %}"}, ""),
        ({"t.html": "{% apply bytes.upper %}{% block q %}a{% end %}{% end %}"}, "A"),
        (
            {
                "t.html": '{% extends "m.html" %}{% block a %}t{% block b %}tb{% end %}{% end %}',
                "m.html": '{% extends "b.html" %}{% block b %}mb{% end %}',
                "b.html": "[{% block a %}{% block b %}{% end %}{% end %}]",
            },
            "[ttb]",
        ),
        (
            {
                "t.html": '{% extends "b.html" %}{% if 0 %}{% block x %}q{% end %}{% end %}',
                "b.html": "[{% block x %}bx{% end %}]",
            },
            "[q]",
        ),
        (
            {
                "t.html": '{% extends "b.html" %}{% include "c.html" %}',
                "c.html": "{% block x %}cx{% end %}",
                "b.html": "[{% block x %}bx{% end %}]",
            },
            "[cx]",
        ),
        (
            {
                "t.html": '{% extends "b.html" %}{% autoescape None %}{% block a %}{{"<"}}{% end %}',
                "b.html": '{{"<"}}{% block a %}{% end %}',
            },
            "&lt;<",
        ),
        ({"t.html": '{% extends "a.html" %}{% extends "b.html" %}', "a.html": "A", "b.html": "B"}, "B"),
    ],
)
def test_blocks_are_replaced_by_those_of_templates_that_extend(
    templates: dict[str, str], expected: str
) -> None:
    assert render(templates) == expected


@pytest.mark.parametrize(
    ("templates", "expected"),
    [
        ({"t.html": '{% set x=1 %}{% include "i.html" %}{{y}}', "i.html": "{{x}}{% set y=2 %}"}, "12"),
        ({"t.html": '{% include "i.html" %}{{"<"}}', "i.html": '{% autoescape None %}{{"<"}}'}, "<&lt;"),
        ({"t.html": '{% autoescape None %}{% include "i.html" %}{{"<"}}', "i.html": '{{"<"}}'}, "&lt;<"),
        ({"t.html": '{% include "x/i.html" %}', "x/i.html": '{% include "j.html" %}', "x/j.html": "J"}, "J"),
        ({"t.html": '{% include "x/i.html" %}', "x/i.html": '{% include "../j.html" %}', "j.html": "J"}, "J"),
        (
            {"t.html": '{% include "i.html" %}{% include "i.html" %}', "i.html": "{% block a %}I{% end %}"},
            "II",
        ),
        (
            {"t.html": '{% block a %}T{% end %}{% include "i.html" %}', "i.html": "{% block a %}I{% end %}"},
            "II",
        ),
        ({"t.html": '{% whitespace oneline %}a\nb{% include "i.html" %}\nb', "i.html": "c\nd"}, "a bc\nd b"),
    ],
)
def test_an_included_template_stands_where_the_tag_was(templates: dict[str, str], expected: str) -> None:
    assert render(templates) == expected


def test_the_namespace_is_that_of_the_defaults_the_loader_and_the_call() -> None:
    loader = DictLoader({"t.html": "{{f(x)}}{{datetime.date.min}}"}, namespace={"x": 1, "f": lambda x: x + 1})
    template = loader.load("t.html")
    assert template.generate() == b"20001-01-01"
    assert template.generate(x=5) == b"60001-01-01"
    template.namespace["x"] = 2
    assert template.generate() == b"30001-01-01"
    assert (
        render("{{ squeeze('a  b') }}{{ url_escape('a b') }}{% raw json_encode({'a': 1}) %}")
        == 'a ba+b{"a": 1}'
    )
    assert (
        render("{% raw linkify('http://a.b') %}{{ __name__ }}") == '<a href="http://a.b">http://a.b</a>t_html'
    )
    assert render("{{ self }}", self=1) == "1"


def test_source_may_be_bytes() -> None:
    assert render("é {{ 1 }}".encode()) == "é 1"
    with pytest.raises(UnicodeDecodeError):
        Template(b"\xff")
    with pytest.raises(UnicodeEncodeError):
        Template("\ud800")
    with pytest.raises(TypeError, match="not NoneType"):
        Template(None)  # type: ignore[arg-type]


def test_a_page_of_many_values_in_a_row() -> None:
    assert render("".join(f"{{{{ {n} }}}}," for n in range(500))) == "".join(f"{n}," for n in range(500))


def test_the_python_of_a_template_can_be_read() -> None:
    template = Template("<p>{{ name }}</p>")
    assert "_tt_append(f'<p>{_tt_escape_xhtml_escape(name)}</p>')" in template.code
    namespace: dict[str, Any] = {}
    exec(template.compiled, namespace)
    assert callable(namespace["_tt_execute"])
