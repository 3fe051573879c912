"""What can be wrong with a template.

ParseError              a mistake in a template: its name, its line and what was expected
  PythonSyntaxError     the mistake is in the Python between the markers (also a SyntaxError)
"""

from __future__ import annotations

__all__ = ["ParseError", "PythonSyntaxError"]


class ParseError(Exception):
    """A template that can't be understood.

    `message` says what was wrong and what would be right, `filename` is the name of the template
    (None where there is none) and `lineno` the line of the mistake, from 1.
    """

    def __init__(self, message: str, filename: str | None = None, lineno: int = 0) -> None:
        super().__init__(message, filename, lineno)
        self.args = (message,)
        self.message = message
        self.filename = filename
        self.lineno = lineno

    def __str__(self) -> str:
        return f"{self.message} at {self.filename}:{self.lineno}"

    def __reduce__(self) -> tuple[type[ParseError], tuple[str, str | None, int]]:
        return type(self), (self.message, self.filename, self.lineno)


# Both bases keep their message, file and line under the same names; being a SyntaxError, it is
# shown with the template's line by whatever prints tracebacks.
class PythonSyntaxError(ParseError, SyntaxError):  # type: ignore[misc] # a line may be None there
    """An expression or statement in a template that isn't Python."""

    def __init__(
        self, message: str, filename: str | None = None, lineno: int = 0, text: str | None = None
    ) -> None:
        super().__init__(message, filename, lineno)
        self.msg = message
        self.text = text


# What tracebacks show and applications import it by.
ParseError.__module__ = "framework.template"
