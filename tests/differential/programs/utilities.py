"""`util` and `log`."""

from __future__ import annotations

import datetime
import errno
import io
import logging
import os
import re
import tempfile
import zlib
from typing import Any

from tests.differential.programs.run import Api


async def object_dict(api: Api) -> None:
    made = api.util.ObjectDict(a=1)
    made.b = 2
    made["c"] = 3
    api.say(made, made.a, made["b"], made.c)
    api.call("attribute", lambda: made.nothing)
    api.call("item", lambda: made["nothing"])
    api.say(hasattr(made, "nothing"), getattr(made, "nothing", "default"))


async def import_object(api: Api) -> None:
    for name in ("os", "os.path", "os.path.join", "json.decoder.JSONDecoder"):
        api.say(getattr(api.util.import_object(name), "__name__", None))
    for name in ("nothing_like_it", "os.path.nothing.at_all", "", "."):
        api.kind(name, api.util.import_object, name)


async def import_object_that_is_missing(api: Api) -> None:
    api.call("missing", api.util.import_object, "os.nothing")


async def arg_replacer(api: Api) -> None:
    def function(a: int, b: int, callback: Any = None, *, d: int = 0) -> None:
        pass

    for name in ("callback", "a", "nothing"):
        replacer = api.util.ArgReplacer(function, name)
        for args, kwargs in (
            ((1, 2, 3), {}),
            ((1, 2), {}),
            ((1, 2), {"callback": 3}),
            ((), {"a": 1, "b": 2}),
        ):
            api.say(
                name, replacer.get_old_value(args, kwargs), replacer.get_old_value(args, kwargs, "default")
            )
            api.say(replacer.replace("new", args, dict(kwargs)))


async def arg_replacer_of_what_is_no_function(api: Api) -> None:
    api.kind("class", lambda: api.util.ArgReplacer(int, "x") and None)
    api.kind("number", lambda: api.util.ArgReplacer(5, "x") and None)


async def timedelta_to_seconds(api: Api) -> None:
    for span in (datetime.timedelta(1), datetime.timedelta(milliseconds=1), datetime.timedelta(-1)):
        api.say(api.util.timedelta_to_seconds(span))


async def errno_from_exception(api: Api) -> None:
    for error in (
        OSError(errno.ENOENT, "x"),
        OSError("x"),
        OSError(),
        KeyError(5),
        ValueError(),
        Exception(7, 8),
    ):
        api.say(api.util.errno_from_exception(error))


async def re_unescape(api: Api) -> None:
    for text in ("abc", "a.b", "a\\b", "a b", "ü", "[x]{1}", "\n"):
        api.say(api.util.re_unescape(re.escape(text)) == text)
    for text in (r"\d", r"\w", r"a\.b", "\\", r"\Z", r"\-", r"\0"):
        api.kind(text, api.util.re_unescape, text)


async def exec_in(api: Api) -> None:
    space: dict[str, Any] = {}
    api.util.exec_in("a = 1\nb = a + 1", space)
    api.say(space["a"], space["b"])
    api.util.exec_in(compile("c = 3", "name", "exec"), space)
    api.say(space["c"])


async def raise_exc_info(api: Api) -> None:
    api.kind("none", api.util.raise_exc_info, (None, None, None))
    error = KeyError("again")
    api.call("error", api.util.raise_exc_info, (KeyError, error, None))


async def gzip_decompressor(api: Api) -> None:
    packed = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    data = packed.compress(b"x" * 1000 + b"end") + packed.flush()
    unpacker = api.util.GzipDecompressor()
    api.say(unpacker.decompress(data[:10]), len(unpacker.decompress(data[10:], 100)))
    api.say(len(unpacker.decompress(unpacker.unconsumed_tail)), unpacker.flush())
    api.kind("garbage", api.util.GzipDecompressor().decompress, b"this is no gzip")


def _configurable(api: Api) -> tuple[Any, Any, Any]:
    class Base(api.util.Configurable):  # type: ignore[misc, name-defined]
        @classmethod
        def configurable_base(cls) -> Any:
            return Base

        @classmethod
        def configurable_default(cls) -> Any:
            return One

        def initialize(self, **kwargs: Any) -> None:
            self.kwargs = kwargs

    class One(Base):
        pass

    class Two(Base):
        def initialize(self, pos: Any = None, **kwargs: Any) -> None:
            self.kwargs = {"pos": pos, **kwargs}

    return Base, One, Two


