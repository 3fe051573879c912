"""The wiring: which stores, which services, which routes. Nothing else knows all the parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from demo_app import logs
from demo_app.config import Settings
from demo_app.handlers import account, health, home
from demo_app.handlers.base import NotFoundHandler
from demo_app.services.accounts import Accounts
from demo_app.services.events import Events, EventWorker
from demo_app.services.passwords import Passwords
from demo_app.services.tries import Tries, TryLimits
from demo_app.stores.base import (
    AccountStore,
    EventLog,
    EventOutbox,
    EventQueue,
    Limiter,
    Revocations,
    Store,
)
from demo_app.stores.mongo import MongoAccounts
from demo_app.stores.postgres import PostgresEvents
from demo_app.stores.redis import RedisLimiter, RedisOutbox, RedisServer
from demo_app.stores.sqlite import SQLiteAccounts, SQLiteEvents, SQLiteFile, SQLiteLimiter
from framework.session import SessionSettings, SQLiteStore
from framework.session import Store as SessionStore
from framework.session.stores.redis import RedisStore
from framework.web import Application, URLSpec

__all__ = ["Demo", "Stores", "open_mongo", "open_postgres", "open_stores"]

EMBEDDED_FILE = "demo.sqlite3"
FOLDER = os.path.dirname(__file__)


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one process.

    `queue` is the outbox where a worker has to empty it, `named` what `/health/ready` asks.
    """

    accounts: AccountStore
    limiter: Limiter
    revocations: Revocations
    outbox: EventOutbox
    queue: EventQueue | None
    log: EventLog
    sessions: SessionStore
    named: Mapping[str, Store]

    async def close(self) -> None:
        """Give back all connections."""
        await self.sessions.close()
        for store in self.named.values():
            await store.close()


def open_mongo(settings: Settings) -> MongoAccounts:
    """The accounts on a server."""
    mongodb = settings.mongodb
    return MongoAccounts(mongodb.host, mongodb.port, mongodb.name, mongodb.user, mongodb.password)


def open_postgres(settings: Settings) -> PostgresEvents:
    """The log of events on a server."""
    postgres = settings.postgres
    return PostgresEvents(postgres.host, postgres.port, postgres.name, postgres.user, postgres.password)


def open_stores(settings: Settings, consumer: str) -> Stores:
    """Make the stores inside the running loop. None of them is asked anything yet: they may still be away.

    Args:
        settings: where they are.
        consumer: the name of this process, the same after a restart.
    """
    if settings.stores == "embedded":
        path = os.path.join(settings.path_data, EMBEDDED_FILE)
        file = SQLiteFile(path)
        limiter, events = SQLiteLimiter(file), SQLiteEvents(file)
        return Stores(
            accounts=SQLiteAccounts(file),
            limiter=limiter,
            revocations=limiter,
            outbox=events,
            queue=None,
            log=events,
            sessions=SQLiteStore(path),
            named={"sqlite": file},
        )
    redis = settings.redis
    server = RedisServer(redis.host, redis.port, redis.db, redis.user, redis.password)
    mongo, postgres, outbox = open_mongo(settings), open_postgres(settings), RedisOutbox(server, consumer)
    redis_limiter = RedisLimiter(server)
    return Stores(
        accounts=mongo,
        limiter=redis_limiter,
        revocations=redis_limiter,
        outbox=outbox,
        queue=outbox,
        log=postgres,
        sessions=RedisStore(server.client, prefix="demo:session:"),
        named={"mongodb": mongo, "redis": server, "postgresql": postgres},
    )


class Demo:
    """The application of one process: its stores, services and routes.

    Args:
        settings: all of them.
        stores: see `open_stores`.
        stopping: whether the process is about to end.
    """

    def __init__(self, settings: Settings, stores: Stores, stopping: Callable[[], bool]) -> None:
        limits = settings.limits
        self.passwords = Passwords()
        self.events = Events(stores.outbox, stores.log)
        self.worker = EventWorker(self.events, stores.queue, stores.log)
        self.accounts = Accounts(
            stores.accounts,
            self.passwords,
            Tries(
                stores.limiter,
                TryLimits(
                    login_per_account=limits.login_per_account,
                    login_per_address=limits.login_per_address,
                    register_per_address=limits.register_per_address,
                    window=limits.window,
                ),
            ),
            self.events,
            stores.revocations,
            settings.session_expires_seconds,
        )
        self.application = Application(
            self._routes(stores, stopping),
            default_handler_class=NotFoundHandler,
            cookie_secret=settings.cookie_secret,
            session=SessionSettings(stores.sessions, lifetime=settings.session_expires_seconds),
            serve_traceback=settings.debug,
            log_function=logs.log_request,
            template_path=os.path.join(FOLDER, "templates"),
            # Behind nginx these are its affair.
            static_path=os.path.join(FOLDER, "static"),
        )

    def _routes(self, stores: Stores, stopping: Callable[[], bool]) -> list[URLSpec]:
        accounts = {"accounts": self.accounts}
        return [
            URLSpec(r"/", home.HomeHandler),
            URLSpec(r"/register", account.RegisterUserHandler, accounts, "register"),
            URLSpec(r"/login", account.LoginHandler, accounts, "login"),
            URLSpec(r"/isLogined", account.IsLoginedHandler, accounts),
            URLSpec(r"/logout", account.LogoutHandler, accounts, "logout"),
            URLSpec(r"/account/edit", account.EditUserHandler, accounts),
            URLSpec(r"/account/info", account.AccountInfoHandler, accounts | {"events": self.events}),
            URLSpec(r"/health/live", health.LiveHandler),
            URLSpec(r"/health/ready", health.ReadyHandler, {"stores": stores.named, "stopping": stopping}),
        ]
