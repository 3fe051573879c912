"""Settings: their defaults, their files, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_app.config import PUBLISHED_SECRET, ConfigError, load

SECRET = "a-secret-of-ones-own-with-more-than-32-characters"


def problems(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load({"SESSION_COOKIE_SECRET": SECRET} | environ)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_the_defaults_are_the_documented_ones_and_not_for_debugging() -> None:
    settings = load({"SESSION_COOKIE_SECRET": SECRET})
    assert not settings.debug
    assert settings.logging_level == "INFO"
    assert (settings.path_data, settings.server_port, settings.server_numprocs) == ("/tmp", 8888, 0)
    assert settings.session_expires_seconds == 86400
    assert (settings.mongodb.host, settings.mongodb.port, settings.mongodb.name) == (
        "localhost",
        27017,
        "jw_tornado_demo",
    )
    assert (settings.redis.host, settings.redis.port, settings.redis.db) == ("localhost", 6379, 0)
    assert settings.postgres.port == 5432
    assert settings.stores == "servers"
    assert "127.0.0.0/8" in settings.trusted_proxies
    assert load({"SESSION_COOKIE_SECRET": SECRET, "DEBUG": ""}) == settings


@pytest.mark.parametrize("value", ["true", "YES", "y", "1", "On"])
def test_debug_needs_no_secret(value: str) -> None:
    settings = load({"DEBUG": value})
    assert settings.debug
    assert settings.cookie_secret == PUBLISHED_SECRET
    assert settings.logging_level == "DEBUG"


@pytest.mark.parametrize(
    ("secret", "why"),
    [("", "is not set"), (PUBLISHED_SECRET, "everybody knows"), ("short", "has 5 characters")],
)
def test_a_start_without_a_secret_of_ones_own_is_refused_and_told_how_to_make_one(
    secret: str, why: str
) -> None:
    (problem,) = problems(SESSION_COOKIE_SECRET=secret)
    assert why in problem
    assert "python -c" in problem


def test_every_wrong_setting_is_named_at_once() -> None:
    found = problems(
        DEBUG="maybe",
        TORNADO_SERVER_PORT="65536",
        TORNADO_SERVER_NUMPROCS="-1",
        REDIS_DB="1_0",
        STORES="clay",
        LOGGING_LOGGER_LEVEL="loud",
        LOGGING_FORMAT="xml",
        TRUSTED_PROXIES="10.0.0.0/8, nginx",
        MONGODB_USER="demo",
        SESSION_COOKIE_SECRET="short",
    )
    names = [
        "DEBUG",
        "STORES",
        "TORNADO_SERVER_PORT",
        "TORNADO_SERVER_NUMPROCS",
        "TRUSTED_PROXIES",
        "SESSION_COOKIE_SECRET",
        "LOGGING_LOGGER_LEVEL",
        "LOGGING_FORMAT",
        "REDIS_DB",
        "MONGODB_USER",
    ]
    assert [problem.split()[0] for problem in found] == names
    assert "0 to 65535" in found[2]


def test_secrets_may_be_in_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "password").write_text("swordfish")
    settings = load(
        {
            "SESSION_COOKIE_SECRET_FILE": str(tmp_path / "secret"),
            "REDIS_PASSWORD_FILE": str(tmp_path / "password"),
            "POSTGRES_PASSWORD_FILE": str(tmp_path / "password"),
            "MONGODB_USER": "demo",
            "MONGODB_PASSWORD_FILE": str(tmp_path / "password"),
        }
    )
    assert settings.cookie_secret == SECRET
    assert {settings.redis.password, settings.postgres.password, settings.mongodb.password} == {"swordfish"}


def test_secret_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff")
    found = problems(
        REDIS_PASSWORD_FILE=str(tmp_path / "missing"),
        REDIS_USER_FILE=str(tmp_path / "binary"),
        POSTGRES_PASSWORD_FILE=str(tmp_path / "empty"),
        SESSION_COOKIE_SECRET_FILE=str(tmp_path / "empty"),
    )
    assert [problem.split()[0] for problem in found] == [
        "SESSION_COOKIE_SECRET",
        "REDIS_USER_FILE",
        "REDIS_PASSWORD_FILE",
        "POSTGRES_PASSWORD_FILE",
    ]
    assert "both set" in found[0]
    assert "not UTF-8" in found[1]
    assert "No such file" in found[2]
    assert "is empty" in found[3]


def test_settings_can_be_printed_without_their_secrets() -> None:
    settings = load({"SESSION_COOKIE_SECRET": SECRET, "REDIS_PASSWORD": "swordfish"})
    assert SECRET not in repr(settings)
    assert "swordfish" not in repr(settings)


def test_the_chats_rooms_have_names_for_addresses() -> None:
    settings = load({"SESSION_COOKIE_SECRET": SECRET, "CHAT_ROOMS": " tea_room, 2nd-floor"})
    assert settings.chat.rooms == ("tea_room", "2nd-floor")
    assert load({"SESSION_COOKIE_SECRET": SECRET}).chat.rooms == ("lobby", "random")
    found = problems(CHAT_ROOMS="lobby,tea room,," + "x" * 33, CHAT_HISTORY="0", LIMIT_CHAT_SECONDS="1.5")
    assert [problem.split(" ")[0] for problem in found] == [
        *["CHAT_ROOMS"] * 3,
        "CHAT_HISTORY",
        "LIMIT_CHAT_SECONDS",
    ]
