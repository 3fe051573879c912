from __future__ import annotations

import copy
import datetime
import io
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import framework.options
from framework.options import Error, OptionParser, define, options


def parsed(*args: str, **definition: Any) -> Any:
    """The value of an option ``x`` so defined after a command line."""
    parser = OptionParser()
    parser.define("x", **definition)
    assert parser.parse_command_line(["program", *args]) == []
    return parser.x


def naive(*fields: int) -> datetime.datetime:
    """A time without a time zone, which is what options hold."""
    return datetime.datetime(*fields)  # type: ignore[arg-type]  # noqa: DTZ001


# --- the command line ---


def test_command_line_sets_options_and_returns_the_rest() -> None:
    parser = OptionParser()
    parser.define("port", default=80)
    parser.define("name", type=str)
    assert parser.parse_command_line(["program", "--port=443", "-name=a=b", "rest", "--port=1"]) == [
        "rest",
        "--port=1",
    ]
    assert (parser.port, parser.name) == (443, "a=b")


def test_command_line_ends_at_two_dashes() -> None:
    parser = OptionParser()
    parser.define("port", default=80)
    assert parser.parse_command_line(["program", "--", "--port=443"]) == ["--port=443"]
    assert parser.port == 80


def test_command_line_is_that_of_the_program_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["program", "--port=443", "rest"])
    parser = OptionParser()
    parser.define("port", default=80)
    assert parser.parse_command_line() == ["rest"]
    assert parser.port == 443


def test_dashes_and_underscores_are_the_same() -> None:
    parser = OptionParser()
    parser.define("foo-bar", type=int)
    parser.define("foo_baz", type=int)
    parser.parse_command_line(["program", "--foo_bar=1", "--foo-baz=2"])
    assert (parser.foo_bar, parser["foo-bar"], parser["foo_bar"], parser.foo_baz) == (1, 1, 1, 2)
    assert set(parser) == {"help", "foo-bar", "foo_baz"}
    assert parser.as_dict() == {"help": None, "foo-bar": 1, "foo_baz": 2}


@pytest.mark.parametrize("argument", ["--unknown", "--unknown=1", "-", "--X=1"])
def test_unknown_option_shows_the_help_and_is_an_error(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Error, match="Unrecognized command line option"):
        parsed(argument)
    assert "--x" in capsys.readouterr().err


def test_option_without_its_value_is_an_error() -> None:
    with pytest.raises(Error, match="Option 'x' requires a value"):
        parsed("--x", type=int)


def test_help_is_printed_and_ends_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        parsed("--help", default=5, help="the unknown")
    assert exit.value.code == 0
    assert "the unknown (default 5)" in capsys.readouterr().err
    assert parsed("--help=false", default=5) == 5


# --- types ---


