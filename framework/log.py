"""Logging: three loggers, a formatter for terminals and files, and options to configure both.

- ``framework.access``: one line per request served, below ``WARNING`` if it succeeded;
- ``framework.application``: errors of the application's own code, as uncaught exceptions;
- ``framework.general``: everything else the framework has to say.

They are ordinary :mod:`logging` loggers. An application that configures ``logging`` itself, with
``dictConfig`` or else, sets the option ``--logging=none``.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any, Protocol

__all__ = [
    "LogFormatter",
    "access_log",
    "app_log",
    "colorama",
    "define_logging_options",
    "enable_pretty_logging",
    "gen_log",
]

access_log = logging.getLogger("framework.access")
app_log = logging.getLogger("framework.application")
gen_log = logging.getLogger("framework.general")

#: Windows consoles once needed this package for colours; the terminals of today do not.
colorama = None


# What could move the cursor, break the encoding, or start a new line where nothing would indent it. Tabs and
# newlines may stay. (Compiled when it is first used, as this takes longer than all else here.)
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _stderr_supports_color() -> bool:
    try:
        is_terminal = sys.stderr.isatty()
    except (AttributeError, ValueError):
        # A program without a console, or one that closed it.
        return False
    # See https://no-color.org.
    return is_terminal and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


class LogFormatter(logging.Formatter):
    """Formats records as ``[I 240131 23:59:59 module:123] message``, the bracket in colour.

    All lines but the first are indented, those of a message as those of a traceback, and other control
    characters are escaped: nobody whose input is logged can forge a record.
    """

    DEFAULT_FORMAT = "%(color)s[%(levelname)1.1s %(asctime)s %(module)s:%(lineno)d]%(end_color)s %(message)s"
    DEFAULT_DATE_FORMAT = "%y%m%d %H:%M:%S"
    #: The terminal's colour numbers: blue, green, yellow, red, magenta.
    DEFAULT_COLORS = {  # noqa: RUF012 - public and read only
        logging.DEBUG: 4,
        logging.INFO: 2,
        logging.WARNING: 3,
        logging.ERROR: 1,
        logging.CRITICAL: 5,
    }

    def __init__(
        self,
        fmt: str = DEFAULT_FORMAT,
        datefmt: str = DEFAULT_DATE_FORMAT,
        style: str = "%",
        color: bool = True,
        colors: dict[int, int] = DEFAULT_COLORS,
    ) -> None:
        """Makes a formatter.

        ``fmt`` may use ``color`` and ``end_color`` beside the attributes of a record, in the given
        ``style`` (``%``, ``{`` or ``$``). ``color`` asks for colours where standard error is a
        terminal that has them; ``colors`` maps levels to colour numbers, 0 to 7.
        """
        if style not in ("%", "{", "$"):
            raise ValueError(f"style must be %, {{ or $, not {style!r}")
        super().__init__(fmt, datefmt, style, validate=False)  # type: ignore[arg-type]  # one of the three
        self._colors: dict[int, str] = {}
        self._normal = ""
        if color and _stderr_supports_color():
            self._colors = {level: f"\x1b[3{number}m" for level, number in colors.items()}
            self._normal = "\x1b[0m"

    def format(self, record: Any) -> str:
        """Returns the record as text."""
        try:
            message = record.getMessage()
        except Exception as error:
            # The line is shown all the same: it was important enough to be logged.
            message = f"Bad message ({error!r}): {record.__dict__!r}"
        record.message = re.sub(_CONTROL, _escaped, message)
        record.asctime = self.formatTime(record, self.datefmt)
        record.color = self._colors.get(record.levelno, "")
        record.end_color = self._normal if record.color else ""
        lines = self.formatMessage(record).rstrip("\n").split("\n")
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        for text in (record.exc_text, record.stack_info):
            if text:
                lines += re.sub(_CONTROL, _escaped, text).rstrip("\n").split("\n")
        return "\n    ".join(lines)


class _Options(Protocol):
    """What of an option parser configures logging."""

    logging: str | None
    log_to_stderr: bool | None
    log_file_prefix: str | None
    log_file_max_size: int
    log_file_num_backups: int
    log_rotate_when: str
    log_rotate_interval: int
    log_rotate_mode: str


class _Defaults:
    logging: str | None = "info"
    log_to_stderr: bool | None = None
    log_file_prefix: str | None = None
    log_file_max_size: int = 100 * 1000 * 1000
    log_file_num_backups: int = 10
    log_rotate_when: str = "midnight"
    log_rotate_interval: int = 1
    log_rotate_mode: str = "size"


# The options module stands on this one, and leaves its global parser here.
_global_options: Any = None


def _register_global_options(options: Any) -> None:
    global _global_options
    _global_options = options
    define_logging_options(options)


def enable_pretty_logging(options: Any = None, logger: logging.Logger | None = None) -> None:
    """Makes ``logger`` (the root logger unless given) write as the logging options say.

    Called when the command line or a configuration file has been parsed. Calling it again adds no
    second handler for the same place. ``options`` is the global parser unless given.

    Raises :exc:`ValueError` for a level or way of rotation that does not exist.
    """
    chosen: _Options = options or _global_options or _Defaults()
    if chosen.logging is None or chosen.logging.lower() == "none":
        return
    if logger is None:
        logger = logging.getLogger()
    level = logging.getLevelNamesMapping().get(chosen.logging.upper())
    if level is None:
        raise ValueError(f"logging must be debug, info, warning, error or none, not {chosen.logging!r}")
    logger.setLevel(level)
    if chosen.log_file_prefix and not _writes_to_file(logger, chosen.log_file_prefix):
        file_handler = _file_handler(chosen, chosen.log_file_prefix)
        file_handler.setFormatter(LogFormatter(color=False))
        logger.addHandler(file_handler)
    if (chosen.log_to_stderr and not _writes_to_stderr(logger)) or (
        chosen.log_to_stderr is None and not logger.handlers
    ):
        handler = logging.StreamHandler()
        handler.setFormatter(LogFormatter())
        logger.addHandler(handler)


def _writes_to_file(logger: logging.Logger, path: str) -> bool:
    absolute = os.path.abspath(path)
    return any(getattr(handler, "baseFilename", None) == absolute for handler in logger.handlers)


def _writes_to_stderr(logger: logging.Logger) -> bool:
    # Only what was added here counts: the option asks for this beside the application's own.
    return any(
        type(handler) is logging.StreamHandler and isinstance(handler.formatter, LogFormatter)
        for handler in logger.handlers
    )


def _file_handler(options: _Options, path: str) -> logging.Handler:
    # These bring pickle and more, for handlers that send records elsewhere.
    from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler

    if options.log_rotate_mode == "size":
        return RotatingFileHandler(
            path,
            maxBytes=options.log_file_max_size,
            backupCount=options.log_file_num_backups,
            encoding="utf-8",
        )
    if options.log_rotate_mode == "time":
        return TimedRotatingFileHandler(
            path,
            when=options.log_rotate_when,
            interval=options.log_rotate_interval,
            backupCount=options.log_file_num_backups,
            encoding="utf-8",
        )
    raise ValueError(
        f'The value of log_rotate_mode option should be "size" or "time", not "{options.log_rotate_mode}".'
    )


def define_logging_options(options: Any = None) -> None:
    """Defines the logging options on an option parser, and applies them when it has parsed.

    The global parser has them already; this is for parsers of an application's own.
    """
    if options is None:
        options = _global_options
    if options is None:
        raise ValueError("there is no global option parser: import framework.options, or pass a parser")
    defaults = _Defaults()
    options.define(
        "logging",
        default=defaults.logging,
        metavar="debug|info|warning|error|none",
        help="Level from which on messages are logged. With 'none', the logging configuration is left alone.",
    )
    options.define(
        "log_to_stderr",
        type=bool,
        default=defaults.log_to_stderr,
        help="Log to standard error, in colour on a terminal. Unless given, this is done if there is "
        "no log_file_prefix and nothing else has configured logging.",
    )
    options.define(
        "log_file_prefix",
        type=str,
        default=defaults.log_file_prefix,
        metavar="PATH",
        help="Log to this file. Several processes need a file each: put the port into the name.",
    )
    options.define(
        "log_file_max_size",
        type=int,
        default=defaults.log_file_max_size,
        metavar="BYTES",
        help="Size at which a log file is rotated, if log_rotate_mode is 'size'.",
    )
    options.define(
        "log_file_num_backups",
        type=int,
        default=defaults.log_file_num_backups,
        help="Number of rotated log files to keep.",
    )
    options.define(
        "log_rotate_when",
        type=str,
        default=defaults.log_rotate_when,
        help="Unit of the time of rotation, if log_rotate_mode is 'time': S, M, H, D, W0 to W6 or midnight.",
    )
    options.define(
        "log_rotate_interval",
        type=int,
        default=defaults.log_rotate_interval,
        help="Number of these units between two rotations.",
    )
    options.define(
        "log_rotate_mode",
        type=str,
        default=defaults.log_rotate_mode,
        metavar="size|time",
        help="What log files are rotated by.",
    )
    options.add_parse_callback(lambda: enable_pretty_logging(options))
