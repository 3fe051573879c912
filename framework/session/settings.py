"""The `session=` setting of an application."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from framework.session.cookie import Secret, SessionCookie
from framework.session.errors import SessionConfigError
from framework.session.stores.base import Store
from framework.session.stores.memory import MemoryStore
from framework.session.stores.sqlite import SQLiteStore
from framework.web import Application

__all__ = ["ApplicationSessions", "SessionSettings"]

# The names on the left are read as the ones on the right.
_SYNONYMS = {"sid_name": "cookie_name", "session_lifetime": "lifetime"}
_NAMES = {"store", "driver", "driver_settings", "cookie_name", "lifetime", "cookie_config", "secret"}
# Accepted without effect: every change is stored before the response leaves, and an application has one store.
_IGNORED = {"cache_driver", "force_persistence"}
_COOKIE_CONFIG = {"domain", "path", "expires", "expires_days", "max_age", "httponly", "secure", "samesite"}


def _memory(host: Any = None, **options: Any) -> Store:
    # Where the sessions are kept ("host") is this process, whatever is given.
    return MemoryStore(**options)


def _sqlite(path: str, **options: Any) -> Store:
    return SQLiteStore(path, **options)


def _file(host: str, **options: Any) -> Store:
    return SQLiteStore(os.path.join(host, "sessions.sqlite3"), **options)


def _redis(**options: Any) -> Store:
    try:
        module = importlib.import_module("framework.session.stores.redis")
    except ImportError as error:
        raise SessionConfigError(
            f"session driver 'redis' needs the redis package (pip install 'framework[redis]'): {error}"
        ) from error
    store: Store = module.RedisStore.from_settings(**options)
    return store


_DRIVERS: dict[str, Callable[..., Store]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "file": _file,
    "redis": _redis,
}


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How sessions are kept.

    Args:
        store: where; see `framework.session.stores`.
        lifetime: seconds that a session lives after its last use.
        cookie_name: the name of the cookie that carries the id.
        cookie_config: attributes of the cookie that replace the defaults; the arguments of `set_cookie`.
        secret: what the cookie is signed with; the application's `cookie_secret` if None.
    """

    store: Store
    lifetime: int = 86400
    cookie_name: str = "sid"
    cookie_config: Mapping[str, Any] = field(default_factory=dict)
    secret: Secret | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        lifetime: object = self.lifetime  # whatever the annotation says: it may come from a dictionary
        if not isinstance(lifetime, int) or lifetime < 1:
            raise SessionConfigError(
                f"lifetime of sessions must be whole seconds, at least 1, not {self.lifetime!r}"
            )
        if unknown := set(self.cookie_config) - _COOKIE_CONFIG:
            raise SessionConfigError(
                f"unknown names in cookie_config: {_list(unknown)}; possible are {_list(_COOKIE_CONFIG)}"
            )

    @classmethod
    def from_setting(cls, value: object) -> SessionSettings:
        """Read the `session=` setting.

        Args:
            value: ready settings, a store, or a dictionary with `store` or else `driver` (`memory`,
                `sqlite`, `file`, `redis`) and `driver_settings` (arguments of the store); `lifetime`
                (or `session_lifetime`), `cookie_name` (or `sid_name`), `cookie_config`, `secret`.

        Raises:
            SessionConfigError: the value is something else, or a name in it is unknown.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls._from_mapping(value)
        if all(callable(getattr(value, name, None)) for name in ("load", "save", "delete", "close")):
            return cls(value)  # type: ignore[arg-type]  # just checked, as far as one can
        raise SessionConfigError(
            "the application has no usable session= setting: pass a dictionary such as"
            f' dict(driver="memory"), or a store, not {value!r}'
        )

    @classmethod
    def _from_mapping(cls, value: Mapping[str, Any]) -> SessionSettings:
        options = {
            _SYNONYMS.get(name, name): option for name, option in value.items() if name not in _IGNORED
        }
        if unknown := options.keys() - _NAMES:
            possible = _NAMES | _IGNORED | _SYNONYMS.keys()
            raise SessionConfigError(
                f"unknown names in session=: {_list(unknown)}; possible are {_list(possible)}"
            )
        driver = options.pop("driver", None)
        driver_settings = options.pop("driver_settings", None) or {}
        if "store" not in options:
            options["store"] = _make_store("memory" if driver is None else driver, driver_settings)
        elif driver is not None or driver_settings:
            raise SessionConfigError("session= takes either store or driver with driver_settings, not both")
        options["cookie_config"] = options.get("cookie_config") or {}
        return cls(**options)


def _list(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))


def _make_store(driver: str, driver_settings: Mapping[str, Any]) -> Store:
    make = _DRIVERS.get(driver)
    if make is None:
        raise SessionConfigError(f"unknown session driver {driver!r}; possible are {_list(_DRIVERS)}")
    try:
        return make(**driver_settings)
    except (TypeError, ValueError) as error:
        raise SessionConfigError(f"driver_settings of session driver {driver!r}: {error}") from error


class ApplicationSessions:
    """The sessions of one application: its settings, read once, and the cookie they make."""

    __slots__ = ("cookie", "lifetime", "store")

    _known: ClassVar[WeakKeyDictionary[Application, ApplicationSessions]] = WeakKeyDictionary()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        session = SessionSettings.from_setting(settings.get("session"))
        secret = session.secret or settings.get("cookie_secret")
        if not secret:
            raise SessionConfigError(
                "sessions need a secret to sign their cookie with: set cookie_secret= of the application, or"
                " secret in its session= setting, to something like the output of"
                " python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        self.store = session.store
        self.lifetime = session.lifetime
        key_version = settings.get("key_version")
        self.cookie = SessionCookie(
            session.cookie_name, session.lifetime, secret, key_version, session.cookie_config
        )

    @classmethod
    def of(cls, application: Application) -> ApplicationSessions:
        """Return the sessions of `application`; its settings are read, and its store made, the first time.

        Raises:
            SessionConfigError: the `session=` setting or the secret is missing or wrong.
        """
        sessions = cls._known.get(application)
        if sessions is None:
            sessions = cls._known[application] = cls(application.settings)
        return sessions
