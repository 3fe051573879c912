"""What is said between us and an OpenID 2 provider, by way of the browser. No I/O.

Documents: OpenID Authentication 2.0, OpenID Attribute Exchange 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urljoin

from framework.auth.errors import AuthError

__all__ = ["Assertion", "request_arguments"]

_NS: Final = "http://specs.openid.net/auth/2.0"
_SELECT: Final = _NS + "/identifier_select"
_AX: Final = "http://openid.net/srv/ax/1.0"
_OAUTH: Final = "http://specs.openid.net/extensions/oauth/1.0"

_FIRST: Final = "http://axschema.org/namePerson/first"
_FULL: Final = "http://axschema.org/namePerson"
_LAST: Final = "http://axschema.org/namePerson/last"
_EMAIL: Final = "http://axschema.org/contact/email"
_LANGUAGE: Final = "http://axschema.org/pref/language"
_USERNAME: Final = "http://axschema.org/namePerson/friendly"

# By what is asked for, the names and types that are asked of the provider.
_ATTRIBUTES: Final = {
    "name": {"firstname": _FIRST, "fullname": _FULL, "lastname": _LAST},
    "email": {"email": _EMAIL},
    "language": {"language": _LANGUAGE},
    "username": {"username": _USERNAME},
}

# Section 10.1: what a provider has to sign, as far as it is there.
_TO_BE_SIGNED: Final = ("return_to", "response_nonce", "claimed_id", "identity")


def request_arguments(
    return_to: str, ax_attrs: Sequence[str] = (), consumer: str = "", oauth_scope: str | None = None
) -> dict[str, str]:
    """The arguments of a request for authentication (section 9.1), for whatever user the provider lets in.

    :arg return_to: the whole address where the user shall come back to.
    :arg ax_attrs: what to ask for besides: name, email, language, username.
    :arg consumer: for ``oauth_scope``, the name by which the provider knows the application.
    :arg oauth_scope: for an OAuth request token along with it.

    Raises ``ValueError`` for an attribute that is not known.
    """
    arguments = {
        "openid.ns": _NS,
        "openid.claimed_id": _SELECT,
        "openid.identity": _SELECT,
        "openid.return_to": return_to,
        "openid.realm": urljoin(return_to, "/"),
        "openid.mode": "checkid_setup",
    }
    unknown = set(ax_attrs) - set(_ATTRIBUTES)
    if unknown:
        raise ValueError(
            f"attributes of OpenID are {', '.join(_ATTRIBUTES)}; not {', '.join(sorted(unknown))}"
        )
    if ax_attrs:
        wanted: dict[str, str] = {}
        # The parts of a name come first, as they always have.
        for attribute in sorted(dict.fromkeys(ax_attrs), key="name".__ne__):
            wanted.update(_ATTRIBUTES[attribute])
        arguments.update({"openid.ns.ax": _AX, "openid.ax.mode": "fetch_request"})
        arguments.update({f"openid.ax.type.{name}": type for name, type in wanted.items()})
        arguments["openid.ax.required"] = ",".join(wanted)
    if oauth_scope:
        arguments["openid.ns.oauth"] = _OAUTH
        arguments["openid.oauth.consumer"] = consumer
        arguments["openid.oauth.scope"] = oauth_scope
    return arguments


class Assertion:
    """What the browser brings from a provider (section 10.1). Nothing of it is true before the provider says so.

    :arg arguments: of the request, by name.
    """

    __slots__ = ("_fields", "_signed")

    def __init__(self, arguments: Mapping[str, bytes]) -> None:
        self._fields = {
            name.removeprefix("openid."): value.decode(errors="replace")
            for name, value in arguments.items()
            if name.startswith("openid.")
        }
        signed = self._fields.get("signed")
        # A provider says "valid" to nothing that it has not signed, so without this list nothing is lost.
        self._signed = None if signed is None else frozenset(signed.split(","))

    def get(self, name: str) -> str | None:
        """A field by its name without the prefix, None if it isn't there."""
        return self._fields.get(name)

    def check(self) -> None:
        """Raises `AuthError` if this says that nobody is signed in, or leaves unsigned what has to be signed."""
        mode = self._fields.get("mode")
        if mode == "cancel":
            raise AuthError("The sign-in was cancelled at the provider")
        if mode in ("setup_needed", "error"):
            raise AuthError(f"The provider did not sign anybody in (openid.mode={mode})")
        unsigned = [name for name in _TO_BE_SIGNED if name in self._fields and not self._is_signed(name)]
        if unsigned:
            raise AuthError(f"Invalid OpenID response: the provider has not signed {', '.join(unsigned)}")

    def user(self) -> dict[str, Any]:
        """The user: who it is, and the attributes that came with it."""
        email, first, last = self._attribute(_EMAIL), self._attribute(_FIRST), self._attribute(_LAST)
        full = self._attribute(_FULL) or " ".join(filter(None, (first, last)))
        user = {
            "first_name": first,
            "last_name": last,
            "name": full or (email or "").split("@")[0],
            "email": email,
            "locale": (self._attribute(_LANGUAGE) or "").lower(),
            "username": self._attribute(_USERNAME),
            "claimed_id": self._fields.get("claimed_id"),
        }
        return {name: value for name, value in user.items() if value}

    def _is_signed(self, name: str) -> bool:
        return self._signed is None or name in self._signed

    def _attribute(self, type: str) -> str | None:
        """The value of an attribute by its type, if it is signed."""
        fields = {name: value for name, value in self._fields.items() if self._is_signed(name)}
        space = next((n for n, value in fields.items() if n.startswith("ns.") and value == _AX), None)
        if space is None:
            return None
        prefix = space.removeprefix("ns.") + "."
        start = prefix + "type."
        for name, value in fields.items():
            if value == type and name.startswith(start):
                alias = name.removeprefix(start)
                # The second is where there could be several (Attribute Exchange section 5.2).
                return fields.get(f"{prefix}value.{alias}") or fields.get(f"{prefix}value.{alias}.1")
        return None
