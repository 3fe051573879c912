"""Runs every program with one of the two packages: ``python -m tests.differential.programs.run framework``.

Prints a line of JSON for each: its name, and what it said and logged, in order.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib
import inspect
import json
import logging
import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["MODULES", "Api"]

MODULES = (
    *("coroutines", "waiting", "futures", "locking", "queueing"),
    *(
        "timing",
        "optional",
        "parsing",
        "streaming",
        "reading",
        "writing",
        "ending",
        "encrypting",
        "utilities",
        "sockets",
    ),
)

# What programs see of a package.
PACKAGE_MODULES = (
    *("concurrent", "gen", "ioloop", "iostream", "locks", "log", "netutil", "options", "queues"),
    *("tcpclient", "tcpserver", "util", "httpclient", "httpserver", "web", "websocket"),
)

# A program that takes so many seconds is taken to hang.
PATIENCE = 10


class Api:
    """A package's modules, and what a program says."""

    def __init__(self, package: str) -> None:
        for name in PACKAGE_MODULES:
            setattr(self, name, importlib.import_module(f"{package}.{name}"))
        self.package = package
        self.said: list[str] = []

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the programs have no module {name}")

    def say(self, *words: object) -> None:
        """Tells something that both packages should tell."""
        text = " ".join(word if isinstance(word, str) else repr(word) for word in words)
        text = re.sub(r"0x[0-9a-f]+", "0x", text.replace(self.package + ".", "PACKAGE."))
        text = re.sub(r"\bfd \d+", "fd", text)
        text = re.sub(r"\bError on \d+ \([^)]*\)", "Error on fd", text)
        # Names of asyncio's tasks are numbers that count all tasks.
        self.said.append(re.sub(r"Task-\d+", "Task", text))

    async def attempt(self, label: str, thing: Awaitable[Any] | Callable[[], Any]) -> None:
        """Says what becomes of something that can be waited for, or of a call and what it returns."""
        try:
            result = thing() if callable(thing) else thing
            if inspect.isawaitable(result):
                result = await result
            self.say(label, result)
        except BaseException as error:
            self.say(label, type(error).__name__, str(error))

    def kind(self, label: str, function: Callable[..., Any], *args: Any) -> None:
        """Says what a call returns or which kind of error it raises: the messages are each package's own."""
        try:
            self.say(label, function(*args))
        except BaseException as error:
            kinds = [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"]
            self.say(label, kinds[0])

    def allowed(self, label: str, function: Callable[..., Any], *args: Any) -> None:
        """Says what a call returns, or that it raises an error."""
        try:
            self.say(label, function(*args))
        except Exception:
            self.say(label, "is refused")

    def call(self, label: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Says what becomes of a call."""
        try:
            self.say(label, function(*args, **kwargs))
        except BaseException as error:
            self.say(label, type(error).__name__, str(error))

    async def rounds(self, count: int = 10) -> None:
        """Lets the loop go round."""
        for _ in range(count):
            await asyncio.sleep(0)

    @staticmethod
    def soon(seconds: float = 0.01) -> datetime.timedelta:
        """A span from now."""
        return datetime.timedelta(seconds=seconds)


class Records(logging.Handler):
    """Lets a program say what is logged."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self.api = api

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "asyncio" and (
            record.levelno < logging.ERROR or "destroyed" in record.getMessage()
        ):
            # When that comes depends on the garbage collector.
            return
        message = record.getMessage()
        # How a function or a future is shown is nobody's business.
        message = re.sub(
            r"(in callback|in Future|Task exception|Future exception)\b.*", r"\1", message, flags=re.S
        )
        error = record.exc_info[1] if record.exc_info else None
        self.api.say("LOG", record.levelname, message, "" if error is None else repr(error))


def programs() -> dict[str, Callable[[Api], Awaitable[None]]]:
    """All programs by name."""
    found = {}
    for module in MODULES:
        loaded = importlib.import_module(f"tests.differential.programs.{module}")
        for name, function in vars(loaded).items():
            if inspect.iscoroutinefunction(function) and not name.startswith("_"):
                found[f"{module}.{name}"] = function
    return found


def main() -> None:
    """Runs them."""
    api = Api(sys.argv[1])
    logging.getLogger().handlers = [Records(api)]
    logging.getLogger().setLevel(logging.INFO)
    for name, program in programs().items():
        api.said = []
        loop = api.ioloop.IOLoop(make_current=False)
        try:
            loop.run_sync(lambda program=program: program(api), timeout=PATIENCE)
        except BaseException as error:
            api.say("RAISED", type(error).__name__, str(error))
        loop.close()
        print(json.dumps([name, api.said]), flush=True)


if __name__ == "__main__":
    main()
