"""Sign-in with Facebook, by OAuth 2 and the Graph API."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from framework.auth.errors import AuthError
from framework.auth.oauth2 import OAuth2Mixin
from framework.auth.provider import answer_of, object_of
from framework.escape import utf8

__all__ = ["FacebookGraphMixin"]

_FIELDS = ("id", "name", "first_name", "last_name", "locale", "picture", "link")


class FacebookGraphMixin(OAuth2Mixin):
    """Sign-in with Facebook, and requests to its Graph API in the user's name."""

    _OAUTH_ACCESS_TOKEN_URL = "https://graph.facebook.com/oauth/access_token?"  # noqa: S105  # an address
    _OAUTH_AUTHORIZE_URL = "https://www.facebook.com/dialog/oauth?"
    _OAUTH_NO_CALLBACKS = False
    _FACEBOOK_BASE_URL = "https://graph.facebook.com"

    async def get_authenticated_user(
        self,
        redirect_uri: str,
        client_id: str,
        client_secret: str,
        code: str,
        extra_fields: Iterable[str] | None = None,
    ) -> dict[str, Any] | None:
        """The user whom Facebook has sent back with a code.

        :arg redirect_uri: the one of `authorize_redirect`.
        :arg code: the request's argument of this name.
        :arg extra_fields: names of fields to ask for besides id, name, first_name, last_name, locale, picture
            and link.

        The dict has these fields, None where Facebook does not say, and ``access_token`` and
        ``session_expires``, the seconds that the token is good for, as text. None if Facebook knows no user.
        Raises `AuthError` if it refuses.
        """
        self.check_state()
        url = self._oauth_request_token_url(
            redirect_uri=redirect_uri, client_id=client_id, client_secret=client_secret, code=code
        )
        asked = self.get_auth_http_client().fetch(url)
        session = object_of(await answer_of(asked, "an access token"), "an access token")
        token = session.get("access_token")
        if not isinstance(token, str):
            raise AuthError("Facebook's answer to a request for an access token has none")
        fields = list(dict.fromkeys((*_FIELDS, *(extra_fields or ()))))
        user = await self.facebook_request(
            path="/me",
            access_token=token,
            # Shows that whoever asks knows the application's secret, not just a token.
            appsecret_proof=hmac.new(utf8(client_secret), utf8(token), hashlib.sha256).hexdigest(),
            fields=",".join(fields),
        )
        if user is None:
            return None
        if not isinstance(user, dict):
            raise AuthError("Facebook's answer to a request for the user is not a JSON object")
        found = {field: user.get(field) for field in fields}
        return {**found, "access_token": token, "session_expires": str(session.get("expires_in"))}

    async def facebook_request(
        self,
        path: str,
        access_token: str | None = None,
        post_args: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        """What the Graph API answers to a request, as JSON decoded.

        :arg path: "/me/feed".
        :arg access_token: the user's, as `get_authenticated_user` returned it.
        :arg post_args: a form; with one, even an empty one, the request is a POST.
        :arg args: arguments of the query.

        Raises as `oauth2_request`.
        """
        url = self._FACEBOOK_BASE_URL + path
        return await self.oauth2_request(url, access_token=access_token, post_args=post_args, **args)
