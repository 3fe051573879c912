"""Templates, their names, translations and UI modules, as the overview has them."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from framework import locale
from framework.template import Loader
from framework.web import Application, RequestHandler, UIModule
from tests.examples.reader import example
from tests.examples.site import Site

overview = partial(example, "overview")


class Page(RequestHandler):
    """Renders the template the path names, with what `names` of the settings has."""

    def get(self, name: str) -> None:
        self.render(name, **self.settings.get("names", {}))


def serve_pages(site: Site, **settings: Any) -> None:
    settings.setdefault("template_path", str(site.folder))
    site.serve(Application([("/item/([0-9]+)", Page, {}, "item"), ("/(.*)", Page)], **settings))


def squeezed(text: str) -> str:
    """A text with each run of white space as one blank."""
    return " ".join(text.split())


async def test_a_template_beside_the_program_is_found_and_filled_in(site: Site) -> None:
    site.write("template.html", overview("template.html"))
    site.serve(Application([("/", site.run(overview("template.py")).MainHandler)]))
    page = await site.get("/")
    assert page.field("Content-Type") == "text/html; charset=UTF-8"
    assert squeezed(page.text) == (
        "<html> <head> <title>My title</title> </head> <body> <ul> <li>Item 1</li> <li>Item 2</li>"
        " <li>Item 3</li> </ul> </body> </html>"
    )


async def test_if_for_while_and_try_end_with_end(site: Site) -> None:
    site.write(
        "page.html",
        "{% if len(items) > 2 %}many{% elif items %}few{% else %}none{% end %}"
        "{% for item in items %} {{ item }}{% end %}"
        "{% set n = 3 %}{% while n %} {{ n }}{% set n -= 1 %}{% end %}"
        "{% try %}{{ items[9] }}{% except IndexError %} no tenth{% else %}!{% finally %}.{% end %}"
        " {{ items[0] }}",
    )
    serve_pages(site, names={"items": ["a", "b", "c"]})
    assert (await site.get("/page.html")).text == "many a b c 3 2 1 no tenth. a"


async def test_a_template_extends_another_and_replaces_its_blocks(site: Site) -> None:
    site.write("base.html", "<h1>{% block title %}Untitled{% end %}</h1>{% block body %}-{% end %}")
    site.write("page.html", '{% extends "base.html" %}{% block body %}<p>{{ text }}</p>{% end %}')
    serve_pages(site, names={"text": "a < b"})
    assert (await site.get("/page.html")).text == "<h1>Untitled</h1><p>a &lt; b</p>"


NAMES = {
    'escape("<&")': "&lt;&amp;",
    'xhtml_escape("\\"")': "&quot;",
    'url_escape("a b/c")': "a+b%2Fc",
    'json_encode({"a": "</script>"})': '{"a": "<\\/script>"}',
    'squeeze(" a    b ")': "a b",
    'linkify("see http://example.org/x")': 'see <a href="http://example.org/x">http://example.org/x</a>',
    "datetime.date(2026, 1, 2).isoformat()": "2026-01-02",
    "handler.request.method": "GET",
    "request.path": "/page.html",
    "request is handler.request": "True",
    "current_user": "ada",
    "locale.code": "en_US",
    "locale is handler.locale": "True",
    '_("hello")': "hello",
    'static_url("a.css").split("=")[0]': "/static/a.css?v",
    "xsrf_form_html()[:27]": '<input type="hidden" name="',
    'reverse_url("item", 7)': "/item/7",
    'shout("ui method")': "UI METHOD by GET",
    "title": "a keyword argument",
}


@pytest.mark.parametrize("expression", NAMES)
async def test_a_template_knows(site: Site, expression: str) -> None:
    class UserPage(Page):
        def get_current_user(self) -> str:
            return "ada"

    def shout(handler: RequestHandler, text: str) -> str:
        return f"{text.upper()} by {handler.request.method}"

    site.write("page.html", "{% raw " + expression + " %}")
    site.write("static/a.css", "a {}")
    application = Application(
        [("/item/([0-9]+)", Page, {}, "item"), ("/(.*)", UserPage)],
        template_path=str(site.folder),
        static_path=str(site.folder / "static"),
        ui_methods={"shout": shout},
        names={"title": "a keyword argument"},
    )
    site.serve(application)
    assert (await site.get("/page.html")).text == NAMES[expression]


async def test_output_is_escaped_unless_told_otherwise(site: Site) -> None:
    site.write("plain.html", "{{ value }} {% raw value %}")
    site.write("off.html", "{% autoescape None %}{{ value }}")
    site.write("other.html", "{% autoescape url_escape %}{{ value }}")
    serve_pages(site, names={"value": "<b>"})
    assert (await site.get("/plain.html")).text == "&lt;b&gt; <b>"
    assert (await site.get("/off.html")).text == "<b>"
    assert (await site.get("/other.html")).text == "%3Cb%3E"
    serve_pages(site, names={"value": "<b>"}, autoescape=None)
    assert (await site.get("/plain.html")).text == "<b> <b>"
    serve_pages(site, names={"value": "<b>"}, autoescape="url_escape")
    assert (await site.get("/plain.html")).text == "%3Cb%3E <b>"
    assert Loader(str(site.folder), autoescape=None).load("plain.html").generate(value="<b>") == b"<b> <b>"


async def test_expressions_are_python_and_fail_as_python_does(site: Site) -> None:
    site.write("page.html", "{{ 1 // 0 }}")
    serve_pages(site, serve_traceback=True)
    page = await site.get("/page.html")
    assert page.status == 500
    assert page.text.splitlines()[-1].startswith("ZeroDivisionError: ")


async def test_templates_are_compiled_once_unless_in_debug_mode(site: Site) -> None:
    for debug, expected in ((False, "before"), (True, "after")):
        site.write("page.html", "before")
        serve_pages(site, debug=debug, autoreload=False)
        assert (await site.get("/page.html")).text == "before"
        site.write("page.html", "after")
        assert (await site.get("/page.html")).text == expected


async def test_without_translations_the_plural_goes_by_the_number(site: Site) -> None:
    site.write("singular.html", overview("singular.html"))
    serve_pages(site, names={"people": ["ada"]})
    assert (await site.get("/singular.html")).text == "Translate this string\nA person liked this\n"
    serve_pages(site, names={"people": ["ada", "bob"]})
    assert (await site.get("/singular.html")).text == "Translate this string\n2 people liked this\n"


async def test_a_users_own_locale_goes_before_the_browsers(site: Site) -> None:
    module = site.run(overview("user_locale.py"))

    class Backend:
        def get_user_by_id(self, user_id: bytes) -> SimpleNamespace:
            return SimpleNamespace(prefs={b"1": {"locale": chosen}, b"2": {}}[user_id])

    class WhichHandler(module.BaseHandler):  # type: ignore[misc, name-defined]
        backend = Backend()

        def get(self) -> None:
            self.write(self.locale.code)

        def post(self) -> None:
            self.set_secure_cookie("user", self.get_argument("user"))

    chosen = locale.CSVLocale("fr_CA", {})
    site.serve(Application([("/", WhichHandler)], cookie_secret="a secret"))
    await site.post("/", {"user": "1"})
    assert (await site.get("/", Accept_Language="en")).text == "fr_CA"
    await site.post("/", {"user": "2"})
    assert (await site.get("/", Accept_Language="en")).text == "en_US"


ENTRIES = [SimpleNamespace(id=2, title="Second & last"), SimpleNamespace(id=1, title="First")]


class Database:
    """What the blog asks for its entries."""

    def query(self, statement: str) -> list[SimpleNamespace]:
        assert statement.endswith("ORDER BY date DESC")
        return ENTRIES

    def get(self, statement: str, entry_id: str) -> SimpleNamespace | None:
        return next((entry for entry in ENTRIES if entry.id == int(entry_id)), None)


def serve_blog(site: Site, uimodules: str) -> None:
    page = "<html><head><title>Blog</title></head><body>{}</body></html>"
    for name in ("home.html", "entry.html"):
        site.write(name, page.format(overview(name)))
    site.write("module-entry.html", "<p>{{ entry.title }}{% if show_comments %}: no comments{% end %}</p>")
    module = site.run(overview("blog.py"), uimodules=site.run(uimodules))
    # The document takes the database from a base class that it does not show.
    module.HomeHandler.db = module.EntryHandler.db = Database()
    site.serve(module.application)


async def test_a_ui_module_renders_the_entries_of_both_pages(site: Site) -> None:
    serve_blog(site, overview("uimodules.py"))
    home = squeezed((await site.get("/")).text)
    assert "<body> <p>Second &amp; last</p> <p>First</p> </body>" in home
    assert "<p>First: no comments</p>" in (await site.get("/entry/1")).text
    assert (await site.get("/entry/3")).status == 404


async def test_css_of_a_module_is_in_the_head_once(site: Site) -> None:
    serve_blog(site, overview("uimodules_css.py"))
    home = await site.get("/")
    assert home.text.count("<p>") == 2
    assert home.text.count(".entry { margin-bottom: 1em; }") == 1
    head, _, _ = home.text.partition("</head>")
    assert '<style type="text/css">\n.entry { margin-bottom: 1em; }\n</style>' in head


async def test_css_and_scripts_of_modules_are_linked_and_embedded_in_their_places(site: Site) -> None:
    class Widget(UIModule):
        def render(self, *args: Any, **kwargs: Any) -> str:
            return "<b>widget</b>"

        def css_files(self) -> list[str]:
            return ["widget.css"]

        def javascript_files(self) -> str:
            return "/absolute.js"

        def embedded_javascript(self) -> str:
            return "start();"

    site.write(
        "page.html", "<html><head></head><body>{% module Widget() %}{% module Widget() %}</body></html>"
    )
    site.write("static/widget.css", "b {}")
    serve_pages(site, ui_modules={"Widget": Widget}, static_path=str(site.folder / "static"))
    text = (await site.get("/page.html")).text
    head, _, body = text.partition("</head>")
    assert head.count('<link href="/static/widget.css?v=') == 1
    script = body.partition("<b>widget</b><b>widget</b>")[2]
    assert script.count('<script src="/absolute.js" type="text/javascript"></script>') == 1
    assert script.index("/absolute.js") < script.index("start();") < script.index("</body>")
    assert text.count("start();") == 1


async def test_a_template_may_be_a_module_with_its_resources(site: Site) -> None:
    site.write("module-entry.html", overview("module-entry.html") + "{{ show_comments }}")
    site.write(
        "page.html",
        "<html><head></head><body>" + overview("template_module.html") * 2 + "</body></html>",
    )
    serve_pages(site)
    text = (await site.get("/page.html")).text
    assert text.count(".entry { margin-bottom: 1em; }") == 1
    assert text.index(".entry {") < text.index("</head>")
    assert text.count("<!-- more template html... -->") == 2
    assert text.count("True") == 2


async def test_a_template_module_sees_its_own_arguments_alone(site: Site) -> None:
    site.write("module.html", "{{ request.path }} {{ mine }}")
    site.write("page.html", '{% set mine = 1 %}{% module Template("module.html", mine=2) %}')
    site.write("stranger.html", '{% set mine = 1 %}{% module Template("module.html") %}')
    # `set_resources` is for templates that are invoked as modules.
    site.write("module-entry.html", overview("module-entry.html"))
    site.write("included.html", '{% include "module-entry.html" %}')
    serve_pages(site, serve_traceback=True)
    assert (await site.get("/page.html")).text == "/page.html 2"
    assert "NameError: name 'mine' is not defined" in (await site.get("/stranger.html")).text
    assert "NameError: name 'set_resources' is not defined" in (await site.get("/included.html")).text
