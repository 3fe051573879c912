"""The wiring: which stores, which services, which routes. Nothing else knows all the parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from demo_app import logs
from demo_app.config import SIGN_IN_BACK, Settings, SignInSettings
from demo_app.handlers import account, chat, chat_socket, health, home, primes, sign_in
from demo_app.handlers.base import NotFoundHandler
from demo_app.services.accounts import Accounts
from demo_app.services.chat import Chat, ChatLimits
from demo_app.services.chat_rooms import ChatFeed
from demo_app.services.events import Events, EventWorker
from demo_app.services.passwords import Passwords
from demo_app.services.primes import Primes
from demo_app.services.sign_in import SignIns
from demo_app.services.slots import Slots
from demo_app.services.tries import Tries, TryLimits
from demo_app.stores.base import (
    AccountStore,
    ChatStore,
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
from demo_app.stores.redis_chat import RedisChat
from demo_app.stores.sqlite import SQLiteAccounts, SQLiteEvents, SQLiteFile, SQLiteLimiter
from demo_app.stores.sqlite_chat import SQLiteChat
from framework.auth.oidc import OpenIDProvider
from framework.session import SessionSettings, SQLiteStore
from framework.session import Store as SessionStore
from framework.session.stores.redis import RedisStore
from framework.web import Application, URLSpec

__all__ = ["Demo", "Stores", "open_mongo", "open_postgres", "open_stores"]

EMBEDDED_FILE = "demo.sqlite3"
FOLDER = os.path.dirname(__file__)

#: Seconds between two questions whether a WebSocket's client is still there.
PING_EVERY = 20

#: Bytes that wait for a WebSocket's client; it is slow when there are more.
UNREAD = 256 * 1024


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
    chat: ChatStore
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
            chat=SQLiteChat(file, settings.chat.history),
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
        chat=RedisChat(server, settings.chat.history),
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
        tries = Tries(
            stores.limiter,
            TryLimits(
                login_per_account=limits.login_per_account,
                login_per_address=limits.login_per_address,
                register_per_address=limits.register_per_address,
                window=limits.window,
            ),
        )
        self.accounts = Accounts(
            stores.accounts,
            self.passwords,
            tries,
            self.events,
            stores.revocations,
            settings.session_expires_seconds,
        )
        self.sign_ins = SignIns(stores.accounts, tries, self.events)
        said = settings.chat
        self.feed = ChatFeed(stores.chat, said.rooms)
        self.chat = Chat(
            stores.chat, self.feed, stores.limiter, ChatLimits(said.messages, said.window, said.length)
        )
        self.primes = Primes(stores.limiter, said.messages, said.window)
        self.slots = Slots(said.connections)
        self.application = Application(
            self._routes(stores, stopping, settings.sign_in),
            default_handler_class=NotFoundHandler,
            cookie_secret=settings.cookie_secret,
            session=SessionSettings(stores.sessions, lifetime=settings.session_expires_seconds),
            openid_connect=_provider(settings.sign_in),
            serve_traceback=settings.debug,
            log_function=logs.log_request,
            # A proxy ends what is silent for long, and this finds clients that are gone.
            websocket_ping_interval=PING_EVERY,
            # Whoever is slow comes back and goes on where it was.
            websocket_slow_reader="close",
            websocket_write_high_water=UNREAD,
            template_path=os.path.join(FOLDER, "templates"),
            # Behind nginx these are its affair.
            static_path=os.path.join(FOLDER, "static"),
        )

    def start(self) -> None:
        """Begin, in the running loop, what goes on beside requests."""
        self.worker.start()
        self.feed.start()

    async def end_conversations(self) -> None:
        """Have everybody who listens or waits here go elsewhere."""
        await self.feed.stop()

    def _routes(
        self, stores: Stores, stopping: Callable[[], bool], provider: SignInSettings | None
    ) -> list[URLSpec]:
        accounts = {"accounts": self.accounts}
        # One person's questions that wait for an answer count as sockets do.
        messages = accounts | {"chat": self.chat, "slots": self.slots}
        sockets = accounts | {"slots": self.slots, "stopping": stopping}
        return [
            URLSpec(r"/", home.HomeHandler, {"provider": provider.name if provider else None}),
            URLSpec(r"/register", account.RegisterUserHandler, accounts, "register"),
            URLSpec(r"/login", account.LoginHandler, accounts, "login"),
            URLSpec(r"/isLogined", account.IsLoginedHandler, accounts),
            URLSpec(r"/logout", account.LogoutHandler, accounts, "logout"),
            URLSpec(r"/account/edit", account.EditUserHandler, accounts),
            URLSpec(r"/account/info", account.AccountInfoHandler, accounts | {"events": self.events}),
            *self._sign_in_routes(provider),
            URLSpec(r"/chat", chat.ChatPageHandler, {"chat": self.chat}, "chat"),
            URLSpec(r"/chat/([\w-]+)/messages", chat.ChatMessagesHandler, messages),
            URLSpec(r"/chat/([\w-]+)/socket", chat_socket.ChatSocketHandler, sockets | {"chat": self.chat}),
            URLSpec(r"/primes", primes.PrimesHandler, sockets | {"primes": self.primes}),
            URLSpec(r"/health/live", health.LiveHandler),
            URLSpec(r"/health/ready", health.ReadyHandler, {"stores": stores.named, "stopping": stopping}),
        ]

    def _sign_in_routes(self, provider: SignInSettings | None) -> list[URLSpec]:
        if provider is None:
            return []
        parts = {
            "accounts": self.accounts,
            "sign_ins": self.sign_ins,
            "redirect_uri": provider.redirect_uri,
        }
        return [
            URLSpec(r"/sign-in", sign_in.SignInHandler, parts),
            URLSpec(SIGN_IN_BACK, sign_in.SignInBackHandler, parts),
            URLSpec(r"/account/connect", sign_in.ConnectHandler, parts),
        ]


def _provider(settings: SignInSettings | None) -> OpenIDProvider | None:
    if settings is None:
        return None
    return OpenIDProvider(
        settings.issuer,
        settings.client_id,
        settings.client_secret,
        backchannel=settings.backchannel,
        # Others than the provider's user are told sooner that it is away.
        timeout=2.0,
    )
