"""Accounts of people who sign in with an OpenID Connect provider.

Issuer and subject are who somebody is; an e-mail address is not. A sign-in opens the account that has its identity,
or makes a new one, whose address the provider must have verified. It never opens an account because of an address:
the owner of that logs in and connects the two, with the password.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from demo_app.errors import AppError, ErrorCode
from demo_app.services import fields
from demo_app.services.clock import now, to_milliseconds
from demo_app.services.events import Events, Visitor
from demo_app.services.tries import Tries
from demo_app.stores.base import Account, AccountStore, Duplicate, Identity

__all__ = ["SignIns"]

_NO_NAME = re.compile(r"[\W_]+")


class SignIns:
    """What people can do with accounts by way of a provider.

    Args:
        store: where accounts are.
        tries: limits tries.
        events: remembers what was done.
        clock: the time now.
    """

    def __init__(
        self,
        store: AccountStore,
        tries: Tries,
        events: Events,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._tries = tries
        self._events = events
        self._clock = clock

    async def begin(self, visitor: Visitor) -> None:
        """Count a try.

        Raises:
            AppError: `TOO_MANY_TRIES`.
        """
        await self._tries.sign_in(visitor.address)

    async def failed(self, visitor: Visitor) -> None:
        """Remember that a sign-in came to nothing."""
        await self._events.record("login_failed", None, visitor)

    async def account(self, identity: Identity, claims: Mapping[str, Any], visitor: Visitor) -> Account:
        """The account that an identity opens; a new one where there is none.

        Args:
            identity: verified.
            claims: what the provider says of it.
            visitor: who asks.

        Raises:
            AppError: `TOO_MANY_TRIES`, `EMAIL_NOT_VERIFIED`, or `CONNECT_FIRST` where another account has the
            e-mail address.
        """
        account = await self._store.by_identity(identity)
        if account is not None:
            return account
        email = _verified_email(claims)
        await self._tries.register(visitor.address)
        for name in _names(claims, email):
            account = Account(
                id=uuid.uuid4().hex,
                username=name,
                username_key=fields.username_key(name),
                email=email,
                email_key=fields.email_key(email),
                password_hash="",
                created_at=to_milliseconds(self._clock()),
            )
            try:
                await self._store.add(account, identity)
            except Duplicate as error:
                # Of two sign-ins at the same moment, one makes the account and the other finds it.
                found = await self._store.by_identity(identity)
                if found is not None:
                    return found
                if error.field == "email":
                    raise AppError(ErrorCode.CONNECT_FIRST) from error
                continue
            await self._events.record("registered", account.id, visitor)
            return account
        raise AppError(ErrorCode.USERNAME_TAKEN)

    async def connect(self, account_id: str, identity: Identity, visitor: Visitor) -> None:
        """Let an identity open an account, whose owner has confirmed that with the password.

        Raises:
            AppError: `IDENTITY_TAKEN`, or `NOT_LOGGED_IN` where the account is gone.
        """
        try:
            found = await self._store.add_identity(account_id, identity)
        except Duplicate as error:
            raise AppError(ErrorCode.IDENTITY_TAKEN) from error
        if not found:
            raise AppError(ErrorCode.NOT_LOGGED_IN)
        await self._events.record("connected", account_id, visitor)


def _verified_email(claims: Mapping[str, Any]) -> str:
    email = claims.get("email")
    # Nothing but true: some providers say "false".
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise AppError(ErrorCode.EMAIL_NOT_VERIFIED)
    try:
        email.encode()
        return fields.email(email)
    except ValueError as error:
        raise AppError(ErrorCode.EMAIL_NOT_VERIFIED, str(error)) from error


def _names(claims: Mapping[str, Any], email: str) -> Iterator[str]:
    """User names to try, the nicest first; the last is nobody's."""
    wishes = [claims.get("preferred_username"), claims.get("nickname"), email.partition("@")[0]]
    tail = secrets.token_hex(4)
    longest = fields.USERNAME_LENGTH[1] - len(tail) - 1
    first = ""
    for wish in wishes:
        if isinstance(wish, str):
            text = unicodedata.normalize("NFKC", wish[: 4 * longest]).partition("@")[0]
            name = _NO_NAME.sub("-", text)[:longest].strip("-")
            try:
                yield fields.username(name)
            except fields.FieldError:
                continue
            first = first or name
    yield f"{first or 'user'}-{tail}"