@pytest.mark.parametrize(
    ("definition", "argument", "value"),
    [
        ({}, "--x=5", "5"),
        ({"default": "y"}, "--x=", ""),
        ({"default": 1}, "--x=5", 5),
        ({"type": int}, "--x=-5", -5),
        ({"default": 1.5}, "--x=5", 5.0),
        ({"type": bytes}, "--x=é", b"\xc3\xa9"),
        ({"type": lambda text: text * 2}, "--x=ab", "abab"),
        ({"type": bool}, "--x", True),
        ({"type": bool}, "--x=true", True),
        ({"type": bool}, "--x=1", True),
        ({"default": True}, "--x=False", False),
        ({"type": bool}, "--x=0", False),
        ({"type": bool}, "--x=f", False),
        ({"type": bool}, "--x=no", False),
        ({"type": bool}, "--x=OFF", False),
        ({"type": int, "multiple": True}, "--x=1,2", [1, 2]),
        ({"type": int, "multiple": True}, "--x=1:3,7,-2:0", [1, 2, 3, 7, -2, -1, 0]),
        ({"type": int, "multiple": True}, "--x=3:1", []),
        ({"type": str, "multiple": True}, "--x=a,b:c,", ["a", "b:c", ""]),
        ({"type": float, "multiple": True}, "--x=1.5,2", [1.5, 2.0]),
        ({"type": bool, "multiple": True}, "--x=true,f", [True, False]),
        ({"multiple": True, "default": ["a"]}, "--x=b", ["b"]),
    ],
)
def test_text_is_read_as_the_type(definition: dict[str, Any], argument: str, value: object) -> None:
    result = parsed(argument, **definition)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2013-04-28", naive(2013, 4, 28)),
        ("20130428", naive(2013, 4, 28)),
        ("2013-04-28 05:16", naive(2013, 4, 28, 5, 16)),
        ("2013-04-28T05:16:17", naive(2013, 4, 28, 5, 16, 17)),
        ("20130428 05:16:17", naive(2013, 4, 28, 5, 16, 17)),
        ("Sun Apr 28 05:16:17 2013", naive(2013, 4, 28, 5, 16, 17)),
        ("05:16", naive(1900, 1, 1, 5, 16)),
    ],
)
def test_datetime(text: str, value: datetime.datetime) -> None:
    assert parsed(f"--x={text}", type=datetime.datetime) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", datetime.timedelta(seconds=5)),
        ("1.5", datetime.timedelta(seconds=1.5)),
        ("-5s", datetime.timedelta(seconds=-5)),
        ("5ms", datetime.timedelta(milliseconds=5)),
        ("5us", datetime.timedelta(microseconds=5)),
        ("3min", datetime.timedelta(minutes=3)),
        ("2 hours", datetime.timedelta(hours=2)),
        ("1h 30m", datetime.timedelta(minutes=90)),
        ("1h30m", datetime.timedelta(minutes=90)),
        ("1d 2h 3min 4.5sec", datetime.timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("1w", datetime.timedelta(weeks=1)),
        ("1e3", datetime.timedelta(seconds=1000)),
        ("", datetime.timedelta()),
    ],
)
def test_timedelta(text: str, value: datetime.timedelta) -> None:
    assert parsed(f"--x={text}", type=datetime.timedelta) == value


@pytest.mark.parametrize(
    ("definition", "text", "message"),
    [
        ({"type": int}, "one", "Option 'x' is required to be a int, not 'one'"),
        ({"type": int}, "", "Option 'x' is required to be a int, not ''"),
        ({"type": float}, "one", "Option 'x' is required to be a float, not 'one'"),
        ({"type": int, "multiple": True}, "1:2:3", "Option 'x' is required to be a int, not '2:3'"),
        ({"type": datetime.datetime}, "soon", "Option 'x': Unrecognized date/time format: 'soon'"),
        ({"type": datetime.timedelta}, "soon", "Option 'x': Unrecognized time span: 'soon'"),
        ({"type": datetime.timedelta}, "5 parsecs", "Option 'x': Unrecognized time span"),
        ({"type": datetime.timedelta}, "1e99", "Option 'x' is required to be a timedelta, not '1e99'"),
    ],
)
def test_text_of_another_type_is_an_error(definition: dict[str, Any], text: str, message: str) -> None:
    for kind in (Error, ValueError):
        with pytest.raises(kind) as error:
            parsed(f"--x={text}", **definition)
        assert str(error.value).startswith(message)


# --- reading and setting ---


def test_options_are_attributes_and_items() -> None:
    parser = OptionParser()
    parser.define("x", default=1)
    parser.x = 2
    assert parser["x"] == 2
    parser["x"] = 3
    assert parser.x == 3
    assert "x" in parser
    assert "y" not in parser
    assert list(parser.items()) == [("help", None), ("x", 3)]


def test_unknown_option_is_an_attribute_error() -> None:
    parser = OptionParser()
    with pytest.raises(AttributeError, match="Unrecognized option 'y'"):
        _ = parser.y
    with pytest.raises(AttributeError, match="Unrecognized option 'y'"):
        _ = parser["y"]
    with pytest.raises(AttributeError, match="Unrecognized option 'y'"):
        parser.y = 1
    with pytest.raises(AttributeError, match="Unrecognized option 'y'"):
        parser["y"] = 1
    assert not hasattr(parser, "y")


