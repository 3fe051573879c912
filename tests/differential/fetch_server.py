"""A server for the fetches: one request a connection, its bytes noted, answered by path."""

from __future__ import annotations

import re
import socketserver
import threading
from types import TracebackType
from typing import Self

from tests.differential.fetch_cases import ANSWERS

__all__ = ["FetchServer"]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# What differs by nature, and says nothing of how a request is understood.
NOISE = ("connection", "user-agent", "accept-encoding")


class Handler(socketserver.StreamRequestHandler):
    """Answers one request."""

    server: FetchServer

    def handle(self) -> None:
        """Reads, notes, answers, closes."""
        try:
            self._handle()
        except OSError:
            # The client has gone: some cases are about that.
            pass

    def _handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.rfile.read(1)
            if not byte:
                return
            head += byte
        line, *lines = head[:-4].decode("latin-1").split("\r\n")
        fields = sorted(
            (name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in lines)
        )
        known = dict(fields)
        body = b""
        if known.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        elif "content-length" in known:
            body = self.rfile.read(int(known["content-length"]))
        path = re.split("[?;]", line.split(" ")[1])[0]
        said = [pair for pair in fields if pair[0] not in NOISE]
        port = str(self.server.server_address[1])
        self.server.seen.append(repr((line, said, body.decode("latin-1"))).replace(port, "PORT"))
        if path == "/silence":
            self.rfile.read(1)
            return
        self.wfile.write(ANSWERS.get(path, OK).replace(b"PORT", port.encode()))


class FetchServer(socketserver.ThreadingTCPServer):
    """The server; ``seen`` are the requests, as text."""

    allow_reuse_address = True
    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
