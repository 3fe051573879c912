"""The queue server for tests: as a process of its own, and in this one."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from pymemcache.client.base import Client

from examples.queue_server.server import QueueServer, Settings
from examples.queue_server.store import Store
from tests.servers.process import ServerProcess

__all__ = ["Raw", "Server", "new_store", "serving"]

ROOT = Path(__file__).resolve().parents[2]


class Server(ServerProcess):
    """`python -m examples.queue_server`."""

    name = "queue server"

    def __init__(self, *arguments: str) -> None:
        super().__init__(shared=False)
        self.queues = f"{self.folder}/queues"
        self._arguments = arguments

    def command(self) -> Sequence[str]:
        """Return the command line."""
        options = (f"--port={self.port}", f"--folder={self.queues}", *self._arguments)
        return (sys.executable, "-W", "error", "-m", "examples.queue_server", *options)

    def working_folder(self) -> str:
        """Return the project's."""
        return str(ROOT)

    @contextmanager
    def client(self, **options: Any) -> Iterator[Client]:
        """A client that wants every answer."""
        client = Client((self.host, self.port), default_noreply=False, timeout=60, **options)
        try:
            yield client
        finally:
            client.close()


def new_store(folder: Path | str, **options: Any) -> Store:
    """A store of some size."""
    settings: dict[str, Any] = {
        "max_bytes": 1 << 22,
        "max_queues": 100,
        "compact_at": 1 << 30,
        "failed": lambda: None,
    }
    return Store(str(folder), **(settings | options))


class Raw:
    """A connection that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def line(self) -> bytes:
        return await self._reader.readline()

    async def receive(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def ask(self, data: bytes, answer: bytes) -> None:
        """Send, and see that the answer is what was expected, and nothing but that."""
        self.send(data)
        self.send(b"version\r\n")
        received = b""
        while not received.endswith(b"\r\n") or b"VERSION" not in received.split(b"\r\n")[-2]:
            line = await self._reader.readline()
            if not line:
                break
            received += line
        assert received[: received.rfind(b"VERSION")] == answer

    async def rest(self) -> bytes:
        return await self._reader.read()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass


class Serving:
    """A server in this process."""

    def __init__(self, store: Store, server: QueueServer, port: int) -> None:
        self.store, self.server, self.port = store, server, port
        self._clients: list[Raw] = []

    async def connect(self) -> Raw:
        """One more client."""
        raw = Raw(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))
        self._clients.append(raw)
        return raw

    async def close(self) -> None:
        self.server.stop()
        await self.server.close()
        for client in self._clients:
            await client.close()


@asynccontextmanager
async def serving(store: Store, **settings: Any) -> AsyncIterator[Serving]:
    """Serve a store, and close it in the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = QueueServer(store, Settings(**settings))
    server.add_sockets([listener])
    running = Serving(store, server, listener.getsockname()[1])
    try:
        yield running
    finally:
        await running.close()
        await store.close()
