"""A connection of the server on a fake transport, with a clock and an application that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from framework._http1.deadlines import Clock, Timed
from framework._http1.outbox import Outbox
from framework._http1.request import WireRequest
from framework._http1.server import Member, ServerConnection
from framework._http1.settings import ServerSettings
from framework.httputil import HTTPMessageDelegate
from tests.fakes import FakeTransport

__all__ = ["HOST", "ManualClock", "Peer", "Requests", "answer", "chunked", "get", "post"]

HOST = b"Host: x\r\n"


def get(path: bytes = b"/", *lines: bytes, version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    """A request without a body."""
    return (
        b"%b %b HTTP/%b\r\n" % (method, path, version) + HOST + b"".join(x + b"\r\n" for x in lines) + b"\r\n"
    )


def post(body: bytes, *lines: bytes, path: bytes = b"/") -> bytes:
    """A request with a body of a length."""
    return get(path, *lines, b"Content-Length: %d" % len(body), method=b"POST") + body


def chunked(*chunks: bytes, path: bytes = b"/", trailer: bytes = b"") -> bytes:
    """A request with a body in chunks."""
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return get(path, b"Transfer-Encoding: chunked", method=b"POST") + framed + b"0\r\n" + trailer + b"\r\n"


def answer(body: bytes) -> bytes:
    """What `Requests` answers with."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class ManualClock(Clock):
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.interval = 1.0
        self.now = 1000.0
        self.members: set[Timed] = set()

    def add(self, member: Timed) -> None:
        """Looks at a member from now on."""
        self.members.add(member)

    def discard(self, member: Timed) -> None:
        """Forgets a member."""
        self.members.discard(member)

    def advance(self, seconds: float) -> None:
        """Lets time go by, in steps of the interval."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.5
            for member in [member for member in self.members if member.deadline <= self.now]:
                member.deadline_passed()


class Requests:
    """A service that notes what it gets and answers with the path and the body, or does as it is told."""

    def __init__(
        self,
        serve: Callable[[WireRequest], None] | None = None,
        open: Callable[[WireRequest], HTTPMessageDelegate | None] | None = None,
    ) -> None:
        self.streaming = open is not None
        self._serve = serve
        self._open = open
        self.done = asyncio.get_running_loop().create_future()
        self.done.set_result(None)
        self.seen: list[WireRequest] = []
        self.lost: list[ServerConnection] = []

    @property
    def paths(self) -> list[str]:
        """Method and target of what was served."""
        return [f"{request.method} {request.uri}" for request in self.seen]

    def open(self, request: WireRequest) -> HTTPMessageDelegate | None:
        """As told."""
        return None if self._open is None else self._open(request)

    def serve(self, request: WireRequest) -> None:
        """As told, or at once."""
        self.seen.append(request)
        (self._serve or self.respond)(request)

    def respond(self, request: WireRequest, body: bytes | None = None) -> None:
        """Answers."""
        if body is None:
            body = request.path.encode() + request.body
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
        request._wire.respond(request, head, body)

    def closed(self, connection: ServerConnection) -> None:
        """Notes it."""
        self.lost.append(connection)


class Peer:
    """The client's side: what it sends and what it gets."""

    def __init__(
        self,
        service: Any = None,
        *,
        transport: FakeTransport | None = None,
        connections: set[Member] | None = None,
        **settings: Any,
    ) -> None:
        self.service = service or Requests()
        self.clock = ManualClock()
        self.connections = set() if connections is None else connections
        self.outbox = Outbox(asyncio.get_running_loop())
        self.connection = ServerConnection(
            self.service,
            ServerSettings(**settings),
            self.clock,
            self.connections,
            asyncio.get_running_loop(),
            self.outbox,
        )
        self.transport = transport or FakeTransport()
        self.transport.before_look = self.outbox.flush
        self.transport.set_protocol(self.connection)
        self.transport.connect()

    def send(self, *pieces: bytes) -> bytes:
        """Sends pieces as far as the server reads, and returns what came back."""
        for piece in pieces:
            if not self.transport.is_reading():
                break
            self.transport.feed(piece)
            self.outbox.flush()
        return self.transport.take()

    async def settle(self) -> bytes:
        """Lets the loop do what is due, and returns what came back."""
        for _ in range(20):
            await asyncio.sleep(0)
        return self.transport.take()

    @property
    def state(self) -> str:
        """How the connection is: open, half closed, closed or aborted."""
        if self.transport.aborted:
            return "aborted"
        if self.transport.is_closing():
            return "closed"
        return "half closed" if self.transport.eof_written else "open"

    @property
    def refused(self) -> int | None:
        """The status of the last response since the last look, if it is one of the server's own."""
        last = self.transport.take().rpartition(b"HTTP/1.1 ")[2]
        head, _, body = last.partition(b"\r\n\r\n")
        status = int(last[:3]) if last else 0
        if b"Connection: close" not in head.split(b"\r\n") or not body.startswith(b"%d: " % status):
            return None
        if b"Content-Length: %d" % len(body) not in head.split(b"\r\n"):
            raise AssertionError(f"not a complete response: {last!r}")
        return status
