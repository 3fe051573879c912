"""`options`: command lines and files."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from typing import Any

from tests.differential.programs.run import Api


def _parser(api: Api) -> Any:
    options = api.options.OptionParser()
    options.define("port", default=80)
    options.define("name", default="none")
    options.define("flag", default=False)
    return options


async def what_is_left_of_a_command_line(api: Api) -> None:
    for words in (
        ["--port=1", "a", "b"],
        ["a", "--port=1"],
        ["--port=1", "--", "--name=x"],
        ["-port=1"],
        ["--flag", "a"],
        ["-"],
        ["--"],
        [],
        [""],
        ["--flag", "--port=2", "x", "--name=y"],
    ):
        options = _parser(api)
        api.call(" ".join(words), options.parse_command_line, ["program", *words])
        api.say(options.port, options.name, options.flag)


async def command_lines_that_are_wrong(api: Api) -> None:
    for word in (
        "--nothing",
        "--nothing=1",
        "--port",
        "--port=x",
        "--name",
        "--flag=maybe",
        "--=1",
        "---port=1",
    ):
        options = _parser(api)
        with contextlib.redirect_stderr(io.StringIO()) as said:
            api.kind(word, options.parse_command_line, ["program", word])
        api.say(bool(said.getvalue()), options.as_dict()["port"])


async def values_with_equals_signs(api: Api) -> None:
    options = _parser(api)
    options.parse_command_line(["program", "--name=a=b=c"])
    api.say(options.name)
    options.parse_command_line(["program", "--name="])
    api.say(options.name)


async def help_on_the_command_line(api: Api) -> None:
    options = _parser(api)
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        api.call("help", options.parse_command_line, ["program", "--help"])
    api.say("--port" in said.getvalue(), "Usage:" in said.getvalue())


async def callbacks_after_parsing(api: Api) -> None:
    options = _parser(api)
    options.add_parse_callback(lambda: api.say("parsed", options.port))
    options.add_parse_callback(lambda: api.say("second"))
    options.parse_command_line(["program", "--port=1"], final=False)
    api.say("not final")
    options.parse_command_line(["program", "--port=2"])
    options.run_parse_callbacks()


async def the_last_one_counts(api: Api) -> None:
    options = _parser(api)
    options.define("m", type=int, multiple=True)
    options.parse_command_line(["program", "--port=1", "--port=2", "--m=1", "--m=2"])
    api.say(options.port, options.m)


def _file(text: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False, encoding="utf-8") as file:
        file.write(text)
    return file.name


async def configuration_files(api: Api) -> None:
    for text in (
        "port = 1\nname = 'file'",
        "import os\nport = 2 + 3\nunknown = 5",
        "port = '7'",
        "port = 'x'",
        "flag = True",
        "flag = 'true'",
        "name = 5",
        "port = None",
        "def (",
        "1 / 0",
        "",
        "# -*- coding: utf-8 -*-\nname = 'ü'",
        "name = __file__.endswith('.py') and 'here'",
    ):
        path = _file(text)
        try:
            options = _parser(api)
            api.kind(text, options.parse_config_file, path)
            api.say(options.port, options.name, options.flag)
        finally:
            os.unlink(path)


async def configuration_files_with_lists(api: Api) -> None:
    for text in ("m = [1, 2]", "m = '1,2'", "m = '1:3'", "m = 5", "m = (1, 2)", "m = ['x']"):
        path = _file(text)
        try:
            options = _parser(api)
            options.define("m", type=int, multiple=True)
            api.kind(text, options.parse_config_file, path)
            api.say(options.m)
        finally:
            os.unlink(path)


async def configuration_files_that_are_not_there(api: Api) -> None:
    api.call("missing", _parser(api).parse_config_file, "/nowhere/at/all.conf")


async def callbacks_after_configuration_files(api: Api) -> None:
    path = _file("port = 3")
    try:
        options = _parser(api)
        options.add_parse_callback(lambda: api.say("parsed", options.port))
        options.parse_config_file(path, final=False)
        api.say("not final")
        options.parse_config_file(path)
    finally:
        os.unlink(path)


async def a_configuration_file_named_on_the_command_line(api: Api) -> None:
    path = _file("port = 3\nname = 'file'")
    try:
        options = _parser(api)
        options.define("config", type=str, callback=lambda path: options.parse_config_file(path, final=False))
        options.parse_command_line(["program", f"--config={path}", "--port=4"])
        api.say(options.port, options.name)
    finally:
        os.unlink(path)
