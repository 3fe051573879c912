"""The command line: `python -m demo_app [serve|demo|migrate|check-config] [--port=...] [--stores=...]`.

serve         one server process, or several on one port (TORNADO_SERVER_NUMPROCS)
demo          four processes with embedded stores in ./data: needs no server and no settings
migrate       brings the stores' schemas up to date, and ends
check-config  says what is wrong with the settings, and ends

Settings are environment variables, see `demo_app.config`. The status at the end is 0, 1 where something
failed, or 2 where the settings or the command line are wrong.
"""

from __future__ import annotations

import logging.config
import os
import secrets
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping

from demo_app import config, logs, server
from demo_app.config import ConfigError, Settings
from demo_app.migrations import MigrationError
from demo_app.stores.base import StoreUnavailable
from framework import options, process
from framework.ioloop import IOLoop
from framework.netutil import bind_sockets

__all__ = ["main"]

COMMANDS = ("serve", "demo", "migrate", "check-config")

DEMO_DEFAULTS = {
    "STORES": "embedded",
    "PATH_DATA": "data",
    "TORNADO_SERVER_ADDRESS": "127.0.0.1",
    "TORNADO_SERVER_PORT": "8080",
    "TORNADO_SERVER_NUMPROCS": "4",
}

SECRET_FILE = "cookie_secret"  # noqa: S105 - the file's name

logger = logging.getLogger("demo_app")


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run a command.

    Args:
        arguments: the command line, without the program's name.
        environ: the environment.

    Returns:
        The exit status.
    """
    command = arguments.pop(0) if arguments and not arguments[0].startswith("-") else "serve"
    try:
        settings = _settings(command, arguments, environ)
    except (ConfigError, options.Error) as error:
        print(f"demo_app: {error}".replace("\n", "\ndemo_app: "), file=sys.stderr)
        return 2
    logging.config.dictConfig(logs.logging_config(settings.logging_level, settings.logging_format))
    if settings.cookie_secret == config.PUBLISHED_SECRET:
        logger.warning("DEBUG: cookies are signed with the published secret; never serve others like this")
    try:
        return _run(command, settings)
    except (OSError, StoreUnavailable, MigrationError) as error:
        logger.error("%s", error)
        return 1


def _settings(command: str, arguments: list[str], environ: Mapping[str, str]) -> Settings:
    if command not in COMMANDS:
        raise options.Error(f"unknown command {command!r}: it should be {', '.join(COMMANDS)}")
    parser = options.OptionParser()
    parser.define("port", type=int, help="port to listen on (TORNADO_SERVER_PORT)")
    parser.define("stores", type=str, help="servers or embedded (STORES)")
    rest = parser.parse_command_line([f"demo_app {command}", *arguments])
    if rest:
        raise options.Error(f"what is {rest[0]!r}? Options begin with --, and only one command is possible")
    merged = dict(environ)
    if command == "demo":
        if environ.get("PORT"):
            merged.setdefault("TORNADO_SERVER_PORT", environ["PORT"])
        merged = DEMO_DEFAULTS | {name: value for name, value in merged.items() if value}
    if parser.port is not None:
        merged["TORNADO_SERVER_PORT"] = str(parser.port)
    if parser.stores is not None:
        merged["STORES"] = parser.stores
    if command == "demo" and not (merged.keys() & {"SESSION_COOKIE_SECRET", "SESSION_COOKIE_SECRET_FILE"}):
        merged["SESSION_COOKIE_SECRET"] = _kept_secret(merged["PATH_DATA"])
    return config.load(merged)


def _kept_secret(folder: str) -> str:
    """The secret in the folder; made at random on first use."""
    path = os.path.join(folder, SECRET_FILE)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not os.path.exists(path):
            # Complete from its first moment, and never replaced, whoever else starts at the same time.
            with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                try:
                    os.link(file.name, path)
                except FileExistsError:
                    pass
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        raise ConfigError([f"PATH_DATA is {folder!r}, which can't be used: {error}"]) from error


def _run(command: str, settings: Settings) -> int:
    if command == "check-config":
        print("the settings are fine")
        return 0
    if command == "migrate":
        _in_loop(lambda: server.migrate(settings))
        return 0
    sockets = bind_sockets(settings.server_port, settings.server_address)
    try:
        if settings.server_numprocs != 1 and not settings.debug:
            process.fork_processes(settings.server_numprocs)
        _in_loop(lambda: server.serve(settings, sockets))
    finally:
        for listening in sockets:
            listening.close()
    return 0


def _in_loop(work: Callable[[], Awaitable[None]]) -> None:
    loop = IOLoop.current()
    try:
        loop.run_sync(work)
    finally:
        loop.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
