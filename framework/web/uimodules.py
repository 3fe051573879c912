"""UI modules: pieces of pages that bring their own CSS and JavaScript.

`{% module Entry(entry) %}` renders one. When the page is complete, what all the modules on it need is put
into it, each once: style sheets and head HTML before the first `</head>`, scripts and body HTML before the
last `</body>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from framework.escape import linkify, to_unicode, utf8, xhtml_escape

if TYPE_CHECKING:
    from framework.httputil.request import HTTPServerRequest
    from framework.locale import Locale
    from framework.web.handler import RequestHandler

__all__ = [
    "BUILT_IN_MODULES",
    "ModuleNamespace",
    "TemplateModule",
    "UIModule",
    "complete_page",
    "embed_css",
    "embed_js",
    "is_absolute",
    "linked_css",
    "linked_js",
]


class UIModule:
    """A piece of a page. A subclass has a `render`; its other methods say what else the page needs.

    An object is made for each page the module is on, however often it is on it, with the handler that
    renders the page, its request, its `ui` and its locale.
    """

    handler: RequestHandler
    request: HTTPServerRequest
    ui: Any
    locale: Locale

    def __init__(self, handler: RequestHandler) -> None:
        self.handler = handler
        self.request = handler.request
        self.ui = handler.ui
        self.locale = handler.locale

    @property
    def current_user(self) -> Any:
        """The user of the handler."""
        return self.handler.current_user

    def render(self, *args: Any, **kwargs: Any) -> str | bytes:
        """The HTML of the module; the arguments are those in the template. It isn't escaped."""
        raise NotImplementedError(f"{type(self).__name__} has to define render")

    def embedded_javascript(self) -> str | None:
        """JavaScript to put into the page."""
        return None

    def javascript_files(self) -> Iterable[str] | None:
        """URLs of scripts, or paths for `static_url`: one or several."""
        return None

    def embedded_css(self) -> str | None:
        """CSS to put into the page."""
        return None

    def css_files(self) -> Iterable[str] | None:
        """URLs of style sheets, or paths for `static_url`: one or several."""
        return None

    def html_head(self) -> str | None:
        """HTML for the end of the page's head."""
        return None

    def html_body(self) -> str | None:
        """HTML for the end of the page's body."""
        return None

    def render_string(self, path: str, **kwargs: Any) -> bytes:
        """A template, rendered for the module's `render`."""
        return self.handler.render_string(path, **kwargs)


class _Linkify(UIModule):
    def render(self, text: str, **kwargs: Any) -> str:
        return linkify(text, **kwargs)


class _XSRFFormHTML(UIModule):
    def render(self) -> str:
        return self.handler.xsrf_form_html()


class TemplateModule(UIModule):
    """`{% module Template("file.html", x=1) %}`: a template as a module.

    It knows the names of every template and its own arguments, and `set_resources`, by which it says what
    the methods of a module class would: `embedded_css`, `css_files` and so on.
    """

    def __init__(self, handler: RequestHandler) -> None:
        super().__init__(handler)
        self._resources: dict[str, dict[str, Any]] = {}

    def render(self, path: str, **kwargs: Any) -> bytes:
        """The template `path` with `kwargs`."""

        def set_resources(**resources: Any) -> str:
            if self._resources.setdefault(path, resources) != resources:
                raise ValueError("set_resources called with different resources for the same template")
            return ""

        return self.render_string(path, set_resources=set_resources, **kwargs)

    def _get(self, name: str) -> list[Any]:
        return [resources[name] for resources in self._resources.values() if resources.get(name)]

    def embedded_javascript(self) -> str:
        """The JavaScript of all the templates."""
        return "\n".join(map(to_unicode, self._get("embedded_javascript")))

    def javascript_files(self) -> Iterable[str]:
        """The scripts of all the templates."""
        return [file for files in self._get("javascript_files") for file in _several(files)]

    def embedded_css(self) -> str:
        """The CSS of all the templates."""
        return "\n".join(map(to_unicode, self._get("embedded_css")))

    def css_files(self) -> Iterable[str]:
        """The style sheets of all the templates."""
        return [file for files in self._get("css_files") for file in _several(files)]

    def html_head(self) -> str:
        """The head HTML of all the templates."""
        return "".join(map(to_unicode, self._get("html_head")))

    def html_body(self) -> str:
        """The body HTML of all the templates."""
        return "".join(map(to_unicode, self._get("html_body")))


BUILT_IN_MODULES: dict[str, type[UIModule]] = {
    "linkify": _Linkify,
    "xsrf_form_html": _XSRFFormHTML,
    "Template": TemplateModule,
}


