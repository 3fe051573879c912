"""Options of a program: defined where they are used, set on the command line, in a file or the environment.

::

    from framework.options import define, options, parse_command_line

    define("port", default=8000, help="port to listen on")

    parse_command_line()
    server.listen(options.port)

A module defines its own options at its top, and they share one name space, :data:`options`. Dashes
and underscores in names are the same: ``define("log_level")`` is set by ``--log-level`` or
``--log_level`` and read as ``options.log_level``.

Types are ``str``, ``int``, ``float``, ``bool``, :class:`datetime.datetime`,
:class:`datetime.timedelta` (``90``, ``5min``, ``1h 30m``) and any other callable that takes a text.
An option with ``multiple=True`` is a list, written with commas; a list of ``int`` may hold ranges
(``8000:8003``, both ends included).
"""

from __future__ import annotations

import datetime
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TextIO

from framework.escape import utf8
from framework.log import _register_global_options

__all__ = [
    "Error",
    "OptionParser",
    "add_parse_callback",
    "define",
    "options",
    "parse_command_line",
    "parse_config_file",
    "parse_environment",
    "print_help",
]


class Error(Exception):
    """An option is unknown, defined twice, or has a value it cannot have."""


class _BadValueError(Error, ValueError):
    """A text is not of the option's type."""


def _normalized(name: str) -> str:
    return name.replace("_", "-")


# --- values ---


_DATETIME_FORMATS = (
    "%a %b %d %H:%M:%S %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d %H:%M",
    "%Y-%m-%d",
    "%Y%m%d",
    "%H:%M:%S",
    "%H:%M",
)


def _parse_datetime(text: str) -> datetime.datetime:
    for form in _DATETIME_FORMATS:
        try:
            # As it is written: without a time zone.
            return datetime.datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            pass
    raise _BadValueError(f"Unrecognized date/time format: {text!r}; write it as 2024-01-31 23:59:59")


_TIMEDELTA_PART = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-zA-Z]*)\s*")
_TIMEDELTA_UNITS = {
    "": "seconds",
    "us": "microseconds",
    "ms": "milliseconds",
    "s": "seconds",
    "sec": "seconds",
    "m": "minutes",
    "min": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}
_TIMEDELTA_UNITS |= {unit: unit for unit in _TIMEDELTA_UNITS.values()}


def _parse_timedelta(text: str) -> datetime.timedelta:
    total = datetime.timedelta()
    position = 0
    while position < len(text):
        part = _TIMEDELTA_PART.match(text, position)
        unit = part and _TIMEDELTA_UNITS.get(part[2])
        if part is None or unit is None:
            raise _BadValueError(f"Unrecognized time span: {text!r}; write it as 90, 5min or 1h 30m")
        total += datetime.timedelta(**{unit: float(part[1])})
        position = part.end()
    return total


def _parse_bool(text: str) -> bool:
    return text.lower() not in ("false", "0", "f", "no", "n", "off")


_PARSERS: dict[Any, Callable[[str], Any]] = {
    bool: _parse_bool,
    bytes: utf8,
    datetime.datetime: _parse_datetime,
    datetime.timedelta: _parse_timedelta,
    str: str,
}

_UNSET = object()


