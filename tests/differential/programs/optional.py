"""`options`: what is defined, set and read."""

from __future__ import annotations

import datetime
import io
from typing import Any

from tests.differential.programs.run import Api


def _parser(api: Api) -> Any:
    return api.options.OptionParser()


async def defaults_give_types(api: Api) -> None:
    options = _parser(api)
    for name, default in (
        ("a", 5),
        ("b", "x"),
        ("c", 1.5),
        ("d", True),
        ("e", None),
        ("f", datetime.timedelta(1)),
    ):
        options.define(name, default=default)
        api.say(name, options[name])
    options.parse_command_line(["x", "--a=7", "--b=y", "--c=2", "--d=false", "--e=z", "--f=2d"])
    api.say(options.as_dict())


async def defined_twice(api: Api) -> None:
    options = _parser(api)
    options.define("port", default=1)
    api.call("again", options.define, "port", default=2)
    options.define("a_b")
    api.call("dash", options.define, "a-b")


async def names_with_dashes(api: Api) -> None:
    options = _parser(api)
    options.define("log-level", default="x")
    api.say(options.log_level, options["log-level"], options["log_level"], "log_level" in options)
    options.parse_command_line(["x", "--log_level=y"])
    api.say(options.log_level)
    options.parse_command_line(["x", "--log-level=z"])
    api.say(options.log_level, sorted(options))


async def unknown_names(api: Api) -> None:
    options = _parser(api)
    api.call("attribute", lambda: options.nothing)
    api.call("item", lambda: options["nothing"])
    api.call("set", lambda: setattr(options, "nothing", 1))
    api.call("set item", lambda: options.__setitem__("nothing", 1))
    api.call("in", lambda: "nothing" in options)


async def values_set_by_hand(api: Api) -> None:
    options = _parser(api)
    options.define("number", default=1)
    options.define("several", multiple=True, type=int)
    options.number = 5
    api.say(options.number)
    api.call("text", lambda: setattr(options, "number", "5"))
    api.call("none", lambda: setattr(options, "number", None))
    api.say(options.number)
    options.several = [1, 2]
    api.call("not a list", lambda: setattr(options, "several", 3))
    api.call("wrong items", lambda: setattr(options, "several", ["x"]))
    api.call("none item", lambda: setattr(options, "several", [None]))
    api.say(options.several)
    options["number"] = 6
    api.say(options.number)


async def several_values(api: Api) -> None:
    for text in ("1,2", "1:4", "1:3,7", "", "x", "3:1", "1:", " 1 , 2 ", "-1"):
        options = _parser(api)
        options.define("numbers", type=int, multiple=True)
        options.define("words", multiple=True)
        api.kind(text, options.parse_command_line, ["x", f"--numbers={text}"])
        api.say(options.numbers)
        api.call(text, options.parse_command_line, ["x", f"--words={text}"])
        api.say(options.words)


async def numbers(api: Api) -> None:
    for kind in (int, float):
        for text in ("5", "-5", "0x10", "1e3", "x", "", " 7 ", "1_000", "inf"):
            options = _parser(api)
            options.define("n", type=kind)
            api.kind(f"{kind.__name__} {text}", options.parse_command_line, ["x", f"--n={text}"])
            api.say(options.n)


async def truth_values(api: Api) -> None:
    for text in (
        "--b",
        *(f"--b={text}" for text in ("true", "false", "0", "1", "f", "t", "yes", "", "F", "False")),
    ):
        options = _parser(api)
        options.define("b", type=bool)
        api.call(text, options.parse_command_line, ["x", text])
        api.say(options.b)


async def timedeltas(api: Api) -> None:
    for text in (
        "5",
        "5s",
        "5 s",
        "1h 30m",
        "2d",
        "1w",
        "1.5h",
        "10ms",
        "90min",
        "3 hours",
        "x",
        "",
        "5y",
        "-5s",
    ):
        options = _parser(api)
        options.define("t", type=datetime.timedelta)
        api.allowed(text, options.parse_command_line, ["x", f"--t={text}"])
        api.say(options.t)


