"""Tornado's `IOStream`."""

from __future__ import annotations

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpserver import TCPServer

from benchmarks.peers import options


class Echo(TCPServer):
    async def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        try:
            while True:
                await stream.write(await stream.read_until(b"\n"))
        except StreamClosedError:
            pass


if __name__ == "__main__":
    server = Echo()
    server.listen(options().port, "127.0.0.1")
    IOLoop.current().start()
