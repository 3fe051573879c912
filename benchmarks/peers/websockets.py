"""websockets, on uvloop: see `benchmarks.sockets`."""

NAME = "websockets"
REQUIREMENTS = ["websockets", "uvloop"]
WORKLOADS = ["websocket", "websocket_64k", "websocket_broadcast", "websocket_idle"]