def test_set_value_must_be_of_the_type() -> None:
    parser = OptionParser()
    parser.define("number", type=int)
    parser.define("numbers", type=int, multiple=True)
    parser.define("anything", type=lambda text: text)  # type: ignore[arg-type]
    value: object
    for value in ("1", 1.5, [1]):
        with pytest.raises(Error, match=r"Option 'number' is required to be a int \(<class"):
            parser.number = value
    for value in (1, None, ["1"], (1,)):
        with pytest.raises(Error, match="Option 'numbers' is required to be a list of int"):
            parser.numbers = value
    parser.number = None
    parser.numbers = [1, None]
    parser.anything = object
    assert (parser.number, parser.numbers, parser.anything) == (None, [1, None], object)


def test_list_is_empty_without_a_default() -> None:
    assert parsed(type=int, multiple=True) == []
    assert parsed(default=[1], type=int, multiple=True) == [1]


def test_name_can_be_defined_once() -> None:
    parser = OptionParser()
    parser.define("foo-bar")
    with pytest.raises(Error, match=r"Option 'foo-bar' already defined in .*test_options\.py"):
        parser.define("foo_bar")
    with pytest.raises(Error, match="Option 'help' already defined"):
        parser.define("help")


def test_callback_is_called_with_each_value() -> None:
    seen: list[Any] = []
    parser = OptionParser()
    parser.define("x", type=int, callback=seen.append)
    parser.define("y", type=int, multiple=True, callback=seen.append)
    parser.parse_command_line(["program", "--x=1", "--y=1:2"])
    parser.x = 5
    assert seen == [1, [1, 2], 5]


def test_parse_callbacks_are_called_at_the_end_of_the_final_parsing(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("x = 2")
    seen: list[int] = []
    parser = OptionParser()
    parser.define("x", default=1)
    parser.add_parse_callback(lambda: seen.append(parser.x))
    parser.parse_config_file(str(tmp_path / "config.py"), final=False)
    parser.parse_environment(environ={"X": "3"}, final=False)
    parser.parse_command_line(["program"], final=False)
    assert seen == []
    parser.parse_command_line(["program", "--x=4"])
    parser.parse_environment(environ={"X": "5"})
    parser.run_parse_callbacks()
    assert seen == [4, 5, 5]


# --- groups and help ---


def test_groups() -> None:
    parser = OptionParser()
    parser.define("a", default=1, group="application")
    parser.define("b_c", default=2, group="application")
    parser.define("d", default=3)
    assert parser.groups() == {"", "application", __file__}
    assert parser.group_dict("application") == {"a": 1, "b_c": 2}
    assert parser.group_dict(__file__) == {"d": 3}
    assert parser.group_dict("none such") == {}
    assert parser.group_dict("") == parser.as_dict() == {"help": None, "a": 1, "b_c": 2, "d": 3}


def test_help_lists_options_by_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["program"])
    parser = OptionParser()
    parser.define("port", default=80, metavar="N", help="the port to listen on", group="network")
    parser.define("log_level", help="word " * 15, group="network")
    parser.define("an_option_with_quite_a_long_name", type=int, help="explained below", group="other")
    parser.define("empty", default="", group="other")
    stream = io.StringIO()
    parser.print_help(stream)
    assert stream.getvalue() == (
        "Usage: program [OPTIONS]\n"
        "\n"
        "Options:\n"
        "\n"
        "  --help                           show this help information\n"
        "\n"
        "network options:\n"
        "\n"
        "  --log-level                      word word word word word word word word word\n"
        "                                   word word word word word word\n"
        "  --port=N                         the port to listen on (default 80)\n"
        "\n"
        "other options:\n"
        "\n"
        "  --an-option-with-quite-a-long-name \n"
        "                                   explained below\n"
        "  --empty                          \n"
        "\n"
    )


# --- configuration files ---


