"""This project's `IOStream`."""

from __future__ import annotations

from benchmarks.peers import options
from framework.ioloop import IOLoop
from framework.iostream import IOStream, StreamClosedError
from framework.tcpserver import TCPServer


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