class _Option:
    """One defined option and its value."""

    __slots__ = (
        "_value",
        "callback",
        "default",
        "file_name",
        "group",
        "help",
        "metavar",
        "multiple",
        "name",
        "type",
    )

    def __init__(
        self,
        name: str,
        default: Any,
        type: Callable[..., Any],
        help: str | None,
        metavar: str | None,
        multiple: bool,
        file_name: str,
        group: str,
        callback: Callable[[Any], None] | None,
    ) -> None:
        self.name = name
        self.default = [] if default is None and multiple else default
        self.type = type
        self.help = help
        self.metavar = metavar
        self.multiple = multiple
        self.file_name = file_name
        self.group = group
        self.callback = callback
        self._value: Any = _UNSET

    @property
    def type_name(self) -> str:
        return getattr(self.type, "__name__", str(self.type))

    def value(self) -> Any:
        return self.default if self._value is _UNSET else self._value

    def parse(self, text: str) -> None:
        """Sets the value from a text."""
        if self.multiple:
            values: list[Any] = []
            for part in text.split(","):
                values.extend(self._parse_range(part) if self.type is int else [self._parse_one(part)])
            self._assign(values)
        else:
            self._assign(self._parse_one(text))

    def _parse_range(self, text: str) -> Iterable[int]:
        low, _, high = text.partition(":")
        first: int = self._parse_one(low)
        return range(first, (self._parse_one(high) if high else first) + 1)

    def _parse_one(self, text: str) -> Any:
        parser: Callable[[str], Any] = _PARSERS.get(self.type, self.type)
        try:
            return parser(text)
        except Error as error:
            raise _BadValueError(f"Option {self.name!r}: {error}") from None
        except (ValueError, OverflowError) as error:
            raise _BadValueError(
                f"Option {self.name!r} is required to be a {self.type_name}, not {text!r}: {error}"
            ) from error

    def set(self, value: Any) -> None:
        """Sets the value from one of the option's type; None is allowed where it is no list."""
        if self.multiple:
            if not isinstance(value, list) or not all(item is None or self._fits(item) for item in value):
                raise Error(f"Option {self.name!r} is required to be a list of {self.type_name}")
        elif value is not None and not self._fits(value):
            raise Error(f"Option {self.name!r} is required to be a {self.type_name} ({type(value)} given)")
        self._assign(value)

    def set_or_parse(self, value: Any) -> None:
        """Sets the value as a configuration file gives it: of the type, or a text to parse."""
        if isinstance(value, str) and (self.multiple or self.type is not str):
            self.parse(value)
        elif self.multiple and not isinstance(value, list):
            raise Error(
                f"Option {self.name!r} is required to be a list of {self.type_name} "
                "or a comma-separated string"
            )
        else:
            self.set(value)

    def _fits(self, value: Any) -> bool:
        # A type that is a plain function cannot be asked.
        return not isinstance(self.type, type) or isinstance(value, self.type)

    def _assign(self, value: Any) -> None:
        self._value = value
        if self.callback is not None:
            self.callback(value)


# --- the parser ---


