"""Tornado's `WebSocketHandler`."""

from __future__ import annotations

from tornado.ioloop import IOLoop
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from benchmarks.peers import options


class Echo(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


class Everybody(WebSocketHandler):
    members: set[Everybody] = set()  # noqa: RUF012

    def open(self) -> None:
        self.members.add(self)

    def on_message(self, message: str | bytes) -> None:
        for member in self.members:
            member.write_message(message)

    def on_close(self) -> None:
        self.members.discard(self)


if __name__ == "__main__":
    application = Application([("/echo", Echo), ("/everybody", Everybody)], log_function=lambda handler: None)
    application.listen(options().port, "127.0.0.1")
    IOLoop.current().start()
