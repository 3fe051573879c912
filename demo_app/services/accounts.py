"""Accounts: registering, logging in, changing, looking."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from demo_app.errors import AppError, ErrorCode
from demo_app.services import fields
from demo_app.services.clock import now, to_milliseconds
from demo_app.services.events import Events, Visitor
from demo_app.services.passwords import Passwords
from demo_app.services.tries import Tries
from demo_app.stores.base import Account, AccountStore, Duplicate, Revocations

__all__ = ["Accounts"]

_TAKEN = {
    "username": ErrorCode.USERNAME_TAKEN,
    "email": ErrorCode.EMAIL_TAKEN,
    "identity": ErrorCode.IDENTITY_TAKEN,
}


class Accounts:
    """What people can do with accounts.

    Args:
        store: where they are.
        passwords: hashes.
        tries: limits guessing.
        events: remembers what was done.
        revocations: ends sessions.
        session_seconds: how long a session can last.
        clock: the time now.
    """

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        tries: Tries,
        events: Events,
        revocations: Revocations,
        session_seconds: int,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._tries = tries
        self._events = events
        self._revocations = revocations
        self._session_seconds = session_seconds
        self._clock = clock

    async def register(self, values: Mapping[str, str], visitor: Visitor) -> Account:
        """Make an account of the fields `username`, `email` and `password`.

        Raises:
            AppError: `INVALID_FIELDS`, `TOO_MANY_TRIES`, `BUSY`, `USERNAME_TAKEN` or `EMAIL_TAKEN`.
        """
        form = fields.Fields(values)
        name = form.required("username", fields.username)
        email = form.required("email", fields.email)
        password = form.required("password", fields.password)
        form.finish()
        await self._tries.register(visitor.address)
        name_key = fields.username_key(name)
        # Looked at first to save the hashing; what decides is the store's uniqueness below.
        if await self._store.by_username_key(name_key) is not None:
            raise AppError(ErrorCode.USERNAME_TAKEN)
        account = Account(
            id=uuid.uuid4().hex,
            username=name,
            username_key=name_key,
            email=email,
            email_key=fields.email_key(email),
            password_hash=await self._passwords.hash(password),
            created_at=to_milliseconds(self._clock()),
        )
        try:
            await self._store.add(account)
        except Duplicate as error:
            raise AppError(_TAKEN[error.field]) from error
        await self._events.record("registered", account.id, visitor)
        return account

    async def check_login(self, values: Mapping[str, str], visitor: Visitor) -> Account:
        """The account that the fields `username` and `password` open.

        An unknown name takes as long as a wrong password, and has the same answer. The caller begins the
        session, and then calls `logged_in`.

        Raises:
            AppError: `INVALID_FIELDS`, `TOO_MANY_TRIES`, `BUSY` or `WRONG_CREDENTIALS`.
        """
        form = fields.Fields(values)
        # Any name and password: one that breaks the rules is wrong, like others. Only its size is looked at.
        name = form.required("username", fields.typed_name)
        password = form.required("password", fields.typed_password)
        form.finish()
        name_key = fields.username_key(name)
        await self._tries.login(visitor.address, name_key)
        account = await self._store.by_username_key(name_key)
        if not await self._passwords.verify(account.password_hash if account else None, password):
            await self._events.record("login_failed", account.id if account else None, visitor)
            raise AppError(ErrorCode.WRONG_CREDENTIALS)
        if account is None:  # verify() is never true without an account
            raise AppError(ErrorCode.WRONG_CREDENTIALS)
        await self._tries.right_password(name_key)
        if self._passwords.outdated(account.password_hash):
            await self._store.update(
                account.id,
                password_hash=await self._passwords.hash(password),
                # Not over a password that was changed meanwhile.
                if_password_hash=account.password_hash,
            )
        return account

    async def logged_in(self, account_id: str, visitor: Visitor) -> None:
        """Remember that a session of this account has begun."""
        await self._events.record("logged_in", account_id, visitor)

    async def logged_out(self, account_id: str, visitor: Visitor) -> None:
        """Remember that a session of this account has ended."""
        await self._events.record("logged_out", account_id, visitor)

    async def edit(
        self, account_id: str, values: Mapping[str, str], visitor: Visitor
    ) -> tuple[Account, bool]:
        """Change `email`, `password` or both; a new password ends all sessions that have begun before.

        Both need the present password in `old_password`: a session that somebody found open is not enough to
        take an account over.

        Returns:
            The account as it is now, and whether its sessions have ended.

        Raises:
            AppError: `INVALID_FIELDS`, `NOT_LOGGED_IN`, `TOO_MANY_TRIES`, `BUSY`, `WRONG_PASSWORD` or
            `EMAIL_TAKEN`.
        """
        form = fields.Fields(values)
        email = form.optional("email", fields.email)
        password = form.optional("password", fields.password)
        old_password = form.required("old_password", fields.typed_password)
        if not values.get("email") and not values.get("password"):
            form.wrong("email", "a new e-mail address, a new password, or both")
        form.finish()
        account = await self._confirmed(account_id, old_password)
        try:
            found = await self._store.update(
                account_id,
                email=(email, fields.email_key(email)) if email else None,
                password_hash=await self._passwords.hash(password) if password else None,
                # Of two changes at the same moment, the second has to know the first one's password.
                if_password_hash=account.password_hash,
            )
        except Duplicate as error:
            raise AppError(_TAKEN[error.field]) from error
        if not found:
            raise AppError(ErrorCode.WRONG_PASSWORD)
        if password:
            await self._revocations.end_sessions(account_id, self._clock().timestamp(), self._session_seconds)
        await self._events.record("edited", account_id, visitor)
        return await self.get(account_id), bool(password)

    async def confirm(self, account_id: str, values: Mapping[str, str]) -> Account:
        """The account of a session, whose present password is in the field `old_password`.

        Raises:
            AppError: `INVALID_FIELDS`, `NOT_LOGGED_IN`, `TOO_MANY_TRIES`, `BUSY` or `WRONG_PASSWORD`.
        """
        form = fields.Fields(values)
        password = form.required("old_password", fields.typed_password)
        form.finish()
        return await self._confirmed(account_id, password)

    async def _confirmed(self, account_id: str, password: str) -> Account:
        account = await self.get(account_id)
        await self._tries.password(account.username_key)
        if not await self._passwords.verify(account.password_hash, password):
            raise AppError(ErrorCode.WRONG_PASSWORD)
        await self._tries.right_password(account.username_key)
        return account

    async def get(self, account_id: str) -> Account:
        """The account of a session.

        Raises:
            AppError: `NOT_LOGGED_IN`, where the account is gone.
        """
        account = await self._store.by_id(account_id)
        if account is None:
            raise AppError(ErrorCode.NOT_LOGGED_IN)
        return account

    async def session_ended(self, account_id: str, began: float) -> bool:
        """Whether a session that began at this moment (epoch seconds) has been ended by a new password."""
        return began < await self._revocations.sessions_end(account_id)
