"""A server on a real socket, and clients that speak bytes to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest_asyncio

from framework.httpserver import HTTPServer
from framework.httputil import HTTPServerRequest
from framework.netutil import bind_sockets
from framework.web import Application, RequestHandler, stream_request_body
from tests._http1.wire import WireClient


class State:
    """What the handlers have seen, and what they wait for."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.release = asyncio.Event()
        self.received = 0
        self.written = 0
        self.closed = 0


class Handler(RequestHandler):
    """Keeps a list of what was asked."""

    def initialize(self, state: State) -> None:
        """Remember where to note things."""
        self.state = state

    def prepare(self) -> None:
        """Note the request."""
        self.state.seen.append(f"{self.request.method} {self.request.uri}")

    def compute_etag(self) -> str | None:
        """Leave the header short."""
        return None


class Hello(Handler):
    """Answers at once."""

    def get(self) -> None:
        """Say what was asked for."""
        self.write(f"hello {self.request.uri}")

    head = get

    def post(self) -> None:
        """Send the body back."""
        self.write(self.request.body)


class Status(Handler):
    """Answers with a status and no body."""

    def get(self, status: str) -> None:
        """Set the status."""
        self.set_status(int(status))

    head = get


class Wait(Handler):
    """Answers when the test says so."""

    async def get(self) -> None:
        """Wait for the test."""
        await self.state.release.wait()
        self.write(f"waited {self.request.uri}")

    post = get

    def on_connection_close(self) -> None:
        """Note that the client went away."""
        self.state.closed += 1


class Pieces(Handler):
    """Answers in three pieces."""

    async def get(self) -> None:
        """Write and flush."""
        for piece in (b"one", b"", b"three"):
            self.write(piece)
            await self.flush()
        self.write(b"end")

    head = get


class Flood(Handler):
    """Writes a lot, waiting for the client to take it."""

    async def get(self, megabytes: str) -> None:
        """Write megabytes."""
        chunk = b"x" * 65536
        for _ in range(int(megabytes) * 16):
            self.write(chunk)
            await self.flush()
            self.state.written += len(chunk)


visited: ContextVar[str] = ContextVar("visited", default="nothing")


class Plain(Handler):
    """Says what the context variable was, and sets it, in a plain method."""

    def get(self) -> None:
        """Answer with the variable's value."""
        self.write(visited.get())
        visited.set(self.request.uri or "")


class Waiting(Handler):
    """The same in one that waits, and in `prepare`."""

    def prepare(self) -> None:
        """Set the variable."""
        self.before = visited.get()
        visited.set(f"prepared {self.request.uri}")

    async def get(self) -> None:
        """Answer with both values."""
        await asyncio.sleep(0)
        self.write(f"{self.before}, {visited.get()}")
        visited.set(self.request.uri or "")


@stream_request_body
class Upload(Handler):
    """Takes a body in pieces, each only when the test says so."""

    async def data_received(self, chunk: bytes) -> None:
        """Count, and wait."""
        self.state.received += len(chunk)
        await self.state.release.wait()

    def post(self) -> None:
        """Say how much there was."""
        self.write(str(self.state.received))


class Server:
    """A server, what its handlers have seen, and connections to it."""

    def __init__(self, http_server: HTTPServer, port: int, state: State) -> None:
        self.http_server = http_server
        self.port = port
        self.state = state
        self._clients: list[WireClient] = []

    async def connect(self) -> WireClient:
        """Open a connection that the fixture closes."""
        client = await WireClient.connect(self.port)
        self._clients.append(client)
        return client

    async def ask(self, *pieces: bytes, method: str = "GET") -> Any:
        """Send on a connection of its own and return the response."""
        async with await WireClient.connect(self.port) as client:
            return await client.ask(*pieces, method=method)

    async def close(self) -> None:
        """Stop listening, close every connection."""
        self.state.release.set()
        self.http_server.stop()
        for client in self._clients:
            await client.close()
        await self.http_server.close_all_connections()


Serve = Callable[..., Awaitable[Server]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """A function that starts a server with the settings given."""
    servers: list[Server] = []

    async def start(callback: Callable[[HTTPServerRequest], None] | None = None, **settings: Any) -> Server:
        state = State()
        arguments = {"state": state}
        application = Application(
            [
                (r"/status/([0-9]+)", Status, arguments),
                (r"/wait.*", Wait, arguments),
                (r"/pieces", Pieces, arguments),
                (r"/flood/([0-9]+)", Flood, arguments),
                (r"/upload", Upload, arguments),
                (r"/plain/.*", Plain, arguments),
                (r"/later/.*", Waiting, arguments),
                (r".*", Hello, arguments),
            ],
            log_function=lambda handler: None,
        )
        http_server = HTTPServer(callback or application, **settings)
        (socket,) = bind_sockets(0, "127.0.0.1")
        http_server.add_sockets([socket])
        servers.append(Server(http_server, socket.getsockname()[1], state))
        return servers[-1]

    yield start
    for server in servers:
        await server.close()


@pytest_asyncio.fixture
async def server(serve: Serve) -> Server:
    """A server with the settings that are the default."""
    return await serve()
