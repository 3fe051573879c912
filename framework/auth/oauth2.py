"""OAuth 2 (RFC 6749): the redirect to the provider, and requests with an access token."""

from __future__ import annotations

import hmac
import secrets
from typing import Any
from urllib.parse import urlencode

from framework.auth.errors import AuthError
from framework.auth.provider import ProviderClient, answer_of, handler_of, json_of, with_query
from framework.escape import utf8
from framework.httputil import url_concat

__all__ = ["OAuth2Mixin"]

_STATE_COOKIE = "_oauth_state"
# Seconds that somebody has for signing in.
_STATE_AGE = 600


class OAuth2Mixin(ProviderClient):
    """The part of OAuth 2 that is the same with all providers, for a handler of one of them.

    A subclass says where the provider is, by ``_OAUTH_AUTHORIZE_URL`` and ``_OAUTH_ACCESS_TOKEN_URL``.

    By itself the redirect has no ``state``, so that somebody can be made to finish a sign-in that somebody else
    has begun, and use a stranger's account without knowing (RFC 6749 section 10.12). Set ``_OAUTH_STATE``
    to true against that: `authorize_redirect` then adds a state and keeps it in a signed cookie, for
    which the application needs the setting ``cookie_secret``, and the ``get_authenticated_user`` of this
    package's mixins check it. A mixin of your own calls `check_state` where it gets the code.
    """

    _OAUTH_AUTHORIZE_URL: str
    _OAUTH_ACCESS_TOKEN_URL: str
    _OAUTH_STATE = False

    def authorize_redirect(
        self,
        redirect_uri: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        extra_params: dict[str, Any] | None = None,
        scope: list[str] | None = None,
        response_type: str = "code",
    ) -> None:
        """Sends the user to the provider for consent, and ends the request.

        :arg redirect_uri: the whole address where the user shall come back to, as the provider has it on file.
        :arg client_id: the application's own, from the provider.
        :arg client_secret: is not sent; the argument is there for the sake of old callers.
        :arg extra_params: more parameters; they replace those of the same name.
        :arg scope: what the user is asked to consent to.
        :arg response_type: "code", or what else the provider knows.
        """
        arguments: dict[str, Any] = {"response_type": response_type}
        if redirect_uri is not None:
            arguments["redirect_uri"] = redirect_uri
        if client_id is not None:
            arguments["client_id"] = client_id
        arguments.update(extra_params or {})
        if scope:
            arguments["scope"] = " ".join(scope)
        handler = handler_of(self)
        if self._OAUTH_STATE:
            arguments["state"] = self._new_state(arguments.get("state"))
        handler.redirect(url_concat(self._OAUTH_AUTHORIZE_URL, arguments))

    def check_state(self) -> None:
        """Makes sure that this browser was sent to the provider by us, once and lately.

        For ``_OAUTH_STATE``; nothing is checked without it. Raises `AuthError`.
        """
        if not self._OAUTH_STATE:
            return
        handler = handler_of(self)
        kept = handler.get_signed_cookie(_STATE_COOKIE, max_age_days=_STATE_AGE / 86400)
        handler.clear_cookie(_STATE_COOKIE)
        given = handler.get_argument("state", "", strip=False)
        if not kept or not given:
            raise AuthError("No sign-in was begun here, or too long ago: the state is missing")
        if not hmac.compare_digest(kept, utf8(given)):
            raise AuthError("The sign-in was not begun here: the state does not match the cookie")

    def _new_state(self, given: str | None) -> str:
        if given is not None:
            raise ValueError("with _OAUTH_STATE the state is made by authorize_redirect; leave it out")
        handler = handler_of(self)
        state = secrets.token_urlsafe(32)
        handler.set_signed_cookie(
            _STATE_COOKIE,
            state,
            expires_days=None,
            max_age=_STATE_AGE,
            httponly=True,
            secure=handler.request.protocol == "https",
            # The provider sends the browser back from another site, by a link: that is what lax lets pass.
            samesite="Lax",
        )
        return state

    def _oauth_request_token_url(
        self,
        redirect_uri: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        code: str | None = None,
        extra_params: dict[str, Any] | None = None,
    ) -> str:
        """The address of the access token, for providers that take all they need in the query."""
        arguments: dict[str, Any] = {}
        if redirect_uri is not None:
            arguments["redirect_uri"] = redirect_uri
        if code is not None:
            arguments["code"] = code
        if client_id is not None:
            arguments["client_id"] = client_id
        if client_secret is not None:
            arguments["client_secret"] = client_secret
        arguments.update(extra_params or {})
        return url_concat(self._OAUTH_ACCESS_TOKEN_URL, arguments)

    async def oauth2_request(
        self,
        url: str,
        access_token: str | None = None,
        post_args: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        """What a provider answers to a request, as JSON decoded.

        :arg access_token: goes into the query, before ``args``.
        :arg post_args: a form; with one, even an empty one, the request is a POST.
        :arg args: arguments of the query.

        Raises `AuthError` if the answer is no JSON, and `ProviderError` for an error status.
        """
        arguments: dict[str, Any] = {}
        if access_token:
            arguments["access_token"] = access_token
        arguments.update(args)
        url = with_query(url, arguments.items())
        form: dict[str, Any] = {} if post_args is None else {"method": "POST", "body": urlencode(post_args)}
        asked = self.get_auth_http_client().fetch(url, **form)
        return json_of(await answer_of(asked, "data"), "data")