class ModuleNamespace:
    """The modules of an application for one page: `modules.Entry(...)` renders one.

    `classes` are the application's, by name; `active` are the objects of those that were used, in order.
    """

    __slots__ = ("_classes", "_handler", "active")

    def __init__(self, handler: RequestHandler, classes: dict[str, type[UIModule]]) -> None:
        self._handler = handler
        self._classes = classes
        self.active: dict[str, UIModule] = {}

    def __getitem__(self, name: str) -> Callable[..., str | bytes]:
        module = self.active.get(name)
        if module is None:
            module_class = self._classes[name]

            def first(*args: Any, **kwargs: Any) -> str | bytes:
                # Not before it is called: a module that isn't rendered has no part in the page.
                module = self.active.get(name)
                if module is None:
                    module = self.active[name] = module_class(self._handler)
                return module.render(*args, **kwargs)

            return first
        return module.render

    def __getattr__(self, name: str) -> Callable[..., str | bytes]:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(sorted(self._classes))
            raise AttributeError(
                f"no UI module {name!r} in the setting ui_modules, only {known}", name=name, obj=self
            ) from None


def _several(value: Any) -> list[str]:
    """One file or several, each as text."""
    return [to_unicode(item) for item in ([value] if isinstance(value, str | bytes) else value)]


def complete_page(handler: RequestHandler, html: bytes, modules: Iterable[UIModule]) -> bytes:
    """A page with what its modules need, put together by the handler's `render_` methods.

    Raises ValueError where they need something and the page has no place for it.
    """
    js_embed: list[bytes] = []
    js_files: list[str] = []
    css_embed: list[bytes] = []
    css_files: list[str] = []
    heads: list[bytes] = []
    bodies: list[bytes] = []
    for module in modules:
        if text := module.embedded_javascript():
            js_embed.append(utf8(text))
        if files := module.javascript_files():
            js_files += _several(files)
        if text := module.embedded_css():
            css_embed.append(utf8(text))
        if files := module.css_files():
            css_files += _several(files)
        if text := module.html_head():
            heads.append(utf8(text))
        if text := module.html_body():
            bodies.append(utf8(text))
    ending: list[str | bytes] = []
    if js_files:
        ending.append(handler.render_linked_js(js_files))
    if js_embed:
        ending.append(handler.render_embed_js(js_embed))
    if bodies:
        ending.append(b"".join(bodies))
    head: list[str | bytes] = []
    if css_files:
        head.append(handler.render_linked_css(css_files))
    if css_embed:
        head.append(handler.render_embed_css(css_embed))
    if heads:
        head.append(b"".join(heads))
    if ending:
        html = _insert(html, html.rfind(b"</body>"), ending, "</body>", "JavaScript or body HTML")
    if head:
        html = _insert(html, html.find(b"</head>"), head, "</head>", "CSS or head HTML")
    return html


def _insert(html: bytes, position: int, parts: list[str | bytes], tag: str, what: str) -> bytes:
    if position == -1:
        raise ValueError(f"the page has no {tag} to put the {what} of its UI modules before")
    inserted = b"".join(utf8(part) + b"\n" for part in parts)
    return html[:position] + inserted + html[position:]


def is_absolute(path: str) -> bool:
    """Whether a URL stands for itself, not for a path below the static files."""
    return path.startswith(("/", "http:", "https:"))


def _urls(handler: RequestHandler, files: Iterable[str]) -> list[str]:
    """The URLs of files, each once, ready for an attribute."""
    urls = (file if is_absolute(file) else handler.static_url(file) for file in files)
    return [xhtml_escape(url) for url in dict.fromkeys(urls)]


def linked_js(handler: RequestHandler, js_files: Iterable[str]) -> str:
    """The script elements for some files, each once."""
    urls = _urls(handler, js_files)
    return "".join(f'<script src="{url}" type="text/javascript"></script>' for url in urls)


def embed_js(js_embed: Iterable[bytes]) -> bytes:
    """The script element for some JavaScript."""
    code = b"\n".join(js_embed)
    return b'<script type="text/javascript">\n//<![CDATA[\n' + code + b"\n//]]>\n</script>"


def linked_css(handler: RequestHandler, css_files: Iterable[str]) -> str:
    """The link elements for some style sheets, each once."""
    urls = _urls(handler, css_files)
    return "".join(f'<link href="{url}" type="text/css" rel="stylesheet"/>' for url in urls)


def embed_css(css_embed: Iterable[bytes]) -> bytes:
    """The style element for some CSS."""
    return b'<style type="text/css">\n' + b"\n".join(css_embed) + b"\n</style>"