def configured(tmp_path: Path, text: str | bytes, **definition: Any) -> Any:
    path = tmp_path / "config.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    parser = OptionParser()
    parser.define("x", **definition)
    parser.parse_config_file(str(path))
    return parser.x


@pytest.mark.parametrize(
    ("definition", "text", "value"),
    [
        ({"type": int}, "x = 5", 5),
        ({"type": int}, "x = '5'", 5),
        ({"type": int}, "x = None", None),
        ({"type": int}, "import os\nother = 4\nx = len(os.sep) + other", 5),
        ({"type": int}, "y = 5", None),
        ({"type": str}, "x = 'é'", "é"),
        ({"type": str}, b"# -*- coding: latin-1 -*-\nx = '\xe9'", "é"),
        ({"type": bool}, "x = True", True),
        ({"type": bool}, "x = 'false'", False),
        ({"type": datetime.timedelta}, "x = '5m'", datetime.timedelta(minutes=5)),
        ({"type": int, "multiple": True}, "x = [1, 2]", [1, 2]),
        ({"type": int, "multiple": True}, "x = '1:2'", [1, 2]),
        ({"type": str, "multiple": True}, "x = 'a,b'", ["a", "b"]),
    ],
)
def test_config_file(tmp_path: Path, definition: dict[str, Any], text: str | bytes, value: object) -> None:
    assert configured(tmp_path, text, **definition) == value


def test_config_file_knows_its_path(tmp_path: Path) -> None:
    assert configured(tmp_path, "x = __file__", type=str) == str(tmp_path / "config.py")


def test_config_file_sets_names_with_dashes(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("foo_bar = 1")
    parser = OptionParser()
    parser.define("foo-bar", type=int)
    parser.parse_config_file(str(path))
    assert parser.foo_bar == 1


@pytest.mark.parametrize(
    ("definition", "text", "message"),
    [
        ({"type": int}, "x = 5.5", "Option 'x' is required to be a int"),
        ({"type": int}, "x = 'five'", "Option 'x' is required to be a int, not 'five'"),
        ({"type": str}, "x = b'bytes'", "Option 'x' is required to be a str"),
        ({"type": int, "multiple": True}, "x = 5", "a list of int or a comma-separated string"),
        ({"type": int, "multiple": True}, "x = (1, 2)", "a list of int or a comma-separated string"),
        ({"type": int, "multiple": True}, "x = ['1']", "Option 'x' is required to be a list of int"),
    ],
)
def test_config_file_with_a_value_of_another_type_is_an_error(
    tmp_path: Path, definition: dict[str, Any], text: str, message: str
) -> None:
    with pytest.raises(Error, match=message):
        configured(tmp_path, text, **definition)


def test_config_file_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError) as error:
        configured(tmp_path, "x = ", type=int)
    assert error.value.filename == str(tmp_path / "config.py")
    with pytest.raises(FileNotFoundError):
        OptionParser().parse_config_file(str(tmp_path / "none.py"))


# --- the environment ---


def from_environment(environ: dict[str, str], prefix: str = "", **definition: Any) -> Any:
    parser = OptionParser()
    parser.define("db-password", **definition)
    parser.parse_environment(prefix, environ)
    return parser.db_password


def test_environment_sets_options_by_upper_case_name() -> None:
    assert from_environment({"DB_PASSWORD": "secret"}) == "secret"
    assert from_environment({"APP_DB_PASSWORD": "secret"}, "APP_") == "secret"
    assert from_environment({"DB_PASSWORD": "secret", "db-password": "x"}, "APP_") is None
    assert from_environment({"DB_PASSWORD": "1:3"}, type=int, multiple=True) == [1, 2, 3]


def test_environment_is_that_of_the_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "443")
    monkeypatch.setenv("APP_HELP", "1")
    parser = OptionParser()
    parser.define("port", default=80)
    parser.parse_environment("APP_")
    assert parser.port == 443


