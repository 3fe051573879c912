"""The Python in templates: parsed, and given the places it has in the template."""

from __future__ import annotations

import ast
from typing import Any, NoReturn, cast

from framework.template.errors import PythonSyntaxError
from framework.template.nodes import Code, Document
from framework.template.sources import Sources

__all__ = ["PythonReader"]

_BODY = ":\n pass"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class PythonReader:
    """Parses pieces of Python for one compiled template."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def expression(self, document: Document, code: Code, prefix: str = "") -> ast.expr:
        """One expression. With a `prefix`, the expression that begins with it."""
        tree = self._parse(document, code, prefix, "", "eval")
        return cast(ast.Expression, tree).body

    def statements(self, document: Document, code: Code) -> list[ast.stmt]:
        """Any statements, as in `set` and `import`."""
        return self._body(self._parse(document, code, "", "", "exec"))

    def header(self, document: Document, code: Code, operator: str) -> ast.If | ast.For | ast.While:
        """A compound statement of which the template has the header; its body is empty."""
        tree = self._parse(document, code, f"{operator} ", _BODY, "exec")
        statement = cast("ast.If | ast.For | ast.While", self._body(tree)[0])
        self._check_header(document, code, operator, tree, statement.body)
        statement.body = []
        return statement

    def handler(self, document: Document, code: Code) -> ast.ExceptHandler:
        """An except clause; its body is empty."""
        tree = self._parse(document, code, "try:\n pass\nexcept ", _BODY, "exec")
        statement = self._body(tree)[0]
        if not isinstance(statement, ast.Try) or len(statement.handlers) != 1:
            self._fail(document, code, f"{code.text!r} is no except header", code.line)
        handler = statement.handlers[0]
        self._check_header(document, code, "except", tree, handler.body)
        handler.body = []
        return handler

    def _body(self, tree: ast.AST) -> list[ast.stmt]:
        return cast(ast.Module, tree).body

    def _check_header(
        self, document: Document, code: Code, operator: str, tree: ast.AST, body: list[ast.stmt]
    ) -> None:
        # `1:\n foo()\nif 2` would smuggle a body in.
        if len(self._body(tree)) != 1 or len(body) != 1 or not isinstance(body[0], ast.Pass):
            self._fail(document, code, f"{code.text!r} is more than an {operator} header", code.line)

    def _parse(self, document: Document, code: Code, prefix: str, suffix: str, mode: str) -> ast.AST:
        lines_before = prefix.count("\n")
        # What the parser calls line 1 + lines_before begins with the last line of the prefix.
        first_line = 1 + lines_before
        line_shift = code.line - first_line
        column_shift = code.column - len(prefix[prefix.rfind("\n") + 1 :])
        try:
            tree = ast.parse(f"{prefix}{code.text}{suffix}", document.filename, mode)
        except SyntaxError as error:
            line = max(code.line, (error.lineno or first_line) + line_shift)
            # The parser's own line numbers mean nothing here.
            reason = error.msg.partition(" (detected at line")[0].partition(" on line ")[0]
            self._fail(document, code, f"{reason} in {_short(code.text)}", line)
        except (ValueError, RecursionError, MemoryError) as error:
            reason = str(error) or "too many levels"
            self._fail(document, code, f"{reason} in {_short(code.text)}", code.line)
        self._relocate(
            document, code, tree, line_shift + self._sources.offset(document), first_line, column_shift
        )
        return tree

    def _relocate(
        self,
        document: Document,
        code: Code,
        tree: ast.AST,
        line_shift: int,
        first_line: int,
        column_shift: int,
    ) -> None:
        stack: list[tuple[ast.AST, bool]] = [(tree, False)]
        while stack:
            node, in_function = stack.pop()
            if isinstance(node, ast.Yield | ast.YieldFrom | ast.Return) and not in_function:
                word = "return" if isinstance(node, ast.Return) else "yield"
                self._fail(document, code, f"{word} outside of a function in {_short(code.text)}", code.line)
            _move(node, line_shift, first_line, column_shift)
            inside = in_function or isinstance(node, _FUNCTIONS)
            stack.extend((child, inside) for child in ast.iter_child_nodes(node))

    def _fail(self, document: Document, code: Code, message: str, line: int) -> NoReturn:
        lines = document.source.split("\n")
        raise PythonSyntaxError(message, document.name, line, lines[min(line, len(lines)) - 1]) from None


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _move(node: Any, line_shift: int, first_line: int, column_shift: int) -> None:
    if not hasattr(node, "lineno"):
        return
    if node.lineno == first_line:
        node.col_offset = max(0, node.col_offset + column_shift)
    if node.end_lineno == first_line:
        node.end_col_offset = max(0, node.end_col_offset + column_shift)
    node.lineno += line_shift
    node.end_lineno += line_shift