async def configurable(api: Api) -> None:
    base, one, two = _configurable(api)
    api.say(type(base()).__name__, base().kwargs, type(two()).__name__, base.configured_class().__name__)
    base.configure(two, a=1)
    api.say(type(base()).__name__, base().kwargs, base(b=2).kwargs, base(a=3).kwargs, base(5).kwargs)
    api.say(type(one()).__name__, one().kwargs, two(4).kwargs)
    base.configure(None, a=2)
    api.say(type(base()).__name__, base().kwargs)
    base.configure(None)
    api.say(base().kwargs)


async def configurable_wrongly(api: Api) -> None:
    base, _, _ = _configurable(api)
    api.kind("other class", base.configure, int)
    api.kind("no class", base.configure, "nothing_like_it.Thing")
    api.say(type(base()).__name__)


def _record(
    level: int = logging.INFO, message: object = "message %s", args: Any = ("x",)
) -> logging.LogRecord:
    record = logging.LogRecord("name", level, "/path/module.py", 7, message, args, None)
    record.created = 1_700_000_000.0
    return record


async def log_lines(api: Api) -> None:
    formatter = api.log.LogFormatter(color=False)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL, 25):
        api.say(formatter.format(_record(level)))
    for message, args in (
        ("plain", ()),
        (b"bytes", ()),
        (5, ()),
        ("%d", ("x",)),
        ("ü", ()),
        ("a\nb", ()),
        ("", ()),
    ):
        text = formatter.format(_record(message=message, args=args))
        api.say(text if "Bad message" not in text else "Bad message")


async def log_lines_of_other_forms(api: Api) -> None:
    formatter = api.log.LogFormatter(fmt="%(levelname)s %(message)s %(asctime)s", datefmt="%Y", color=False)
    api.say(formatter.format(_record()))
    formatter = api.log.LogFormatter("%(color)s[%(levelname)1.1s]%(end_color)s %(message)s", color=False)
    api.say(formatter.format(_record()))
    api.say(api.log.LogFormatter.DEFAULT_FORMAT, api.log.LogFormatter.DEFAULT_DATE_FORMAT)
    api.say(sorted(api.log.LogFormatter.DEFAULT_COLORS.items()))


async def log_lines_with_errors(api: Api) -> None:
    formatter = api.log.LogFormatter(color=False)
    record = _record(logging.ERROR)
    record.exc_info = (KeyError, KeyError("x"), None)
    api.say(formatter.format(record))
    record.exc_text = "given text\nof two lines"
    api.say(formatter.format(record))


async def loggers(api: Api) -> None:
    for logger in (api.log.access_log, api.log.app_log, api.log.gen_log):
        api.say(logger.name.removeprefix(api.package))


async def logging_to_a_file(api: Api) -> None:
    options = api.options.OptionParser()
    api.log.define_logging_options(options)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        options.log_file_prefix = path
        options.log_to_stderr = False
        options.logging = "warning"
        logger = logging.getLogger("of.the.program")
        api.log.enable_pretty_logging(options, logger)
        logger.info("quiet")
        logger.warning("loud")
        for handler in logger.handlers:
            api.say(type(handler).__name__)
            handler.close()
        logger.handlers = []
        with open(path, encoding="utf-8") as file:  # noqa: ASYNC230
            api.say(re.sub(r"\d+", "0", file.read()))
        api.say(logging.getLevelName(logger.level))
        logger.setLevel(logging.NOTSET)


async def logging_to_nowhere(api: Api) -> None:
    options = api.options.OptionParser()
    api.log.define_logging_options(options)
    api.say({name: options[name] for name in options if name != "help"})
    options.logging = "none"
    logger = logging.getLogger("of.the.program.too")
    api.log.enable_pretty_logging(options, logger)
    api.say(logger.handlers, logger.level)


async def a_level_that_does_not_exist(api: Api) -> None:
    options = api.options.OptionParser()
    api.log.define_logging_options(options)
    options.logging = "nothing like it"
    api.kind("level", api.log.enable_pretty_logging, options, logging.getLogger("of.no.program"))


async def logging_that_rotates(api: Api) -> None:
    for mode in ("size", "time", "other"):
        options = api.options.OptionParser()
        api.log.define_logging_options(options)
        with tempfile.TemporaryDirectory() as folder:
            options.log_file_prefix = os.path.join(folder, "log")
            options.log_rotate_mode = mode
            logger = logging.getLogger("of.the.program.that.rotates")
            api.kind(mode, api.log.enable_pretty_logging, options, logger)
            for handler in logger.handlers:
                api.say(type(handler).__name__)
                handler.close()
            logger.handlers = []
            logger.setLevel(logging.NOTSET)


async def help_of_the_logging_options(api: Api) -> None:
    options = api.options.OptionParser()
    api.log.define_logging_options(options)
    file = io.StringIO()
    options.print_help(file)
    api.say(sorted(re.findall(r"^  --([a-z-]+)", file.getvalue(), re.MULTILINE)))
