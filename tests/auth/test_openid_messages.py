"""The words of OpenID 2, without a provider."""

from __future__ import annotations

import pytest

from framework.auth import AuthError
from framework.auth.openid_messages import Assertion, request_arguments

AX = "http://openid.net/srv/ax/1.0"
EMAIL = "http://axschema.org/contact/email"


def assertion(**fields: str) -> Assertion:
    """What a browser brings; ``__`` in a name stands for a dot."""
    return Assertion(
        {
            "openid." + name.replace("__", "."): value.encode()
            for name, value in {"mode": "id_res", **fields}.items()
        }
    )


def test_attributes_are_asked_for_in_an_order_that_does_not_change() -> None:
    made = request_arguments("http://h/cb", ("email", "name", "email"))
    assert made["openid.ns.ax"] == AX
    assert made["openid.ax.mode"] == "fetch_request"
    assert made["openid.ax.required"] == "firstname,fullname,lastname,email"
    assert {name: value for name, value in made.items() if ".type." in name} == {
        "openid.ax.type.firstname": "http://axschema.org/namePerson/first",
        "openid.ax.type.fullname": "http://axschema.org/namePerson",
        "openid.ax.type.lastname": "http://axschema.org/namePerson/last",
        "openid.ax.type.email": EMAIL,
    }
    everything = request_arguments("http://h/cb", ["name", "email", "language", "username"])
    assert everything["openid.ax.required"] == "firstname,fullname,lastname,email,language,username"


def test_attributes_that_there_are_not() -> None:
    with pytest.raises(ValueError, match=r"attributes of OpenID are name, email, .*; not age, shoe"):
        request_arguments("http://h/cb", ["shoe", "name", "age"])


def test_without_attributes_the_extension_is_left_out() -> None:
    assert not any("ax" in name for name in request_arguments("http://h/cb"))


@pytest.mark.parametrize(
    ("values", "user"),
    [
        ({"namePerson/first": "F", "namePerson/last": "L", "contact/email": "u@x", "namePerson/friendly": "f",
          "pref/language": "de-DE"},
         {"first_name": "F", "last_name": "L", "name": "F L", "email": "u@x", "username": "f",
          "locale": "de-de"}),
        ({"namePerson": "Full", "namePerson/first": "F"}, {"first_name": "F", "name": "Full"}),
        ({"namePerson/last": "L"}, {"last_name": "L", "name": "L"}),
        # Something to call the user by.
        ({"contact/email": "u@x"}, {"email": "u@x", "name": "u"}),
        ({}, {}),
    ],
)  # fmt: skip
def test_the_user(values: dict[str, str], user: dict[str, str]) -> None:
    fields = {"ns__ext1": AX, "claimed_id": "http://p/me"}
    for number, (name, value) in enumerate(values.items()):
        fields[f"ext1__type__n{number}"] = "http://axschema.org/" + name
        fields[f"ext1__value__n{number}"] = value
    assert assertion(**fields).user() == {**user, "claimed_id": "http://p/me"}


@pytest.mark.parametrize(
    ("fields", "email"),
    [
        ({"ns__ax": AX, "ax__type__e": EMAIL, "ax__value__e": "u"}, "u"),
        ({"ns__ax": AX, "ax__type__e": EMAIL, "ax__count__e": "1", "ax__value__e__1": "u"}, "u"),
        ({"ns__ax": AX, "ax__type__e": EMAIL, "ax__count__e": "0"}, None),
        ({"ns__ax": AX, "ax__type__e": "other", "ax__value__e": "u"}, None),
        ({"ns__ax": AX, "sreg__type__e": EMAIL, "sreg__value__e": "u"}, None),
        ({"ns__ax": "other", "ax__type__e": EMAIL, "ax__value__e": "u"}, None),
        ({"ax__type__e": EMAIL, "ax__value__e": "u"}, None),
        # Each of its three parts has to be signed.
        ({"ns__ax": AX, "ax__type__e": EMAIL, "ax__value__e": "u", "signed": "ns.ax,ax.type.e,ax.value.e"}, "u"),
        ({"ns__ax": AX, "ax__type__e": EMAIL, "ax__value__e": "u", "signed": "ns.ax,ax.type.e"}, None),
        ({"ns__ax": AX, "ax__type__e": EMAIL, "ax__value__e": "u", "signed": "ns.ax,ax.value.e"}, None),
        ({"ns__ax": AX, "ax__type__e": EMAIL, "ax__value__e": "u", "signed": "ax.type.e,ax.value.e"}, None),
    ],
)  # fmt: skip
def test_where_an_attribute_is_found(fields: dict[str, str], email: str | None) -> None:
    assert assertion(**fields).user().get("email") == email


def test_what_is_no_text_is_not_taken_for_it() -> None:
    said = Assertion({"openid.claimed_id": b"\xff", "x": b"\xff"})
    assert said.user() == {"claimed_id": "\ufffd"}
    assert (said.get("claimed_id"), said.get("x")) == ("\ufffd", None)


@pytest.mark.parametrize("name", ["return_to", "response_nonce", "claimed_id", "identity"])
def test_what_has_to_be_signed(name: str) -> None:
    assertion(**{name: "x"}).check()
    assertion(**{name: "x", "signed": f"mode,{name}"}).check()
    with pytest.raises(AuthError, match=f"the provider has not signed {name}$"):
        assertion(**{name: "x", "signed": "mode"}).check()
    assertion(signed="mode").check()


@pytest.mark.parametrize("mode", ["setup_needed", "error", "cancel"])
def test_nobody_is_signed_in(mode: str) -> None:
    with pytest.raises(AuthError, match=r"cancelled at the provider|did not sign anybody in"):
        assertion(mode=mode).check()
