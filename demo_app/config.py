"""Every setting of the application, under the names its documentation uses.

`load` is a pure function of a mapping (normally `os.environ`): it looks at every setting, and when some are
wrong it names all of them at once. Each secret may be given in a file instead:
`REDIS_PASSWORD_FILE=/run/secrets/redis`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

__all__ = [
    "PUBLISHED_SECRET",
    "SIGN_IN_BACK",
    "ChatSettings",
    "ConfigError",
    "LimitSettings",
    "MongoSettings",
    "PostgresSettings",
    "RedisSettings",
    "Settings",
    "SignInSettings",
    "load",
]

#: The secret printed in public documentation. Fit for `DEBUG` on one's own machine only.
PUBLISHED_SECRET = "4zi7D1)uw6VJ&Iz5@924y28Z@3@M3p!H"  # noqa: S105 - published, and refused outside DEBUG

SECRET_LENGTH = 32
SECRET_HINT = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'  # noqa: S105 - how to make one

CLIENT_SECRET_LENGTH = 16

#: The path that a provider sends browsers back to.
SIGN_IN_BACK = "/sign-in/back"

PRIVATE_NETWORKS = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"

_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})
# Safe in an address and in a key of Redis.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})

T = TypeVar("T")


class ConfigError(Exception):
    """Settings that can't be used.

    Args:
        problems: one sentence for each wrong setting.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class MongoSettings:
    """Where the accounts are."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Where sessions, limits and waiting events are."""

    host: str
    port: int
    db: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """Where the account events are."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How many tries are allowed in one window of `window` seconds."""

    login_per_account: int
    login_per_address: int
    register_per_address: int
    window: int


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """The chat's rooms, and how much people may say there.

    `history` is the number of messages kept of each room, `length` that of characters in a message. `messages`
    may be sent by one person in `window` seconds, `connections` be open for one in each process.
    """

    rooms: tuple[str, ...]
    history: int
    length: int
    messages: int
    window: int
    connections: int


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """The OpenID Connect provider to sign in with, and what it knows this application by.

    `name` is what people know the provider by, `redirect_uri` the address of `/sign-in/back` as browsers see it.
    `backchannel` is where the servers reach the provider, if that is not where browsers do.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    backchannel: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one start of the application."""

    debug: bool
    path_data: str
    stores: Literal["servers", "embedded"]
    server_address: str
    server_port: int
    server_numprocs: int
    trusted_proxies: tuple[str, ...]
    cookie_secret: str = field(repr=False)
    session_expires_seconds: int
    logging_level: str
    logging_format: Literal["plain", "json"]
    limits: LimitSettings
    chat: ChatSettings
    sign_in: SignInSettings | None
    mongodb: MongoSettings
    redis: RedisSettings
    postgres: PostgresSettings