async def datetimes(api: Api) -> None:
    texts = (
        *("2024-05-06 07:08:09", "2024-05-06 07:08", "2024-05-06T07:08", "2024-05-06"),
        *("20240506 07:08:09", "20240506 07:08", "20240506", "Mon May 06 07:08:09 2024", "x", ""),
    )
    for text in texts:
        options = _parser(api)
        options.define("d", type=datetime.datetime)
        api.allowed(text, options.parse_command_line, ["x", f"--d={text}"])
        api.say(options.d)
    for text in ("07:08:09", "07:08"):
        options = _parser(api)
        options.define("d", type=datetime.datetime)
        options.parse_command_line(["x", f"--d={text}"])
        api.say(options.d.time())


async def more_ways_to_write_a_value(api: Api) -> None:
    options = _parser(api)
    options.define("t", type=datetime.timedelta)
    options.define("d", type=datetime.datetime)
    options.define("b", type=bool)
    for word in ("--t=1h30m", "--d=2024-05-06T07:08:09", "--b=no", "--b=off"):
        api.allowed(word, options.parse_command_line, ["x", word])
        api.say(options.as_dict())


async def types_of_one_s_own(api: Api) -> None:
    class Upper(str):
        def __new__(cls, text: str) -> Upper:
            return super().__new__(cls, text.upper())

    options = _parser(api)
    options.define("u", type=Upper)
    api.call("parse", options.parse_command_line, ["x", "--u=abc"])
    api.say(options.u, type(options.u).__name__)


async def callbacks_of_options(api: Api) -> None:
    options = _parser(api)
    options.define("a", type=int, callback=lambda value: api.say("callback", value))
    options.define("m", type=int, multiple=True, callback=lambda value: api.say("callback", value))
    options.parse_command_line(["x", "--a=5", "--m=1,2"])
    options.a = 6
    options.define("f", type=int, callback=lambda value: value / 0)
    api.call("error", options.parse_command_line, ["x", "--f=1"])


async def groups(api: Api) -> None:
    options = _parser(api)
    options.define("a", default=1, group="first")
    options.define("b", default=2, group="second")
    options.define("c", default=3, group="first")
    api.say({name for name in options.groups() if "/" not in name} >= {"first", "second"})
    api.say(options.group_dict("first"), options.group_dict("second"), options.group_dict("third"))
    api.say(options.group_dict("") == options.as_dict() or options.group_dict(""))


async def items_and_iteration(api: Api) -> None:
    options = _parser(api)
    options.define("b_c", default=1)
    options.define("a", default=2)
    api.say(sorted(options.items()), sorted(options), sorted(options.as_dict().items()))


async def mockable(api: Api) -> None:
    options = _parser(api)
    options.define("a", default=1)
    mock = options.mockable()
    api.say(mock.a)
    mock.a = 2
    api.say(options.a)
    api.call("again", lambda: setattr(mock, "a", 3))
    del mock.a
    api.say(options.a)


async def help_text(api: Api) -> None:
    options = _parser(api)
    options.define("port", default=80, help="the port", metavar="N", group="net")
    options.define("long_name_of_an_option_that_is_long", default="x", help="word " * 40, group="net")
    options.define("flag", type=bool, default=False, help="a flag", group="net")
    options.define("several", multiple=True, default=[1], help="several", group="net")
    file = io.StringIO()
    options.print_help(file)
    text = file.getvalue()
    for line in text[text.find("net options") :].splitlines():
        api.say(line.rstrip())


async def the_error_s_kind(api: Api) -> None:
    api.say(issubclass(api.options.Error, Exception), api.options.Error("x").args)


async def global_functions(api: Api) -> None:
    module = api.options
    api.say(isinstance(module.options, module.OptionParser))
    module.define("programs_of_the_test", default=1, help="x")
    api.say(module.options.programs_of_the_test)
    api.say(module.parse_command_line(["x", "--programs_of_the_test=2", "rest"], final=False))
    api.say(module.options.programs_of_the_test)
    api.say("logging" in module.options, "log_file_prefix" in module.options)
