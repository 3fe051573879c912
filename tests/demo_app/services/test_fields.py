"""The rules of what people type."""

from __future__ import annotations

import pytest

from demo_app.errors import InvalidFields
from demo_app.services import fields
from demo_app.services.fields import FieldError, Fields


@pytest.mark.parametrize(
    "name", ["ada", "Ada.Lovelace", "a_b-c", "x" * 64, "Åsa", "Юлия", "山田太郎", "r2d2"]
)
def test_good_user_names(name: str) -> None:
    assert fields.username(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "x" * 65,
        "a b c",
        ".ada",
        "ada.",
        "a..b",
        "ada@home",
        "ad\x00a",
        "<b>x",
        "a\u202eb",
        "ada\n",
        "__a",
    ],
)
def test_bad_user_names(name: str) -> None:
    if name == "ada\n":
        assert fields.username(name) == "ada"
        return
    with pytest.raises(FieldError, match="3 to 64"):
        fields.username(name)


def test_user_names_that_look_alike_are_one() -> None:
    wide, small = "ＡＤＡ", "ada"
    assert fields.username_key(fields.username(wide)) == fields.username_key(fields.username(small))
    assert fields.username_key("Straße") == fields.username_key("STRASSE")
    assert fields.username_key("A\u030asa") == fields.username_key("\xe5sa")


@pytest.mark.parametrize(
    "address", ["ada@example.org", "a.b+c@sub.example.co.uk", "o'brien@x.ie", "jürgen@müller.de", "a@b-c.org"]
)
def test_good_addresses(address: str) -> None:
    assert fields.email(f"{address}\n") == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@-x.org",
        "ada@x-.org",
        "ada@x..org",
        ".ada@x.org",
        "a..b@x.org",
        "a b@x.org",
        "a@b@x.org",
        "ada@127.0.0.1",
        "a\r\nBcc:x@x.org",
        "a" * 65 + "@x.org",
        "a@" + "x" * 64 + ".org",
        "a@" + "x." * 130 + "org",
    ],
)
def test_bad_addresses(address: str) -> None:
    with pytest.raises(FieldError, match="address such as"):
        fields.email(address)


def test_addresses_that_differ_in_case_are_one() -> None:
    assert fields.email_key("Ada@Example.ORG") == "ada@example.org"


def test_passwords_are_kept_as_typed_but_for_their_unicode_form() -> None:
    assert fields.password("  spaces  ") == "  spaces  "
    assert fields.password("passwo\u0308rt") == "passwört"
    assert fields.password("x" * 1024) == "x" * 1024
    for password in ("1234567", "e\u0301" * 7):
        with pytest.raises(FieldError, match="at least 8"):
            fields.password(password)
    for password in ("x" * 1025, "ß" * 513):
        with pytest.raises(FieldError, match="at most 1024"):
            fields.password(password)


def test_what_was_typed_to_log_in_is_only_measured() -> None:
    assert fields.typed_name(" no name ") == "no name"
    with pytest.raises(FieldError):
        fields.typed_name("x" * 257)
    assert fields.typed_password("x") == "x"


def test_all_wrong_fields_are_told_at_once() -> None:
    form = Fields({"username": "ab", "email": "", "nickname": "\ud800"})
    assert form.required("username", fields.username) == ""
    assert form.required("email", fields.email) == ""
    assert form.required("password", fields.password) == ""
    assert form.optional("nickname", fields.username) is None
    assert form.optional("phone", fields.username) is None
    form.wrong("other", "rule")
    with pytest.raises(InvalidFields) as caught:
        form.finish()
    assert caught.value.fields == {
        "username": "3 to 64 letters and digits, with single . _ - between them",
        "email": "required",
        "password": "required",
        "nickname": "Unicode text",
        "other": "rule",
    }


def test_good_fields_come_back() -> None:
    form = Fields({"username": "Ada", "email": "a@x.org"})
    assert form.required("username", fields.username) == "Ada"
    assert form.optional("email", fields.email) == "a@x.org"
    form.finish()
