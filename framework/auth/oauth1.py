"""OAuth 1.0 and 1.0a (RFC 5849): a request token, the user's consent, an access token, signed requests."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin

from framework.auth import signature
from framework.auth.errors import AuthError
from framework.auth.provider import ProviderClient, answer_of, fields_of, handler_of, with_query
from framework.escape import utf8
from framework.httpclient import AsyncHTTPClient
from framework.httputil import url_concat

__all__ = ["OAuthMixin"]

# What the browser keeps while its user is at the provider: the request token and its secret.
_COOKIE = "_oauth_request_token"

Parameters = Mapping[str, Any] | Iterable[tuple[str, Any]]


class OAuthMixin(ProviderClient):
    """Sign-in by OAuth 1.0 or 1.0a, for a handler of one provider.

    A subclass says where the provider is:

    * ``_OAUTH_REQUEST_TOKEN_URL``, ``_OAUTH_AUTHORIZE_URL``, ``_OAUTH_ACCESS_TOKEN_URL``
    * ``_OAUTH_VERSION``: "1.0a", unless it is "1.0"
    * ``_OAUTH_NO_CALLBACKS``: true if the provider has the callback's address on file and takes no other

    and defines `_oauth_consumer_token` and `_oauth_get_user_future`. Its handler calls `authorize_redirect`
    and, when the provider has sent the user back with ``oauth_token`` in the query, `get_authenticated_user`.

    Requests are signed with HMAC-SHA1, all parameters in the query.
    """

    _OAUTH_REQUEST_TOKEN_URL: str
    _OAUTH_AUTHORIZE_URL: str
    _OAUTH_ACCESS_TOKEN_URL: str
    _OAUTH_VERSION = "1.0a"
    _OAUTH_NO_CALLBACKS = False

    async def authorize_redirect(
        self,
        callback_uri: str | None = None,
        extra_params: dict[str, Any] | None = None,
        http_client: AsyncHTTPClient | None = None,
    ) -> None:
        """Sends the user to the provider for consent, and ends the request.

        The request token is kept in a cookie until `get_authenticated_user`.

        :arg callback_uri: where the user shall come back to, relative to this page; "oob" where they can't:
            the response is then the address at the provider, to be shown.
        :arg extra_params: more parameters for the request token, with 1.0a.
        :arg http_client: for the requests; `get_auth_http_client` otherwise.

        Raises `AuthError` if the provider gives no request token, or takes no callback.
        """
        if callback_uri and self._OAUTH_NO_CALLBACKS:
            raise AuthError("This service does not support oauth_callback")
        client = http_client or self.get_auth_http_client()
        if self._OAUTH_VERSION == "1.0a":
            url = self._oauth_request_token_url(callback_uri, extra_params)
        else:
            url = self._oauth_request_token_url()
        token = await self._fetch_token(client, url, "a request token")
        self._leave_for(self._OAUTH_AUTHORIZE_URL, token, callback_uri)

    async def get_authenticated_user(self, http_client: AsyncHTTPClient | None = None) -> dict[str, Any]:
        """The user whom the provider has sent back to us, as `_oauth_get_user_future` describes them.

        The dict has an ``access_token`` besides: itself a dict with ``key`` and ``secret``, and whatever
        else the provider gave with it. That is what later requests are signed with; keep it from others.

        Raises `AuthError` if this is not the browser that was sent to the provider, or the provider refuses,
        and `MissingArgumentError` if there is no ``oauth_token``.
        """
        handler = handler_of(self)
        given = utf8(handler.get_argument("oauth_token"))
        verifier = handler.get_argument("oauth_verifier", None)
        cookie = handler.get_cookie(_COOKIE)
        if not cookie:
            raise AuthError("Missing OAuth request token cookie")
        # A request token is good for one try.
        handler.clear_cookie(_COOKIE)
        key, secret = _from_cookie(cookie)
        if not hmac.compare_digest(key, given):
            raise AuthError("Request token does not match cookie")
        client = http_client or self.get_auth_http_client()
        url = self._oauth_access_token_url(key.decode(errors="replace"), secret, verifier)
        token = await self._fetch_token(client, url, "an access token")
        user = await self._oauth_get_user_future(token)
        if not user:
            raise AuthError("Error getting user")
        user["access_token"] = token
        return user

    def _oauth_consumer_token(self) -> dict[str, Any]:
        """The application's own key and secret at the provider, as ``{"key": ..., "secret": ...}``."""
        raise NotImplementedError(f"{type(self).__name__} has to define _oauth_consumer_token")

    async def _oauth_get_user_future(self, access_token: dict[str, Any]) -> dict[str, Any]:
        """A dict that describes the user whom an access token is of; an empty one or None is an error."""
        raise NotImplementedError(f"{type(self).__name__} has to define _oauth_get_user_future")

    def _oauth_request_parameters(
        self,
        url: str,
        access_token: dict[str, Any],
        parameters: Parameters | None = None,
        method: str = "GET",
    ) -> dict[str, Any]:
        """OAuth's parameters for a request, with its signature; to be sent along with the request's own.

        :arg access_token: as `get_authenticated_user` returns it.
        :arg parameters: the request's own, for the query and of a form.
        """
        return self._signed(url, access_token, parameters or {}, method)

    def _oauth_request_token_url(
        self, callback_uri: str | None = None, extra_params: dict[str, Any] | None = None
    ) -> str:
        added: dict[str, Any] = {}
        if callback_uri:
            added["oauth_callback"] = self._callback(callback_uri)
        added.update(extra_params or {})
        url = self._OAUTH_REQUEST_TOKEN_URL
        return with_query(url, self._signed(url, None, {}, "GET", added).items())

    def _oauth_access_token_url(self, key: str, secret: bytes, verifier: str | None) -> str:
        added = {"oauth_verifier": verifier} if verifier else {}
        url = self._OAUTH_ACCESS_TOKEN_URL
        return with_query(url, self._signed(url, {"key": key, "secret": secret}, {}, "GET", added).items())

    def _signed(
        self,
        url: str,
        token: dict[str, Any] | None,
        parameters: Parameters,
        method: str,
        added: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        consumer = self._oauth_consumer_token()
        made = {"oauth_consumer_key": consumer["key"]}
        if token is not None:
            made["oauth_token"] = token["key"]
        made["oauth_signature_method"] = "HMAC-SHA1"
        made["oauth_timestamp"] = str(int(time.time()))
        made["oauth_nonce"] = secrets.token_hex(16)
        made["oauth_version"] = "1.0"
        made.update(added or {})
        made = {name: _text(value) for name, value in made.items()}
        pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
        text = signature.base_string(method, url, [*made.items(), *pairs])
        made["oauth_signature"] = signature.hmac_sha1(
            text, consumer["secret"], token["secret"] if token is not None else b""
        )
        return made

    async def _fetch_token(self, client: AsyncHTTPClient, url: str, what: str) -> dict[str, Any]:
        fields = fields_of(await answer_of(client.fetch(url), what), what)
        return {"key": fields.pop("oauth_token"), "secret": fields.pop("oauth_token_secret"), **fields}

    def _leave_for(self, authorize_url: str, token: dict[str, Any], callback_uri: str | None) -> None:
        handler = handler_of(self)
        value = b"|".join(base64.b64encode(utf8(token[name])) for name in ("key", "secret"))
        # The secret is nothing for scripts, nor for the open network if the page itself wasn't.
        handler.set_cookie(_COOKIE, value, httponly=True, secure=handler.request.protocol == "https")
        arguments = {"oauth_token": token["key"]}
        if callback_uri == "oob":
            handler.finish(url_concat(authorize_url, arguments))
            return
        if callback_uri:
            arguments["oauth_callback"] = self._callback(callback_uri)
        handler.redirect(url_concat(authorize_url, arguments))

    def _callback(self, callback_uri: str) -> str:
        return "oob" if callback_uri == "oob" else urljoin(handler_of(self).request.full_url(), callback_uri)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _from_cookie(cookie: str) -> tuple[bytes, bytes]:
    try:
        key, secret = (base64.b64decode(part, validate=True) for part in cookie.split("|"))
    except ValueError:
        raise AuthError("Malformed OAuth request token cookie") from None
    return key, secret
