"""The rules of what people type: user names, e-mail addresses, passwords."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from demo_app.errors import InvalidFields

__all__ = [
    "FieldError",
    "Fields",
    "email",
    "email_key",
    "password",
    "typed_name",
    "typed_password",
    "username",
    "username_key",
]

USERNAME_LENGTH = (3, 64)
EMAIL_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
LOCAL_PART_LENGTH = 64
PASSWORD_CHARACTERS = 8
PASSWORD_BYTES = 1024

# Letters and digits of any script; inside, single dots, hyphens and underscores between them.
_USERNAME = re.compile(r"[^\W_]+(?:[._-][^\W_]+)*")
# RFC 5322's dot-atom, with letters of any script (RFC 6531). No quoted strings, comments or address literals.
_LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_DOMAIN_LABEL = re.compile(r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?")


class FieldError(ValueError):
    """A value breaks its field's rule; the message is the rule."""


def username(text: str) -> str:
    """The user name as it is shown: in Unicode's NFKC form, without spaces around it.

    Raises:
        FieldError: it is none.
    """
    name = unicodedata.normalize("NFKC", text).strip()
    low, high = USERNAME_LENGTH
    if not low <= len(name) <= high or not _USERNAME.fullmatch(name):
        raise FieldError(f"{low} to {high} letters and digits, with single . _ - between them")
    return name


def username_key(name: str) -> str:
    """What must be unique of a user name: two that differ in upper and lower case only are one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def email(text: str) -> str:
    """The e-mail address as it is shown.

    Raises:
        FieldError: it can't be one.
    """
    address = unicodedata.normalize("NFC", text.strip())
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    if (
        len(address.encode()) > EMAIL_LENGTH
        or len(local.encode()) > LOCAL_PART_LENGTH
        or not _LOCAL_PART.fullmatch(local)
        or len(labels) < 2
        or not all(_DOMAIN_LABEL.fullmatch(label) for label in labels)
        or labels[-1].isdecimal()
    ):
        raise FieldError("an e-mail address such as name@example.org")
    return address


def email_key(address: str) -> str:
    """What must be unique of an address: upper and lower case are one, as for practically all providers."""
    return username_key(address)


def password(text: str) -> str:
    """A new password, as it is hashed.

    Raises:
        FieldError: it is too short or too long.
    """
    if len(normalised := typed_password(text)) < PASSWORD_CHARACTERS:
        raise FieldError(f"at least {PASSWORD_CHARACTERS} characters")
    return normalised


def typed_password(text: str) -> str:
    """A password to compare: in Unicode's NFC form, so that each keyboard makes the same of it (RFC 8265).

    Raises:
        FieldError: it is longer than any password.
    """
    normalised = unicodedata.normalize("NFC", text)
    if len(normalised.encode()) > PASSWORD_BYTES:
        raise FieldError(f"at most {PASSWORD_BYTES} bytes")
    return normalised


def typed_name(text: str) -> str:
    """A user name to look for. One that breaks the rules is like any other that nobody has.

    Raises:
        FieldError: it is longer than any name.
    """
    if len(text) > 4 * USERNAME_LENGTH[1]:
        raise FieldError("a user name")
    return text.strip()


class Fields:
    """The fields of one request, checked one by one; `finish` tells of all that are wrong at once.

    Args:
        values: what was sent.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._wrong: dict[str, str] = {}

    def required(self, name: str, rule: Callable[[str], str]) -> str:
        """The field's value, or an empty string when it is missing or breaks its rule."""
        if not self._values.get(name):
            self._wrong[name] = "required"
            return ""
        return self.optional(name, rule) or ""

    def optional(self, name: str, rule: Callable[[str], str]) -> str | None:
        """The field's value; None when it is missing, empty or breaks its rule."""
        value = self._values.get(name)
        if not value:
            return None
        try:
            # Half of a surrogate pair can come in JSON; nothing else takes it.
            value.encode()
            return rule(value)
        except UnicodeEncodeError:
            self._wrong[name] = "Unicode text"
        except FieldError as error:
            self._wrong[name] = str(error)
        return None

    def wrong(self, name: str, rule: str) -> None:
        """Note that a field breaks a rule that concerns others too."""
        self._wrong[name] = rule

    def finish(self) -> None:
        """Check that nothing was wrong.

        Raises:
            InvalidFields: something was.
        """
        if self._wrong:
            raise InvalidFields(self._wrong)
