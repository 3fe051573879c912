"""The mixin for handlers that sign people in with OpenID Connect."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from framework.auth.errors import AuthError
from framework.auth.oidc import pending as under_way
from framework.auth.oidc.errors import SignInRefused
from framework.auth.oidc.pending import Pending
from framework.auth.oidc.pkce import challenge_of, new_verifier
from framework.auth.oidc.provider import OpenIDProvider, OpenIDTokens
from framework.auth.provider import with_query
from framework.web import RequestHandler

__all__ = ["OpenIDConnectMixin", "OpenIDUser", "local_path"]

_NEXT_LENGTH = 2048
_CODE_LENGTH = 4096

# What the request says itself, whatever else is asked for.
_OWN_FIELDS = frozenset(
    {
        *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method", "max_age", "request", "request_uri"),
    }
)


@dataclass(frozen=True, slots=True)
class OpenIDUser:
    """Somebody who has signed in.

    Args:
        issuer, subject: who: the two together are one person for ever; nothing else is.
        claims: of the verified ID token, and of userinfo where that was asked for.
        tokens: for further requests to the provider.
        next: where to go now: a path of this site.
        data: what `authorize_redirect` was given.
    """

    issuer: str
    subject: str
    claims: Mapping[str, Any]
    tokens: OpenIDTokens
    next: str
    data: Any


def local_path(url: str) -> str:
    """A URL that leads to this site from wherever on it: a path with or without query.

    Raises:
        AuthError: it could lead elsewhere.
    """
    # Browsers take "//host" and "/\\host" for another host, and drop tabs and line ends before they look.
    if (
        not url.startswith("/")
        or url.startswith("//")
        or "\\" in url
        or len(url) > _NEXT_LENGTH
        or any(character <= " " or character == "\x7f" for character in url)
    ):
        raise AuthError("where to go after the sign-in should be a path of this site, such as /account")
    return url


class OpenIDConnectMixin:
    """Signs people in with OpenID Connect: the code flow with PKCE, state and nonce (RFC 9700).

    The provider is the application's setting `openid_connect`, an `OpenIDProvider`; override
    `get_openid_provider` where there are several::

        class SignIn(OpenIDConnectMixin, SessionBaseHandler):
            async def get(self):
                if not self.get_argument("state", None):
                    await self.authorize_redirect("https://example.org/sign-in", next="/account")
                    return
                user = await self.get_authenticated_user()
                self.session.clear()
                self.session.renew()
                self.session["user"] = [user.issuer, user.subject]
                self.redirect(user.next)

    A sign-in under way is bound to the session of a `SessionBaseHandler`; without one, to a signed cookie, which
    needs the setting `cookie_secret`.
    """

    def get_openid_provider(self) -> OpenIDProvider:
        """The provider to sign in with.

        Raises:
            RuntimeError: the application has none.
        """
        handler = cast(RequestHandler, self)
        handler.require_setting("openid_connect", "OpenID Connect")
        provider = handler.settings["openid_connect"]
        if not isinstance(provider, OpenIDProvider):
            raise RuntimeError(
                f"the setting openid_connect should be an OpenIDProvider, not {type(provider).__name__}"
            )
        return provider

    async def authorize_redirect(
        self,
        redirect_uri: str,
        *,
        next: str = "/",
        data: Any = None,
        max_age: int | None = None,
        extra_params: Mapping[str, str] | None = None,
    ) -> None:
        """Send the browser to the provider.

        Args:
            redirect_uri: the full URL of the handler that it comes back to, as the provider knows it.
            next: where to go in the end: a path of this site, to be found in the user.
            data: any JSON value, to be found in the user; the browser may see it, but not change it.
            max_age: seconds; somebody who logged in at the provider longer ago has to do so again.
            extra_params: further fields of the request, such as `prompt`, `login_hint` or `ui_locales`.

        Raises:
            AuthError: `next` leads to another site.
            ProviderUnavailable: the provider is away.
            ValueError: `extra_params` has a field that is not to be chosen.
        """
        url = await self.authorize_url(
            redirect_uri, next=next, data=data, max_age=max_age, extra_params=extra_params
        )
        cast(RequestHandler, self).redirect(url)

    async def authorize_url(
        self,
        redirect_uri: str,
        *,
        next: str = "/",
        data: Any = None,
        max_age: int | None = None,
        extra_params: Mapping[str, str] | None = None,
    ) -> str:
        """Begin a sign-in, and return where to send the browser; see `authorize_redirect`."""
        handler, provider = cast(RequestHandler, self), self.get_openid_provider()
        own = _OWN_FIELDS & set(extra_params or {})
        if own:
            raise ValueError(f"extra_params can't have {', '.join(sorted(own))}")
        pending = Pending(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=new_verifier(),
            issuer=provider.issuer,
            client_id=provider.client_id,
            redirect_uri=redirect_uri,
            next=local_path(next),
            max_age=max_age,
            data=data,
            began=time.time(),
        )
        fields = {
            **(extra_params or {}),
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": provider.scope,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge_of(pending.verifier),
            "code_challenge_method": "S256",
        }
        if max_age is not None:
            fields["max_age"] = str(max_age)
        metadata = await provider.metadata()
        await under_way.put(handler, pending)
        handler.set_header("Cache-Control", "no-store")
        return with_query(metadata.authorization_endpoint, fields.items())

    async def get_authenticated_user(self, *, userinfo: bool = False) -> OpenIDUser:
        """Finish the sign-in that this request comes back from.

        Args:
            userinfo: whether to ask the provider for more of what it knows (name, e-mail address, ...); many put
                nothing but the subject into the ID token.

        Raises:
            SignInRefused: the provider says so: `error` in the request, or instead of tokens.
            ProviderUnavailable: the provider is away.
            AuthError: the answer is not for this browser, or not to be believed.
        """
        handler, provider = cast(RequestHandler, self), self.get_openid_provider()
        # The address of this request has the code in it.
        handler.set_header("Cache-Control", "no-store")
        handler.set_header("Referrer-Policy", "no-referrer")
        pending = await under_way.take(handler, provider, _one(handler, "state"))
        if (pending.issuer, pending.client_id) != (provider.issuer, provider.client_id):
            raise AuthError("this sign-in was begun with another provider")
        metadata = await provider.metadata()
        issuer = _one(handler, "iss", "" if not metadata.names_issuer else None)
        if issuer and issuer != provider.issuer:
            # Mix-up (RFC 9207): the code is another provider's, and not to be shown to this one.
            raise AuthError("the answer is from another provider than the one that was asked (iss)")
        error = _one(handler, "error", "")
        if error:
            raise SignInRefused(error)
        tokens = await provider.exchange(_one(handler, "code"), pending.verifier, pending.redirect_uri)
        if tokens.id_token is None:
            raise AuthError("the provider gave no ID token")
        claims = await provider.verify(
            tokens.id_token,
            nonce=pending.nonce,
            access_token=tokens.access_token,
            max_age=pending.max_age,
        )
        if userinfo:
            claims = await provider.userinfo(tokens.access_token, claims["sub"]) | claims
        return OpenIDUser(
            provider.issuer, claims["sub"], claims, tokens, local_path(pending.next), pending.data
        )

    async def refresh(self, refresh_token: str, subject: str) -> OpenIDTokens:
        """Get new tokens.

        Args:
            refresh_token: from the user's tokens, or from the last refresh: providers may change it each time.
            subject: whom the new ID token, if one comes, has to be about.

        Raises:
            SignInRefused: the provider does not give any: sign in again.
            ProviderUnavailable: the provider is away.
            AuthError: the new ID token is not to be believed.
        """
        provider = self.get_openid_provider()
        tokens = await provider.refresh(refresh_token)
        if tokens.id_token is not None:
            await provider.verify(tokens.id_token, subject=subject, access_token=tokens.access_token)
        return tokens


def _one(handler: RequestHandler, name: str, default: str | None = None) -> str:
    """The one value of a field of the query."""
    values = handler.get_query_arguments(name, strip=False)
    if len(values) == 1 and 0 < len(values[0]) <= _CODE_LENGTH:
        return values[0]
    if not values and default is not None:
        return default
    raise AuthError(f"the provider's answer should have one {name}, of at most {_CODE_LENGTH} characters")
