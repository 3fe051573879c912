"""Makes Python of parsed templates: one function that collects parts and joins them.

    <p>{{ name }}</p>   becomes   _tt_append(f"<p>{_tt_escape(name)}</p>")

Text and escaped expressions that follow one another are one part. Where a `try` may catch what an
expression raises, each is a part of its own: what came before the error is kept.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import groupby
from types import CodeType
from typing import Any, NamedTuple, TypedDict, cast

from framework.template.blocks import Load, collect_blocks
from framework.template.errors import PythonSyntaxError
from framework.template.nodes import (
    Apply,
    Block,
    Branch,
    Code,
    Control,
    Document,
    Include,
    Jump,
    Module,
    Node,
    Output,
    Statement,
    Text,
)
from framework.template.python import PythonReader
from framework.template.sources import Sources

__all__ = ["Compiled", "compile_document"]


class _Place(TypedDict):
    """Where in the compiled code a node stands: the arguments of its class."""

    lineno: int
    col_offset: int
    end_lineno: int
    end_col_offset: int


_DEFAULT_ESCAPES = ("xhtml_escape", "escape")
_PRELUDE = """\
def {name}():
    _tt_buffer = []
    _tt_append = _tt_buffer.append
"""
# More values in one part make it no faster, and a part is built on the interpreter's stack.
_MOST_VALUES = 64


class Compiled(NamedTuple):
    """`module` defines the function `_tt_execute`, whose code is `function`."""

    module: CodeType
    function: CodeType
    tree: ast.Module
    sources: Sources


def compile_document(chain: list[Document], load: Load) -> Compiled:
    """Compile `chain[0]`, which extends `chain[1]` and so on; `load` finds what is included.

    Raises ParseError where the Python isn't, and whatever `load` raises.
    """
    included: dict[tuple[int, str], Document] = {}

    def load_once(document: Document, include: Include) -> Document:
        key = id(document), include.name
        if key not in included:
            included[key] = load(document, include)
        return included[key]

    blocks: dict[str, Block] = {}
    for document in reversed(chain):
        collect_blocks(document, document.body, blocks, load_once)
    for inline_escape in (True, False):
        sources = Sources(chain[0])
        builder = _Builder(sources, blocks, load_once, inline_escape)
        tree = builder.module(chain[-1])
        module = _compile(tree, sources, chain[0])
        function = next(code for code in module.co_consts if isinstance(code, CodeType))
        # A template that makes a variable of that name means its own function from there on.
        if not any(name in builder.escapes for name in _local_names(function)):
            break
    return Compiled(module, function, tree, sources)


def _local_names(code: CodeType) -> Iterator[str]:
    yield from code.co_varnames
    yield from code.co_cellvars
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _local_names(constant)


def _compile(tree: ast.Module, sources: Sources, main: Document) -> CodeType:
    try:
        code: CodeType = compile(tree, main.filename, "exec", dont_inherit=True)
        return code
    except SyntaxError as error:
        document, line = sources.locate(error.lineno or 1)
        message, text = error.msg, document.source.split("\n")[line - 1]
        raise PythonSyntaxError(message, document.name, line, text) from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise PythonSyntaxError(f"too complex to compile ({error})", main.name, 1) from None


class _Scope:
    """The function that is being written: its statements, and the part that is being put together."""

    __slots__ = ("has_bytes", "part", "place", "statements", "values")

    def __init__(self, place: _Place) -> None:
        self.statements: list[ast.stmt] = []
        self.part: list[str | ast.FormattedValue] = []
        self.values = 0
        self.has_bytes = False
        self.place = place


class _Builder:
    def __init__(self, sources: Sources, blocks: dict[str, Block], load: Load, inline_escape: bool) -> None:
        self._sources = sources
        self._python = PythonReader(sources)
        self._blocks = blocks
        self._load = load
        self._inline_escape = inline_escape
        # Which of the default escaping functions the code calls.
        self.escapes: set[str] = set()
        self._applied = 0
        self._document: Document
        self._scope: _Scope
        # Inside a try, where what came before an error is kept.
        self._guarded = False
        self._writers: dict[type[Node], Callable[[Any], None]] = {
            Text: self._text,
            Output: self._output,
            Module: self._module,
            Statement: self._statement,
            Jump: self._jump,
            Control: self._control,
            Apply: self._apply,
            Block: self._block,
            Include: self._include,
        }

    def module(self, document: Document) -> ast.Module:
        self._document = document
        self._scope = _Scope(_line(1))
        self._nodes(document.body)
        function = self._function("_tt_execute", self._scope)
        escapes = [
            ast.parse(f"_tt_escape_{name} = _tt_escaper({name})").body[0] for name in sorted(self.escapes)
        ]
        if self._inline_escape:
            function.body[:0] = [_placed(node, _line(1)) for node in escapes]
        return ast.Module(body=[function], type_ignores=[])

    def _function(self, name: str, scope: _Scope) -> ast.FunctionDef:
        self._flush()
        ending = "_tt_join(_tt_buffer)" if scope.has_bytes else "''.join(_tt_buffer).encode('utf-8')"
        tree = _placed(ast.parse(f"{_PRELUDE.format(name=name)}    return {ending}\n"), scope.place)
        function = cast(ast.FunctionDef, tree.body[0])
        function.body[-1:-1] = scope.statements
        return function

    # Parts

    def _nodes(self, body: list[Node]) -> None:
        for node in body:
            self._writers[type(node)](node)

    def _add(self, part: str | ast.FormattedValue) -> None:
        self._scope.part.append(part)
        if self._guarded or self._scope.values == _MOST_VALUES:
            self._flush()

    def _flush(self) -> None:
        """Write the statement that appends the part collected so far."""
        scope = self._scope
        if not scope.part:
            return
        formatted = [item for item in scope.part if isinstance(item, ast.FormattedValue)]
        place = _place_of(formatted[0]) if formatted else self._first_line()
        part: list[ast.expr] = []
        for is_text, group in groupby(scope.part, lambda item: isinstance(item, str)):
            if is_text:
                part.append(ast.Constant(value="".join(map(str, group)), **place))
            else:
                part.extend(item for item in group if isinstance(item, ast.FormattedValue))
        scope.part, scope.values = [], 0
        if len(part) > 1:
            value: ast.expr = ast.JoinedStr(values=part, **place)
        else:
            value = formatted[0].value if formatted else part[0]
        self._append(value, place)

    def _append(self, value: ast.expr, place: _Place) -> None:
        call = _call("_tt_append", [value], place)
        self._scope.statements.append(ast.Expr(value=call, **place))

    def _append_unmerged(self, value: ast.expr) -> None:
        """A part that may be bytes."""
        self._flush()
        self._scope.has_bytes = True
        self._append(value, _place_of(value))

    def _statements_of(self, body: list[Node], place: _Place) -> list[ast.stmt]:
        """The statements of a nested body."""
        self._flush()
        outer, self._scope.statements = self._scope.statements, []
        self._nodes(body)
        self._flush()
        inner, self._scope.statements = self._scope.statements, outer
        return inner or [ast.Pass(**place)]

    def _first_line(self) -> _Place:
        return _line(1 + self._sources.offset(self._document))

    def _place(self, code: Code) -> _Place:
        return _line(code.line + self._sources.offset(self._document), code.column)

    # Nodes

    def _text(self, node: Text) -> None:
        self._add(node.value)

    def _output(self, node: Output) -> None:
        value = self._python.expression(self._document, node.code)
        place = _place_of(value)
        name = self._document.autoescape
        if node.raw or not name:
            self._append_unmerged(_call("_tt_raw", [value], place))
        elif name in _DEFAULT_ESCAPES and self._note_escape(name):
            escaped = _call(f"_tt_escape_{name}", [value], place)
            self._scope.values += 1
            self._add(ast.FormattedValue(value=escaped, conversion=-1, format_spec=None, **place))
        else:
            function = self._python.expression(self._document, Code(name, node.code.line, node.code.column))
            self._append_unmerged(_call("_tt_escape_with", [function, value], place))

    def _note_escape(self, name: str) -> bool:
        self.escapes.add(name)
        return self._inline_escape

    def _module(self, node: Module) -> None:
        value = self._python.expression(self._document, node.code, prefix="_tt_modules.")
        self._append_unmerged(_call("_tt_raw", [value], _place_of(value)))

    def _statement(self, node: Statement) -> None:
        self._flush()
        self._scope.statements += self._python.statements(self._document, node.code)

    def _jump(self, node: Jump) -> None:
        self._flush()
        kind = ast.Break if node.code.text == "break" else ast.Continue
        self._scope.statements.append(kind(**self._place(node.code)))

    def _block(self, node: Block) -> None:
        outer = self._document
        block = self._blocks[node.name]
        self._document = block.document
        self._nodes(block.body)
        self._document = outer

    def _include(self, node: Include) -> None:
        outer = self._document
        self._document = self._load(outer, node)
        self._nodes(self._document.body)
        self._document = outer

    def _apply(self, node: Apply) -> None:
        self._flush()
        function = self._python.expression(self._document, node.code)
        place = _place_of(function)
        outer, guarded = self._scope, self._guarded
        self._scope, self._guarded = _Scope(place), False
        self._nodes(node.body)
        name = f"_tt_apply_{self._applied}"
        self._applied += 1
        inner = self._function(name, self._scope)
        self._scope, self._guarded = outer, guarded
        outer.statements.append(inner)
        applied = ast.Call(func=function, args=[_call(name, [], place)], keywords=[], **place)
        self._append_unmerged(_call("_tt_checked", [applied], place))

    def _control(self, node: Control) -> None:
        self._flush()
        first, *others = node.branches
        if first.operator == "try":
            statement: ast.stmt = self._try(node.branches)
        elif first.operator == "if":
            statement = self._if(first, others)
        else:
            statement = self._loop(first, others)
        self._scope.statements.append(statement)

    def _body(self, branch: Branch) -> list[ast.stmt]:
        return self._statements_of(branch.body, self._place(branch.code))

    def _header(self, branch: Branch, operator: str) -> ast.If | ast.For | ast.While:
        statement = self._python.header(self._document, branch.code, operator)
        statement.body = self._body(branch)
        return statement

    def _if(self, first: Branch, others: list[Branch]) -> ast.stmt:
        top = last = self._header(first, "if")
        for branch in others:
            if branch.operator == "elif":
                inner = self._header(branch, "if")
                last.orelse = [inner]
                last = inner
            else:
                last.orelse = self._body(branch)
        return top

    def _loop(self, first: Branch, others: list[Branch]) -> ast.stmt:
        statement = self._header(first, first.operator)
        for branch in others:
            statement.orelse = self._body(branch)
        return statement

    def _try(self, branches: list[Branch]) -> ast.Try:
        place = self._place(branches[0].code)
        statement = ast.Try(body=[], handlers=[], orelse=[], finalbody=[], **place)
        guarded, self._guarded = self._guarded, True
        for branch in branches:
            if branch.operator == "try":
                statement.body = self._body(branch)
            elif branch.operator == "except":
                handler = self._python.handler(self._document, branch.code)
                handler.body = self._body(branch)
                statement.handlers.append(handler)
            elif branch.operator == "else":
                statement.orelse = self._body(branch)
            else:
                statement.finalbody = self._body(branch)
        self._guarded = guarded
        return statement


def _call(name: str, arguments: list[ast.expr], place: _Place) -> ast.Call:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load(), **place), args=arguments, keywords=[], **place)


def _line(line: int, column: int = 0) -> _Place:
    return {"lineno": line, "col_offset": column, "end_lineno": line, "end_col_offset": column}


def _place_of(node: ast.expr) -> _Place:
    return {
        "lineno": node.lineno,
        "col_offset": node.col_offset,
        "end_lineno": node.end_lineno or node.lineno,
        "end_col_offset": node.end_col_offset or node.col_offset,
    }


def _placed(tree: Any, place: _Place) -> Any:
    """A tree of generated code, all of it at one place."""
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            for name, value in place.items():
                setattr(node, name, value)
    return tree
