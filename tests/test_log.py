from __future__ import annotations

import io
import logging
import logging.handlers
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import log
from framework.log import (
    LogFormatter,
    access_log,
    app_log,
    define_logging_options,
    enable_pretty_logging,
    gen_log,
)
from framework.options import Error, OptionParser, options

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def record(message: object, *args: object, level: int = logging.INFO, exc_info: ExcInfo | None = None) -> Any:
    made = logging.LogRecord("name", level, "/path/module.py", 12, message, args, exc_info)
    made.created = 0
    return made


def caught(error: BaseException) -> ExcInfo:
    try:
        raise error
    except BaseException as same:
        return type(same), same, same.__traceback__


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Makes standard error a terminal. No fixture: pytest puts its own back before the test itself."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.Logger("test")
    yield made
    for handler in made.handlers:
        handler.close()


@pytest.fixture
def parser() -> OptionParser:
    made = OptionParser()
    define_logging_options(made)
    return made


def test_loggers_have_the_documented_names() -> None:
    assert access_log is logging.getLogger("framework.access")
    assert app_log is logging.getLogger("framework.application")
    assert gen_log is logging.getLogger("framework.general")


# --- the formatter ---


def test_formatter_writes_level_time_place_and_message() -> None:
    line = LogFormatter(color=False).format(record("hello %s", "world", level=logging.WARNING))
    assert line.startswith("[W ")
    assert line.endswith(" module:12] hello world")
    assert len(line.split(" ")[1]) == len("700101")


def test_formatter_takes_another_format_and_date() -> None:
    assert LogFormatter("%(name)s %(message)s", color=False).format(record("x")) == "name x"
    assert LogFormatter("%(asctime)s", "year %Y", color=False).format(record("x")) in (
        "year 1970",
        "year 1969",
    )
    assert LogFormatter("{levelname}: {message}", style="{").format(record("x")) == "INFO: x"


def test_formatter_refuses_an_unknown_style() -> None:
    with pytest.raises(ValueError, match="style must be"):
        LogFormatter(style="!")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("one\n\n two\r\n", "one\n    \n     two\\r"),
        ("one\n\n", "one"),
        ("\x00\x08\x1b[31m\x7f\x85\u2028\u2029", "\\x00\\x08\\x1b[31m\\x7f\\x85\\u2028\\u2029"),
        ("tab\tand é and \\n stay", "tab\tand é and \\n stay"),
        ("half a pair \ud800", "half a pair \\ud800"),
        (b"\xe9\n", "b'\\xe9\\n'"),
        (ValueError("a\nb"), "a\n    b"),
    ],
)
def test_formatter_indents_further_lines_and_escapes_other_control_characters(
    message: object, shown: str
) -> None:
    assert LogFormatter("%(message)s", color=False).format(record(message)) == shown


@given(st.text() | st.text(st.characters(categories=["Cc", "Zl", "Zp", "Cs"])))
def test_nobody_whose_input_is_logged_can_forge_a_record(text: str) -> None:
    first, *others = LogFormatter(color=False).format(record("user %s", text)).splitlines()
    assert first.startswith("[I ")
    assert all(line.startswith("    ") for line in others)


def test_formatter_indents_lines_of_arguments_too() -> None:
    forged = record("user %s", "x\n[I forged] y")
    assert LogFormatter("%(message)s").format(forged) == "user x\n    [I forged] y"


def test_formatter_shows_a_message_that_does_not_fit_its_arguments() -> None:
    line = LogFormatter("%(message)s").format(record("%d", "no number\n"))
    assert line.startswith("Bad message (TypeError(")
    assert "no number" in line
    assert "\n" not in line


def test_formatter_indents_the_traceback_below_the_line() -> None:
    lines = (
        LogFormatter("%(message)s")
        .format(record("failed", exc_info=caught(ValueError("a\nb\x1b"))))
        .split("\n")
    )
    assert lines[:2] == ["failed", "    Traceback (most recent call last):"]
    assert lines[-2:] == ["    ValueError: a", "    b\\x1b"]
    assert all(line.startswith("    ") for line in lines[1:])


def test_formatter_uses_a_traceback_that_another_handler_has_formatted() -> None:
    made = record("failed", exc_info=caught(ValueError("x")))
    made.exc_text = "as formatted before"
    assert LogFormatter("%(message)s").format(made) == "failed\n    as formatted before"


def test_formatter_shows_the_stack_if_asked() -> None:
    made = record("here")
    made.stack_info = "Stack (most recent call last):\n  place"
    assert LogFormatter("%(message)s").format(made) == "here\n    Stack (most recent call last):\n      place"


def test_formatter_colours_the_bracket_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch)
    line = LogFormatter().format(record("x", level=logging.ERROR))
    assert line.startswith("\x1b[31m[E ")
    assert line.endswith("]\x1b[0m x")


def test_formatter_colours_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch)
    formatter = LogFormatter("%(color)s%(message)s%(end_color)s", colors={logging.INFO: 6})
    assert formatter.format(record("x")) == "\x1b[36mx\x1b[0m"
    assert formatter.format(record("x", level=logging.ERROR)) == "x"


def test_formatter_without_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch)
    assert LogFormatter("%(color)s%(message)s", color=False).format(record("x")) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert LogFormatter("%(color)s%(message)s").format(record("x")) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert LogFormatter("%(color)s%(message)s").format(record("x")) == "x"


def test_formatter_has_no_colour_without_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert LogFormatter("%(color)s%(message)s").format(record("x")) == "x"
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert LogFormatter("%(color)s%(message)s").format(record("x")) == "x"


# --- enable_pretty_logging ---


