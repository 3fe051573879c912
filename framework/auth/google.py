"""Sign-in with Google, by OAuth 2."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from framework.auth.errors import AuthError
from framework.auth.oauth2 import OAuth2Mixin
from framework.auth.provider import answer_of, handler_of, object_of

__all__ = ["GoogleOAuth2Mixin"]


class GoogleOAuth2Mixin(OAuth2Mixin):
    """Sign-in with Google.

    The application's setting ``google_oauth`` is what Google gave it, as ``{"key": ..., "secret": ...}``.
    `get_authenticated_user` returns an access token, by which `oauth2_request` to ``_OAUTH_USERINFO_URL``
    says who the user is.
    """

    _OAUTH_AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
    _OAUTH_ACCESS_TOKEN_URL = "https://www.googleapis.com/oauth2/v4/token"  # noqa: S105  # an address
    _OAUTH_USERINFO_URL = "https://www.googleapis.com/oauth2/v1/userinfo"
    _OAUTH_NO_CALLBACKS = False
    _OAUTH_SETTINGS_KEY = "google_oauth"

    def get_google_oauth_settings(self) -> dict[str, str]:
        """The application's ``key`` and ``secret`` at Google; override it to have them from elsewhere."""
        handler = handler_of(self)
        handler.require_setting(self._OAUTH_SETTINGS_KEY, "Google OAuth2")
        settings: dict[str, str] = handler.settings[self._OAUTH_SETTINGS_KEY]
        return settings

    async def get_authenticated_user(
        self,
        redirect_uri: str,
        code: str,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> dict[str, Any]:
        """What Google gives for a code: a dict with ``access_token``, ``id_token``, ``expires_in`` and the like.

        :arg redirect_uri: the one of `authorize_redirect`.
        :arg code: the request's argument of this name.
        :arg client_id: instead of that in the settings, as ``client_secret``.

        Raises `AuthError` if Google refuses.
        """
        self.check_state()
        if client_id is None or client_secret is None:
            settings = self.get_google_oauth_settings()
            client_id = settings["key"] if client_id is None else client_id
            client_secret = settings["secret"] if client_secret is None else client_secret
        form = {
            "redirect_uri": redirect_uri,
            "code": code,
            "client_id": client_id,
            "client_secret": client_secret,
            "grant_type": "authorization_code",
        }
        asked = self.get_auth_http_client().fetch(
            self._OAUTH_ACCESS_TOKEN_URL,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form),
        )
        answer = object_of(await answer_of(asked, "an access token"), "an access token")
        if "access_token" not in answer:
            raise AuthError("Google's answer to a request for an access token has none")
        return answer
