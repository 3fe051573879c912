"""Reads the tags of a template into a `Document`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from framework.template.errors import ParseError
from framework.template.lexer import LITERAL, TEXT, Token, tokenize
from framework.template.nodes import (
    Apply,
    Block,
    Branch,
    Code,
    Control,
    Document,
    Extends,
    Include,
    Jump,
    Module,
    Node,
    Output,
    Statement,
    Text,
)
from framework.template.whitespace import MODES, filter_whitespace

__all__ = ["parse"]

# Which blocks a branch can be attached to.
_ATTACHES_TO = {
    "else": {"if", "for", "while", "try"},
    "elif": {"if"},
    "except": {"try"},
    "finally": {"try"},
}
_CONTROLS = {"if": "condition", "for": "loop", "while": "condition", "try": ""}
_OPERATORS = (
    "apply, autoescape, block, break, comment, continue, elif, else, end, except, extends, finally, for, "
    "from, if, import, include, module, raw, set, try, while, whitespace"
)
# Python itself ends at a hundred levels of indentation.
_DEEPEST = 98


def parse(source: str, name: str, filename: str, autoescape: str | None, whitespace: str) -> Document:
    """Parse the source of the template `name`.

    `filename` is what its tracebacks say, `autoescape` and `whitespace` hold until the template
    itself says otherwise. Raises ParseError.
    """
    return _Parser(source, name, filename, autoescape, whitespace).document()


class _Parser:
    def __init__(
        self, source: str, name: str, filename: str, autoescape: str | None, whitespace: str
    ) -> None:
        self._result = Document(name, filename, source, autoescape)
        self._tokens: Iterator[Token] = tokenize(source, name)
        self._whitespace = whitespace
        self._depth = 0

    def document(self) -> Document:
        self._body(self._result.body, within=None, loop=False, line=0)
        return self._result

    def _fail(self, message: str, line: int) -> NoReturn:
        raise ParseError(message, self._result.name, line)

    def _body(self, body: list[Node], within: str | None, loop: bool, line: int) -> Token | None:
        """Read nodes into `body` up to the `end` or the branch that ends it, which is returned.

        `within` is the operator of the innermost block, `loop` whether break makes sense here.
        """
        for token in self._tokens:
            if token.kind is TEXT:
                body.append(Text(self._text(token.text)))
            elif token.kind is LITERAL:
                body.append(Text(token.text))
            elif token.kind == "{{":
                if not token.text:
                    self._fail("Empty expression", token.line)
                body.append(Output(Code(token.text, token.line, token.column)))
            else:
                if not token.text:
                    self._fail("Empty block tag ({% %})", token.line)
                if self._tag(token, body, within, loop):
                    return token
        if within is not None:
            self._fail(f"Missing {{% end %}} block for {within}", line)
        return None

    def _text(self, text: str) -> str:
        # What is preformatted stays as it is.
        if self._whitespace == "all" or "<pre>" in text:
            return text
        return filter_whitespace(self._whitespace, text)

    def _tag(self, token: Token, body: list[Node], within: str | None, loop: bool) -> bool:
        """Handle one `{% %}`; true when it ends the body we are in."""
        operator, code = _split(token)
        if operator == "end":
            if within is None:
                self._fail("Extra {% end %} block", token.line)
            return True
        if operator in _ATTACHES_TO:
            self._check_attaches(operator, within, token.line)
            return True
        if operator in _CONTROLS:
            self._control(operator, code, token.line, body, loop)
        elif operator in ("break", "continue"):
            if not loop:
                self._fail(f"{operator} outside {{'for', 'while'}} block", token.line)
            if code.text:
                self._fail(f"{operator} takes nothing after it, not {code.text!r}", token.line)
            body.append(Jump(Code(operator, token.line, token.column)))
        elif operator in ("apply", "block"):
            self._named(operator, code, token.line, body, loop)
        else:
            self._simple(operator, code, token, body, within)
        return False

    def _check_attaches(self, operator: str, within: str | None, line: int) -> None:
        allowed = _ATTACHES_TO[operator]
        if within is None:
            listed = ", ".join(repr(name) for name in sorted(allowed))
            self._fail(f"{operator} outside {{{listed}}} block", line)
        if within not in allowed:
            self._fail(f"{operator} block cannot be attached to {within} block", line)

    def _simple(self, operator: str, code: Code, token: Token, body: list[Node], within: str | None) -> None:
        """The tags that have no body."""
        line = token.line
        if operator == "comment":
            return
        if operator == "raw":
            self._need(code.text, "raw missing expression", line)
            body.append(Output(code, raw=True))
        elif operator == "module":
            self._need(code.text, "module missing expression", line)
            body.append(Module(code))
        elif operator == "set":
            self._need(code.text, "set missing statement", line)
            body.append(Statement(code))
        elif operator in ("import", "from"):
            self._need(code.text, "import missing statement", line)
            body.append(Statement(Code(token.text, line, token.column)))
        elif operator == "include":
            body.append(Include(self._path(code, "include", line), line))
        elif operator == "extends":
            if within is not None:
                self._fail(f"extends inside {within} block, it has to stand outside of all blocks", line)
            self._result.extends = Extends(self._path(code, "extends", line), line)
        elif operator == "autoescape":
            self._need(code.text, "autoescape missing function name (or None)", line)
            self._result.autoescape = None if code.text == "None" else code.text
        elif operator == "whitespace":
            if code.text not in MODES:
                expected = ", ".join(MODES)
                self._fail(f"invalid whitespace mode {code.text} (expected one of {expected})", line)
            self._whitespace = code.text
        else:
            self._fail(f"unknown operator: {operator!r} (expected one of {_OPERATORS})", line)

    def _need(self, text: str, complaint: str, line: int) -> None:
        if not text:
            self._fail(complaint, line)

    def _path(self, code: Code, operator: str, line: int) -> str:
        path = code.text.strip('"').strip("'")
        self._need(path, f"{operator} missing file path", line)
        return path

    def _enter(self, operator: str, line: int) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"{operator} block inside more than {_DEEPEST - 1} others", line)

    def _named(self, operator: str, code: Code, line: int, body: list[Node], loop: bool) -> None:
        self._need(code.text, f"{operator} missing {'name' if operator == 'block' else 'method name'}", line)
        self._enter(operator, line)
        inner: list[Node] = []
        # The body of apply is a function of its own: no jump leads out of it.
        self._body(inner, operator, loop and operator == "block", line)
        self._depth -= 1
        body.append(Block(code.text, inner, self._result) if operator == "block" else Apply(code, inner))

    def _control(self, operator: str, code: Code, line: int, body: list[Node], loop: bool) -> None:
        self._enter(operator, line)
        branches: list[Branch] = []
        name: str = operator
        while True:
            self._check_header(name, code, branches)
            branch = Branch(name, code)
            branches.append(branch)
            inside = loop or name in ("for", "while")
            ended_by = self._body(branch.body, operator, inside, line)
            if ended_by is None or ended_by.text.partition(" ")[0] == "end":
                break
            name, code = _split(ended_by)
        if operator == "try" and len(branches) == 1:
            self._fail("try block needs an except or a finally", line)
        self._depth -= 1
        body.append(Control(branches))

    def _check_header(self, operator: str, code: Code, before: list[Branch]) -> None:
        line = code.line
        if before:
            previous = before[-1].operator
            allowed = previous != "finally" and (previous != "else" or operator == "finally")
            if operator == "else" and before[0].operator == "try":
                allowed = previous == "except"
            if not allowed:
                self._fail(f"{operator} can't follow {previous} in a {before[0].operator} block", line)
        if operator in ("else", "try", "finally"):
            if code.text:
                self._fail(f"{operator} takes nothing after it, not {code.text!r}", line)
        elif operator != "except" and not code.text:
            self._fail(f"{operator} missing {_CONTROLS.get(operator, 'condition')}", line)


def _split(token: Token) -> tuple[str, Code]:
    """The operator of a tag and what follows it."""
    operator, _, rest = token.text.partition(" ")
    text = rest.strip()
    before = token.text[: len(token.text) - len(rest.lstrip())] if text else token.text
    newlines = before.count("\n")
    column = len(before[before.rfind("\n") + 1 :].encode())
    return operator, Code(text, token.line + newlines, column if newlines else token.column + column)
