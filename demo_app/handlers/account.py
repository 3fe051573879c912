"""Registering, logging in and out, and what belongs to one's account."""

from __future__ import annotations

import time
from typing import Any

from demo_app.errors import AppError, ErrorCode
from demo_app.handlers.base import Handler
from demo_app.services.accounts import Accounts
from demo_app.services.events import Events
from demo_app.stores.base import Account, Event
from framework import gen

__all__ = [
    "AccountInfoHandler",
    "EditUserHandler",
    "IsLoginedHandler",
    "LoginHandler",
    "LogoutHandler",
    "RegisterUserHandler",
]

#: How many events `/account/info` shows.
EVENTS_SHOWN = 20


class AccountHandler(Handler):
    """The base of these handlers: knows the accounts, and sees to it that an ended session is none."""

    def initialize(self, accounts: Accounts) -> None:
        """Take what the route table gives."""
        self.accounts = accounts

    async def prepare(self) -> None:
        """End a session that a new password has ended."""
        super().prepare()
        user = self.current_user
        if user is not None and await self.accounts.session_ended(user["id"], user["began"]):
            self.session.flush()
            self.current_user = None

    def user(self) -> dict[str, Any]:
        """Who is logged in.

        Raises:
            AppError: `NOT_LOGGED_IN`.
        """
        if self.current_user is None:
            raise AppError(ErrorCode.NOT_LOGGED_IN)
        user: dict[str, Any] = self.current_user
        return user

    async def begin_session(self, account: Account) -> None:
        """Make this visitor the account's owner: under a new id, without anything from before.

        What follows may rely on it: the session is stored when this returns.
        """
        self.session.clear()
        self.session.renew()
        self.session["user"] = {"id": account.id, "username": account.username, "began": time.time()}
        await self.session.save()


class RegisterUserHandler(AccountHandler):
    """`/register`"""

    session_autoload = False

    async def prepare(self) -> None:
        """No session is needed here, and none looked at."""
        Handler.prepare(self)

    async def post(self) -> None:
        """Make an account: 201, or 409 where name or address is taken."""
        account = await self.accounts.register(self.fields(), self.visitor)
        self.response_json(status_code=201, user=user_json(account))


class LoginHandler(AccountHandler):
    """`/login`"""

    async def post(self) -> None:
        """Begin a session: 200, or 401."""
        account = await self.accounts.check_login(self.fields(), self.visitor)
        await self.begin_session(account)
        await self.accounts.logged_in(account.id, self.visitor)
        self.response_json(user=user_json(account))


class IsLoginedHandler(AccountHandler):
    """`/isLogined`"""

    async def get(self) -> None:
        """Say whether, and as whom, one is logged in."""
        user = self.current_user
        if user is None:
            self.response_json(logined=False)
        else:
            self.response_json(logined=True, username=user["username"])


class LogoutHandler(AccountHandler):
    """`/logout`"""

    async def post(self) -> None:
        """End the session, if there is one."""
        user = self.current_user
        self.session.flush()
        await self.session.save()
        if user is not None:
            await self.accounts.logged_out(user["id"], self.visitor)
        self.response_json()


class EditUserHandler(AccountHandler):
    """`/account/edit`"""

    async def post(self) -> None:
        """Change the e-mail address, the password or both; `old_password` is needed."""
        account, sessions_ended = await self.accounts.edit(self.user()["id"], self.fields(), self.visitor)
        if sessions_ended:
            await self.begin_session(account)
        self.response_json(user=user_json(account))


class AccountInfoHandler(AccountHandler):
    """`/account/info`"""

    def initialize(self, accounts: Accounts, events: Events) -> None:  # type: ignore[override]  # the route's
        """Take what the route table gives."""
        super().initialize(accounts)
        self.events = events

    async def get(self) -> None:
        """Show the account and what has happened to it lately."""
        account_id = self.user()["id"]
        account, events = await gen.multi(
            [self.accounts.get(account_id), self.events.latest(account_id, EVENTS_SHOWN)]
        )
        self.response_json(user=user_json(account), events=[event_json(event) for event in events])


def user_json(account: Account) -> dict[str, str]:
    """What people get to see of their account."""
    return {
        "username": account.username,
        "email": account.email,
        "created_at": account.created_at.isoformat(),
    }


def event_json(event: Event) -> dict[str, str | None]:
    """What people get to see of an event."""
    return {
        "kind": event.kind,
        "at": event.at.isoformat(),
        "address": event.address,
        "user_agent": event.user_agent,
    }