class OptionParser:
    """A set of options. Most programs use the global one, :data:`options`.

    Options are read and set as attributes or items; unknown ones are an :exc:`AttributeError`.
    """

    _options: dict[str, _Option]
    _parse_callbacks: list[Callable[[], None]]

    def __init__(self) -> None:
        # Around __setattr__, which is for options.
        self.__dict__["_options"] = {}
        self.__dict__["_parse_callbacks"] = []
        self.define("help", type=bool, help="show this help information", group="", callback=self._show_help)

    def _find(self, name: str) -> _Option:
        option = self._options.get(_normalized(name))
        if option is None:
            raise AttributeError(f"Unrecognized option {name!r}")
        return option

    def __getattr__(self, name: str) -> Any:
        if name in ("_options", "_parse_callbacks"):
            # Asked for by copy and pickle, before there is an instance dictionary.
            raise AttributeError(name)
        return self._find(name).value()

    def __setattr__(self, name: str, value: Any) -> None:
        self._find(name).set(value)

    def __getitem__(self, name: str) -> Any:
        return self._find(name).value()

    def __setitem__(self, name: str, value: Any) -> None:
        self._find(name).set(value)

    def __iter__(self) -> Iterator[str]:
        return (option.name for option in self._options.values())

    def __contains__(self, name: str) -> bool:
        return _normalized(name) in self._options

    def items(self) -> Iterable[tuple[str, Any]]:
        """Returns the names and values of all options."""
        return [(option.name, option.value()) for option in self._options.values()]

    def groups(self) -> set[str]:
        """Returns the names of the groups that options were defined in."""
        return {option.group for option in self._options.values()}

    def group_dict(self, group: str) -> dict[str, Any]:
        """Returns names and values of one group's options; of all, if ``group`` is empty.

        ``Application(handlers, **options.group_dict("application"))`` makes a group the settings.
        """
        return {
            option.name: option.value()
            for option in self._options.values()
            if not group or group == option.group
        }

    def as_dict(self) -> dict[str, Any]:
        """Returns the names and values of all options."""
        return dict(self.items())

    def define(
        self,
        name: str,
        default: Any = None,
        type: type | None = None,
        help: str | None = None,
        metavar: str | None = None,
        multiple: bool = False,
        group: str | None = None,
        callback: Callable[[Any], None] | None = None,
    ) -> None:
        """Defines an option.

        ``type`` is that of the default unless given, ``str`` without one. ``metavar`` stands for
        the value in the help. ``group`` orders the help and names a part of the options for
        :meth:`group_dict`; it is the defining file unless given. ``callback`` is called with
        each value that is set.

        Raises :exc:`Error` if the name is taken.
        """
        normalized = _normalized(name)
        if normalized in self._options:
            raise Error(f"Option {normalized!r} already defined in {self._options[normalized].file_name}")
        file_name = sys._getframe(1).f_code.co_filename
        if type is None:
            type = str if default is None or multiple else default.__class__
        self._options[normalized] = _Option(
            name,
            default=default,
            type=type,
            help=help,
            metavar=metavar,
            multiple=multiple,
            file_name=file_name,
            group=file_name if group is None else group,
            callback=callback,
        )

    def parse_command_line(self, args: list[str] | None = None, final: bool = True) -> list[str]:
        """Sets options from the command line and returns the arguments that are left.

        ``args[0]`` is the program's name, which is skipped; ``sys.argv`` unless given. Options
        are ``--name=value``, or ``--name`` alone for a ``bool``, and end at the first argument
        without a dash or at ``--``. With ``final=False`` the parse callbacks wait for a later call.

        Raises :exc:`Error` for an unknown option or a value of the wrong type.
        """
        if args is None:
            args = sys.argv
        remaining: list[str] = []
        for position, argument in enumerate(args[1:], 1):
            if not argument.startswith("-"):
                remaining = args[position:]
                break
            if argument == "--":
                remaining = args[position + 1 :]
                break
            name, equals, value = argument.lstrip("-").partition("=")
            option = self._options.get(_normalized(name))
            if option is None:
                self.print_help()
                raise Error(f"Unrecognized command line option: {name!r}")
            if not equals:
                if option.type is not bool:
                    raise Error(f"Option {name!r} requires a value: --{name}=...")
                value = "true"
            option.parse(value)
        if final:
            self.run_parse_callbacks()
        return remaining

    def parse_config_file(self, path: str, final: bool = True) -> None:
        """Sets options from a file in Python's syntax, ``port = 80``.

        The file is executed, with ``__file__`` defined; names in it that are no options are its
        own. A value has the option's type, or is a text to parse as on the command line. With
        ``final=False`` the parse callbacks wait for a later call.

        Raises :exc:`Error` for a value of the wrong type, :exc:`OSError`, :exc:`SyntaxError`, or
        whatever the file raises.
        """
        absolute = os.path.abspath(path)
        with open(path, "rb") as file:
            code = compile(file.read(), absolute, "exec", dont_inherit=True)
        names: dict[str, Any] = {"__file__": absolute}
        exec(code, names)  # noqa: S102 - a configuration file is a program of the operator's
        for name, value in names.items():
            option = self._options.get(_normalized(name))
            if option is not None:
                option.set_or_parse(value)
        if final:
            self.run_parse_callbacks()

    def parse_environment(
        self, prefix: str = "", environ: Mapping[str, str] | None = None, final: bool = True
    ) -> None:
        """Sets options from environment variables.

        The option ``db-password`` is set by ``DB_PASSWORD`` after the ``prefix``, or from the file
        that ``DB_PASSWORD_FILE`` names (a secret mounted by a container, say), whose final line
        break is dropped. A variable or file that is empty counts as not set. ``environ`` is ``os.environ``
        unless given; with ``final=False`` the parse callbacks wait for a later call.

        Raises :exc:`Error` for a value of the wrong type, a file that cannot be read, or when both
        variables are set.
        """
        if environ is None:
            environ = os.environ
        for normalized, option in self._options.items():
            if normalized == "help":
                continue
            variable = prefix + normalized.replace("-", "_").upper()
            text = environ.get(variable)
            # An option may itself be named like another one's file.
            path = None if f"{normalized}-file" in self._options else environ.get(f"{variable}_FILE")
            if text and path:
                raise Error(f"{variable} and {variable}_FILE are both set: set one of them")
            if path:
                text = _read_value(path, f"{variable}_FILE")
            if text:
                option.parse(text)
        if final:
            self.run_parse_callbacks()

    def print_help(self, file: TextIO | None = None) -> None:
        """Prints all options with their help to ``file``, standard error unless given."""
        if file is None:
            file = sys.stderr
        print(f"Usage: {sys.argv[0]} [OPTIONS]", file=file)
        print("\nOptions:\n", file=file)
        by_group: dict[str, list[_Option]] = {}
        for option in self._options.values():
            by_group.setdefault(option.group, []).append(option)
        for group, members in sorted(by_group.items()):
            if group:
                print(f"\n{os.path.normpath(group)} options:\n", file=file)
            for option in sorted(members, key=lambda option: option.name):
                print(_help_text(option), file=file)
        print(file=file)

    def _show_help(self, value: bool) -> None:
        if value:
            self.print_help()
            sys.exit(0)

    def add_parse_callback(self, callback: Callable[[], None]) -> None:
        """Adds a function to be called when all options have been parsed."""
        self._parse_callbacks.append(callback)

    def run_parse_callbacks(self) -> None:
        """Calls the functions added by :meth:`add_parse_callback`."""
        for callback in self._parse_callbacks:
            callback()

    def mockable(self) -> _Mockable:
        """Returns a wrapper of this object that ``unittest.mock.patch.object`` can patch.

        ::

            with mock.patch.object(options.mockable(), "name", value):
                assert options.name == value
        """
        return _Mockable(self)


