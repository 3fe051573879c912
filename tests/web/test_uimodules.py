"""UI modules on pages: what they render, and what they bring along."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from framework.template import DictLoader
from framework.web import Application, RequestHandler, TemplateModule, UIModule
from framework.web.uimodules import is_absolute
from tests.web.conftest import TalkTo
from tests.web.talk import get


class Plain(UIModule):
    def render(self, text: str = "plain") -> str:
        return f"<i>{text}</i>"


class Styled(UIModule):
    def render(self, number: int = 1) -> str:
        return f"<a{number}>"

    def embedded_javascript(self) -> str:
        return "a();"

    def javascript_files(self) -> Any:
        return "a.js"

    def embedded_css(self) -> str:
        return ".a{}"

    def css_files(self) -> Iterable[str]:
        return ["a.css", "/abs/a.css", "http://x/a.css", "a.css"]

    def html_head(self) -> str:
        return "<!--ah-->"

    def html_body(self) -> str:
        return "<!--ab-->"


class Other(Styled):
    def render(self) -> bytes:  # type: ignore[override] # its own arguments
        return b"<b>"

    def embedded_javascript(self) -> str:
        return "b();\n"

    def javascript_files(self) -> Any:
        return (b"https://h/b.js", "a.js", "//pr/x.js")

    def embedded_css(self) -> Any:
        return b".b{}"

    def css_files(self) -> Iterable[str]:
        return (name for name in ("b.css", "a.css"))

    def html_head(self) -> Any:
        return b"<!--bh-->\n"

    def html_body(self) -> str:
        return "<!--bb-->"


class Empty(UIModule):
    pass


class Templated(UIModule):
    def render(self) -> bytes:
        return self.render_string(
            "inner.html", user=self.current_user, url=self.request.path, name=self.locale.code
        )


PAGES = {
    "plain.html": "{% module Plain() %}{% module Plain('<x>') %}{{ modules.Plain('a') }}"
    "{% raw modules['Plain']('b') %}",
    "kept.html": "{% set f = modules.Plain %}{% raw f() %}{% raw f('again') %}",
    "both.html": "<html><head><title>x</title></head><body>{% module Styled() %}{% module Other() %}"
    "{% module Styled(2) %}</body></html>",
    "twice.html": "<head></head></head>{% module Styled() %}</body></body>",
    "no-body.html": "<head></head>{% module Styled() %}",
    "no-head.html": "{% module Styled() %}</body>",
    "unused.html": "{% if 0 %}{% module Styled() %}{% end %}{{ modules.Styled is not None }}",
    "unknown.html": "{% module Nope() %}",
    "empty.html": "{% module Empty() %}",
    "templated.html": "{% module Templated() %}",
    "inner.html": "{{ user }} {{ url }} {{ name }} {{ handler is not None }}",
    "builtin.html": '{% module linkify("http://x.com <b>", shorten=True) %}|{% module xsrf_form_html() %}',
    "template.html": '<head></head>{% module Template("t1.html", a=1) %}{% module Template("t2.html") %}'
    '{% module Template("t1.html", a=2) %}</body>',
    "t1.html": '{{ set_resources(embedded_css=".t{}", embedded_javascript="t()", css_files="t.css", '
    'javascript_files=["t.js"], html_head="1h", html_body="1b") }}[{{ a }}]',
    "t2.html": '{{ set_resources(embedded_css=b".u{}", html_head=b"2h", html_body="2b", '
    'css_files=["u.css", "t.css"], javascript_files=("t.js", "u.js"), embedded_javascript="u()") }}<2>',
    "differing.html": '{% for i in [1, 2] %}{% module Template("t3.html", i=i) %}{% end %}',
    "t3.html": "{{ set_resources(embedded_css=str(i)) }}",
    "unasked.html": "{{ set_resources(embedded_css='x') }}",
    "outer-names.html": '{% set x = 1 %}{% module Template("names.html") %}',
    "names.html": "{{ x }}",
    "methods.html": "{{ shout('a') }}{% raw handler.ui['shout']('<b>') %}",
}


def shout(handler: RequestHandler, text: str) -> str:
    return f"{type(handler).__name__}:{text.upper()}"


MODULES = [{"Plain": Plain, "Styled": Styled, "Other": Other}, {"Empty": Empty, "Templated": Templated}]


class Page(RequestHandler):
    def get(self, name: str) -> None:
        try:
            self.render(name)
        except Exception as error:
            self.set_status(400)
            self.finish(f"{type(error).__name__}: {error}")

    def get_current_user(self) -> str:
        return "<u>"


Render = Callable[..., Any]


@pytest.fixture
def render(talk_to: TalkTo) -> Render:
    """Renders a page with a handler; gives its text."""

    async def fetch(name: str, handler: type[RequestHandler] = Page) -> str:
        application = Application(
            [(r"/(.*)", handler)],
            template_loader=DictLoader(PAGES),
            static_path="/nonexistent",
            ui_modules=MODULES,
            ui_methods={"shout": shout},
            log_function=lambda handler: None,
        )
        text: str = (await talk_to(application).ask(get("/" + name))).text
        return text

    return fetch


async def test_a_module_is_put_in_unescaped(render: Render) -> None:
    assert await render("plain.html") == "<i>plain</i><i><x></i>&lt;i&gt;a&lt;/i&gt;<i>b</i>"


async def test_a_module_may_be_kept_under_a_name(render: Render) -> None:
    assert await render("kept.html") == "<i>plain</i><i>again</i>"


async def test_what_modules_need_is_put_in_once_and_in_order(render: Render) -> None:
    assert await render("both.html") == (
        '<html><head><title>x</title><link href="/static/a.css" type="text/css" rel="stylesheet"/>'
        '<link href="/abs/a.css" type="text/css" rel="stylesheet"/>'
        '<link href="http://x/a.css" type="text/css" rel="stylesheet"/>'
        '<link href="/static/b.css" type="text/css" rel="stylesheet"/>\n'
        '<style type="text/css">\n.a{}\n.b{}\n</style>\n<!--ah--><!--bh-->\n\n</head><body><a1><b><a2>'
        '<script src="/static/a.js" type="text/javascript"></script>'
        '<script src="https://h/b.js" type="text/javascript"></script>'
        '<script src="//pr/x.js" type="text/javascript"></script>\n'
        '<script type="text/javascript">\n//<![CDATA[\na();\nb();\n\n//]]>\n</script>\n'
        "<!--ab--><!--bb-->\n</body></html>"
    )


async def test_the_first_head_and_the_last_body_get_it(render: Render) -> None:
    page = await render("twice.html")
    assert page.index("<style") < page.index("</head>")
    assert page.index("</body>") < page.index("<script") < page.rindex("</body>")


async def test_a_page_without_a_place_for_it_says_so(render: Render) -> None:
    assert await render("no-body.html") == (
        "ValueError: the page has no </body> to put the JavaScript or body HTML of its UI modules before"
    )
    assert await render("no-head.html") == (
        "ValueError: the page has no </head> to put the CSS or head HTML of its UI modules before"
    )


async def test_a_module_that_is_not_rendered_has_no_part_in_the_page(render: Render) -> None:
    assert await render("unused.html") == "True"


async def test_an_unknown_module_is_named(render: Render) -> None:
    message = await render("unknown.html")
    assert message.startswith("AttributeError: no UI module 'Nope' in the setting ui_modules, only Empty, ")


async def test_a_module_has_to_render(render: Render) -> None:
    assert await render("empty.html") == "NotImplementedError: Empty has to define render"


async def test_a_module_may_render_a_template(render: Render) -> None:
    assert await render("templated.html") == "&lt;u&gt; /templated.html en_US True"


async def test_the_modules_that_are_always_there(render: Render) -> None:
    link, form = (await render("builtin.html")).split("|", 1)
    assert link == '<a href="http://x.com">http://x.com</a> &lt;b&gt;'
    assert form.startswith('<input type="hidden" name="_xsrf" value="2|')


async def test_a_template_may_be_a_module(render: Render) -> None:
    assert await render("template.html") == (
        '<head><link href="/static/t.css" type="text/css" rel="stylesheet"/>'
        '<link href="/static/u.css" type="text/css" rel="stylesheet"/>\n'
        '<style type="text/css">\n.t{}\n.u{}\n</style>\n1h2h\n</head>[1]<2>[2]'
        '<script src="/static/t.js" type="text/javascript"></script>'
        '<script src="/static/u.js" type="text/javascript"></script>\n'
        '<script type="text/javascript">\n//<![CDATA[\nt()\nu()\n//]]>\n</script>\n1b2b\n</body>'
    )


async def test_a_template_module_has_the_same_resources_each_time(render: Render) -> None:
    message = "ValueError: set_resources called with different resources for the same template"
    assert await render("differing.html") == message


async def test_set_resources_is_known_in_template_modules_only(render: Render) -> None:
    assert "'set_resources' is not defined" in await render("unasked.html")


async def test_a_template_module_does_not_see_the_pages_names(render: Render) -> None:
    assert "'x' is not defined" in await render("outer-names.html")


async def test_ui_methods_are_called_with_the_handler(render: Render) -> None:
    assert await render("methods.html") == "Page:APage:<B>"


async def test_a_handler_may_render_the_elements_itself(render: Render) -> None:
    class Own(Page):
        def render_embed_css(self, css_embed: Iterable[bytes]) -> bytes:
            return b"CSS%d" % len(list(css_embed))

        def render_linked_js(self, js_files: Iterable[str]) -> str:
            return f"JS{list(js_files)}"

    page = await render("template.html", Own)
    assert "\nCSS1\n" in page
    assert "JS['t.js', 't.js', 'u.js']\n" in page


async def test_the_elements_by_themselves(render: Render) -> None:
    class Elements(Page):
        def get(self, name: str) -> None:
            self.write(self.render_linked_js(["a.js", "/b.js", "a.js"]) + "\n")
            self.write(self.render_linked_css(['a"&.css']) + self.render_linked_css([]) + "\n")
            self.write(self.render_embed_js([b"x", b"y"]) + b"\n" + self.render_embed_css([b"x", b"y"]))

    assert await render("x", Elements) == (
        '<script src="/static/a.js" type="text/javascript"></script>'
        '<script src="/b.js" type="text/javascript"></script>\n'
        '<link href="/static/a&quot;&amp;.css" type="text/css" rel="stylesheet"/>\n'
        '<script type="text/javascript">\n//<![CDATA[\nx\ny\n//]]>\n</script>\n'
        '<style type="text/css">\nx\ny\n</style>'
    )


async def test_a_page_is_rendered_before_the_end(render: Render) -> None:
    class Late(Page):
        def get(self, name: str) -> None:
            self.finish("done")
            with pytest.raises(RuntimeError, match=r"Cannot render\(\) after finish\(\)"):
                self.render("plain.html")

    assert await render("x", Late) == "done"


async def test_the_defaults_of_a_module(render: Render) -> None:
    class Defaults(Page):
        def get(self, name: str) -> None:
            module = UIModule(self)
            resources = (
                module.embedded_javascript(), module.javascript_files(), module.embedded_css(),
                module.css_files(), module.html_head(), module.html_body(),
            )  # fmt: skip
            assert resources == (None,) * 6
            assert (module.handler, module.request, module.ui) == (self, self.request, self.ui)
            template = TemplateModule(self)
            assert (template.css_files(), template.javascript_files()) == ([], [])
            assert (template.embedded_css(), template.html_head()) == ("", "")
            self.write("fine")

    assert await render("x", Defaults) == "fine"


@pytest.mark.parametrize(
    ("url", "expected"),
    [("/x", True), ("//h/x", True), ("http://h", True), ("https://h", True), ("x/y.js", False), ("", False)],
)
def test_urls_that_stand_for_themselves(url: str, expected: bool) -> None:
    assert is_absolute(url) is expected
