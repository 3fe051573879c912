"""The connections: bytes from a stream to its session, and the answers back."""

from __future__ import annotations

import asyncio
import datetime
import logging
import socket
from dataclasses import dataclass
from typing import Any

from examples.queue_server import protocol
from examples.queue_server.protocol import Parser
from examples.queue_server.records import LogError
from examples.queue_server.session import Counters, Session
from examples.queue_server.store import Store
from framework import gen
from framework.iostream import IOStream, StreamClosedError
from framework.locks import Condition
from framework.tcpserver import TCPServer

__all__ = ["QueueServer", "Settings"]

# What is read at once, and how much of answers is put together for one write.
CHUNK = 65536

logger = logging.getLogger("queue_server")


@dataclass(slots=True, frozen=True)
class Settings:
    """What concerns the connections.

    :arg max_connections: more are told so and closed.
    :arg max_value: bytes of an item.
    :arg send_seconds: for a client to take an answer of up to 64 KiB, or one item; it is dropped after that.
    :arg reserving: connections reserve from their beginning.
    """

    max_connections: int = 1000
    max_value: int = 1 << 20
    send_seconds: float = 60.0
    reserving: bool = False


class QueueServer(TCPServer):
    """Serves a store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(read_chunk_size=CHUNK, max_buffer_size=2 * CHUNK)
        self.counters = Counters()
        self._store = store
        self._settings = settings
        self._patience = datetime.timedelta(seconds=settings.send_seconds)
        self._streams: set[IOStream] = set()
        self._gone = Condition()

    async def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Talks with one client until it goes."""
        if len(self._streams) >= self._settings.max_connections:
            _last_words(stream, "too many open connections")
            return
        # A client whose machine has died keeps what it has reserved until that is noticed.
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        stream.set_nodelay(True)
        self._streams.add(stream)
        session = Session(self._store, self.counters, self._settings.reserving)
        try:
            await self._talk(stream, session)
        except StreamClosedError:
            pass
        except gen.TimeoutError:
            logger.info("%s doesn't take its answers; closed", address[0])
        except LogError as error:
            _last_words(stream, str(error))
        finally:
            stream.close()
            session.close()
            self._streams.discard(stream)
            self._gone.notify_all()

    async def _talk(self, stream: IOStream, session: Session) -> None:
        parser = Parser(self._settings.max_value)
        answers = bytearray()
        while not session.ended:
            parser.feed(await stream.read_bytes(CHUNK, partial=True))
            while not session.ended and (command := parser.next()) is not None:
                for answer in session.execute(command):
                    answers += answer
                    if len(answers) >= CHUNK:
                        await self._deliver(stream, session, answers)
            await self._deliver(stream, session, answers)
            # What a client sends faster than it is carried out is always there to be read: the others want a turn, too.
            await asyncio.sleep(0)

    async def _deliver(self, stream: IOStream, session: Session, answers: bytearray) -> None:
        """Sends answers, once what they tell of is on disk."""
        if session.changed:
            session.changed = False
            await self._store.synced()
        if answers:
            sending = bytes(answers)
            answers.clear()
            written = stream.write(sending)
            if not written.done():
                await gen.with_timeout(self._patience, written, quiet_exceptions=StreamClosedError)
        session.sent()

    async def close(self) -> None:
        """Ends all connections and returns when they have ended. `stop` should come first."""
        for stream in list(self._streams):
            stream.close()
        while self._streams:
            await self._gone.wait()


def _last_words(stream: IOStream, text: str) -> None:
    try:
        # Goes out at once, unless the client doesn't read anyway.
        stream.write(protocol.server_error(text))
    except StreamClosedError:
        pass
    stream.close()
