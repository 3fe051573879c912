"""Signing in with an OpenID Connect provider, and connecting an account with it."""

from __future__ import annotations

import logging

from demo_app.errors import AppError, ErrorCode, TryLater
from demo_app.handlers.account import AccountHandler
from demo_app.handlers.base import RETRY_AFTER
from demo_app.services.accounts import Accounts
from demo_app.services.sign_in import SignIns
from demo_app.stores.base import Identity
from framework.auth import AuthError
from framework.auth.oidc import OpenIDConnectMixin, OpenIDUser, ProviderUnavailable, SignInRefused, local_path

__all__ = ["ConnectHandler", "SignInBackHandler", "SignInHandler"]

logger = logging.getLogger("demo_app")


class ProviderHandler(OpenIDConnectMixin, AccountHandler):
    """The base of these handlers: knows the provider, and answers its errors."""

    def initialize(self, accounts: Accounts, sign_ins: SignIns, redirect_uri: str) -> None:  # type: ignore[override]  # the route's
        """Take what the route table gives."""
        super().initialize(accounts)
        self.sign_ins = sign_ins
        self.redirect_uri = redirect_uri

    def next(self) -> str:
        """Where to go in the end: a path of this site.

        Raises:
            AppError: `BAD_REQUEST`, for an address of another site.
        """
        try:
            return local_path(self.get_query_argument("next", "/"))
        except AuthError as error:
            raise AppError(ErrorCode.BAD_REQUEST, str(error)) from error

    def failure(self, error: AuthError) -> AppError:
        """What to answer to a sign-in that has failed."""
        logger.warning("sign-in: %s", error)
        if isinstance(error, ProviderUnavailable):
            return TryLater(ErrorCode.PROVIDER_AWAY, RETRY_AFTER)
        if isinstance(error, SignInRefused):
            return AppError(ErrorCode.SIGN_IN_REFUSED, str(error))
        return AppError(ErrorCode.SIGN_IN_FAILED, str(error))


class SignInHandler(ProviderHandler):
    """`/sign-in`"""

    async def get(self) -> None:
        """Send the browser to the provider."""
        await self.sign_ins.begin(self.visitor)
        try:
            await self.authorize_redirect(self.redirect_uri, next=self.next())
        except AuthError as error:
            raise self.failure(error) from error


class ConnectHandler(ProviderHandler):
    """`/account/connect`"""

    async def post(self) -> None:
        """Say where to go to connect this account with the provider; `old_password` is needed.

        Whoever finds a session open can't so get a lasting way into the account.
        """
        account = await self.accounts.confirm(self.user()["id"], self.fields())
        try:
            location = await self.authorize_url(
                self.redirect_uri, next="/account/info", data={"connect": account.id}
            )
        except AuthError as error:
            raise self.failure(error) from error
        self.response_json(location=location)


class SignInBackHandler(ProviderHandler):
    """`/sign-in/back`"""

    async def get(self) -> None:
        """Take back whom the provider has sent, and begin a session as `/login` does."""
        await self.sign_ins.begin(self.visitor)
        try:
            user = await self.get_authenticated_user(userinfo=True)
        except AuthError as error:
            if not isinstance(error, ProviderUnavailable):
                await self.sign_ins.failed(self.visitor)
            raise self.failure(error) from error
        identity = Identity(user.issuer, user.subject)
        if user.data is not None:
            await self.connect(user, identity)
        else:
            account = await self.sign_ins.account(identity, user.claims, self.visitor)
            await self.begin_session(account)
            await self.accounts.logged_in(account.id, self.visitor)
        self.redirect(user.next, status=303)

    async def connect(self, user: OpenIDUser, identity: Identity) -> None:
        """Connect the account that this was begun with, if it is still the one of this session."""
        if self.user()["id"] != user.data["connect"]:
            raise AppError(ErrorCode.NOT_LOGGED_IN)
        await self.sign_ins.connect(user.data["connect"], identity, self.visitor)