def _read_value(path: str, variable: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Error(f"{variable}: cannot read {path!r}: {error}") from error
    return text.removesuffix("\n").removesuffix("\r")


_HELP_COLUMN = 35
_HELP_WIDTH = 79


def _help_text(option: _Option) -> str:
    left = _normalized(option.name)
    if option.metavar:
        left += f"={option.metavar}"
    description = option.help or ""
    if option.default is not None and option.default != "":
        description += f" (default {option.default})"
    lines = textwrap.wrap(description, _HELP_WIDTH - _HELP_COLUMN)
    if not lines or len(left) > 30:
        lines.insert(0, "")
    return "\n".join([f"  --{left:<30} {lines[0]}", *(" " * _HELP_COLUMN + line for line in lines[1:])])


class _Mockable:
    """Patches options and undoes it: ``mock.patch`` deletes the attributes that it has set."""

    def __init__(self, options: OptionParser) -> None:
        self.__dict__["_options"] = options
        self.__dict__["_originals"] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._options, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._originals:
            raise AssertionError("don't reuse mockable objects")
        self._originals[name] = getattr(self._options, name)
        setattr(self._options, name, value)

    def __delattr__(self, name: str) -> None:
        setattr(self._options, name, self._originals.pop(name))


# --- the global parser ---


#: The options of this program.
options = OptionParser()


# The methods of the global parser, as functions.
add_parse_callback = options.add_parse_callback
define = options.define
parse_command_line = options.parse_command_line
parse_config_file = options.parse_config_file
parse_environment = options.parse_environment
print_help = options.print_help

_register_global_options(options)
