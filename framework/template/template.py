"""One template: parsed, compiled, and ready to make pages."""

from __future__ import annotations

import ast
import os
from types import FunctionType
from typing import Any, Protocol

from framework.template.compiler import compile_document
from framework.template.errors import ParseError
from framework.template.nodes import Document, Extends, Include
from framework.template.parser import parse
from framework.template.runtime import DEFAULT_NAMESPACE, PARTS
from framework.template.whitespace import MODES, default_mode

__all__ = ["Template", "TemplateLoader"]


class _UnsetMarker:
    """The type of arguments that weren't given."""


_UNSET = _UnsetMarker()
_DEFAULT_AUTOESCAPE = "xhtml_escape"


class TemplateLoader(Protocol):
    """What a template needs of its loader."""

    autoescape: str | None
    namespace: dict[str, Any]
    whitespace: str | None

    def load(self, name: str, parent_path: str | None = None) -> Template: ...


class Template:
    """A compiled template: made from its source once, rendered with `generate`.

    `template_string` is the source, UTF-8 where it is bytes; `name` is used in error messages and to
    choose the white space mode; `loader` finds what is extended and included and sets the defaults.
    `autoescape` is the name of the function that `{{ }}` calls, None for none; `whitespace` is one of
    the modes of `filter_whitespace`; `compress_whitespace` is its older form (`single` or `all`).
    `path` is the file that the source was read from, for tracebacks.

    Raises ParseError for a mistake in the template, ValueError for a mistake in the arguments.
    """

    def __init__(
        self,
        template_string: str | bytes,
        name: str = "<string>",
        loader: TemplateLoader | None = None,
        compress_whitespace: bool | _UnsetMarker = _UNSET,
        autoescape: str | _UnsetMarker | None = _UNSET,
        whitespace: str | None = None,
        *,
        path: str | None = None,
    ) -> None:
        if not isinstance(template_string, str | bytes):
            raise TypeError(f"a template is str or bytes, not {type(template_string).__name__}")
        if not isinstance(compress_whitespace, _UnsetMarker):
            if whitespace is not None:
                raise ValueError("cannot set both whitespace and compress_whitespace")
            whitespace = "single" if compress_whitespace else "all"
        if whitespace is None:
            whitespace = (loader.whitespace if loader is not None else None) or default_mode(name)
        if whitespace not in MODES:
            raise ValueError(f"invalid whitespace mode {whitespace} (expected one of {', '.join(MODES)})")
        if isinstance(autoescape, _UnsetMarker):
            autoescape = loader.autoescape if loader is not None else _DEFAULT_AUTOESCAPE
        if isinstance(template_string, str):
            # What can't be sent shall not be found out by the first visitor.
            template_string = template_string.encode("utf-8")
        source = template_string.decode("utf-8")
        self.name = name
        self.loader = loader
        self.namespace: dict[str, Any] = loader.namespace if loader is not None else {}
        # `<string>` is what any code without a file is called; its tracebacks shall not show ours.
        filename = os.path.abspath(path) if path else "<template>" if name == "<string>" else name
        self.file = parse(source, name, filename, autoescape, whitespace)
        self.autoescape = self.file.autoescape
        self._chain = [self.file]
        if self.file.extends is not None:
            self._chain += self._load(self.file, self.file.extends)._chain
        compiled = compile_document(self._chain, self._load_included)
        self.compiled = compiled.module
        self._tree = compiled.tree
        self._function = compiled.function
        self._sources = compiled.sources
        self._builtin = {**DEFAULT_NAMESPACE, **PARTS, "__name__": name.replace(".", "_")}

    @property
    def code(self) -> str:
        """The Python that the template was made into, for reading."""
        return ast.unparse(self._tree)

    def generate(self, /, **kwargs: Any) -> bytes:
        """Render the template; `kwargs` are added to its namespace. Returns UTF-8.

        Whatever the template's expressions raise comes out, with a traceback that shows the
        template's lines.
        """
        namespace = {**self._builtin, **self.namespace, **kwargs}
        try:
            page: bytes = FunctionType(self._function, namespace)()
            return page
        except Exception as error:
            self._sources.explain(error, namespace)
            raise

    def _load(self, document: Document, wanted: Extends | Include) -> Template:
        what = "extends" if isinstance(wanted, Extends) else "include"
        if self.loader is None:
            message = f"{{% {what} %}} block found, but no template loader"
            raise ParseError(message, document.name, wanted.line)
        try:
            return self.loader.load(wanted.name, document.name)
        except ParseError:
            raise
        except Exception as error:
            error.add_note(f"{{% {what} %}} of {wanted.name!r} at {document.name}:{wanted.line}")
            raise

    def _load_included(self, document: Document, include: Include) -> Document:
        template = self._load(document, include)
        if template.file.extends is not None:
            message = f"{template.name} extends another template: it can't be included, only rendered"
            raise ParseError(message, document.name, include.line)
        return template.file
