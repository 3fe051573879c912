"""The cookie of a session."""

from __future__ import annotations

import time

import pytest

from framework.session.cookie import SessionCookie
from framework.web.signing import create_signed_value

SECRET = "a secret of the application"


def signed(session_id: str, age: float, name: str = "sid", secret: str = SECRET) -> str:
    """A cookie's value that was made `age` seconds ago."""
    return create_signed_value(secret, name, session_id, clock=lambda: time.time() - age).decode()


def test_what_is_signed_is_read() -> None:
    cookie = SessionCookie("sid", 1000, SECRET)
    assert cookie.read(cookie.sign("the-id").decode()) == ("the-id", False)


@pytest.mark.parametrize(
    "value",
    ["", "the-id", signed("the-id", 0, name="other"), signed("the-id", 0, secret="another"), "2|1:0|x"],
)
def test_what_is_not_signed_right_is_nothing(value: str) -> None:
    assert SessionCookie("sid", 1000, SECRET).read(value)[0] is None


def test_a_value_signed_the_old_way_is_nothing() -> None:
    value = create_signed_value(SECRET, "sid", "the-id", version=1).decode()
    assert SessionCookie("sid", 1000, SECRET).read(value)[0] is None


def test_its_age_is_told_and_limited() -> None:
    cookie = SessionCookie("sid", 1000, SECRET)
    assert cookie.read(signed("the-id", 90)) == ("the-id", False)
    assert cookie.read(signed("the-id", 110)) == ("the-id", True)
    assert cookie.read(signed("the-id", 990)) == ("the-id", True)
    assert cookie.read(signed("the-id", 1010))[0] is None


def test_keys_can_be_changed() -> None:
    old = SessionCookie("sid", 1000, {1: "one", 2: "two"}, key_version=1)
    new = SessionCookie("sid", 1000, {1: "one", 2: "two", 3: "three"}, key_version=3)
    assert new.read(old.sign("the-id").decode()) == ("the-id", False)
    assert old.read(new.sign("the-id").decode())[0] is None


def test_its_attributes_are_safe_by_default() -> None:
    cookie = SessionCookie("sid", 1000, SECRET)
    safe = {"path": "/", "httponly": True, "samesite": "Lax", "max_age": 1000}
    assert cookie.attributes(https=False) == safe | {"secure": False}
    assert cookie.attributes(https=True) == safe | {"secure": True}


def test_its_attributes_can_be_replaced() -> None:
    config = {"samesite": "Strict", "path": "/app", "domain": "example.org", "expires_days": None}
    attributes = SessionCookie("sid", 1000, SECRET, config=config).attributes(https=True)
    assert attributes == config | {"httponly": True, "secure": True}


def test_it_is_cleared_where_it_was_set() -> None:
    cookie = SessionCookie(
        "sid", 1000, SECRET, config={"path": "/app", "domain": "example.org", "max_age": 5}
    )
    assert cookie.place(https=True) == {
        "path": "/app",
        "domain": "example.org",
        "httponly": True,
        "secure": True,
        "samesite": "Lax",
    }
