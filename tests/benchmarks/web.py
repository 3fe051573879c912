"""A small web server of the standard library, to ask and to load."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Serving", "running", "serve"]


class Handler(BaseHTTPRequestHandler):
    """`/hello`; `/visits`, which counts by a cookie; `/echo` by POST; `/once`, which ends the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/visits":
            number = int((self.headers["Cookie"] or "visits=0").partition("=")[2]) + 1
            self._answer(b"visit %d" % number, {"Set-Cookie": f"visits={number}; Path=/"})
        elif self.path == "/once":
            self._answer(b"once", {"Connection": "close"})
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
        else:
            self._answer(b"Hello, world!", {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"%d %s" % (len(body), body[:10]), {})

    def log_message(self, format: str, *args: object) -> None:
        """Keep silent."""

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200 if self.path != "/wrong" else 500)
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    # Its threads are waited for: those of connections that are kept end with them.
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes is nothing to tell of."""


@contextmanager
def running(server: socketserver.TCPServer) -> Iterator[int]:
    """Run a server in a thread, and give its port."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve, and give the port."""
    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with running(server) as port:
        yield port


class Serving(socketserver.ThreadingTCPServer):
    """A server of a handler of one's own; its threads are waited for."""

    daemon_threads = False

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
