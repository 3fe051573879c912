"""The command line: `python -m examples.queue_server [--port=...] [--folder=...]`; `--help` lists the rest.

SIGTERM and SIGINT end the server in order, with status 0. It ends with 1 where the folder, the port or the
disk can't be used, and with 2 where an option is wrong.
"""

from __future__ import annotations

import logging
import signal
import sys

from examples.queue_server.records import LogError
from examples.queue_server.server import QueueServer, Settings
from examples.queue_server.store import Store
from framework.ioloop import IOLoop
from framework.locks import Event
from framework.netutil import bind_sockets
from framework.options import Error, define, options, parse_command_line

logger = logging.getLogger("queue_server")

MEBI = 1 << 20

define("port", default=11211, help="port to listen on; 0 for a free one")
define("address", default="127.0.0.1", help="address to listen on. Whoever reaches it may do everything")
define("folder", default="queues", help="where the log is kept")
define("reserve", default=False, help="connections reserve items from their beginning")
define("max-connections", default=1000, help="connections at the same time")
define("max-item", default=1, help="MiB of one item")
define("max-memory", default=256, help="MiB of all items")
define("max-queues", default=10000, help="queues that have items")
define("compact-at", default=64, help="MiB of the log from which it is rid of what is dead")
define("send-seconds", default=60.0, help="seconds for a client to take an answer")


async def serve() -> int:
    """Serves until a signal comes or the disk fails; the exit status."""
    loop = IOLoop.current()
    stop = Event()
    store = Store(
        options.folder,
        max_bytes=options.max_memory * MEBI,
        max_queues=options.max_queues,
        compact_at=options.compact_at * MEBI,
        failed=stop.set,
    )
    try:
        try:
            sockets = bind_sockets(options.port, options.address)
        except OSError as error:
            logger.error("can't listen on port %d of %s: %s", options.port, options.address, error)
            return 1
        server = QueueServer(
            store,
            Settings(
                max_connections=options.max_connections,
                max_value=options.max_item * MEBI,
                send_seconds=options.send_seconds,
                reserving=options.reserve,
            ),
        )
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal(signum, stop.set)
        server.add_sockets(sockets)
        logger.info(
            "%d items in %s; serving on port %d",
            len(store.queues),
            options.folder,
            sockets[0].getsockname()[1],
        )
        await stop.wait()
        server.stop()
        await server.close()
    finally:
        await store.close()
    return 1 if store.log.failed else 0


def main() -> int:
    """Runs the program; the exit status."""
    try:
        parse_command_line()
    except Error as error:
        print(f"queue_server: {error}", file=sys.stderr)
        return 2
    try:
        status: int = IOLoop.current().run_sync(serve)
        return status
    except LogError as error:
        logger.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
