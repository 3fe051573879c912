"""Sign-in with third parties: OpenID 2, OAuth 1.0 and 1.0a, OAuth 2, and some providers of these.

Each is a mixin for a handler, which first redirects the user to the provider and then finds out who came back::

    class LoginHandler(RequestHandler, GoogleOAuth2Mixin):
        async def get(self):
            if self.get_argument("code", None):
                tokens = await self.get_authenticated_user(
                    redirect_uri=REDIRECT_URI, code=self.get_argument("code")
                )
                user = await self.oauth2_request(self._OAUTH_USERINFO_URL, access_token=tokens["access_token"])
                # Keep who it is, for instance with set_signed_cookie.
            else:
                self.authorize_redirect(
                    redirect_uri=REDIRECT_URI,
                    client_id=self.get_google_oauth_settings()["key"],
                    scope=["profile", "email"],
                )
"""

from __future__ import annotations

from framework.auth.errors import AuthError, ProviderError
from framework.auth.facebook import FacebookGraphMixin
from framework.auth.google import GoogleOAuth2Mixin
from framework.auth.oauth1 import OAuthMixin
from framework.auth.oauth2 import OAuth2Mixin
from framework.auth.oidc import OpenIDConnectMixin, OpenIDProvider
from framework.auth.openid import OpenIdMixin
from framework.auth.twitter import TwitterMixin

__all__ = [
    "AuthError",
    "FacebookGraphMixin",
    "GoogleOAuth2Mixin",
    "OAuth2Mixin",
    "OAuthMixin",
    "OpenIDConnectMixin",
    "OpenIDProvider",
    "OpenIdMixin",
    "ProviderError",
    "TwitterMixin",
]