def test_logging_goes_to_standard_error_by_default(
    parser: OptionParser, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)
    enable_pretty_logging(parser, logger)
    logger.info("shown")
    logger.debug("not shown")
    assert terminal.getvalue().startswith("\x1b[32m[I ")
    assert terminal.getvalue().endswith(" shown\n")
    assert "not shown" not in terminal.getvalue()
    assert logger.level == logging.INFO


def test_logging_level_is_chosen(parser: OptionParser, logger: logging.Logger) -> None:
    parser.logging = "error"
    enable_pretty_logging(parser, logger)
    assert logger.level == logging.ERROR


@pytest.mark.parametrize("none", ["none", "NONE", None])
def test_logging_none_leaves_logging_alone(
    parser: OptionParser, logger: logging.Logger, none: str | None
) -> None:
    parser.logging = none
    parser.log_to_stderr = True
    enable_pretty_logging(parser, logger)
    assert logger.handlers == []
    assert logger.level == logging.NOTSET


def test_unknown_level_is_refused(parser: OptionParser, logger: logging.Logger) -> None:
    parser.logging = "loud"
    with pytest.raises(ValueError, match=r"logging must be debug, info, .* not 'loud'"):
        enable_pretty_logging(parser, logger)


def test_handlers_of_the_application_are_enough(parser: OptionParser, logger: logging.Logger) -> None:
    own = logging.StreamHandler(io.StringIO())
    logger.addHandler(own)
    enable_pretty_logging(parser, logger)
    assert logger.handlers == [own]
    parser.log_to_stderr = True
    enable_pretty_logging(parser, logger)
    enable_pretty_logging(parser, logger)
    assert len(logger.handlers) == 2


def test_standard_error_can_be_switched_off(parser: OptionParser, logger: logging.Logger) -> None:
    parser.log_to_stderr = False
    enable_pretty_logging(parser, logger)
    assert logger.handlers == []


def test_log_file_is_written_without_colour(
    parser: OptionParser, logger: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)
    path = tmp_path / "test.log"
    parser.log_file_prefix = str(path)
    enable_pretty_logging(parser, logger)
    enable_pretty_logging(parser, logger)
    logger.info("é %s", "x")
    assert path.read_text("utf-8").endswith("] é x\n")
    assert path.read_text("utf-8").startswith("[I ")
    assert path.read_text("utf-8").count("\n") == 1
    assert terminal.getvalue() == ""


def test_log_file_and_standard_error(
    parser: OptionParser, logger: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)
    parser.log_file_prefix = str(tmp_path / "test.log")
    parser.log_to_stderr = True
    enable_pretty_logging(parser, logger)
    logger.info("both")
    assert "both" in terminal.getvalue()
    assert "both" in (tmp_path / "test.log").read_text()


def test_log_file_is_rotated_by_size(parser: OptionParser, logger: logging.Logger, tmp_path: Path) -> None:
    parser.log_file_prefix = str(tmp_path / "test.log")
    parser.log_file_max_size = 100
    parser.log_file_num_backups = 2
    enable_pretty_logging(parser, logger)
    for number in range(10):
        logger.info("a message that fills most of one file, number %d", number)
    assert sorted(os.listdir(tmp_path)) == ["test.log", "test.log.1", "test.log.2"]
    assert (tmp_path / "test.log.2").read_text().endswith("number 7\n")


def test_log_file_is_rotated_by_time(parser: OptionParser, logger: logging.Logger, tmp_path: Path) -> None:
    parser.log_file_prefix = str(tmp_path / "test.log")
    parser.log_rotate_mode = "time"
    parser.log_rotate_when = "H"
    parser.log_rotate_interval = 6
    parser.log_file_num_backups = 3
    enable_pretty_logging(parser, logger)
    (handler,) = logger.handlers
    assert isinstance(handler, logging.handlers.TimedRotatingFileHandler)
    assert (handler.when, handler.interval, handler.backupCount) == ("H", 6 * 3600, 3)


def test_unknown_rotation_is_refused(parser: OptionParser, logger: logging.Logger, tmp_path: Path) -> None:
    parser.log_file_prefix = str(tmp_path / "test.log")
    parser.log_rotate_mode = "moon"
    with pytest.raises(ValueError, match='should be "size" or "time", not "moon"'):
        enable_pretty_logging(parser, logger)


def test_defaults_are_used_where_the_options_module_is_not(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_global_options", None)
    enable_pretty_logging(logger=logger)
    assert logger.level == logging.INFO
    assert len(logger.handlers) == 1
    with pytest.raises(ValueError, match=r"import framework\.options"):
        define_logging_options()


def test_root_logger_and_global_options_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(options.mockable(), "logging", "warning")
            enable_pretty_logging()
        assert root.level == logging.WARNING
    finally:
        root.setLevel(level)
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)


# --- the options ---


def test_logging_is_enabled_when_options_are_parsed(parser: OptionParser, tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    path = tmp_path / "test.log"
    try:
        parser.parse_command_line(["program", f"--log-file-prefix={path}", "--logging=debug"])
        root.debug("parsed")
    finally:
        root.setLevel(level)
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)
            handler.close()
    assert path.read_text().endswith("parsed\n")


def test_logging_options_have_the_documented_names_and_defaults(parser: OptionParser) -> None:
    assert {name: value for name, value in parser.items() if name != "help"} == {
        "logging": "info",
        "log_to_stderr": None,
        "log_file_prefix": None,
        "log_file_max_size": 100_000_000,
        "log_file_num_backups": 10,
        "log_rotate_when": "midnight",
        "log_rotate_interval": 1,
        "log_rotate_mode": "size",
    }


def test_the_global_parser_has_the_logging_options_already() -> None:
    assert "log_file_prefix" in options
    with pytest.raises(Error, match="already defined"):
        define_logging_options()
