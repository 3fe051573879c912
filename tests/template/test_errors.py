"""What a mistake in a template says, and where it says it is."""

from __future__ import annotations

import linecache
import os
import pickle
import traceback
from typing import Any

import pytest

from framework.template import DictLoader, Loader, ParseError, Template


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("{{ a", "Missing end expression }}", 1),
        ("\n{% a", "Missing end block %}", 2),
        ("\n\n{# a", "Missing end comment #}", 3),
        ("é\n{{}}", "Empty expression", 2),
        ("{% %}", "Empty block tag ({% %})", 1),
        ("{% foo bar %}", "unknown operator: 'foo' (expected one of apply, ", 1),
        ("{% if\t1 %}", "unknown operator: 'if\\t1'", 1),
        ("{% end %}", "Extra {% end %} block", 1),
        ("{% else %}", "else outside {'for', 'if', 'try', 'while'} block", 1),
        ("{% elif 1 %}", "elif outside {'if'} block", 1),
        ("{% for x in y %}{% elif 1 %}{% end %}", "elif block cannot be attached to for block", 1),
        ("{% block x %}{% else %}{% end %}", "else block cannot be attached to block block", 1),
        ("a\n{% if x %}\n\n", "Missing {% end %} block for if", 2),
        ("{% if x %}{% else %}", "Missing {% end %} block for if", 1),
        ("{% break %}", "break outside {'for', 'while'} block", 1),
        ("{% for x in y %}{% apply f %}{% continue %}{% end %}{% end %}", "continue outside", 1),
        ("{% for x in y %}{% else %}{% break %}{% end %}", "break outside", 1),
        ("{% for x in y %}{% break x %}{% end %}", "break takes nothing after it, not 'x'", 1),
        ("{% if %}{% end %}", "if missing condition", 1),
        ("{% if 1 %}{% elif %}{% end %}", "elif missing condition", 1),
        ("{% for %}{% end %}", "for missing loop", 1),
        ("{% while %}{% end %}", "while missing condition", 1),
        ("{% try x %}{% finally %}{% end %}", "try takes nothing after it, not 'x'", 1),
        ("{% if 1 %}{% else x %}{% end %}", "else takes nothing after it, not 'x'", 1),
        ("{% if 1 %}{% else %}{% else %}{% end %}", "else can't follow else in a if block", 1),
        ("{% try %}{% else %}{% end %}", "else can't follow try in a try block", 1),
        ("{% try %}{% finally %}{% except %}{% end %}", "except can't follow finally in a try block", 1),
        ("{% try %}{% end %}", "try block needs an except or a finally", 1),
        ("{% block %}{% end %}", "block missing name", 1),
        ("{% apply %}{% end %}", "apply missing method name", 1),
        ("{% raw %}", "raw missing expression", 1),
        ("{% module %}", "module missing expression", 1),
        ("{% set %}", "set missing statement", 1),
        ("{% import %}", "import missing statement", 1),
        ("{% from %}", "import missing statement", 1),
        ("{% extends %}", "extends missing file path", 1),
        ('{% include "" %}', "include missing file path", 1),
        ("{% autoescape %}", "autoescape missing function name (or None)", 1),
        ("{% if 1 %}{% extends 'a' %}{% end %}", "extends inside if block", 1),
        ("{% extends 'a' %}", "{% extends %} block found, but no template loader", 1),
        ("\n{% include 'a' %}", "{% include %} block found, but no template loader", 2),
        ("{% if 1 %}\n" * 99, "if block inside more than 97 others", 99),
        ("{% block a %}\n" * 99, "block block inside more than 97 others", 99),
    ],
)
def test_a_mistake_names_the_template_the_line_and_what_was_expected(
    source: str, message: str, line: int
) -> None:
    with pytest.raises(ParseError) as caught:
        Template(source, name="t.html")
    assert message in caught.value.message
    assert (caught.value.filename, caught.value.lineno) == ("t.html", line)
    assert str(caught.value) == f"{caught.value.message} at t.html:{line}"


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("\n{{ 1 if }}", "invalid syntax in '1 if'", 2),
        ("{{ x(1 }}", "'(' was never closed in 'x(1'", 1),
        ("\n{{ 'a }}", 'unterminated string literal in "\'a"', 2),
        ("{{ 1; 2 }}", "invalid syntax", 1),
        ("{{ x = 1 }}", "invalid syntax", 1),
        ("{{ 1 +\n 2 }}", "invalid syntax", 1),
        ("{{ (yield) }}", "yield outside of a function", 1),
        ("{{ await x }}", "'await' outside", 1),
        ("{{ a\0b }}", "null byte", 1),
        ("{{ " + "-" * 100 + "x y" * 20 + " }}", "...'", 1),
        ("{{ " + "(" * 5000 + " }}", "too many nested parentheses", 1),
        ("{{ " + "-" * 100000 + "x }}", "", 1),
        ("{% set return 1 %}", "return outside of a function", 1),
        ("{% set x = (\n1 +) %}", "invalid syntax", 2),
        ("{% if 1: %}{% end %}", "invalid syntax", 1),
        ("{% if 1:\n foo()\nif 2 %}{% end %}", "is more than an if header", 1),
        ("{% for x in y:\n foo() # %}{% end %}", "is more than an for header", 1),
        ("{% try %}{% except A B %}{% end %}", "in 'A B'", 1),
        ("{% try %}{% except A:\n pass\nexcept B %}{% end %}", "is no except header", 1),
        ("{% try %}{% except *A %}{% end %}", "is no except header", 1),
        ("{% try %}{% except %}\n{% except A %}{% end %}", "default 'except:' must be last", 1),
        ("\n\n{% from os import * %}", "import * only allowed at module level", 3),
        ("{% set break %}", "'break' outside loop", 1),
        ("{% autoescape 1 + %}{{ x }}", "invalid syntax in '1 +'", 1),
        ("{% set nonlocal q %}", "no binding for nonlocal 'q' found", 1),
        ("{% if 0 %}" + "{% elif 1 %}" * 100_000 + "{% end %}", "too complex to compile", 1),
    ],
)
def test_python_that_is_none_is_a_syntax_error_of_the_template(source: str, message: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        Template(source, name="t.html")
    error = caught.value
    assert isinstance(error, SyntaxError)
    assert message in error.message
    assert (error.filename, error.lineno) == ("t.html", line)
    assert 'File "t.html", line' in "".join(traceback.format_exception(error))


def test_a_parse_error_keeps_its_parts() -> None:
    error = ParseError("m", "f", 3)
    assert (error.args, error.message, error.filename, error.lineno) == (("m",), "m", "f", 3)
    assert str(ParseError("m")) == "m at None:0"
    with pytest.raises(ParseError) as caught:
        Template("{{ ( }}", name="t")
    for original in (error, caught.value):
        copy = pickle.loads(pickle.dumps(original))
        assert type(copy) is type(original)
        assert str(copy) == str(original)


TEMPLATES = {
    "base.html": "base\n{% block a %}{% end %}\n{{ in_base }}",
    "t.html": '{% extends "base.html" %}\n{% block a %}\n  é {{ foo(1,\n 2) }}{% include "i.html" %}\n{% end %}',
    "i.html": "\n\n{% if 1 %}\n  <p>{{ boom() }}</p>{% end %}\n{% apply broken %}q{{ inner }}{% end %}",
}


def trace(template: Template, **values: Any) -> str:
    with pytest.raises(Exception) as caught:
        template.generate(**values)
    return "".join(traceback.format_exception(caught.value))


def boom() -> None:
    raise LookupError("boom")


def call(text: bytes) -> bytes:
    return text


@pytest.mark.parametrize(
    ("values", "file", "line", "text"),
    [
        ({}, "t.html", 3, "é {{ foo(1,"),
        ({"foo": max}, "i.html", 4, "<p>{{ boom() }}</p>"),
        ({"foo": max, "boom": boom}, "i.html", 4, "<p>{{ boom() }}</p>"),
        ({"foo": max, "boom": int, "broken": call}, "i.html", 5, "{% apply broken %}q{{ inner }}{% end %}"),
        ({"foo": max, "boom": int, "broken": call, "inner": 1}, "base.html", 3, "{{ in_base }}"),
    ],
)
def test_a_traceback_shows_the_templates_own_line(
    values: dict[str, Any], file: str, line: int, text: str
) -> None:
    shown = trace(DictLoader(TEMPLATES).load("t.html"), **values)
    assert f'  File "{file}", line {line}, in _tt_' in shown
    assert f"\n    {text}" in shown
    if "boom" in values and values["boom"] is boom:
        assert 'raise LookupError("boom")' in shown


def test_a_traceback_marks_the_expression() -> None:
    lines = trace(Template("é {{ 1 + xyzzyx }}", name="mark.html")).splitlines()
    assert lines[-3:] == [
        "    é {{ 1 + xyzzyx }}",
        "             ^^^^^^",
        "NameError: name 'xyzzyx' is not defined",
    ]
    lines = trace(
        DictLoader({"a.html": 'é{% include "b.html" %}', "b.html": "\né {{ 1 + xyzzyx }}"}).load("a.html")
    ).splitlines()
    assert lines[-3:] == [
        "    é {{ 1 + xyzzyx }}",
        "             ^^^^^^",
        "NameError: name 'xyzzyx' is not defined",
    ]


def test_an_expression_over_several_lines_is_shown_in_an_included_template() -> None:
    source = "\n{{ [1,\nnope(\n2)] }}"
    shown = trace(
        DictLoader({"a.html": 'x\n{% include "b.html" %}', "b.html": source}).load("a.html"), nope=boom_any
    )
    assert '  File "b.html", line 3' in shown


def boom_any(*args: object) -> None:
    raise LookupError("boom")


def test_a_traceback_of_a_file_names_its_path(tmp_path: Any) -> None:
    path = tmp_path / "x.html"
    path.write_text("a\n{{ nope }}")
    (tmp_path / "y.html").write_text('{% include "x.html" %}')
    for name in ("x.html", "y.html"):
        assert f'  File "{path}", line 2, in _tt_execute\n    {{{{ nope }}}}' in trace(
            Loader(str(tmp_path)).load(name)
        )


def test_a_template_without_a_name_shows_its_line() -> None:
    known = linecache.cache.get("<string>")
    assert '  File "<template>", line 2, in _tt_execute\n    {{ one }}' in trace(Template("\n{{ one }}"))
    assert '  File "<template>", line 3, in _tt_execute\n    {{ two }}' in trace(Template("\n\n{{ two }}"))
    assert linecache.cache.get("<string>") is known


def test_functions_of_a_template_show_their_line_too() -> None:
    source = "{% set def f(x): return 1/x %}\n{{ f(0) }}"
    shown = trace(DictLoader({"t": "\n{% include 'i' %}", "i": source}).load("t"))
    assert '  File "i", line 2, in _tt_execute' in shown
    assert '  File "i", line 1, in f' in shown


def test_what_cannot_be_loaded_says_who_wanted_it() -> None:
    loader = DictLoader(
        {"t.html": "\n{% include 'nope' %}", "b.html": "{% include 'bad.html' %}", "bad.html": "{{"}
    )
    with pytest.raises(KeyError) as caught:
        loader.load("t.html")
    assert caught.value.__notes__ == ["{% include %} of 'nope' at t.html:2"]
    with pytest.raises(ParseError, match=r"Missing end expression }} at bad\.html:1"):
        loader.load("b.html")


def test_a_template_that_extends_cannot_be_included() -> None:
    loader = DictLoader({"t": "\n{% include 'c' %}", "c": "{% extends 'b' %}", "b": ""})
    with pytest.raises(ParseError, match=r"c extends another template: .* at t:2"):
        loader.load("t")


@pytest.mark.parametrize(
    "templates",
    [
        {"t": "{% include 't' %}"},
        {"t": "{% extends 't' %}"},
        {"t": "{% extends 'b' %}", "b": "{% include 'c' %}", "c": "{% include 't' %}"},
    ],
)
def test_a_circle_is_refused(templates: dict[str, str]) -> None:
    loader = DictLoader(templates)
    with pytest.raises(ParseError, match="template extends or includes itself") as caught:
        loader.load("t")
    assert caught.value.message.count("t -> ") == 1
    assert " -> t)" in caught.value.message
    with pytest.raises(ParseError):
        loader.load("t")


def test_an_error_leaves_no_reference_to_the_working_directory() -> None:
    # A template called like a file here isn't shown as that file.
    name = os.path.basename(__file__)
    shown = trace(Template("one\n{{ nope }}", name=name))
    assert f'  File "{name}", line 2, in _tt_execute\n    {{{{ nope }}}}' in shown
