"""One server process, from its start to its orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket

from demo_app.app import Demo, open_mongo, open_postgres, open_stores
from demo_app.config import Settings
from demo_app.migrations import load
from demo_app.stores.base import StoreUnavailable
from framework.httpserver import HTTPServer
from framework.ioloop import IOLoop
from framework.process import task_id

__all__ = ["migrate", "serve"]

#: Seconds for the requests that are being answered when the process is told to end.
DRAIN_SECONDS = 10.0

#: Nothing here takes more than a form of a few fields.
MAX_BODY_SIZE = 1024 * 1024

#: Seconds for which `migrate` waits for servers that are not there yet.
MIGRATE_PATIENCE = 60.0

logger = logging.getLogger("demo_app")


async def serve(settings: Settings, sockets: list[socket.socket]) -> None:
    """Serve until SIGTERM or SIGINT; then accept nothing more, finish what has begun, and return.

    Args:
        settings: all of them.
        sockets: that listen.
    """
    stop = asyncio.Event()
    loop = IOLoop.current()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal(signum, stop.set)
    stores = open_stores(settings, consumer=f"{settings.server_port}-{task_id() or 0}")
    demo = Demo(settings, stores, stop.is_set)
    server = HTTPServer(
        demo.application,
        xheaders=True,
        trusted_proxies=list(settings.trusted_proxies),
        max_body_size=MAX_BODY_SIZE,
    )
    server.add_sockets(sockets)
    demo.start()
    logger.info("serving on port %d", sockets[0].getsockname()[1])
    await stop.wait()
    logger.info("stopping")
    server.stop()
    await demo.end_conversations()
    await server.close_all_connections(DRAIN_SECONDS)
    await demo.worker.stop()
    demo.passwords.close()
    await stores.close()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal(signum)
    logger.info("stopped")


async def migrate(settings: Settings, patience: float = MIGRATE_PATIENCE) -> None:
    """Bring the stores' schemas up to date. Any number of processes may do so at the same time.

    Args:
        settings: where the stores are.
        patience: seconds to wait for servers that are still starting.

    Raises:
        MigrationError: the database's schema is not one that this version comes from.
        StoreUnavailable: a server didn't come.
    """
    if settings.stores == "embedded":
        stores = open_stores(settings, consumer="migrate")
        try:
            await stores.accounts.prepare()
        finally:
            await stores.close()
        return
    mongo, postgres = open_mongo(settings), open_postgres(settings)
    deadline = asyncio.get_running_loop().time() + patience
    try:
        while True:
            try:
                await mongo.prepare()
                names = await postgres.migrate(load())
                break
            except StoreUnavailable as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                logger.warning("waiting: %s", error)
                await asyncio.sleep(1)
    finally:
        await mongo.close()
        await postgres.close()
    logger.info("schema is up to date: %s", ", ".join(names) or "nothing new")
