"""The cookie that carries a session's id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.web.signing import create_signed_value, decode_signed_value

__all__ = ["Secret", "SessionCookie"]

Secret = str | bytes | dict[int, str] | dict[int, bytes]

_SECONDS_PER_DAY = 86400.0
_EXPIRY = {"expires", "expires_days", "max_age"}


class SessionCookie:
    """Signs and checks the session's cookie.

    Args:
        name: the cookie's name.
        lifetime: seconds after which the cookie is worth nothing.
        secret: the key or, for keys that are changed now and then, keys by version.
        key_version: the version of the key to sign with.
        config: attributes for `set_cookie` that replace the defaults (`HttpOnly`, `SameSite=Lax`,
            `Path=/`, `Max-Age` of the lifetime, `Secure` on https).
    """

    __slots__ = ("_config", "_key_version", "_lifetime", "_secret", "name")

    def __init__(
        self,
        name: str,
        lifetime: int,
        secret: Secret,
        key_version: int | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self._lifetime = lifetime
        self._secret = secret
        self._key_version = key_version
        self._config = dict(config or {})

    def read(self, value: str) -> tuple[str | None, bool]:
        """Check a cookie's value.

        Returns:
            the session's id, None if the signature is wrong or too old, and whether more than a tenth
                of the cookie's lifetime has passed.
        """
        fresh = self._decode(value, self._lifetime / 10)
        return (fresh, False) if fresh is not None else (self._decode(value, self._lifetime), True)

    def sign(self, session_id: str) -> bytes:
        """Return the cookie's value for a session's id."""
        return create_signed_value(self._secret, self.name, session_id, key_version=self._key_version)

    def attributes(self, https: bool) -> dict[str, Any]:
        """Return the arguments for `set_cookie` beside name and value."""
        attributes: dict[str, Any] = {"path": "/", "httponly": True, "secure": https, "samesite": "Lax"}
        if not self._config.keys() & _EXPIRY:
            attributes["max_age"] = self._lifetime
        return attributes | self._config

    def place(self, https: bool) -> dict[str, Any]:
        """Return the arguments for `clear_cookie` with which a browser finds the cookie and lets it go."""
        return {n: v for n, v in self.attributes(https).items() if n not in _EXPIRY}

    def _decode(self, value: str, max_age: float) -> str | None:
        decoded = decode_signed_value(
            self._secret, self.name, value, max_age_days=max_age / _SECONDS_PER_DAY, min_version=2
        )
        return decoded.decode("ascii", "replace") if decoded else None
