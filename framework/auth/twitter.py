"""Sign-in with Twitter, by OAuth 1.0a."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from framework.auth.errors import AuthError
from framework.auth.oauth1 import OAuthMixin
from framework.auth.provider import answer_of, handler_of, json_of, with_query

__all__ = ["TwitterMixin"]


class TwitterMixin(OAuthMixin):
    """Sign-in with Twitter, and requests to its API in the user's name.

    The application's settings ``twitter_consumer_key`` and ``twitter_consumer_secret`` are what Twitter gave
    it. The user is what Twitter's API says, with ``username`` besides.
    """

    _OAUTH_REQUEST_TOKEN_URL = "https://api.twitter.com/oauth/request_token"  # noqa: S105  # an address
    _OAUTH_ACCESS_TOKEN_URL = "https://api.twitter.com/oauth/access_token"  # noqa: S105  # an address
    _OAUTH_AUTHORIZE_URL = "https://api.twitter.com/oauth/authorize"
    _OAUTH_AUTHENTICATE_URL = "https://api.twitter.com/oauth/authenticate"
    _TWITTER_BASE_URL = "https://api.twitter.com/1.1"

    async def authenticate_redirect(self, callback_uri: str | None = None) -> None:
        """As `authorize_redirect`, but who has consented before is sent back without being asked again."""
        client = self.get_auth_http_client()
        url = self._oauth_request_token_url(callback_uri)
        token = await self._fetch_token(client, url, "a request token")
        self._leave_for(self._OAUTH_AUTHENTICATE_URL, token, None)

    async def twitter_request(
        self,
        path: str,
        access_token: dict[str, Any],
        post_args: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        """What Twitter's API answers to a request, as JSON decoded.

        :arg path: as in Twitter's documentation, without the ``.json``: "/statuses/user_timeline"; or a
            whole URL.
        :arg access_token: the user's, as `get_authenticated_user` returned it.
        :arg post_args: a form; with one, even an empty one, the request is a POST.
        :arg args: arguments of the query.

        Raises `AuthError` if the answer is no JSON, and `ProviderError` for an error status.
        """
        url = path if path.startswith(("http:", "https:")) else f"{self._TWITTER_BASE_URL}{path}.json"
        if access_token:
            method = "GET" if post_args is None else "POST"
            own = [*args.items(), *(post_args or {}).items()]
            args.update(self._oauth_request_parameters(url, access_token, own, method))
        url = with_query(url, args.items())
        form: dict[str, Any] = {} if post_args is None else {"method": "POST", "body": urlencode(post_args)}
        asked = self.get_auth_http_client().fetch(url, **form)
        return json_of(await answer_of(asked, "data"), "data")

    def _oauth_consumer_token(self) -> dict[str, Any]:
        handler = handler_of(self)
        handler.require_setting("twitter_consumer_key", "Twitter OAuth")
        handler.require_setting("twitter_consumer_secret", "Twitter OAuth")
        return {
            "key": handler.settings["twitter_consumer_key"],
            "secret": handler.settings["twitter_consumer_secret"],
        }

    async def _oauth_get_user_future(self, access_token: dict[str, Any]) -> dict[str, Any]:
        user = await self.twitter_request("/account/verify_credentials", access_token=access_token)
        if not user:
            return {}
        if not isinstance(user, dict) or "screen_name" not in user:
            raise AuthError("Twitter's answer to a request for the user has no screen_name")
        user["username"] = user["screen_name"]
        return user
