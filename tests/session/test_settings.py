"""The `session=` setting, in each of its forms."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from framework.session import (
    ApplicationSessions,
    MemoryStore,
    SessionConfigError,
    SessionSettings,
    SQLiteStore,
)
from framework.session.stores.redis import RedisStore
from framework.web import Application


def test_a_driver_by_name() -> None:
    settings = SessionSettings.from_setting({"driver": "memory"})
    assert isinstance(settings.store, MemoryStore)
    assert (settings.lifetime, settings.cookie_name, dict(settings.cookie_config)) == (86400, "sid", {})


def test_no_driver_is_memory() -> None:
    assert isinstance(SessionSettings.from_setting({}).store, MemoryStore)


async def test_the_form_of_torndsession() -> None:
    settings = SessionSettings.from_setting(
        {
            "driver": "redis",
            "driver_settings": {"host": "localhost", "port": 6379, "db": 0, "max_connections": 1024},
            "sid_name": "torndsessionID",
            "session_lifetime": 1800,
            "cookie_config": {"domain": "example.org", "secure": True},
            "force_persistence": True,
            "cache_driver": True,
        }
    )
    assert isinstance(settings.store, RedisStore)
    assert settings.cookie_name == "torndsessionID"
    assert settings.lifetime == 1800
    assert settings.cookie_config == {"domain": "example.org", "secure": True}
    await settings.store.close()


def test_memory_ignores_a_host() -> None:
    store = SessionSettings.from_setting({"driver": "memory", "driver_settings": {"host": object()}}).store
    assert isinstance(store, MemoryStore)


def test_memory_of_a_size() -> None:
    store = SessionSettings.from_setting({"driver": "memory", "driver_settings": {"max_sessions": 5}}).store
    assert isinstance(store, MemoryStore) and store.max_sessions == 5


def test_sqlite_by_path_and_file_by_folder() -> None:
    store = SessionSettings.from_setting({"driver": "sqlite", "driver_settings": {"path": "x/y.db"}}).store
    assert isinstance(store, SQLiteStore) and store.path == "x/y.db"
    store = SessionSettings.from_setting({"driver": "file", "driver_settings": {"host": "x/dir"}}).store
    assert isinstance(store, SQLiteStore) and store.path == os.path.join("x/dir", "sessions.sqlite3")


def test_a_ready_store_alone_or_with_settings() -> None:
    store = MemoryStore()
    assert SessionSettings.from_setting(store).store is store
    settings = SessionSettings.from_setting(
        {"store": store, "lifetime": 5, "cookie_name": "s", "secret": "x"}
    )
    assert settings == SessionSettings(store, 5, "s", {}, "x")
    assert SessionSettings.from_setting(settings) is settings


def test_its_repr_does_not_tell_the_secret() -> None:
    assert "hush" not in repr(SessionSettings(MemoryStore(), secret="hush"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "no usable session= setting"),
        ("redis", "no usable session= setting"),
        (
            {"driver": "memcached"},
            "unknown session driver 'memcached'; possible are file, memory, redis, sqlite",
        ),
        ({"drivers": "redis"}, "unknown names in session=: drivers; possible are"),
        ({"driver": "sqlite"}, "driver_settings of session driver 'sqlite': .*path"),
        ({"driver": "memory", "driver_settings": {"max_sessions": 0}}, "max_sessions must be at least 1"),
        ({"driver": "memory", "driver_settings": {"port": 1}}, "driver_settings of session driver 'memory'"),
        ({"store": MemoryStore(), "driver": "memory"}, "either store or driver"),
        ({"lifetime": 0}, "whole seconds, at least 1, not 0"),
        ({"lifetime": "1 day"}, "whole seconds, at least 1, not '1 day'"),
        ({"cookie_config": {"expire": 1}}, "unknown names in cookie_config: expire; possible are"),
    ],
)
def test_mistakes_are_named(value: object, message: str) -> None:
    with pytest.raises(SessionConfigError, match=message):
        SessionSettings.from_setting(value)


def test_redis_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "framework.session.stores.redis", None)
    with pytest.raises(SessionConfigError, match=r"pip install 'framework\[redis\]'"):
        SessionSettings.from_setting({"driver": "redis"})


def application(**settings: Any) -> Application:
    return Application([], **settings)


def test_an_application_has_one_store() -> None:
    app = application(session={"driver": "memory"}, cookie_secret="secret")
    assert ApplicationSessions.of(app) is ApplicationSessions.of(app)
    other = application(session={"driver": "memory"}, cookie_secret="secret")
    assert ApplicationSessions.of(app).store is not ApplicationSessions.of(other).store


def test_the_secret_of_the_sessions_goes_before_that_of_the_application() -> None:
    value = ApplicationSessions.of(application(session={}, cookie_secret="secret")).cookie.sign("id")
    same = application(session={"secret": "secret"}, cookie_secret="another")
    assert ApplicationSessions.of(same).cookie.read(value.decode()) == ("id", False)


def test_no_secret_is_an_error_that_says_how_to_make_one() -> None:
    with pytest.raises(SessionConfigError, match=r"cookie_secret= .*secrets\.token_urlsafe\(32\)"):
        ApplicationSessions.of(application(session={}))


def test_no_setting_is_an_error() -> None:
    with pytest.raises(SessionConfigError, match="no usable session= setting"):
        ApplicationSessions.of(application(cookie_secret="secret"))
