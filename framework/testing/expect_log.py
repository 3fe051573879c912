"""`ExpectLog`: what a test expects to be logged, and keeps out of its output."""

from __future__ import annotations

import logging
import re
import warnings
from types import TracebackType

__all__ = ["ExpectLog"]


class ExpectLog(logging.Filter):
    """A context manager that swallows the expected messages of a logger and fails if there are none.

    ::

        with ExpectLog("framework.application", "Uncaught exception"):
            self.fetch("/broken")

    Only what is logged by this very logger counts, not what its descendants log. After the block,
    ``matched`` is the number of messages swallowed, and ``logged_stack`` tells whether any record in it had
    an exception.

    :arg logger: a logger or its name; "" is the root logger.
    :arg regex: must match the message from its beginning.
    :arg required: whether the block fails without a message.
    :arg level: the level, such as `logging.INFO`, that the message must have; it is enabled meanwhile.
        Without it any level from `logging.WARNING` will do; less is taken too, with a DeprecationWarning.
    """

    def __init__(
        self, logger: logging.Logger | str, regex: str, required: bool = True, level: int | None = None
    ) -> None:
        super().__init__()
        self.logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self.regex = re.compile(regex)
        self.required = required
        self.level = level
        self.matched = 0
        self.deprecated_level_matched = 0
        self.logged_stack = False
        self.orig_level: int | None = None
        self._at_other_levels: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what is expected, which ends there."""
        if record.exc_info:
            self.logged_stack = True
        if self.regex.match(record.getMessage()) is None:
            return True
        if self.level is not None and record.levelno != self.level:
            self._at_other_levels.add(record.levelname)
            return True
        if self.level is None and record.levelno < logging.WARNING:
            self.deprecated_level_matched += 1
        self.matched += 1
        return False

    def __enter__(self) -> ExpectLog:
        if self.level is not None and not self.logger.isEnabledFor(self.level):
            self.orig_level = self.logger.level
            self.logger.setLevel(self.level)
        self.logger.addFilter(self)
        return self

    def __exit__(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self.orig_level is not None:
            self.logger.setLevel(self.orig_level)
        self.logger.removeFilter(self)
        if typ is not None:
            return
        if self.required and not self.matched:
            raise AssertionError(f"did not get expected log message{self._details()}")
        if self.deprecated_level_matched:
            warnings.warn(
                "ExpectLog matched at INFO or below without level argument", DeprecationWarning, stacklevel=2
            )

    def _details(self) -> str:
        text = f": {self.logger.name} logged nothing like {self.regex.pattern!r}"
        if self.level is not None:
            text += f" at level {logging.getLevelName(self.level)}"
        if self._at_other_levels:
            text += f", but did so at {', '.join(sorted(self._at_other_levels))}"
        return text
