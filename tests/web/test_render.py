"""Pages of a handler: templates, their folders, locales, static URLs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework import locale
from framework.httputil import HTTPHeaders, HTTPServerRequest
from framework.template import DictLoader
from framework.web import Application, RequestHandler, StaticFileHandler
from framework.web.render import browser_locale
from tests.web.conftest import TalkTo
from tests.web.talk import get


@pytest.fixture
def languages(tmp_path: Path) -> Iterator[None]:
    """Catalogues of some languages."""
    for code in ("fr", "de_DE", "es"):
        (tmp_path / f"{code}.csv").write_text(f'"hello","{code}"\n')
    locale.load_translations(str(tmp_path))
    yield
    (tmp_path / "none").mkdir()
    locale.load_translations(str(tmp_path / "none"))


@pytest.mark.usefixtures("languages")
@pytest.mark.parametrize(
    ("field", "code"),
    [
        (None, "de_DE"),
        ("fr", "fr"),
        ("fr-FR, de-DE;q=0.5", "fr"),
        ("fr;q=0.2, de-de;q=0.5", "de_DE"),
        ("es;Q=0.9, fr;q=0.8", "es"),
        ("es ; q=0.9 , fr", "fr"),
        ("xx, es;q=0.1", "es"),
        ("xx", "en_US"),
        ("fr;q=0", "de_DE"),
        ("fr;q=much", "de_DE"),
        ("fr;q=1.5", "de_DE"),
        ("fr;level=1", "de_DE"),
        ("", "en_US"),
    ],
)
def test_locale_is_the_one_the_browser_likes_most(field: str | None, code: str) -> None:
    assert browser_locale(field, "de_DE").code == code


class Page(RequestHandler):
    """Renders a template by its name."""

    def get(self, name: str) -> None:
        self.render(name, text="<b>", thing=5)


TEMPLATES = {
    "page.html": "{{ text }} {{ thing }} {{ request.path }} {{ handler.get_status() }} {{ _('hello') }}"
}


async def test_page_knows_the_handler_and_what_it_is_given(talk_to: TalkTo) -> None:
    application = Application([("/(.*)", Page)], template_loader=DictLoader(TEMPLATES))
    reply = talk_to(application).now(get("/page.html"))
    assert reply.text == "&lt;b&gt; 5 /page.html 200 hello"
    assert reply.headers["Content-Type"] == "text/html; charset=UTF-8"


async def test_rendering_after_the_end_is_a_mistake(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    class Late(RequestHandler):
        def get(self) -> None:
            self.finish("over")
            self.render("page.html")

    assert talk_to(Late).now(get()).text == "over"
    assert "Cannot render() after finish()" in caplog.text


async def test_folder_is_the_settings_or_the_handlers_or_that_of_the_code(
    talk_to: TalkTo, tmp_path: Path
) -> None:
    for name in ("setting", "handler"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.html").write_text(name)

    class Own(Page):
        def get_template_path(self) -> str | None:
            return str(tmp_path / "handler")

    rules = [("/own/(.*)", Own), ("/(.*)", Page)]
    talk = talk_to(Application(rules, template_path=str(tmp_path / "setting")))
    assert talk.now(get("/page.html")).text == "setting"
    assert talk.now(get("/own/page.html")).text == "handler"


async def test_templates_are_looked_for_beside_the_code_that_asks(talk_to: TalkTo, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("beside")
    code = tmp_path / "code.py"
    code.write_text(
        "def show(self): self.render('page.html')\ndef text(self): return self.render_string('page.html')"
    )
    names: dict[str, Any] = {}
    exec(compile(code.read_text(), str(code), "exec"), names)

    class Beside(RequestHandler):
        def get(self) -> None:
            assert names["text"](self) == b"beside"
            names["show"](self)

    assert talk_to(Beside).now(get()).text == "beside"


@pytest.mark.parametrize("cached", [True, False])
async def test_loader_is_made_once_and_forgets_where_nothing_is_cached(
    talk_to: TalkTo, tmp_path: Path, cached: bool
) -> None:
    made = []

    class Counting(Page):
        def create_template_loader(self, template_path: str) -> Any:
            made.append(template_path)
            return super().create_template_loader(template_path)

    page = tmp_path / "page.html"
    page.write_text("one")
    application = Application(
        [("/(.*)", Counting)], template_path=str(tmp_path), compiled_template_cache=cached
    )
    talk = talk_to(application)
    assert talk.now(get("/page.html")).text == "one"
    page.write_text("two")
    assert talk.now(get("/page.html")).text == ("one" if cached else "two")
    assert made == [str(tmp_path)]


async def test_settings_of_the_loader(talk_to: TalkTo, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ text }}  x")
    application = Application(
        [("/(.*)", Page)], template_path=str(tmp_path), autoescape=None, template_whitespace="oneline"
    )
    assert talk_to(application).now(get("/page.html")).text == "<b> x"


def test_names_of_ones_own() -> None:
    class Own(RequestHandler):
        def get_template_namespace(self) -> dict[str, Any]:
            return {**super().get_template_namespace(), "own": 5}

    application = Application(
        template_loader=DictLoader({"a": "{{ own }}{{ current_user }}{{ locale.code }}"})
    )
    assert Own(application, HTTPServerRequest("GET", "/")).render_string("a") == b"5Noneen_US"


def test_static_urls(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    application = Application(static_path=str(tmp_path))
    request = HTTPServerRequest("GET", "/", headers=HTTPHeaders({"Host": "example.com"}))
    made = RequestHandler(application, request)
    url = made.static_url("a.txt")
    assert url.startswith("/static/a.txt?v=")
    assert made.static_url("a.txt", include_version=False) == "/static/a.txt"
    assert made.static_url("a.txt", include_host=True) == f"http://example.com{url}"
    made.include_host = True  # type: ignore[attr-defined]
    assert made.static_url("a.txt") == f"http://example.com{url}"
    assert made.static_url("a.txt", include_host=False) == url


def test_static_urls_of_a_handler_class_of_ones_own(tmp_path: Path) -> None:
    class Own(StaticFileHandler):
        @classmethod
        def make_static_url(cls, settings: dict[str, Any], path: str, include_version: bool = True) -> str:
            return f"//cdn/{os.path.basename(settings['static_path'])}/{path}"

    application = Application(static_path=str(tmp_path), static_handler_class=Own)
    made = RequestHandler(application, HTTPServerRequest("GET", "/"))
    assert made.static_url("a.txt") == f"//cdn/{tmp_path.name}/a.txt"
