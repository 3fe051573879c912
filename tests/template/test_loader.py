from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from framework.template import BaseLoader, DictLoader, Loader, ParseError, Template


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "t.html").write_text("T")
    (root / "sub/a.html").write_text('{% include "b.html" %}{% include "../t.html" %}')
    (root / "sub/b.html").write_text("B")
    (tmp_path / "out.html").write_text("OUT")
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2/x.html").write_text("X")
    return root


def test_names_are_relative_to_the_root_or_to_the_template(root: Path) -> None:
    loader = Loader(str(root))
    assert loader.root == str(root)
    assert loader.load("t.html").generate() == b"T"
    assert loader.load("sub/a.html").generate() == b"BT"
    assert loader.load("a.html", "sub/b.html").generate() == b"BT"
    assert loader.load("./t.html").generate() == b"T"
    assert set(loader.templates) == {"t.html", "sub/a.html", "sub/b.html", "./t.html"}


def test_absolute_names_are_paths(root: Path) -> None:
    loader = Loader(str(root))
    assert loader.load(str(root / "t.html")).generate() == b"T"
    outside = str(root.parent / "out.html")
    assert loader.load(outside).generate() == b"OUT"
    assert loader.load(outside, "t.html").name == outside


@pytest.mark.parametrize("name", ["../out.html", "sub/../../out.html", "../root2/x.html", "", ".", ".."])
def test_relative_names_stay_inside_the_root(root: Path, name: str) -> None:
    with pytest.raises(OSError):
        Loader(str(root)).load(name)


def test_a_template_cannot_include_what_is_outside_by_a_relative_name(root: Path) -> None:
    (root / "i.html").write_text('{% include "../out.html" %}')
    with pytest.raises(FileNotFoundError, match="leads out of the loader's directory"):
        Loader(str(root)).load("i.html")


def test_what_is_no_template(root: Path) -> None:
    loader = Loader(str(root))
    with pytest.raises(FileNotFoundError):
        loader.load("nope.html")
    with pytest.raises(IsADirectoryError):
        loader.load("sub")
    with pytest.raises(ValueError, match="null byte"):
        loader.load("a\0b")
    (root / "bad.html").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        loader.load("bad.html")


@pytest.mark.parametrize(
    ("name", "parent", "expected"),
    [
        ("a", "b", "a"),
        ("a", "x/b", "x/a"),
        ("../a", "x/b", "a"),
        ("/a", "x/b", "/a"),
        ("a", "<string>", "a"),
        ("a", "/x/b", "a"),
        ("a", None, "a"),
        ("./a", "b", "a"),
        ("x/../a", "q/b", "q/a"),
        ("x//a", "q//b", "q/x/a"),
    ],
)
def test_names_are_resolved_against_the_parent(name: str, parent: str | None, expected: str) -> None:
    assert DictLoader({}).resolve_path(name, parent) == expected
    assert Loader("/somewhere").resolve_path(name, parent) == expected


def test_names_that_lead_out_are_left_as_they_are(root: Path) -> None:
    assert Loader(str(root)).resolve_path("../../a", "x/b") == "../../a"
    assert Loader(str(root)).resolve_path("../../root2/x.html", "x/b") == "../../root2/x.html"
    assert DictLoader({}).resolve_path("../../a", "x/b") == "../a"
    assert Loader("/").resolve_path("a", "x/b") == "x/a"


def test_templates_are_kept_until_a_reset(root: Path) -> None:
    loader = Loader(str(root))
    first = loader.load("t.html")
    (root / "t.html").write_text("new")
    assert loader.load("t.html") is first
    loader.reset()
    assert loader.load("t.html").generate() == b"new"


def test_the_settings_of_the_loader_are_those_of_its_templates() -> None:
    loader = DictLoader(
        {"t.html": "{{ x }}\n y"}, autoescape=None, namespace={"x": "<"}, whitespace="oneline"
    )
    template = loader.load("t.html")
    assert (template.autoescape, template.namespace, template.loader) == (None, {"x": "<"}, loader)
    assert template.generate() == b"< y"
    own = Template("{{ x }}", loader=loader, autoescape="xhtml_escape")
    assert own.generate() == b"&lt;"
    assert Template("{{ '<' }}", autoescape="").generate() == b"<"


def test_a_missing_template_of_a_dict_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="nope"):
        DictLoader({}).load("nope")


def test_a_loader_of_ones_own() -> None:
    asked: list[tuple[str, str | None]] = []

    class Own(BaseLoader):
        def resolve_path(self, name: str, parent_path: str | None = None) -> str:
            asked.append((name, parent_path))
            return "R" + name

        def _create_template(self, name: str) -> Template:
            return Template('{% include "z" %}' if name == "Rx" else "zz", name=name, loader=self)

    assert Own().load("x").generate() == b"zz"
    assert asked == [("x", None), ("z", "Rx")]
    with pytest.raises(NotImplementedError, match="BaseLoader has to define resolve_path"):
        BaseLoader().load("x")
    with pytest.raises(NotImplementedError, match="BaseLoader has to define _create_template"):
        BaseLoader()._create_template("x")


def test_a_loader_needs_only_load_and_the_settings() -> None:
    class Minimal:
        autoescape: str | None = None
        namespace: dict[str, object] = {}  # noqa: RUF012
        whitespace: str | None = None

        def load(self, name: str, parent_path: str | None = None) -> Template:
            return Template(f"{name}<{parent_path}", loader=self)

    assert Template('{% include "q" %}', "dir/me.html", loader=Minimal()).generate() == b"q<dir/me.html"


def test_threads_share_one_compilation() -> None:
    created: list[str] = []
    gate = threading.Event()

    class Slow(DictLoader):
        def _create_template(self, name: str) -> Template:
            created.append(name)
            gate.wait()
            return super()._create_template(name)

    loader = Slow({"t": "{% include 'i' %}", "i": "I"})
    pages: list[bytes] = []
    threads = [threading.Thread(target=lambda: pages.append(loader.load("t").generate())) for _ in range(5)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert pages == [b"I"] * 5
    assert sorted(created) == ["i", "t"]


def test_a_mistake_is_not_kept() -> None:
    loader = DictLoader({"t": "{{"})
    with pytest.raises(ParseError):
        loader.load("t")
    loader.dict["t"] = "fine"
    assert loader.load("t").generate() == b"fine"


def test_line_endings_of_a_file_stay_in_the_mode_all(root: Path) -> None:
    (root / "crlf.txt").write_bytes(b"a\r\nb\rc")
    assert Loader(str(root)).load("crlf.txt").generate() == b"a\r\nb\rc"
    assert os.sep == "/"