def load(environ: Mapping[str, str]) -> Settings:
    """Make the settings from environment variables.

    Args:
        environ: the variables. An empty value counts as not set.

    Raises:
        ConfigError: with every wrong setting named.
    """
    read = _Reader(environ)
    debug = read.flag("DEBUG", False)
    settings = Settings(
        debug=debug,
        path_data=read.text("PATH_DATA", "/tmp"),  # noqa: S108 - the documented default; the image sets its own
        stores=cast(
            "Literal['servers', 'embedded']", read.choice("STORES", "servers", ("servers", "embedded"))
        ),
        server_address=read.text("TORNADO_SERVER_ADDRESS", ""),
        server_port=read.number("TORNADO_SERVER_PORT", 8888, 0, 65535),
        server_numprocs=read.number("TORNADO_SERVER_NUMPROCS", 0, 0, 256),
        trusted_proxies=read.networks("TRUSTED_PROXIES", PRIVATE_NETWORKS),
        cookie_secret=read.cookie_secret("SESSION_COOKIE_SECRET", debug),
        session_expires_seconds=read.number("SESSION_EXPIRES_SECONDS", 86400, 1, 10 * 365 * 86400),
        logging_level=read.level("LOGGING_LOGGER_LEVEL", "DEBUG" if debug else "INFO"),
        logging_format=cast(
            "Literal['plain', 'json']", read.choice("LOGGING_FORMAT", "plain", ("plain", "json"))
        ),
        limits=LimitSettings(
            login_per_account=read.number("LIMIT_LOGIN_PER_ACCOUNT", 10, 1, 10**9),
            login_per_address=read.number("LIMIT_LOGIN_PER_ADDRESS", 300, 1, 10**9),
            register_per_address=read.number("LIMIT_REGISTER_PER_ADDRESS", 300, 1, 10**9),
            window=read.number("LIMIT_WINDOW_SECONDS", 300, 1, 86400),
        ),
        chat=ChatSettings(
            rooms=read.names("CHAT_ROOMS", "lobby,random"),
            history=read.number("CHAT_HISTORY", 1000, 1, 10**6),
            length=read.number("CHAT_LENGTH", 2000, 1, 10**5),
            messages=read.number("LIMIT_CHAT_MESSAGES", 30, 1, 10**9),
            window=read.number("LIMIT_CHAT_SECONDS", 10, 1, 86400),
            connections=read.number("LIMIT_CHAT_CONNECTIONS", 20, 1, 10**6),
        ),
        sign_in=read.sign_in() if read.text("OIDC_ISSUER", "") else None,
        mongodb=MongoSettings(
            host=read.text("MONGODB_HOST", "localhost"),
            port=read.number("MONGODB_PORT", 27017, 1, 65535),
            name=read.text("MONGODB_NAME", "jw_tornado_demo"),
            user=read.secret("MONGODB_USER"),
            password=read.secret("MONGODB_PASSWORD"),
        ),
        redis=RedisSettings(
            host=read.text("REDIS_HOST", "localhost"),
            port=read.number("REDIS_PORT", 6379, 1, 65535),
            db=read.number("REDIS_DB", 0, 0, 10**6),
            user=read.secret("REDIS_USER"),
            password=read.secret("REDIS_PASSWORD"),
        ),
        postgres=PostgresSettings(
            host=read.text("POSTGRES_HOST", "localhost"),
            port=read.number("POSTGRES_PORT", 5432, 1, 65535),
            name=read.text("POSTGRES_DB", "demo"),
            user=read.secret("POSTGRES_USER") or "demo",
            password=read.secret("POSTGRES_PASSWORD"),
        ),
    )
    if bool(settings.mongodb.user) != bool(settings.mongodb.password):
        read.problems.append("MONGODB_USER and MONGODB_PASSWORD belong together: set both, or neither")
    if read.problems:
        raise ConfigError(read.problems)
    return settings