@pytest.mark.parametrize("content", ["secret", "secret\n", "secret\r\n"])
def test_environment_names_a_file_with_the_value(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    assert from_environment({"DB_PASSWORD_FILE": str(path)}) == "secret"
    assert from_environment({"APP_DB_PASSWORD_FILE": str(path), "APP_DB_PASSWORD": ""}, "APP_") == "secret"


def test_environment_keeps_all_but_the_final_line_break_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" a\nb \n\n")
    assert from_environment({"DB_PASSWORD_FILE": str(path)}) == " a\nb \n"


def test_environment_with_an_empty_variable_or_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_text("\n")
    assert from_environment({"DB_PASSWORD": ""}, default="default") == "default"
    assert from_environment({"DB_PASSWORD_FILE": ""}, default=5) == 5
    assert from_environment({"DB_PASSWORD_FILE": str(path)}, default=5) == 5


def test_environment_with_a_variable_and_a_file_is_an_error() -> None:
    with pytest.raises(Error, match="DB_PASSWORD and DB_PASSWORD_FILE are both set"):
        from_environment({"DB_PASSWORD": "x", "DB_PASSWORD_FILE": "y"})


def test_environment_with_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"APP_DB_PASSWORD_FILE: cannot read '.*none'"):
        from_environment({"APP_DB_PASSWORD_FILE": str(tmp_path / "none")}, "APP_")
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(Error, match="DB_PASSWORD_FILE: cannot read"):
        from_environment({"DB_PASSWORD_FILE": str(tmp_path / "bytes")})


def test_environment_with_a_value_of_another_type_is_an_error() -> None:
    with pytest.raises(Error, match="Option 'db-password' is required to be a int, not 'x'"):
        from_environment({"DB_PASSWORD": "x"}, type=int)


def test_environment_leaves_an_option_that_is_named_like_a_file_of_another() -> None:
    parser = OptionParser()
    parser.define("config", type=str)
    parser.define("config_file", type=str)
    parser.parse_environment(environ={"CONFIG_FILE": "path"})
    assert (parser.config, parser.config_file) == (None, "path")


# --- mocking and copying ---


def test_mockable_can_be_patched() -> None:
    parser = OptionParser()
    parser.define("x", default=1)
    with mock.patch.object(parser.mockable(), "x", 2):
        assert parser.x == 2
        assert parser.mockable().x == 2
    assert parser.x == 1


def test_mockable_patches_an_option_once() -> None:
    parser = OptionParser()
    parser.define("x", default=1)
    mockable = parser.mockable()
    mockable.x = 2
    with pytest.raises(AssertionError, match="don't reuse mockable objects"):
        mockable.x = 3
    del mockable.x
    assert parser.x == 1


def test_parser_can_be_copied() -> None:
    parser = OptionParser()
    parser.define("x", default=1)
    assert copy.copy(parser).x == 1
    # copy asks an object without attributes for its methods.
    assert not hasattr(OptionParser.__new__(OptionParser), "_options")


# --- the global parser ---


@pytest.fixture
def global_options(monkeypatch: pytest.MonkeyPatch) -> OptionParser:
    """The global parser; what a test defines in it or adds to it goes away."""
    monkeypatch.setitem(options.__dict__, "_options", dict(options.__dict__["_options"]))
    monkeypatch.setitem(options.__dict__, "_parse_callbacks", [])
    return options


def test_functions_work_on_the_global_parser(global_options: OptionParser, tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("global_x = 2")
    seen: list[int] = []
    framework.options.add_parse_callback(lambda: seen.append(options.global_x))
    define("global_x", default=1, help="a global option")
    assert options.group_dict(__file__) == {"global_x": 1}
    framework.options.parse_config_file(str(path))
    framework.options.parse_environment("APP_", {"APP_GLOBAL_X": "3"})
    assert framework.options.parse_command_line(["program", "--global-x=4", "rest"]) == ["rest"]
    assert seen == [2, 3, 4]
    stream = io.StringIO()
    framework.options.print_help(stream)
    assert "a global option (default 1)" in stream.getvalue()
    with pytest.raises(Error, match="already defined"):
        define("global-x")
