"""Accounts in MongoDB, through motor: the only file that names the driver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, PyMongoError

from demo_app.stores.base import Account, Duplicate, Identity, StoreUnavailable

__all__ = ["MongoAccounts"]


class MongoAccounts:
    """The accounts, one document each; see `AccountStore`.

    Make it inside the running loop.

    Args:
        host, port: of the server.
        database: its name; a user's rights are looked up there as well.
        user, password: empty for a server without access control.
        timeout: seconds one operation may take.
    """

    name = "mongodb"

    def __init__(
        self, host: str, port: int, database: str, user: str = "", password: str = "", timeout: float = 1.0
    ) -> None:
        milliseconds = int(timeout * 1000)
        login: dict[str, Any] = (
            {"username": user, "password": password, "authSource": database} if user else {}
        )
        self._timeout = timeout
        self._client: Any = AsyncIOMotorClient(
            host=host,
            port=port,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            socketTimeoutMS=milliseconds,
            # How soon a server that comes back is noticed while nobody asks for it.
            heartbeatFrequencyMS=5000,
            maxPoolSize=50,
            tz_aware=True,
            # An account that was confirmed survives the server's sudden death.
            journal=True,
            appname="demo_app",
            io_loop=asyncio.get_running_loop(),
            **login,
        )
        self._database: Any = self._client[database]
        self._accounts: Any = self._database["accounts"]
        self._prepared = False

    async def ping(self) -> None:
        """See `Store.ping`."""
        async with self._errors():
            await self._database.command("ping")

    async def close(self) -> None:
        """See `Store.close`."""
        self._client.close()

    async def prepare(self) -> None:
        """See `AccountStore.prepare`."""
        async with self._errors():
            await self._accounts.create_indexes(
                [
                    IndexModel("username_key", name="username_key", unique=True),
                    IndexModel("email_key", name="email_key", unique=True),
                    IndexModel(
                        ["identities.issuer", "identities.subject"],
                        name="identities",
                        unique=True,
                        # Otherwise all accounts without one would have the same.
                        partialFilterExpression={"identities.issuer": {"$exists": True}},
                    ),
                ]
            )
        self._prepared = True

    async def add(self, account: Account, identity: Identity | None = None) -> None:
        """See `AccountStore.add`."""
        # Uniqueness is the indexes' work: without them, two equal accounts could be made.
        if not self._prepared:
            await self.prepare()
        document: dict[str, Any] = {
            "_id": account.id,
            "username": account.username,
            "username_key": account.username_key,
            "email": account.email,
            "email_key": account.email_key,
            "password_hash": account.password_hash,
            "created_at": account.created_at,
        }
        if identity is not None:
            document["identities"] = [_identity(identity)]
        async with self._errors():
            await self._accounts.insert_one(document)

    async def by_id(self, account_id: str) -> Account | None:
        """See `AccountStore.by_id`."""
        return await self._find({"_id": account_id})

    async def by_username_key(self, key: str) -> Account | None:
        """See `AccountStore.by_username_key`."""
        return await self._find({"username_key": key})

    async def by_identity(self, identity: Identity) -> Account | None:
        """See `AccountStore.by_identity`."""
        # Both in one element of the list: not the issuer of one and the subject of another.
        return await self._find({"identities": {"$elemMatch": _identity(identity)}})

    async def add_identity(self, account_id: str, identity: Identity) -> bool:
        """See `AccountStore.add_identity`."""
        if not self._prepared:
            await self.prepare()
        change = {"$addToSet": {"identities": _identity(identity)}, "$set": {"updated_at": datetime.now(UTC)}}
        async with self._errors():
            result = await self._accounts.update_one({"_id": account_id}, change)
        return bool(result.matched_count)

    async def update(
        self,
        account_id: str,
        *,
        email: tuple[str, str] | None = None,
        password_hash: str | None = None,
        if_password_hash: str | None = None,
    ) -> bool:
        """See `AccountStore.update`."""
        changes: dict[str, Any] = {"updated_at": datetime.now(UTC)}
        if email is not None:
            changes["email"], changes["email_key"] = email
        if password_hash is not None:
            changes["password_hash"] = password_hash
        which = {"_id": account_id}
        if if_password_hash is not None:
            which["password_hash"] = if_password_hash
        async with self._errors():
            result = await self._accounts.update_one(which, {"$set": changes})
        return bool(result.matched_count)

    async def _find(self, which: Mapping[str, Any]) -> Account | None:
        async with self._errors():
            found = await self._accounts.find_one(which)
        if found is None:
            return None
        return Account(
            id=found["_id"],
            username=found["username"],
            username_key=found["username_key"],
            email=found["email"],
            email_key=found["email_key"],
            password_hash=found["password_hash"],
            created_at=found["created_at"],
        )

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        # The driver's own limits are for each step, and its operations wait for a thread first: this one is
        # for all.
        try:
            async with asyncio.timeout(self._timeout + 0.5):
                yield
        except DuplicateKeyError as error:
            raise Duplicate(_duplicate_field(error)) from error
        except TimeoutError as error:
            raise StoreUnavailable(self.name, "no answer in time") from error
        except PyMongoError as error:
            raise StoreUnavailable(self.name, error) from error


def _identity(identity: Identity) -> dict[str, str]:
    return {"issuer": identity.issuer, "subject": identity.subject}


def _duplicate_field(error: DuplicateKeyError) -> Literal["username", "email", "identity"]:
    pattern = (error.details or {}).get("keyPattern", {})
    if "identities.issuer" in pattern:
        return "identity"
    return "email" if "email_key" in pattern else "username"