class _Reader:
    """Reads single settings, and keeps what was wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name) or default

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, str(default)).lower()
        if value not in _TRUE | _FALSE:
            self.problems.append(f"{name} is {value!r}: it should be true or false")
        return value in _TRUE

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            self.problems.append(f"{name} is {value!r}: it should be {' or '.join(choices)}")
        return value

    def level(self, name: str, default: str) -> str:
        value = self.text(name, default).upper()
        if value not in _LEVELS:
            self.problems.append(f"{name} is {value!r}: it should be DEBUG, INFO, WARNING, ERROR or CRITICAL")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        # int() would also take "1_000" and digits of other scripts.
        if value.isascii() and value.isdecimal() and low <= int(value) <= high:
            return int(value)
        self.problems.append(f"{name} is {value!r}: it should be a whole number from {low} to {high}")
        return default

    def names(self, name: str, default: str) -> tuple[str, ...]:
        names = tuple(part.strip() for part in self.text(name, default).split(","))
        for one in names:
            if not _NAME.fullmatch(one):
                self.problems.append(
                    f"{name} has {one!r}: it should hold names of 1 to 32 letters, digits, - and _, with commas"
                    " between"
                )
        return names

    def networks(self, name: str, default: str) -> tuple[str, ...]:
        networks = tuple(part.strip() for part in self.text(name, default).split(",") if part.strip())
        for network in networks:
            self._checked(
                lambda network=network: ipaddress.ip_network(network),  # type: ignore[misc]
                f"{name} has {network!r}: it should hold networks such as 10.0.0.0/8, with commas between",
            )
        return networks

    def secret(self, name: str) -> str:
        """The value of `name`, or the content of the file that `name_FILE` names; "" when neither is set."""
        value, path = self._environ.get(name) or "", self._environ.get(f"{name}_FILE") or ""
        if not path:
            return value
        if value:
            self.problems.append(f"{name} and {name}_FILE are both set: set one of them")
            return value
        try:
            with open(path, encoding="utf-8") as file:
                value = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = (
                os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not UTF-8 text"
            )
            self.problems.append(f"{name}_FILE is {path!r}, which can't be read: {reason}")
            return ""
        if not value:
            self.problems.append(f"{name}_FILE is {path!r}, which is empty")
        return value

    def cookie_secret(self, name: str, debug: bool) -> str:
        known = len(self.problems)
        value = self.secret(name)
        if len(self.problems) > known:
            return value
        how = f"make one with: {SECRET_HINT}"
        if not value and debug:
            return PUBLISHED_SECRET
        if not value:
            self.problems.append(f"{name} (or {name}_FILE) is not set: {how}")
        elif value == PUBLISHED_SECRET and not debug:
            self.problems.append(f"{name} is the published example, which everybody knows: {how}")
        elif len(value) < SECRET_LENGTH:
            self.problems.append(
                f"{name} has {len(value)} characters: it needs {SECRET_LENGTH} or more; {how}"
            )
        return value

    def sign_in(self) -> SignInSettings:
        return SignInSettings(
            name=self.text("OIDC_NAME", "OpenID Connect"),
            issuer=self.address("OIDC_ISSUER"),
            client_id=self._required("OIDC_CLIENT_ID", self.text("OIDC_CLIENT_ID", "")),
            client_secret=self.client_secret("OIDC_CLIENT_SECRET"),
            redirect_uri=self.address("OIDC_REDIRECT_URI", SIGN_IN_BACK),
            backchannel=self.address("OIDC_BACKCHANNEL", private=True)
            if self.text("OIDC_BACKCHANNEL", "")
            else None,
        )

    def address(self, name: str, path: str | None = None, private: bool = False) -> str:
        """A URL that secrets may go to: HTTPS, or this machine, or whatever is `private`."""
        value = self._required(name, self.text(name, ""))
        try:
            parts = urlsplit(value)
            near = private or parts.hostname in ("localhost", "127.0.0.1", "::1")
            fits = bool(
                (parts.scheme == "https" or (parts.scheme == "http" and near))
                and parts.hostname
                and parts.username is None
                and not parts.query
                and not parts.fragment
            )
        except ValueError:
            fits = False
        if value and not fits:
            kind = (
                "an http:// or https:// URL"
                if private
                else "an https:// URL, or an http:// one of this machine"
            )
            self.problems.append(f"{name} is {value!r}: it should be {kind}")
        elif value and path and parts.path != path:
            self.problems.append(f"{name} is {value!r}: its path should be {path}")
        return value

    def client_secret(self, name: str) -> str:
        known = len(self.problems)
        value = self.secret(name)
        if len(self.problems) == known and len(self._required(name, value)) < CLIENT_SECRET_LENGTH and value:
            self.problems.append(
                f"{name} has {len(value)} characters: the provider should have made one of {CLIENT_SECRET_LENGTH}"
                " or more"
            )
        return value

    def _required(self, name: str, value: str) -> str:
        if not value:
            self.problems.append(f"{name} is not set, but OIDC_ISSUER is")
        return value

    def _checked(self, make: Callable[[], object], problem: str) -> None:
        try:
            make()
        except ValueError:
            self.problems.append(problem)
