"""Loaders: find templates by name, and keep them compiled."""

from __future__ import annotations

import errno
import os
import posixpath
import threading
from typing import Any

from framework.template.errors import ParseError
from framework.template.template import Template

__all__ = ["BaseLoader", "DictLoader", "Loader"]


class BaseLoader:
    """What loaders have in common. A loader of one's own has `resolve_path` and `_create_template`.

    `autoescape` is the name of a function of the template namespace, or None to escape nothing;
    `namespace` is added to the namespace of every template; `whitespace` is a mode of
    `filter_whitespace`, where None means `single` for `.html` and `.js` and `all` for other names.

    Loaders may be used from several threads.
    """

    def __init__(
        self,
        autoescape: str | None = "xhtml_escape",
        namespace: dict[str, Any] | None = None,
        whitespace: str | None = None,
    ) -> None:
        self.autoescape = autoescape
        self.namespace = namespace or {}
        self.whitespace = whitespace
        self.templates: dict[str, Template] = {}
        # Re-entrant: a template loads what it extends and includes while it is loaded.
        self.lock = threading.RLock()
        self._loading: list[str] = []

    def reset(self) -> None:
        """Forget the compiled templates: each is read again when it is next needed."""
        with self.lock:
            self.templates = {}

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """The name under which a template is kept that the template `parent_path` calls `name`."""
        raise NotImplementedError(f"{type(self).__name__} has to define resolve_path")

    def load(self, name: str, parent_path: str | None = None) -> Template:
        """The template `name`, compiled. Names in the template `parent_path` are relative to it.

        Raises ParseError for a mistake in it, and FileNotFoundError or KeyError where there is none.
        """
        name = self.resolve_path(name, parent_path=parent_path)
        template = self.templates.get(name)
        if template is not None:
            return template
        with self.lock:
            if name not in self.templates:
                if name in self._loading:
                    circle = " -> ".join([*self._loading[self._loading.index(name) :], name])
                    raise ParseError(f"template extends or includes itself ({circle})", name, 1)
                self._loading.append(name)
                try:
                    self.templates[name] = self._create_template(name)
                finally:
                    self._loading.pop()
            return self.templates[name]

    def _create_template(self, name: str) -> Template:
        raise NotImplementedError(f"{type(self).__name__} has to define _create_template")


class Loader(BaseLoader):
    """Loads templates from the directory `root_directory`; `kwargs` are those of `BaseLoader`.

    Names are paths relative to the directory, or absolute. In a template, names are relative to its
    own directory. A relative name that leads out of the directory is refused as though there were no
    such file.
    """

    def __init__(self, root_directory: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.root = os.path.abspath(root_directory)

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """`name` relative to the root directory, or as it is where it is absolute."""
        if _is_relative(name, parent_path):
            directory = os.path.dirname(os.path.join(self.root, parent_path or ""))
            path = os.path.abspath(os.path.join(directory, name))
            if path.startswith(os.path.join(self.root, "")):
                return path[len(os.path.join(self.root, "")) :]
        return name

    def _create_template(self, name: str) -> Template:
        path = os.path.join(self.root, name)
        if not os.path.isabs(name) and not os.path.abspath(path).startswith(os.path.join(self.root, "")):
            raise FileNotFoundError(errno.ENOENT, "Template name leads out of the loader's directory", path)
        with open(path, "rb") as file:
            return Template(file.read(), name=name, loader=self, path=path)


class DictLoader(BaseLoader):
    """Loads templates from the dictionary `dict` of names and sources, mostly in tests."""

    def __init__(self, dict: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dict = dict

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """`name` relative to the directory part of `parent_path`."""
        if _is_relative(name, parent_path):
            return posixpath.normpath(posixpath.join(posixpath.dirname(parent_path or ""), name))
        return name

    def _create_template(self, name: str) -> Template:
        return Template(self.dict[name], name=name, loader=self)


def _is_relative(name: str, parent_path: str | None) -> bool:
    # `<string>` and the like have no directory.
    return bool(parent_path) and not name.startswith("/") and not str(parent_path).startswith(("<", "/"))
