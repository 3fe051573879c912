"""Pages of a handler: templates, their names, locale, static URLs."""

from __future__ import annotations

import os
import re
import sys
import threading
from asyncio import Future
from functools import partial
from typing import TYPE_CHECKING, Any

import framework
from framework import locale as locales
from framework.util import ObjectDict
from framework.web.uimodules import (
    ModuleNamespace,
    complete_page,
    embed_css,
    embed_js,
    linked_css,
    linked_js,
)

if TYPE_CHECKING:
    from framework.template import BaseLoader
    from framework.web.handler import RequestHandler

__all__ = [
    "browser_locale",
    "create_loader",
    "embed_css",
    "embed_js",
    "linked_css",
    "linked_js",
    "namespace",
    "render",
    "render_string",
    "static_url",
    "ui_namespace",
    "xsrf_form_html",
]

# A language range and its weight (RFC 9110 section 12.4.2).
_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")

_lock = threading.Lock()


def browser_locale(accept_language: str | None, default: str) -> locales.Locale:
    """The locale that an Accept-Language header asks for most; what is weighted 0 is never taken."""
    if accept_language is not None:
        weighted = []
        for entry in accept_language.split(","):
            code, _, parameters = entry.strip().partition(";")
            weight = 1.0
            if parameters:
                match = _WEIGHT.match(parameters.strip())
                weight = float(match.group(1)) if match else 0.0
            if weight > 0:
                weighted.append((code.strip(), weight))
        if weighted:
            weighted.sort(key=lambda pair: pair[1], reverse=True)
            return locales.get(*[code for code, _ in weighted])
    return locales.get(default)


def template_folder(handler: RequestHandler, depth: int) -> str:
    """The folder a handler's templates are in: the setting's, or that of the file that asked for one."""
    path = handler.get_template_path()
    if path:
        return path
    # The caller outside of this package, whoever rendered.
    frame = sys._getframe(depth)
    own = os.path.dirname(__file__)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == own:
        frame = frame.f_back
    return os.path.dirname(frame.f_code.co_filename)


def loader_for(handler: RequestHandler, folder: str) -> BaseLoader:
    """The loader of a folder, made once for an application."""
    loaders = handler.application.template_loaders
    loader = loaders.get(folder)
    if loader is not None and not handler.application.settings.get("compiled_template_cache", True):
        # What was changed on disk is seen by the next page.
        loader.reset()
    if loader is None:
        with _lock:
            loader = loaders.get(folder)
            if loader is None:
                loader = loaders[folder] = handler.create_template_loader(folder)
    return loader


def create_loader(handler: RequestHandler, folder: str) -> BaseLoader:
    """A loader by the application's settings."""
    settings = handler.application.settings
    if "template_loader" in settings:
        given: BaseLoader = settings["template_loader"]
        return given
    options: dict[str, Any] = {}
    if "autoescape" in settings:
        # None means no escaping, so that it is not the same as a missing setting.
        options["autoescape"] = settings["autoescape"]
    if "template_whitespace" in settings:
        options["whitespace"] = settings["template_whitespace"]
    # Loaded with the first page: the compiler is a tenth of all there is to load, and many programs have no pages.
    loader: BaseLoader = framework.template.Loader(folder, **options)
    return loader


def render(handler: RequestHandler, template_name: str, names: dict[str, Any]) -> Future[None]:
    """Answers with a template, completed with what its UI modules need."""
    if handler._finished:
        raise RuntimeError("Cannot render() after finish()")
    html = handler.render_string(template_name, **names)
    modules: ModuleNamespace = handler.ui["modules"]
    if modules.active:
        html = complete_page(handler, html, list(modules.active.values()))
    return handler.finish(html)


def render_string(handler: RequestHandler, template_name: str, names: dict[str, Any]) -> bytes:
    """A template with a handler's names and further ones."""
    loader = loader_for(handler, template_folder(handler, 2))
    template = loader.load(template_name)
    known = handler.get_template_namespace()
    known.update(names)
    return template.generate(**known)


def namespace(handler: RequestHandler) -> dict[str, Any]:
    """The names that templates of a handler know beside those of every template."""
    return {
        "handler": handler,
        "request": handler.request,
        "current_user": handler.current_user,
        "locale": handler.locale,
        "_": handler.locale.translate,
        "pgettext": handler.locale.pgettext,
        "static_url": handler.static_url,
        "xsrf_form_html": handler.xsrf_form_html,
        "reverse_url": handler.reverse_url,
        **handler.ui,
    }


def xsrf_form_html(handler: RequestHandler) -> str:
    """The XSRF token as a hidden field."""
    return f'<input type="hidden" name="_xsrf" value="{handler.xsrf_token.decode("ascii")}"/>'


def static_url(handler: RequestHandler, path: str, include_host: bool | None, options: dict[str, Any]) -> str:
    """The URL of a static file by the application's static handler class."""
    handler.require_setting("static_path", "static_url")
    if include_host is None:
        include_host = getattr(handler, "include_host", False)
    make = handler.settings.get(
        "static_handler_class", handler.application.static_handler_class
    ).make_static_url
    base = f"{handler.request.protocol}://{handler.request.host}" if include_host else ""
    url: str = base + make(handler.settings, path, **options)
    return url


def ui_namespace(handler: RequestHandler) -> ObjectDict:
    """The application's UI methods bound to a handler, and its modules."""
    modules = ModuleNamespace(handler, handler.application.ui_modules)
    # `{% module X() %}` is compiled to the first name.
    found = ObjectDict(_tt_modules=modules, modules=modules)
    for name, method in handler.application.ui_methods.items():
        found[name] = partial(method, handler)
    return found
