"""Templates: text with Python in it, compiled to Python.

    t = Template("<html>{{ myvalue }}</html>")
    t.generate(myvalue="XXX")

    loader = Loader("/path/to/templates")
    loader.load("test.html").generate(myvalue="XXX")

`{{ expression }}` puts a value into the page, escaped. `{% raw expression %}` doesn't escape it.
`{% if %}`, `{% for %}`, `{% while %}` and `{% try %}` are Python's, with their `elif`, `else`,
`except`, `finally`, `break` and `continue`, and end with `{% end %}`. `{% set x = 1 %}` and
`{% import x %}` run a statement. `{% extends name %}` replaces the parent's `{% block name %}`,
`{% include name %}` puts another template here, `{% apply function %}` gives what it encloses to a
function, `{% module Name() %}` renders a UI module, `{% autoescape function %}` and
`{% whitespace mode %}` set a mode for the file. `{# #}` and `{% comment %}` are comments. `{{!`,
`{%!` and `{#!` are the markers themselves.

Templates may run any Python: they are code, to be kept like code.
"""

from __future__ import annotations

from framework.template.errors import ParseError
from framework.template.loader import BaseLoader, DictLoader, Loader
from framework.template.template import Template
from framework.template.whitespace import filter_whitespace

__all__ = ["BaseLoader", "DictLoader", "Loader", "ParseError", "Template", "filter_whitespace"]
