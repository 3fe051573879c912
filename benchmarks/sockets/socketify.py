"""socketify's WebSockets: uWebSockets, in C++, which has publishing of its own."""

from __future__ import annotations

from typing import Any

from socketify import App

from benchmarks.peers import options


def send_back(socket: Any, message: Any, kind: Any) -> None:
    socket.send(message, kind)


def main() -> None:
    arguments = options()
    application = App()

    def come(socket: Any) -> None:
        socket.subscribe("everybody")

    def send_on(socket: Any, message: Any, kind: Any) -> None:
        application.publish("everybody", message, kind)

    limit = {"max_payload_length": 1 << 20, "idle_timeout": 0}
    application.ws("/echo", {**limit, "message": send_back})
    application.ws("/everybody", {**limit, "open": come, "message": send_on})
    application.listen({"port": arguments.port, "host": "127.0.0.1"}, lambda config: None)
    application.run()


if __name__ == "__main__":
    main()
