"""What every application serves alike: texts, rows, names. The peers import it: standard library only."""

from __future__ import annotations

HELLO = "Hello, world!"
HTML = "text/html; charset=UTF-8"
TEXT = "text/plain; charset=utf-8"

#: Servers that give a connection less time between two requests are told to give this much.
IDLE_SECONDS = 600

#: A key for signed cookies; it guards nothing.
SECRET = "a key that is known to everybody and guards nothing at all"

#: How many routes the workload `routes` has, each of the form `/section17/item/<id>`.
ROUTES = 1000
#: And `routes_10`, to compare.
FEW_ROUTES = 10


def route_numbers(workload: str) -> range:
    """The numbers of the routes that a workload is served with, beside the few that all have."""
    return range({"routes": ROUTES, "routes_10": FEW_ROUTES}.get(workload, 0))


def route(number: int) -> str:
    """The part of a route's path that tells it from the others."""
    return f"/section{number}/item/"


#: The messages of the WebSockets.
SHORT = b"a message of 32 bytes, sent back"
LONG = bytes(range(256)) * 256

#: A table of rows with something to escape in each.
ROWS = [
    {"id": number, "name": f"name {number} <b>&</b>", "price": number * 1.25, "note": '"quoted" & <marked>'}
    for number in range(1000)
]
